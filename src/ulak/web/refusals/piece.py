"""The pages: a field for an id at `/why`, and what is behind it at `/why/ID`.

The link in a reply has no language in it. There the browser says which one is wanted; behind a
language (`/en/why/ID`, too, which other pages do not have) the address does. What is unknown, too
old, or was never there is answered in one and the same way.
"""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ulak.language import FALLBACK
from ulak.replies.refusal import read_id
from ulak.web.addresses import localized
from ulak.web.application import Piece
from ulak.web.page import language_of, render, site_of
from ulak.web.preferred import preferred
from ulak.web.refusals.ports import Why
from ulak.web.refusals.view import now, view
from ulak.web.words import say

_PLACE = "/why"
_HEADERS = {"cache-control": "no-store"}
_POST, _NOT_FOUND = "POST", 404


def piece(why: Why) -> Piece:
    """Make the pages."""
    one = Route(f"{_PLACE}/{{id}}", partial(_one, why), methods=["GET", _POST])
    english = Route(f"/{FALLBACK}{one.path}", partial(_one, why), methods=["GET", _POST])
    return Piece(
        "why",
        pages=[
            Route(_PLACE, partial(_ask, why), methods=["GET"]),
            Route(f"{_PLACE}/", _without_slash, methods=["GET"]),
            one,
        ],
        bare=[english],
        bodies={_PLACE: 1024},
        sections=("why",),
    )


async def _ask(why: Why, request: Request) -> Response:
    """Show the field for an id, or lead to what was put into it."""
    given = request.query_params.get("id", "")
    language = language_of(request)
    if given:
        why.requests.count(request)
        if identifier := read_id(given):
            where = localized(f"{_PLACE}/{identifier}", language)
            if language == FALLBACK:  # who chose English has chosen
                where = f"/{FALLBACK}{where}"
            return RedirectResponse(where, 303, _HEADERS)
    return render(
        request,
        "why-ask.html",
        title=say(language, "refusals.ask.title"),
        description=say(language, "refusals.ask.description"),
        section="why",
        given=given[:200],
        status=200 if not given else 400,
        headers=_HEADERS if given else None,
    )


async def _without_slash(request: Request) -> Response:
    return RedirectResponse(localized(_PLACE, language_of(request)), 308)


async def _one(why: Why, request: Request) -> Response:
    why.requests.count(request)
    headers = _choose_language(request)
    identifier = read_id(request.path_params["id"])
    seen = await why.find(identifier) if identifier else None
    language = language_of(request)
    request.scope["ulak.path"] = f"{_PLACE}/{seen.id}" if seen is not None else _PLACE
    if seen is None:
        return render(
            request,
            "why-unknown.html",
            title=say(language, "refusals.unknown.title"),
            section="why",
            status=_NOT_FOUND,
            headers=headers,
            index=False,
            alternates=False,
            given="",
            here="",
            unsure=why.unsure(),
        )
    shown, found, late = view(seen, language), None, False
    may_check = shown.checkable == "yes" and not why.checks.never
    if request.method == _POST and may_check:
        why.checks.count(request)
        made = await why.check(seen)
        found, late = (now(made, language), False) if made is not None else (None, True)
    return render(
        request,
        "why.html",
        title=shown.title or say(language, "refusals.title"),
        section="why",
        headers=headers,
        index=False,
        alternates=False,
        here=f"{_PLACE}/{shown.id}",
        shown=shown,
        may_check=may_check,
        now=found,
        late=late,
        known_causes="causes" in site_of(request).sections,
    )


def _choose_language(request: Request) -> dict[str, str]:
    """Take the browser's language where the address has none; give the headers of the answer."""
    path = request.url.path
    if not path.startswith(f"{_PLACE}/"):
        return dict(_HEADERS)
    accepted = ",".join(request.headers.getlist("accept-language"))
    request.scope["ulak.language"] = preferred(accepted, site_of(request).languages)
    return {**_HEADERS, "vary": "Accept-Language"}
