"""Where the pages of the reference are."""

from __future__ import annotations

from starlette.routing import Route

from ulak.web.application import Piece
from ulak.web.reference import pages, searching, sitemap
from ulak.web.reference.kept import Kept, Maker, Shelf
from ulak.web.reference.packing import packing


def piece() -> Piece:
    """Give the part of the site that is the reference."""
    shelf = Shelf()

    def kept(path: str, maker: Maker) -> Route:
        return Route(path, Kept(shelf, maker), methods=["GET"])

    return Piece(
        "reference",
        pages=[
            kept("/", searching.home),
            kept("/codes", pages.codes),
            kept("/codes/{key}", pages.code),
            kept("/causes", pages.causes),
            kept("/causes/{key}", pages.cause),
            kept("/compare/{pair}", pages.pair),
            Route("/compare", packing(pages.compare_form), methods=["GET"]),
            Route("/search", packing(searching.search), methods=["GET"]),
            Route("/search/found", packing(searching.as_typed), methods=["GET"]),
            *(
                Route(f"/{section}/{{rest:path}}", pages.elsewhere, methods=["GET"])
                for section in ("codes", "causes", "compare", "search")
            ),
        ],
        bare=[
            kept("/robots.txt", sitemap.robots_file),
            kept("/sitemap.xml", sitemap.sitemap),
            kept("/sitemap/{file}", sitemap.sitemap),
        ],
        sections=("codes", "causes", "compare"),
    )
