"""The site, put together: which pieces it has, and what each is given."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from starlette.types import ASGIApp

from ulak.app.web import tools
from ulak.app.web.api import api_of
from ulak.app.web.console import console_of
from ulak.app.web.parts import WebParts
from ulak.app.web.refusals import why_piece
from ulak.app.web.site import site_of
from ulak.web import reference
from ulak.web.application import Piece, application

Maker = Callable[[WebParts], Piece | None]
"""Makes a piece of what the process has, or None where the configuration wants none."""


def _reference(_: WebParts) -> Piece:
    return reference.piece()


PIECES: MappingProxyType[str, Maker] = MappingProxyType(
    {
        "reference": _reference,
        "tools": tools.made,
        "why": why_piece,
        "api": api_of,
        "console": console_of,
    }
)
"""All pieces, in the order in which navigation shows them."""


def composed(parts: WebParts) -> ASGIApp:
    """Make the application with all that the configuration wants."""
    made = [piece for make in PIECES.values() if (piece := make(parts)) is not None]
    return application(site_of(parts.config), made, parts.incident)
