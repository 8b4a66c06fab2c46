"""A small application on a real port, served as the web is, and a client that sends octets."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, ParamSpec

import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send

from ulak.app.web.connection import STREAM, Limits
from ulak.app.web.server import Server

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
QUICK = {"head": 0.3, "window": 0.3, "least": 100, "reading": 0.4, "closing": 0.2}


P = ParamSpec("P")


def looped(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test in a loop as the process of the web has it."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(test(*args, **kwargs))

    return run


class Site:
    """What was served, and where."""

    def __init__(self, app: ASGIApp, limits: Limits, patience: float, every: float) -> None:
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.sock.settimeout(0)
        self.port: int = self.sock.getsockname()[1]
        self.ready = asyncio.Event()
        self.clients: list[Client] = []
        self.server = Server(app, limits, patience=patience, ready=self.ready.set, every=every)

    async def client(self) -> Client:
        made = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self.clients.append(made)
        return made


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, octets: bytes) -> None:
        self.writer.write(octets)
        with contextlib.suppress(ConnectionError):
            await self.writer.drain()

    async def trickle(self, octets: bytes, wait: float = 0.02) -> bytes:
        """Send octets one by one until the server has enough; give what it said."""
        heard = asyncio.ensure_future(self.rest())
        for octet in octets:
            if heard.done():
                break
            await self.send(bytes([octet]))
            await asyncio.sleep(wait)
        return await heard

    async def rest(self) -> bytes:
        """Hear everything until the server ends the connection."""
        heard = b""
        with contextlib.suppress(ConnectionError):
            while octets := await asyncio.wait_for(self.reader.read(65_536), 20):
                heard += octets
        return heard

    async def until(self, mark: bytes) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(mark), 20)

    def close(self) -> None:
        self.writer.close()


@asynccontextmanager
async def served(
    app: ASGIApp, limits: Limits | None = None, patience: float = 5.0, every: float = 0.05
) -> AsyncIterator[Site]:
    """Serve an application as long as the block lasts; look at its connections `every` seconds."""
    site = Site(app, limits or Limits(), patience, every)
    running = asyncio.ensure_future(site.server.serve([site.sock]))
    await asyncio.wait_for(site.ready.wait(), 20)
    try:
        yield site
    finally:
        site.server.stop()
        await asyncio.wait_for(running, 20)
        for client in site.clients:
            client.writer.transport.abort()
        await asyncio.sleep(0.02)


async def answer(send: Send, body: bytes = b"hello", status: int = 200) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the whole body, and answer with the path and the length."""
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length += len(message["body"])
        if not message["more_body"]:
            break
    await answer(send, f"{scope['path']} {length}".encode())


async def early(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer before the body is there."""
    await answer(send)


LARGE = 20_000_000


async def large(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer with more than a kernel keeps for who does not read."""
    await answer(send, bytes(LARGE))


async def stream(scope: Scope, receive: Receive, send: Send) -> None:
    """Send events until the client is gone."""
    scope["state"][STREAM] = True
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass
