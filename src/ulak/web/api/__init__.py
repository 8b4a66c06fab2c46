"""The API: `/api/v1/…`, for programs, and the page that describes it."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ulak.accounts.access import SCOPES
from ulak.web.api import reference
from ulak.web.api.checking import operations as checking
from ulak.web.api.description import PLACE
from ulak.web.api.operating import operations as operating
from ulak.web.api.operation import Operation
from ulak.web.api.ports import Ports, Tokens
from ulak.web.api.refusals import operations as refusals
from ulak.web.api.reports import operations as reports
from ulak.web.api.sending import operations as sending
from ulak.web.api.serving import routes
from ulak.web.api.streaming import operations as streaming
from ulak.web.api.suppressing import operations as suppressing
from ulak.web.application import Piece
from ulak.web.page import language_of, render, site_of
from ulak.web.site import Incident
from ulak.web.words import say

__all__ = ["PLACE", "Operation", "Ports", "Tokens", "checking", "operations", "piece", "refusals"]


def operations(ports: Ports) -> tuple[Operation, ...]:
    """Give every operation that there is with these ports."""
    server = ports.server
    return (
        *reference.OPERATIONS,
        *((*operating(server), *reports(server)) if server else ()),
        *(suppressing(ports.suppressions, ports) if ports.suppressions else ()),
        *(sending(ports.post, server) if ports.post else ()),
        *(streaming(ports.events, ports) if ports.events else ()),
    )


def piece(ports: Ports, incident: Incident, more: Sequence[Operation] = ()) -> Piece:
    """Make the API, and its page in each language. `more` are operations of other pieces."""
    every = (*operations(ports), *more)

    async def page(request: Request) -> Response:
        language = language_of(request)
        return render(
            request,
            "api.html",
            title=say(language, "api.title"),
            description=say(language, "api.summary"),
            section="api",
            operations=every,
            place=f"{site_of(request).base}{PLACE}",
            scopes=SCOPES if ports.server is not None else (),
        )

    bodies = {one.path: one.body.most for one in every if one.body is not None}
    return Piece(
        "api",
        pages=[Route("/api", page, methods=["GET"])],
        bare=routes(every, ports, incident),
        bodies={PLACE + path.partition("{")[0]: most for path, most in bodies.items()},
        sections=("api",),
    )
