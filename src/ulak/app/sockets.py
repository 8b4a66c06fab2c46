"""Listening sockets, made by the supervisor and handed to its workers.

Each worker has a socket of its own on the same address (SO_REUSEPORT); the kernel deals the
connections out. The supervisor keeps them open, so that a worker that is being replaced loses no
connection: new ones wait in its backlog.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

_BACKLOG = 1024


class ListenError(Exception):
    """An address cannot be listened on; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Place:
    """An address to listen on. Port 0 asks for a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        """Write it as a configuration does."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def listen(place: Place, count: int) -> list[socket.socket]:
    """Make `count` listening sockets on one address. Raises ListenError.

    SO_REUSEPORT alone would let a second server of the same user share the port unnoticed, so a
    socket without it asks first whether the address is free.
    """
    made: list[socket.socket] = []
    try:
        probe = _bound(place, share=False)
        port = probe.getsockname()[1]
        probe.close()
        for _ in range(count):
            sock = _bound(Place(place.host, port), share=True)
            made.append(sock)
            sock.listen(_BACKLOG)
    except OSError as error:
        for sock in made:
            sock.close()
        raise ListenError(_why(place, error)) from error
    return made


def _bound(place: Place, *, share: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((place.host, place.port))
        if not share:
            # Linux lets two sockets with SO_REUSEADDR bind one address until one of them listens.
            sock.listen(1)
        sock.settimeout(0)
    except OSError:
        sock.close()
        raise
    return sock


def _why(place: Place, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{place} is in use already; stop what listens there or change the port."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{place} may not be used by this user; ports below 1024 need a right of their own."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{place} is not an address of this machine; change the listener's address."
    return f"{place} cannot be listened on: {error.strerror}."
