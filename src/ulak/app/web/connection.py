"""One connection of the web: uvicorn's, held to limits that uvicorn has none for.

Its parser and its timer (between two requests) know neither how large a head may be nor how
long a request may take (slowloris), how many requests may come at once, nor what to do with who
does not read. So every connection is looked at once a second: a timer for each would cost more
than the request (RFC 9110 §15.5.9, RFC 6585 §5).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

STREAM = "ulak.stream"  # in the state of a request whose answer is a stream of events

_HEAD = 16_384  # octets of a request's line and fields
_FIELDS = 100
_PIPELINED = 32  # requests that may wait behind the one that is answered
_SAID = {
    400: b"This is no request of HTTP/1.1 that can be understood.\n",
    408: b"The request did not arrive in time.\n",
    431: b"The fields of the request are too large.\n",
    503: b"Too many connections are open; try again in a moment.\n",
}


class Stage(Enum):
    """What a connection waits for."""

    HEAD = "head"
    BODY = "body"
    ANSWER = "answer"  # the request is here, the answer is not all made
    REST = "rest"  # of a body that nobody wants: the answer is made
    NEXT = "next"  # request, if there is one


@dataclass(slots=True)
class Limits:
    """What all connections together keep to; times in seconds.

    `head` is how long a request's head may take, `window` the time in which `least` octets of a
    body have to come, `reading` the time in which a client has to take as many of an answer, and
    `closing` that where nothing comes behind it. `boundless` says of an address that it may have
    more than `per_client` connections.
    """

    connections: int = 1000
    per_client: int = 200
    boundless: Callable[[str], bool] = field(default=lambda _: False)
    head: float = 10.0
    window: float = 10.0
    least: int = 5_000
    reading: float = 30.0
    closing: float = 5.0
    clients: Counter[str] = field(default_factory=Counter)


class Config(uvicorn.Config):
    """What uvicorn hands to every connection, with our limits."""

    limits: Limits


class Connection(HttpToolsProtocol):
    """Speaks HTTP/1.1 with one client."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = config.limits
        self._stage = Stage.HEAD
        self._since = self.loop.time()
        self._came = 0  # octets, of the head or within the window
        self._stuck = 0.0  # since when the client has read next to nothing
        self._left = 0  # octets that it had not read then
        self._host = ""
        self._status = 400

    # -- asyncio --------------------------------------------------------------------------------

    # uvicorn, too, takes only transports that can be written to.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, unless there are too many already."""
        super().connection_made(transport)
        limits = self._limits
        self._host = self.client[0] if self.client else ""
        limits.clients[self._host] += 1
        many = limits.clients[self._host] > limits.per_client
        if len(self.connections) > limits.connections or (
            many and not limits.boundless(self._host)
        ):
            self._refuse(503)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        clients = self._limits.clients
        clients[self._host] -= 1
        if not clients[self._host]:
            del clients[self._host]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take octets of the client."""
        if self.transport.is_closing():
            return
        if self._stage is Stage.NEXT:
            self._turn(Stage.HEAD)
        self._came += len(data)
        super().data_received(data)
        if self._stage is Stage.HEAD and self._came > _HEAD:
            self._refuse(431)

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        self._stuck = 0.0
        super().resume_writing()

    # -- the parser -----------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request; of one that waits behind others, the head is counted from here on."""
        super().on_message_begin()
        if self._stage is not Stage.HEAD:
            self._turn(Stage.HEAD)

    def on_headers_complete(self) -> None:
        """Look at a whole head. What is raised here makes the parser, and us, give up."""
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > _HEAD or len(self.headers) > _FIELDS:
            self._status = 431
            raise ValueError(size)
        if len(self.pipeline) >= _PIPELINED:
            self._status = 503
            raise ValueError(len(self.pipeline))
        self._turn(Stage.BODY)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Let the answer be made."""
        self._turn(Stage.ANSWER)
        super().on_message_complete()
        if self.cycle.response_complete:
            self._stage = Stage.NEXT

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the end of a body that nobody wants any more."""
        if self._stage is Stage.ANSWER:
            self._stage = Stage.NEXT
        elif self._stage is Stage.BODY:
            self._turn(Stage.REST)
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request. `msg` is uvicorn's, and not sent."""
        del msg
        self._refuse(self._status)

    # -- ours -----------------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """Part with a client that takes too long. `now` is of the loop's clock."""
        limits, late = self._limits, now - self._since
        if self._unread(now) > (limits.closing if self.transport.is_closing() else limits.reading):
            self.transport.abort()
        elif self.transport.is_closing():
            return
        elif self.flow is not None and self.flow.read_paused:
            self._turn(self._stage)  # it is we who do not read
        elif self._stage is Stage.HEAD and late > limits.head:
            if self._came:
                self._refuse(408)
            else:
                self.transport.close()  # came to say nothing, as browsers do in advance
        elif self._stage is Stage.BODY and late > limits.window:
            if self._came < limits.least:
                self._refuse(408)
            else:
                self._turn(Stage.BODY)
        elif self._stage is Stage.REST and late > limits.closing:
            self.transport.abort()

    def shutdown(self) -> None:
        """Let a request under way end; a stream of events, which would not, is cut off."""
        super().shutdown()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            state = cycle.scope.get("state") or {}
            if state.get(STREAM):
                self.transport.close()

    def _turn(self, stage: Stage) -> None:
        self._stage, self._since, self._came = stage, self.loop.time(), 0

    def _unread(self, now: float) -> float:
        """Tell for how long the client has not read what it was sent."""
        left = self.transport.get_write_buffer_size()
        if not (self.flow.write_paused or (self.transport.is_closing() and left)):
            self._stuck = 0.0
            return 0.0
        if not self._stuck or self._left - left >= self._limits.least:
            self._stuck, self._left = now, left
        return now - self._stuck

    def _refuse(self, status: int) -> None:
        """Answer in place of the application, and close."""
        cycle = self.cycle
        if cycle is not None and cycle.response_started and not cycle.response_complete:
            self.transport.abort()  # in the midst of another answer there is nothing to say
            return
        said = _SAID[status]
        lines = [STATUS_LINE[status]]
        for name, value in self.server_state.default_headers:
            lines += [name, b": ", value, b"\r\n"]
        lines.append(
            b"content-type: text/plain; charset=utf-8\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n" % len(said)
        )
        self.transport.write(b"".join(lines) + said)
        self.transport.close()
