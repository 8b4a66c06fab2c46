"""`/health`: whether this server takes mail, for load balancers, by whatever name they ask.

200 while it serves; 503 (RFC 9110 §15.6.4) while it is draining, drained, or no worker answers.
The workers are asked seldom, however often they are asked about, and nothing else is told.
"""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from ulak.app.control import ControlError, Request, ask
from ulak.app.membership import stand_of
from ulak.app.places import Places
from ulak.app.seldom import Seldom
from ulak.cluster.member import Duty

PATH = "/health"
_DOWN = "down"
_ASKING = 0.5  # seconds that a worker has to answer


class Health:
    """Stands before an application."""

    def __init__(self, app: ASGIApp, places: Places) -> None:
        self._app = app
        self._places = places
        self._duty = Seldom(self._ask)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a question about health, and let the application answer all others (ASGI)."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        duty = await self._duty()
        body = f"{duty}\n".encode()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        status = 200 if duty == Duty.SERVING else 503
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if _is_head(scope) else body})

    async def _ask(self) -> str:
        return await asyncio.to_thread(self._asked)

    def _asked(self) -> str:
        """Ask the workers: one that serves is enough, and they drain together."""
        duty = _DOWN
        for path in self._places.controls():
            try:
                duty = stand_of(ask(path, Request("stand"), _ASKING)).duty.value
            except (ControlError, OSError, ValueError, KeyError, TypeError):
                continue
            if duty != Duty.DRAINED:
                return duty
        return duty


def _is_head(scope: Scope) -> bool:
    return bool(scope["method"] == "HEAD")
