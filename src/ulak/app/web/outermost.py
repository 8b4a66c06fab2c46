"""What stands around the whole application: whose request it is, and how it ended.

A proxy in front says who the client is and whether it came by TLS (X-Forwarded-For and
X-Forwarded-Proto, which no standard describes); it is believed where the configuration names it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ulak.app.web.connection import STREAM
from ulak.config import Network
from ulak.log import Event, Log

_EVENTS = b"text/event-stream"


class Outermost:
    """Calls an application. `incident` notes what it lets through; `clock` counts seconds."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        proxies: Sequence[Network],
        incident: Callable[[BaseException], str],
        log: Log,
        clock: Callable[[], float],
    ) -> None:
        self._app = app
        self._proxies = tuple(proxies)
        self._incident = incident
        self._log = log
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            return
        begun = self._clock()
        if self._proxies:
            self._look_behind(scope)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                for name, value in message.get("headers", ()):
                    if name == b"content-type" and value.startswith(_EVENTS):
                        scope["state"][STREAM] = True
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception as error:  # noqa: BLE001 -- whoever asked gets an id, and we the traceback
            identifier = self._incident(error)
            if not status:
                await _fail(identifier, answer)
        finally:
            host = (scope.get("client") or ("",))[0]
            self._log.emit(
                Event.WEB_REQUEST,
                method=scope["method"],
                path=scope["path"],
                status=status,
                client=host,
                seconds=round(self._clock() - begun, 4),
            )

    def _look_behind(self, scope: Scope) -> None:
        """Take the client and the scheme from a proxy's words, as far as it is one of ours."""
        client = scope.get("client")
        if client is None or not self._ours(client[0]):
            return
        chain: list[str] = []
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                chain += value.decode("latin-1").split(",")
            elif name == b"x-forwarded-proto" and value.strip() in (b"http", b"https"):
                scope["scheme"] = value.strip().decode()
        # Each proxy adds at the end whom it speaks for: those before the last stranger are hearsay.
        for given in reversed(chain):
            host = _address(given)
            if not host:
                return
            scope["client"] = (host, 0)
            if not self._ours(host):
                return

    def _ours(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self._proxies)


def _address(given: str) -> str:
    """Give the IP address of an element of X-Forwarded-For, `""` where it is none."""
    text = given.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text)) if "%" not in text else ""
    except ValueError:
        return ""


async def _fail(identifier: str, send: Send) -> None:
    """Answer where not even a page could be made."""
    said = f"Something inside Ulak failed. `ulak why {identifier}` tells the operator of it.\n"
    body = said.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
