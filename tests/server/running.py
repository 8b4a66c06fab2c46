"""A server on a real socket, for as long as a client in a thread talks to it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import uvloop

from ulak.server.listener import Endpoint, Listener
from ulak.server.tls import TlsContext
from ulak.smtp.offers import Offers

from .dialogue import Server

T = TypeVar("T")
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


def serve(
    server: Server,
    client: Callable[[int], T],
    *,
    host: str = "127.0.0.1",
    tls: TlsContext | None = None,
    implicit: bool = False,
    loop: str = "uvloop",
    sweep: float = 0.02,
    grace: float = 1.0,
) -> T:
    """Run the server while the client, which is given the port, talks to it in a thread."""

    offers = Offers(tls=tls is not None and not implicit)
    endpoint = Endpoint(
        host, 0, tls, implicit, offers=offers, proxies=server.proxies, fronts=server.fronts
    )
    return _serve(server, endpoint, client, loop, sweep, grace)


def serve_unix(server: Server, path: Path, client: Callable[[], T], *, loop: str = "uvloop") -> T:
    """Run the server on a unix socket, with what it offers."""
    server.folder.mkdir(exist_ok=True)
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    sock.settimeout(0)
    endpoint = Endpoint("", 0, sock=sock, offers=server.offers)
    return _serve(server, endpoint, lambda _port: client(), loop, 0.02, 1.0)


def _serve(
    server: Server,
    endpoint: Endpoint,
    client: Callable[[int], T],
    loop: str,
    sweep: float,
    grace: float,
) -> T:
    async def main() -> T:
        listener = Listener(server.site, (endpoint,), share=False, sweep=sweep)
        ((_, port),) = await listener.start()
        try:
            return await asyncio.to_thread(client, port)
        finally:
            await listener.stop(grace)
            assert not server.site.connections
            assert not server.site.held
            assert not server.site.work

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(main())
