"""The reference: what every code and cause means, and what tells two of them apart.

Every page is the same for everybody, so it is made once in each language and kept as octets.
"""

from __future__ import annotations

from starlette.routing import Route

from ulak.web.application import Piece
from ulak.web.reference import pages
from ulak.web.reference.kept import Kept, Maker, Shelf

__all__ = ["piece"]


def piece() -> Piece:
    """Give the part of the site that is the reference."""
    shelf = Shelf()

    def kept(path: str, maker: Maker) -> Route:
        return Route(path, Kept(shelf, maker), methods=["GET"])

    return Piece(
        "reference",
        pages=[
            kept("/codes", pages.codes),
            kept("/codes/{key}", pages.code),
            kept("/causes", pages.causes),
            kept("/causes/{key}", pages.cause),
            kept("/compare/{pair}", pages.pair),
            Route("/compare", pages.compare_form, methods=["GET"]),
        ],
        sections=("codes", "causes", "compare"),
    )
