"""Listening sockets, and the sweep that closes sessions whose time is up."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ulak.server.connection import Connection
from ulak.server.session import Session
from ulak.server.site import Networks, Site
from ulak.smtp.offers import Offers
from ulak.smtp.states import IN_TRANSACTION

if TYPE_CHECKING:  # as in `connection`
    from ulak.server.tls import TlsContext

_SWEEP = 1.0  # seconds between looks at the deadlines
_BACKLOG = 1024
_STEP = 0.02  # seconds between looks at what is still under way when stopping


class ListenError(Exception):
    """An address cannot be listened on; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address to listen on. `implicit`: TLS from the first octet (RFC 8314).

    `sock` is a socket that is bound already; without one, the listener makes it. `offers` is
    what its clients may use, and `offers_nobody`, where given, what they may as long as nobody
    has an account. Connections from `proxies` begin with a PROXY header, and clients in `fronts`
    may say whom they speak for (XCLIENT).
    """

    host: str
    port: int
    tls: TlsContext | None = None
    implicit: bool = False
    sock: socket.socket | None = None
    offers: Offers = field(default_factory=Offers)
    proxies: Networks = ()
    offers_nobody: Offers | None = None
    fronts: Networks = ()


@dataclass(slots=True)
class _Door:
    """An endpoint, its socket, and who serves there; while it is `shut`, nobody gets in."""

    endpoint: Endpoint
    sock: socket.socket
    server: asyncio.Server | None = None
    shut: bool = False


class Listener:
    """All endpoints of one process and their sessions.

    With `share` several processes listen on the same addresses. `sweep` is how often, in
    seconds, the deadlines are looked at.
    """

    def __init__(
        self,
        site: Site,
        endpoints: tuple[Endpoint, ...],
        *,
        share: bool = False,
        sweep: float = _SWEEP,
    ) -> None:
        self._site = site
        self._endpoints = endpoints
        self._share = share
        self._sweep = sweep
        self._doors: list[_Door] = []
        self._sweeper: asyncio.Task[None] | None = None
        self.sessions: set[Connection] = set()

    @property
    def contexts(self) -> list[TlsContext]:
        """The TLS of all endpoints that have it."""
        return [each.tls for each in self._endpoints if each.tls is not None]

    async def start(self, *, resting: bool = False) -> list[tuple[str, int]]:
        """Listen; give the addresses, of a unix socket its path and 0. `resting`: as after `rest`.

        Raises ListenError, and then listens nowhere.
        """
        loop = asyncio.get_running_loop()
        where = []
        try:
            for endpoint in self._endpoints:
                sock = endpoint.sock or self._bind(endpoint)
                self._doors.append(_Door(endpoint, sock))
                name = sock.getsockname()
                where.append((name, 0) if isinstance(name, str) else (name[0], name[1]))
        except ListenError:
            self._close_doors()
            raise
        if resting:
            self.rest()
        for door in self._doors:
            if not door.shut:
                await self._open(door)
        self._sweeper = loop.create_task(self._watch())
        return where

    def rest(self) -> None:
        """Have clients refused by the system, so that they go elsewhere at once.

        They are in the middle of nothing: who was not greeted yet is refused as well. A unix socket
        cannot be opened again: whoever comes there is told 421, as are clients where the system
        does not know how to close a socket that is listened on.
        """
        self._site.closing = True
        for door in self._doors:
            door.shut = _shut(door.sock)
            if door.shut and door.server is not None:
                door.server.close()

    async def resume(self) -> None:
        """Take connections again. Raises ListenError."""
        for door in self._doors:
            if door.shut:
                try:
                    door.sock.listen(_BACKLOG)
                    await self._open(door)
                except OSError as error:
                    where = f"{door.endpoint.host}:{door.endpoint.port}"
                    message = f"{where} cannot be listened on: {error.strerror}."
                    raise ListenError(message) from error
                door.shut = False
        self._site.closing = False

    def part(self, *, gently: bool) -> None:
        """Say 421 to the clients that are not sending a message; `gently`: nor have begun to."""
        for session in list(self.sessions):
            if not (gently and session.core.state in IN_TRANSACTION):
                session.drain()

    async def _open(self, door: _Door) -> None:
        """Serve the clients of one endpoint, over a descriptor of its own."""
        door.server = await self._serve(door.sock.dup(), door.endpoint)

    async def _serve(self, sock: socket.socket, endpoint: Endpoint) -> asyncio.Server:
        loop, session = asyncio.get_running_loop(), partial(self._session, endpoint)
        if sock.family == socket.AF_UNIX:
            return await loop.create_unix_server(session, sock=sock, backlog=_BACKLOG)
        return await loop.create_server(session, sock=sock, backlog=_BACKLOG)

    def _session(self, endpoint: Endpoint) -> Session:
        offers = endpoint.offers
        if endpoint.offers_nobody is not None and not self._site.anybody():
            offers = endpoint.offers_nobody
        return Session(
            self._site,
            self.sessions,
            endpoint.tls,
            offers,
            implicit=endpoint.implicit,
            proxies=endpoint.proxies,
            fronts=endpoint.fronts,
        )

    def _bind(self, endpoint: Endpoint) -> socket.socket:
        family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self._share:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((endpoint.host, endpoint.port))
            sock.setblocking(False)  # noqa: FBT003 -- the socket's own way
        except OSError as error:
            sock.close()
            where = f"{endpoint.host}:{endpoint.port}"
            if error.errno == errno.EADDRINUSE:
                message = f"{where} is in use already; stop what listens there or change the port."
            elif error.errno == errno.EACCES:
                message = f"{where} may not be used by this user; ports under 1024 need a right."
            else:
                message = f"{where} cannot be listened on: {error.strerror}."
            raise ListenError(message) from error
        return sock

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._sweep)
            now = loop.time()
            for session in [s for s in self.sessions if s.deadline < now]:
                session.expire()

    async def stop(self, grace: float) -> None:
        """Take no more connections, let messages under way end, then close (RFC 5321 §3.8).

        Returns when nothing is at work any more: the store may be closed after it.
        """
        loop = asyncio.get_running_loop()
        self._site.closing = True
        self._close_doors()
        end = loop.time() + grace
        while self.sessions and loop.time() < end:
            self.part(gently=False)
            await asyncio.sleep(_STEP)
        for session in list(self.sessions):
            session.abort()
        if self._site.work:  # a message that is being put is ours: its end is awaited
            await asyncio.wait(self._site.work)
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper

    def _close_doors(self) -> None:
        for door in self._doors:
            if door.server is not None:
                door.server.close()
            door.sock.close()
        self._doors.clear()


def _shut(sock: socket.socket) -> bool:
    """Have the system refuse connections to a socket that may be listened on again later."""
    if sock.family == socket.AF_UNIX:
        return False
    # One that is not listened on would remember it, for all connections that it takes later.
    if _listened_on(sock):
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
    return not _listened_on(sock)


def _listened_on(sock: socket.socket) -> bool:
    return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
