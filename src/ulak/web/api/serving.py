"""Operations as routes: who may ask, how often, what is read of a request, how it is answered.

What is public may be read by the pages of any site (CORS); what needs a token may not, since a
token has no place in a browser.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ulak.accounts.access import AccessToken
from ulak.journal.deed import By
from ulak.language import FALLBACK, LANGUAGES
from ulak.web.api.description import PLACE, description
from ulak.web.api.operation import Call, Operation
from ulak.web.api.ports import Ports
from ulak.web.api.problem import Problem
from ulak.web.page import site_of
from ulak.web.site import Incident

_CORS = {"access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}
_PREFLIGHT = {
    **_CORS,
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "content-type",
    "access-control-max-age": "86400",
}
_BEARER = re.compile(
    r"Bearer +([A-Za-z0-9._~+/-]{1,200}=*) *", re.IGNORECASE | re.ASCII
)  # RFC 6750 §2.1
_LATEST = 3600  # seconds for which a browser may keep what is only knowledge

Endpoint = Callable[[Request], Awaitable[Response]]


def routes(operations: Sequence[Operation], ports: Ports, incident: Incident) -> list[Route]:
    """Make the routes of the API: each path once, with all of its methods."""
    by_path: dict[str, dict[str, Operation]] = {}
    for one in operations:
        by_path.setdefault(one.path, {})[one.method] = one
    made = [
        Route(PLACE + path, _Path(methods, ports, incident)) for path, methods in by_path.items()
    ]

    async def described(request: Request) -> Response:
        told = description(operations, site_of(request).base, _language(request))
        return JSONResponse(told, headers={**_CORS, "cache-control": "public, max-age=300"})

    made.append(Route(f"{PLACE}/openapi.json", described, methods=["GET"]))
    made.append(Route(f"{PLACE}{{rest:path}}", _Path({}, ports, incident)))
    return made


class _Path:
    """All operations at one path: an application of its own, so that it is asked by any method."""

    def __init__(
        self, operations: Mapping[str, Operation], ports: Ports, incident: Incident
    ) -> None:
        self._operations = operations
        self._ports = ports
        self._incident = incident

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        language = _language(request)
        public = any(not one.scope for one in self._operations.values())
        method = "GET" if request.method == "HEAD" else request.method
        if method == "OPTIONS" and public:
            return Response(status_code=204, headers=_PREFLIGHT)
        try:
            response = await self._do(self._operation(method), request, language)
        except Problem as problem:
            response = problem.answer(language)
        except HTTPException as error:
            response = _problem_of(error).answer(language)
        except Exception as error:  # noqa: BLE001 -- whoever asked is told of it, by its id
            response = Problem(500, "incident", id=self._incident(error)).answer(language)
        if public:
            response.headers.update(_CORS)
        return response

    def _operation(self, method: str) -> Operation:
        one = self._operations.get(method)
        if not self._operations:
            raise Problem(404, "no-such-operation")
        if one is None:
            allowed = ", ".join(sorted(self._operations))
            raise Problem(405, "no-such-method", {"allow": allowed})
        return one

    async def _do(self, one: Operation, request: Request, language: str) -> Response:
        ip = request.client.host if request.client else ""
        self._ports.count(request, one.weight)
        token = await self._allowed(one, request)
        by = By("" if token is None else token.name, "api", ip)
        call = Call(request, language, _values(one, request), by=by, token=token)
        if one.body is not None:
            call = await _with_body(one, request, call)
        told = await one.handler(call)
        if isinstance(told, Response):
            return told
        lasting = not (one.scope or one.fresh) and one.method == "GET"
        kept = f"public, max-age={_LATEST}" if lasting else "no-store"
        headers = {"cache-control": kept, "content-language": language}
        return JSONResponse(told, one.status, headers=headers)

    async def _allowed(self, one: Operation, request: Request) -> AccessToken | None:
        """Give what was shown by who asks, where something has to be. Raises Problem."""
        if not one.scope:
            return None
        given = _BEARER.fullmatch(request.headers.get("authorization", ""))
        tokens = self._ports.tokens
        token = await tokens.find(given[1]) if given and tokens is not None else None
        if token is None or (token.until and self._ports.clock() >= token.until):
            challenge = 'Bearer realm="ulak"' + (', error="invalid_token"' if given else "")
            raise Problem(401, "no-token", {"www-authenticate": challenge})
        if not token.allows(one.scope, self._ports.clock()):
            challenge = f'Bearer realm="ulak", error="insufficient_scope", scope="{one.scope}"'
            raise Problem(403, "scope", {"www-authenticate": challenge}, scope=one.scope)
        return token


def _problem_of(error: HTTPException) -> Problem:
    """Say what the guard says while a body is read, or who counts requests."""
    if error.status_code == 429:  # noqa: PLR2004 -- RFC 6585 §4
        wait = (error.headers or {}).get("retry-after", "60")
        return Problem(429, "too-many", {"retry-after": wait}, seconds=wait)
    if error.status_code == 413:  # noqa: PLR2004 -- RFC 9110 §15.5.14
        return Problem(413, "body-too-large")
    return Problem(503, "busy", {"retry-after": (error.headers or {}).get("retry-after", "20")})


def _language(request: Request) -> str:
    given = request.query_params.get("lang", FALLBACK)
    return given if given in LANGUAGES else FALLBACK


def _values(one: Operation, request: Request) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for each in one.parameters:
        if each.place == "path":
            given = [request.path_params[each.name]]
        elif each.place == "header":
            given = request.headers.getlist(each.name)
        else:
            given = request.query_params.getlist(each.name)
        values[each.name] = each.read(given)
    return values


async def _with_body(one: Operation, request: Request, call: Call) -> Call:
    content = one.body
    assert content is not None  # noqa: S101 -- asked before
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in content.kinds:
        raise Problem(415, "body-kind", kinds=", ".join(content.kinds))
    body = await request.body()
    if len(body) > content.most:
        raise Problem(413, "body-too-large")
    return replace(call, body=body, kind=kind)
