"""One question to a scanner: a connection on which the message goes out while the answer comes in.

A scanner may answer, or close, before it has had the whole message: that answer counts. Whoever
waits for the end of an exchange sets the limit of time.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from ulak.checks.reason import Reason, because
from ulak.queue.item import Body

T = TypeVar("T")
Pieces = AsyncGenerator[bytes, None]
Read = Callable[[int], Awaitable[bytes]]  # so many octets at most; none: the other side has ended

_PIECE = 131_072  # octets that are read and sent at once


class TroubleError(Exception):
    """The scanner did not do its part; `reason` says how."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Place:
    """Where a scanner listens: a host and a port, or the path of a unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


async def pieces(body: Body) -> Pieces:
    """Give the octets of a message, of one in a file without holding them in memory.

    OSError where the file cannot be read, or has become shorter.
    """
    if body.data is not None:
        for start in range(0, len(body.data), _PIECE):
            yield body.data[start : start + _PIECE]
        return
    assert body.path is not None  # noqa: S101 -- one of the two is there
    loop = asyncio.get_running_loop()
    # At once: a thread that opens it for a scan that is given up meanwhile would leave it open.
    file = os.open(body.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        offset = 0
        while offset < body.size:
            most = min(_PIECE, body.size - offset)
            piece = await loop.run_in_executor(None, os.pread, file, most, offset)
            if not piece:
                message = f"{body.path} has become shorter than the {body.size} octets it had"
                raise OSError(message)
            yield piece
            offset += len(piece)
    finally:
        os.close(file)


async def exchange(
    place: Place, sent: Pieces, receive: Callable[[Read], Awaitable[T]], *, scanner: str
) -> T:
    """Connect, send, and give what `receive` makes of the answer, of which it reads what it wants.

    TroubleError where the scanner cannot be reached, or closes without an answer; whatever
    `sent` raises, for that is no fault of the scanner's.

    These are bare sockets: a transport would drop an answer that has come as soon as a scanner
    that has heard enough makes a write fail.
    """
    try:
        sock = await _connect(place)
    except OSError as error:
        problem = error.strerror or type(error).__name__
        why = because("scanner.unreachable", scanner=scanner, address=place, problem=problem)
        raise TroubleError(why) from error
    loop = asyncio.get_running_loop()
    sending = loop.create_task(_send(sock, sent))
    receiving = loop.create_task(_received(receive(partial(loop.sock_recv, sock))))
    try:
        await asyncio.wait((sending, receiving), return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()  # raises what `sent` did
        return await _heard(receiving, scanner)
    finally:
        for task in (sending, receiving):
            task.cancel()
        await asyncio.gather(sending, receiving, return_exceptions=True)
        sock.close()


async def _received(answer: Awaitable[T]) -> T:
    return await answer


async def _heard(answer: Awaitable[T], scanner: str) -> T:
    try:
        return await answer
    except OSError as error:
        raise TroubleError(because("scanner.closed", scanner=scanner)) from error


async def _connect(place: Place) -> socket.socket:
    if place.path:
        return await _connected(socket.AF_UNIX, place.path)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    for family, _, _, _, address in found[:-1]:
        with suppress(OSError):
            return await _connected(family, address)
    return await _connected(found[-1][0], found[-1][4])


async def _connected(family: int, address: str | tuple[Any, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


async def _send(sock: socket.socket, sent: Pieces) -> None:
    """Send all of it, or as much as the other side takes: its answer tells what that means."""
    loop = asyncio.get_running_loop()
    async with aclosing(sent):
        async for piece in sent:
            try:
                await loop.sock_sendall(sock, piece)
            except OSError:
                return
