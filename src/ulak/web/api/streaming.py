"""What happens to mail, as it happens: server-sent events, which can be resumed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.responses import Response, StreamingResponse

from ulak.events.event import Wanted, What
from ulak.web.api.operation import Call, Operation, Parameter
from ulak.web.api.ports import Events, Ports
from ulak.web.api.problem import Problem
from ulak.web.api.schemas import enum

_MOST = 50  # streams at a time
_EVERY = 1.0  # seconds between looks
_ALIVE = 15.0  # seconds of silence after which a proxy might think that nobody is there
_LONGEST = 4000  # characters of a place

Pause = Callable[[float], Awaitable[None]]


def operations(source: Events, ports: Ports, pause: Pause = asyncio.sleep) -> tuple[Operation, ...]:
    """Give the operation that streams."""
    open_ = 0

    async def events(call: Call) -> Response:
        nonlocal open_
        if open_ >= _MOST:
            raise Problem(503, "busy-streams", {"retry-after": "20"})
        wanted = Wanted(frozenset(call.values["event"]), frozenset(call.values["from_domain"]))
        given = call.values["Last-Event-ID"] or ""
        place = await source.begin(given)
        if place is None:
            raise Problem(400, "parameter-wrong", name="Last-Event-ID")

        async def still() -> bool:
            shown = call.request.headers.get("authorization", "").partition(" ")[2].strip()
            token = await ports.tokens.find(shown) if ports.tokens is not None else None
            return token is not None and token.allows("events:read", ports.clock())

        async def counted() -> AsyncIterator[str]:
            nonlocal open_
            open_ += 1
            try:
                async for part in follow(source, place, wanted, still, pause):
                    yield part
            finally:
                open_ -= 1

        call.request.scope.setdefault("state", {})["ulak.stream"] = True  # cut off at the end
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(counted(), media_type="text/event-stream", headers=headers)

    word = {"type": "string", "minLength": 1, "maxLength": 255}
    return (
        Operation(
            "events", "GET", "/events", events, "Events", "events:read",
            (
                Parameter(
                    "Last-Event-ID", {"type": "string", "minLength": 1, "maxLength": _LONGEST},
                    "header",
                ),
                Parameter("event", {"type": "array", "maxItems": len(What), "items": enum(*What)}),
                Parameter("from_domain", {"type": "array", "maxItems": 100, "items": word}),
            ),
            problems=(503,), kind="text/event-stream",
        ),
    )  # fmt: skip


async def follow(
    source: Events,
    place: str,
    wanted: Wanted,
    still: Callable[[], Awaitable[bool]],
    pause: Pause = asyncio.sleep,
) -> AsyncIterator[str]:
    """Give the events behind a place and those that come, until `still` says that it is over.

    Where what lies behind the place is kept no more, an event `lost` says so first.
    """
    if await source.lost(place):
        yield "event: lost\ndata: {}\n\n"
    silent, told = 0.0, place
    while True:
        found = await source.after(place)
        for here, event in found:
            place = here
            if event is not None and wanted(event):
                data = json.dumps(event.as_json(), ensure_ascii=True, separators=(",", ":"))
                yield f"id: {place}\nevent: {event.what}\ndata: {data}\n\n"
                silent, told = 0.0, place
        if found:
            continue
        await pause(_EVERY)
        silent += _EVERY
        if silent >= _ALIVE:
            silent = 0.0
            if not await still():
                return
            # So that who comes back need not hear again what was not for it.
            yield f"id: {place}\n\n" if place != told else ": \n\n"
            told = place
