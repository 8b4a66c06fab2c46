"""One code, cause or reply with all that is known about it: half of a comparison, or a page."""

from __future__ import annotations

from ulak.replies.sides.finding import UnknownReplyError, order, side
from ulak.replies.sides.page import blocks_of, page_of
from ulak.replies.sides.saying import stage_list
from ulak.replies.sides.side import Provider, Related, Side

__all__ = [
    "Provider",
    "Related",
    "Side",
    "UnknownReplyError",
    "blocks_of",
    "order",
    "page_of",
    "side",
    "stage_list",
]
