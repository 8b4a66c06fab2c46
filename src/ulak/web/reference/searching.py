"""The first page, and the search behind its field: as one types, or as a page of its own."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ulak.replies import texts
from ulak.web.addresses import localized
from ulak.web.page import fragment, language_of, render, site_of
from ulak.web.reference import describing, keys
from ulak.web.reference.finding import CAUSES, CODES, DETAILS, LONGEST, MOST, Found, find
from ulak.web.reference.pages import scripts, tools
from ulak.web.words import say

_ELSEWHERE = 303
_EXPLAIN = "explain"
PAIRS = (
    ("252", "554"), ("550", "554"), ("450", "451"), ("421", "451"), ("550", "553"),
    ("5.7.23", "5.7.26"), ("5.1.1", "5.2.1"), ("dkim-fail", "dmarc-reject"),
)  # fmt: skip


async def home(request: Request) -> Response:
    """Show the first page."""
    language = language_of(request)
    return render(
        request,
        "reference/home.html",
        title=say(language, "reference.home_title"),
        description=say(language, "reference.home_description"),
        scripts=scripts(site_of(request)),
        data=describing.of_site(site_of(request), language),
        codes=CODES,
        details=DETAILS,
        causes=CAUSES,
        pairs=PAIRS,
        numbers={
            "codes": len(keys.basic()),
            "enhanced": len(keys.enhanced()),
            "causes": len(keys.causes()),
        },
        **tools(request),
    )


async def search(request: Request) -> Response:
    """Show what was found; a key that was typed leads to its page, a whole reply to Explain."""
    language, site = language_of(request), site_of(request)
    found = await _found(request)
    if found.exact:
        return RedirectResponse(localized(keys.place(found.exact), language), _ELSEWHERE)
    if found.pair is not None:
        return RedirectResponse(localized(keys.pair_place(*found.pair), language), _ELSEWHERE)
    if found.reply is not None and _EXPLAIN in site.sections:
        there = f"{localized('/explain', language)}?reply={quote(found.asked, safe='')}"
        return RedirectResponse(there, _ELSEWHERE)
    name = say(language, "reference.search_title")
    if found.asked and found.reply is None:
        name = say(language, "reference.search_of", what=texts.safe(found.asked, 60))
    return render(
        request,
        "reference/search.html",
        title=name,
        description=say(language, "reference.home_description"),
        headers={"cache-control": "no-store"},
        index=False,
        scripts=scripts(site_of(request)),
        way=describing.crumbs(language, (say(language, "reference.search_title"), "/search")),
        **_shown(request, found),
        **tools(request),
    )


async def as_typed(request: Request) -> Response:
    """Give what was found so far, to be put below the field."""
    found = await _found(request)
    answer = fragment(request, "reference/found.html", **_shown(request, found), **tools(request))
    answer.headers["cache-control"] = "no-store"
    answer.headers["x-robots-tag"] = "noindex"
    return answer


async def _found(request: Request) -> Found:
    asked = request.query_params.get("q", "")[:LONGEST]
    return await run_in_threadpool(find, asked, language_of(request))


def _shown(request: Request, found: Found) -> dict[str, Any]:
    return {
        "found": found,
        "hits": found.hits[:MOST],
        "explains": _EXPLAIN in site_of(request).sections,
        "shown": texts.safe(found.asked, 300),
    }
