"""What every request has to pass, and what every answer carries.

A page here runs only the scripts that it came with, is shown in nobody's frame, talks to no
other host, and its forms are sent to no other site (CSP level 3). A request has to ask for a
name that is ours (against rebinding of names), and one that changes something has to come from
our own pages; what it brings is bounded before anything reads it. What is for an operator's eyes
is spoken of in clear with nobody but this machine, and no token is taken so: others may have it
by now.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ulak.language.case import lower
from ulak.web.clear import in_clear
from ulak.web.failures import page
from ulak.web.full import BODIES, FullError
from ulak.web.site import Site

_LARGEST = 64 * 1024  # octets of a body, where no piece says otherwise
_MEMORY = 64 * 1024 * 1024  # octets of all bodies together
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 §9.2.1
_ODD = re.compile(r"[\x00-\x20\x7f\\]|//|/\.{1,2}(?:/|$)")
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_IN_CLEAR = 426  # RFC 9110 §15.5.22
_TRANSPORT = "max-age=31536000"  # RFC 6797 §6.1.1: over TLS alone


@dataclass(slots=True)
class _Held:
    """How many octets of bodies are with requests under way."""

    octets: int = 0


class _Body:
    """What one request brings: `most` octets, and as much of it as all of them may hold."""

    __slots__ = ("_came", "_held", "_most", "_receive")

    def __init__(self, receive: Receive, most: int, held: _Held) -> None:
        self._receive = receive
        self._most = most
        self._held = held
        self._came = 0

    async def receive(self) -> Message:
        """Give the next part of the request."""
        message = await self._receive()
        size = len(message.get("body", b""))
        self._came += size
        self._held.octets += size
        if self._came > self._most:
            raise HTTPException(413)
        if self._held.octets > _MEMORY:
            raise FullError(BODIES, 5)
        return message

    def forget(self) -> None:
        """Let others have the room: the request is over."""
        self._held.octets -= self._came


class Guard:
    """Stands before the application; `private` are the paths that ask for TLS."""

    def __init__(
        self, app: ASGIApp, site: Site, bodies: Mapping[str, int], private: Iterable[str] = ()
    ) -> None:
        self._app = app
        self._site = site
        self._private = tuple(private)
        self._bodies = sorted(bodies.items(), key=lambda row: -len(row[0]))
        self._held = _Held()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        secure = scope.get("scheme") == "https"

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if secure:
                    headers.setdefault("strict-transport-security", _TRANSPORT)
            await send(message)

        most = self._most(scope["path"])
        status = self._objection(scope, most)
        if status:
            scope.setdefault("ulak.site", self._site)
            headers = {"upgrade": "TLS/1.2, HTTP/1.1"} if status == _IN_CLEAR else None
            await page(Request(scope), status, headers=headers)(scope, receive, answer)
            return
        body = _Body(receive, most, self._held)
        try:
            await self._app(scope, body.receive, answer)
        finally:
            body.forget()

    def _most(self, path: str) -> int:
        path = self._shared(path)
        return next((most for start, most in self._bodies if path.startswith(start)), _LARGEST)

    def _is_private(self, path: str) -> bool:
        path = self._shared(path)
        return any(path == start or path.startswith(f"{start}/") for start in self._private)

    def _shared(self, path: str) -> str:
        """Give the path without its language."""
        for language in self._site.languages:
            path = path.removeprefix(f"/{language}") if path.startswith(f"/{language}/") else path
        return path

    def _ours(self, scope: Scope, headers: Headers) -> bool:
        """Whether a request asks for a name of ours, or for the very address that it came to."""
        hosts, asked = self._site.hosts, _host(headers.get("host", ""))
        if not hosts or asked in hosts:
            return True
        here = (scope.get("server") or ("",))[0]
        return bool(here) and asked == (f"[{here}]" if ":" in here else here)

    def _objection(self, scope: Scope, most: int) -> int:
        """Give the status of a request that is not let through, else 0."""
        headers = Headers(scope=scope)
        if not self._ours(scope, headers):
            return 421  # RFC 9110 §15.5.20
        secret = "authorization" in headers or self._is_private(scope["path"])
        if secret and in_clear(scope):
            return _IN_CLEAR
        if _ODD.search(scope["path"]):
            return 404
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            return 400
        if len(length) > 12 or int(length) > most:  # noqa: PLR2004 -- digits of a length nobody has
            return 413
        # A token cannot be sent by a form of another site; what has one needs no other proof.
        if scope["method"] not in _SAFE and "authorization" not in headers:
            return 0 if _same_origin(headers) else 403
        return 0


def _host(value: str) -> str:
    """Give the name that a Host field asks for: without its port, in lower case."""
    name = value if value.endswith("]") else re.sub(r":[0-9]*$", "", value)
    return lower(name) if name.isascii() else ""


def _same_origin(headers: Headers) -> bool:
    """Whether a request comes from a page of ours, as far as the browser says.

    What no browser sent says nothing, and nobody's session is in it.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == headers.get("host")
