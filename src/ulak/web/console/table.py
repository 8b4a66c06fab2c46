"""The table of the console's pages, and the one place that lets somebody at them.

Every page is a row, and no row is reached but through here: who has not logged in is led to
the login, who may not act is told so, and what changes something shows the token of its form.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ulak.accounts.account import Role
from ulak.accounts.store import AccountsError
from ulak.journal.trace import JournalError
from ulak.web.addresses import localized
from ulak.web.console.cookies import shown
from ulak.web.console.desk import ROOT, Desk, Here, lead, visitor
from ulak.web.console.ports import OperationError
from ulak.web.console.returning import asked
from ulak.web.page import language_of, render
from ulak.web.words import say

Show = Callable[[Here], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the console, at `path` below /console (`""` is the console's own).

    `show` answers GET, `act` POST, by whoever's role covers `needs`; what only looks is for
    everybody with a role. `section`: navigation leads to it, under `console.section.<name>`.
    """

    path: str
    show: Show | None = None
    act: Show | None = None
    section: str = ""
    needs: Role = Role.ADMIN


def sections(places: Sequence[Place], order: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Give what navigation leads to, in order."""
    found = {place.section: place.path for place in places if place.section}
    return tuple((name, found[name]) for name in order if name in found)


def routes(desk: Desk, places: Sequence[Place]) -> list[Route]:
    """Make the routes of all places."""
    return [_route(desk, place) for place in places]


def _route(desk: Desk, place: Place) -> Route:
    async def answer(request: Request) -> Response:
        return closed(await _answer(desk, place, request))

    methods = [*(["GET"] if place.show else []), *(["POST"] if place.act else [])]
    return Route(f"{ROOT}{place.path}", answer, methods=methods)


def closed(response: Response) -> Response:
    """Let nobody keep a page of the console, but the one who asked for it."""
    response.headers["cache-control"] = "no-store"
    return response


async def _answer(desk: Desk, place: Place, request: Request) -> Response:
    try:
        here = await visitor(desk, request)
        if here is None:
            return _stranger(request)
        if request.method != "POST":
            assert place.show is not None  # noqa: S101 -- there is no such route otherwise
            return await place.show(here)
        assert place.act is not None  # noqa: S101 -- as above
        if not await shown(request, here.token):
            return refusal(request, "stale-form", 403)
        if not here.account.role.covers(place.needs):
            return refusal(request, "read-only", 403)
        return await place.act(here)
    except OperationError as error:
        return refusal(request, error.name, 503, **error.facts)
    except JournalError as error:
        return _trouble(request, error.sentence(language_of(request)), 503)
    except AccountsError as error:
        return refusal(request, "accounts", 503, path=error.where)


def _stranger(request: Request) -> Response:
    """Lead somebody to the login who is to come back here then."""
    if request.method not in ("GET", "HEAD") or "hx-request" in request.headers:
        return lead(request, "/login")
    if request.headers.get("sec-fetch-site") == "cross-site":
        # SameSite=Strict: a browser that comes from elsewhere does not tell whose it is, and
        # does so once it asks for the page again from here.
        return render(
            request,
            "console/again.html",
            title=say(language_of(request), "console.again.title"),
            index=False,
            target=login(request),
        )
    return RedirectResponse(login(request), 303)


def login(request: Request) -> str:
    """Give the address of the login, from where one comes back to this page."""
    query = asked(request)
    return localized(f"{ROOT}/login", language_of(request)) + (f"?{query}" if query else "")


def refusal(request: Request, name: str, status: int, **facts: str) -> Response:
    """Answer with a page that says why something is not done, and what to do."""
    return _trouble(request, say(language_of(request), f"console.trouble.{name}", **facts), status)


def _trouble(request: Request, means: str, status: int) -> Response:
    return render(
        request,
        "console/trouble.html",
        title=say(language_of(request), "console.trouble.title"),
        status=status,
        index=False,
        alternates=False,
        section="console",
        means=means,
    )
