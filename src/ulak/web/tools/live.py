"""What happens, told to a browser while it happens (server-sent events, HTML Living Standard §9.2).

Who has gone is noticed at once, and what was done only for them ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing, suppress
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

T = TypeVar("T")

PULSE = 15.0  # seconds after which silence is broken, or something on the way would end it
_HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)


def event(name: str, data: str, number: int = 0) -> str:
    """Write one event. What ends a line of the stream ends none of the data."""
    lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    head = f"id: {number}\n" if number else ""
    return f"{head}event: {name}\n" + "".join(f"data: {line}\n" for line in lines) + "\n"


class Stream:
    """An answer that goes on for as long as there is something to tell and somebody listens."""

    def __init__(
        self, events: AsyncGenerator[str, None], headers: Mapping[str, str] | None = None,
        *, pulse: float = PULSE,
    ) -> None:  # fmt: skip
        self._events, self._pulse = events, pulse
        self._headers = [(k.encode(), v.encode()) for k, v in (headers or {}).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell it (ASGI)."""
        scope.setdefault("state", {})["ulak.stream"] = True  # the server may cut it off at its end
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [*_HEADERS, *self._headers],
            }
        )
        telling = asyncio.create_task(self._tell(send))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({telling, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not telling.done():
                telling.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await telling

    async def _tell(self, send: Send) -> None:
        async with aclosing(self._events) as events:
            following = aiter(events)
            waiting = asyncio.ensure_future(anext(following, None))
            try:
                while True:
                    await asyncio.wait({waiting}, timeout=self._pulse)
                    if not waiting.done():
                        await _body(send, ": \n\n")
                        continue
                    told = waiting.result()
                    if told is None:
                        break
                    await _body(send, told)
                    waiting = asyncio.ensure_future(anext(following, None))
            finally:
                waiting.cancel()
                with suppress(asyncio.CancelledError):
                    await waiting
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _body(send: Send, text: str) -> None:
    body = text.encode("utf-8", "replace")
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def attended(request: Request, work: Awaitable[T]) -> T:
    """Wait for some work for as long as the visitor does. Raises ClientDisconnect."""
    working = asyncio.ensure_future(work)
    gone = asyncio.create_task(_gone(request.receive))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        gone.cancel()
        if not working.done():
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
