"""The application: pieces, each in every language, behind one guard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ulak.language import FALLBACK
from ulak.web import asset
from ulak.web.addresses import localized
from ulak.web.failures import failed, gone, refused
from ulak.web.guard import Guard
from ulak.web.page import language_of, render
from ulak.web.site import Incident, Site
from ulak.web.words import say


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the site.

    `pages` are there in each language; `bare` are at their own path alone, whatever the language
    (the API, a sitemap). `bodies` says below which path a request may bring how many octets.
    `private` are paths below which nothing is said in clear but to this machine.
    `section`: navigation leads to it, under the texts `frame.section.<name>`.
    """

    name: str
    pages: Sequence[BaseRoute] = ()
    bare: Sequence[BaseRoute] = ()
    bodies: Mapping[str, int] = field(default_factory=dict)
    private: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()


def application(site: Site, pieces: Sequence[Piece], incident: Incident) -> ASGIApp:
    """Make the application of a site.

    What goes wrong inside is given to `incident`, and the visitor gets the id that comes back.
    """
    sections = tuple(name for piece in pieces for name in piece.sections)
    site = replace(site, sections=sections)
    pages = [route for piece in pieces for route in piece.pages]
    if not any(isinstance(route, Route) and route.path == "/" for route in pages):
        pages.append(Route("/", _home, methods=["GET"]))
    routes: list[BaseRoute] = [*asset.routes()]
    routes += [route for piece in pieces for route in piece.bare]
    routes += [Route(f"/{FALLBACK}{{rest:path}}", _without_language, methods=["GET"])]
    for language in site.languages:
        if language != FALLBACK:
            routes += [Route(f"/{language}", _home_of, methods=["GET"])]
            routes += [Mount(f"/{language}", routes=pages)]
    routes += [Mount("", routes=pages)]
    bodies = {path: most for piece in pieces for path, most in piece.bodies.items()}
    inner = Starlette(
        routes=routes,
        exception_handlers={
            HTTPException: refused,
            ClientDisconnect: gone,
            Exception: failed(incident),
        },
    )
    inner.router.redirect_slashes = False
    private = [path for piece in pieces for path in piece.private]
    return Guard(_Sited(inner, site), site, bodies, private)


class _Sited:
    """Tells every request which site it is for, in which language, and for which page."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "/")
        language = path.split("/", 2)[1] if path.startswith("/") else ""
        if language == FALLBACK or language not in self._site.languages:
            language = FALLBACK
        else:
            path = path.removeprefix(f"/{language}") or "/"
        scope.update({"ulak.site": self._site, "ulak.language": language, "ulak.path": path})
        await self._app(scope, receive, send)


async def _home_of(request: Request) -> Response:
    return RedirectResponse(f"{request.url.path}/", 308)


async def _without_language(request: Request) -> Response:
    """Lead from `/en/…`, where nothing is, to the same page without it."""
    rest = request.path_params["rest"]
    if rest and not rest.startswith("/"):
        raise HTTPException(404)
    return RedirectResponse(localized(rest or "/", FALLBACK), 308)


async def _home(request: Request) -> Response:
    """Give the first page where no piece has one."""
    language = language_of(request)
    return render(
        request,
        "home.html",
        title=say(language, "frame.name"),
        description=say(language, "frame.description"),
    )
