"""Scanners that are sockets in the same loop, and behave as a test wants."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from ulak.checks.scanner import Asked, Finding
from ulak.queue.item import Body
from ulak.server.scanners.clamd import Clamd
from ulak.server.scanners.exchange import Place
from ulak.server.scanners.rspamd import Rspamd
from ulak.server.scanners.scanner import Program, Scanner

T = TypeVar("T")
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
ASKED = Asked("id1", 0, "a@example.org", ("b@example.com",), ip="192.0.2.1", helo="mx")
MESSAGE = b"From: a@example.org\r\n\r\nhello\r\n"
CLEAN = (
    b'{"is_skipped":false,"score":0.5,"required_score":15.0,"action":"no action",'
    b'"symbols":{},"messages":{}}'
)


def run(main: Coroutine[Any, Any, T], loop: str = "uvloop") -> T:
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(main)


@asynccontextmanager
async def listening(behaviour: Behaviour, path: Path | None = None) -> AsyncIterator[Place]:
    """Listen on a free port, or a unix socket, until the end."""
    tasks: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):
            await behaviour(reader, writer)
        writer.transport.abort()

    if path is None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        place = Place(host, port)
    else:
        server = await asyncio.start_unix_server(serve, path)
        place = Place(path=str(path))
    try:
        yield place
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Read an HTTP request whole: its head and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    size = next(
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    return head, await reader.readexactly(size)


async def stream(reader: asyncio.StreamReader) -> bytes:
    """Read what INSTREAM brings, to its end."""
    command = await reader.readuntil(b"\0")
    assert command == b"zINSTREAM\0"
    whole = b""
    while size := struct.unpack(">I", await reader.readexactly(4))[0]:
        whole += await reader.readexactly(size)
    return whole


def http(body: bytes, status: bytes = b"200 OK") -> bytes:
    length = str(len(body)).encode()
    return b"HTTP/1.1 " + status + b"\r\nContent-Length: " + length + b"\r\n\r\n" + body


def saying(octets: bytes) -> Behaviour:
    """Hear a request or a stream out, say something, and close."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (await reader.readexactly(1)) == b"P":
            await request(reader)
        else:
            await reader.readuntil(b"\0\0\0\0")
        writer.write(octets)
        await writer.drain()
        writer.write_eof()
        await reader.read()

    return behave


def program(kind: str, place: Place) -> Program:
    return Rspamd("it", place) if kind == "rspamd" else Clamd("it", place)


def scanner(
    made: Program,
    *,
    timeout: float = 20.0,
    max_size: int = 10**9,
    connections: int = 10,
    clock: Callable[[], float] = lambda: 0.0,
) -> Scanner:
    return Scanner(made, timeout=timeout, max_size=max_size, connections=connections, clock=clock)


def body_of(data: bytes, folder: Path | None = None) -> Body:
    """Give a body in memory, or with a folder in a file."""
    if folder is None:
        return Body(len(data), data)
    path = folder / "body"
    path.write_bytes(data)
    return Body(len(data), path=path)


def only(finding: Finding) -> str:
    """Give the key of the one reason."""
    (reason,) = finding.reasons
    return reason.key
