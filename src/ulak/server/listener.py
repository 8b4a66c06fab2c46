"""Listening sockets, and the sweep that closes sessions whose time is up."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from dataclasses import dataclass

from ulak.server.session import Session
from ulak.server.site import Site

_SWEEP = 1.0  # seconds between looks at the deadlines
_BACKLOG = 1024


class ListenError(Exception):
    """An address cannot be listened on; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address to listen on. `implicit`: TLS from the first octet (RFC 8314)."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    implicit: bool = False


class Listener:
    """All endpoints of one process and their sessions."""

    def __init__(self, site: Site, endpoints: tuple[Endpoint, ...], *, share: bool) -> None:
        self._site = site
        self._endpoints = endpoints
        self._share = share
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.Task[None] | None = None
        self.sessions: set[Session] = set()

    async def start(self) -> list[tuple[str, int]]:
        """Listen; give the addresses. With `share` several processes listen on the same one."""
        loop = asyncio.get_running_loop()
        where = []
        for endpoint in self._endpoints:
            plain = None if endpoint.implicit else endpoint.tls
            implicit = endpoint.implicit

            def make(
                tls: ssl.SSLContext | None = plain, *, secure: bool = implicit
            ) -> asyncio.Protocol:
                return Session(self._site, self.sessions, tls, secure=secure)

            sock = self._bind(endpoint)
            server = await loop.create_server(
                make,
                sock=sock,
                ssl=endpoint.tls if implicit else None,
                ssl_handshake_timeout=60.0 if implicit else None,
                backlog=_BACKLOG,
            )
            self._servers.append(server)
            name = sock.getsockname()
            where.append((name[0], name[1]))
        self._sweeper = loop.create_task(self._sweep())
        return where

    def _bind(self, endpoint: Endpoint) -> socket.socket:
        family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
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

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP)
            now = loop.time()
            for session in [s for s in self.sessions if s.deadline < now]:
                session.expire()

    async def stop(self, grace: float) -> None:
        """Take no more connections, let messages under way end, then close (RFC 5321 §3.8)."""
        self._site.closing = True
        for server in self._servers:
            server.close()
        for session in list(self.sessions):
            session.drain()
        end = asyncio.get_running_loop().time() + grace
        while self.sessions and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.05)
            for session in list(self.sessions):
                session.drain()
        for session in list(self.sessions):
            session.expire()
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
