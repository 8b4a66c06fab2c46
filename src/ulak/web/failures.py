"""Pages for what was not found, not allowed, or went wrong inside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ulak.web.full import FullError
from ulak.web.page import language_of, render
from ulak.web.site import Incident
from ulak.web.words import has, say

_CLIENT, _INSIDE = 400, 500


async def refused(request: Request, error: Exception) -> Response:
    """Answer a request that cannot be fulfilled, with a page that says why and what to do."""
    status = error.status_code if isinstance(error, HTTPException) else _CLIENT
    headers = error.headers if isinstance(error, HTTPException) else None
    of = error.of if isinstance(error, FullError) else ""
    return page(request, status, of=of, headers=dict(headers or {}))


async def gone(_request: Request, _error: Exception) -> Response:
    """Answer a client that has gone before it had sent all: nobody hears it, and nothing failed."""
    return Response(status_code=_CLIENT)


def failed(incident: Incident) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Make what answers where something went wrong inside: an id, and never the error's text."""

    async def answer(request: Request, error: Exception) -> Response:
        return page(request, _INSIDE, incident=incident(error))

    return answer


def page(
    request: Request,
    status: int,
    *,
    of: str = "",
    incident: str = "",
    headers: dict[str, str] | None = None,
) -> Response:
    """Make the page of a status. `of` is what has all been given out."""
    language = language_of(request)
    name = f"frame.failure.{status}-{of}" if of else f"frame.failure.{status}"
    if not has(language, f"{name}.title"):
        name = f"frame.failure.{_INSIDE if status >= _INSIDE else _CLIENT}"
    if request.scope["path"].startswith("/api/"):
        told = {
            "type": "about:blank",  # RFC 9457 §4.2.1: the status says it all
            "title": say(language, f"{name}.title"),
            "status": status,
            "detail": say(language, f"{name}.means"),
        }
        return JSONResponse(told, status, headers, "application/problem+json")
    return render(
        request,
        "failure.html",
        title=say(language, f"{name}.title"),
        status=status,
        headers={"cache-control": "no-store", **(headers or {})},
        index=False,
        alternates=False,
        means=say(language, f"{name}.means"),
        code=status,
        incident=incident,
    )
