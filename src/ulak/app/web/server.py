"""uvicorn's server, on the supervisor's sockets, under our signals, looked after by the second."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from socket import socket

import uvicorn
from starlette.types import ASGIApp

from ulak.app.web.connection import Config, Connection, Limits

_BACKLOG = 1024
_HANDSHAKE = 10.0  # seconds for TLS
_KEPT = 15  # seconds that a connection is kept for a next request


class Server(uvicorn.Server):
    """Serves an application until it is stopped. `ready` is called once it does.

    `patience` is how long requests under way may take then, and `every` is how often connections
    are looked at, both in seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: Limits,
        *,
        tls: ssl.SSLContext | None = None,
        patience: float,
        ready: Callable[[], None],
        every: float = 1.0,
    ) -> None:
        config = Config(
            app,
            http=Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="critical",  # what matters is told by us
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEPT,
        )
        config.timeout_graceful_shutdown = patience  # type: ignore[assignment]  # any number will do
        config.limits = limits
        super().__init__(config)
        self._tls = tls
        self._ready = ready
        self._every = every
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Take no more connections, let requests under way end, and return from `serve`."""
        self.should_exit = True
        self._stop.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: the process has handlers of its own."""
        yield

    async def startup(self, sockets: Sequence[socket] | None = None) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        state, config = self.server_state, self.config

        def connection() -> Connection:
            assert isinstance(config, Config)  # noqa: S101 -- made above
            return Connection(config, state, {}, loop)

        self.servers = [
            await loop.create_server(
                connection,
                sock=sock,
                ssl=self._tls,
                backlog=_BACKLOG,
                ssl_handshake_timeout=_HANDSHAKE if self._tls else None,
            )
            for sock in sockets or ()
        ]
        self.started = True

    async def main_loop(self) -> None:
        """Look after the connections, and let answers have the time of day."""
        loop = asyncio.get_running_loop()
        await self.on_tick(0)
        self._ready()
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), self._every)
            await self.on_tick(0)
            now = loop.time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.look(now)
