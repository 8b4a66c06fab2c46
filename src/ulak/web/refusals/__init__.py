"""Why: the page behind the id that a refusal carries, for whoever was refused."""

from ulak.web.refusals.piece import piece
from ulak.web.refusals.ports import Check, Find, Why

__all__ = ["Check", "Find", "Why", "piece"]
