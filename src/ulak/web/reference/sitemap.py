"""What search engines are told: every page in every language, and where they need not look.

Pairs are told of where they are worth a place in a list (`pairs.listed`); all others, eighty
thousand in each language, are found by who looks for them. The form is that of sitemaps.org, in
files of a bounded size that an index names.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from html import escape

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ulak.language import FALLBACK
from ulak.web.addresses import localized
from ulak.web.page import site_of
from ulak.web.reference import keys, pairs
from ulak.web.site import Site

_MOST = 500  # paths in a file; each stands there once for each language
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_XHTML = 'xmlns:xhtml="http://www.w3.org/1999/xhtml"'
_LISTS = ("/", "/codes", "/causes", "/compare")


@cache
def paths() -> tuple[str, ...]:
    """Give the path of every page that is told of, without its language."""
    places = (keys.pair_place(*pair) for pair in sorted(pairs.listed(), key=keys.pair_rank))
    return (*_LISTS, *map(keys.place, keys.every()), *places)


def names() -> tuple[str, ...]:
    """Give the path of every file but the index."""
    return tuple(f"/sitemap/{number}.xml" for number in range(1, -(-len(paths()) // _MOST) + 1))


def file(site: Site, name: str) -> str | None:
    """Write the file at a path for a site that knows its address; None where there is none."""
    if name == "/sitemap.xml":
        rows = "".join(f"<sitemap><loc>{escape(site.base + n)}</loc></sitemap>\n" for n in names())
        return f"{_HEAD}<sitemapindex {_SPACE}>\n{rows}</sitemapindex>\n"
    if name not in names():
        return None
    at = names().index(name) * _MOST
    rows = "".join(_rows(paths()[at : at + _MOST], site))
    return f"{_HEAD}<urlset {_SPACE} {_XHTML}>\n{rows}</urlset>\n"


def _rows(part: tuple[str, ...], site: Site) -> Iterator[str]:
    for path in part:
        there = {one: escape(site.base + localized(path, one)) for one in site.languages}
        others = "".join(
            f'<xhtml:link rel="alternate" hreflang="{name}" href="{address}"/>'
            for name, address in (*there.items(), ("x-default", there[FALLBACK]))
        )
        for address in there.values():
            yield f"<url><loc>{address}</loc>{others}</url>\n"


def robots(site: Site) -> str:
    """Say where a robot need not look: what a search finds is told of by itself."""
    places = [localized("/search", language) for language in site.languages]
    lines = ["User-agent: *", *(f"Disallow: {place}" for place in places)]
    if site.base:
        lines += ["", f"Sitemap: {site.base}/sitemap.xml"]
    return "\n".join(lines) + "\n"


async def sitemap(request: Request) -> Response:
    """Answer with a file of the sitemap; there is none where nobody has said the address."""
    site = site_of(request)
    found = file(site, request.url.path) if site.base else None
    if found is None:
        raise HTTPException(404)
    return Response(found, media_type="application/xml")


async def robots_file(request: Request) -> Response:
    """Answer with robots.txt."""
    return PlainTextResponse(robots(site_of(request)))
