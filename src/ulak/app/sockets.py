"""Listening sockets, made by the supervisor and handed to its workers.

Each worker has a socket of its own on the same address (SO_REUSEPORT); the kernel deals the
connections out. The supervisor keeps them open, so that a worker that is being replaced loses no
connection: new ones wait in its backlog. A unix socket cannot be shared like that: there is one,
and all workers take connections from it.
"""

from __future__ import annotations

import errno
import grp
import os
import socket
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_BACKLOG = 1024


class ListenError(Exception):
    """An address cannot be listened on; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Place:
    """An address to listen on. Port 0 asks for a free one.

    With `path` it is a unix socket, whose file gets `mode`, and `group` or that of this process.
    """

    host: str
    port: int
    path: str = ""
    mode: int = 0o660
    group: str = ""

    def __str__(self) -> str:
        """Write it as a configuration does."""
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def listen(place: Place, count: int, *, shut: bool = False) -> list[socket.socket]:
    """Make `count` listening sockets on one address. Raises ListenError.

    `shut`: nobody is let in before somebody listens on them. A unix socket is made once and given
    as often.

    SO_REUSEPORT alone would let a second server of the same user share the port unnoticed, so a
    socket without it asks first whether the address is free.
    """
    if place.path:
        return [_unix(place)] * count
    made: list[socket.socket] = []
    try:
        probe = _bound(place, share=False)
        port = probe.getsockname()[1]
        probe.close()
        for _ in range(count):
            sock = _bound(Place(place.host, port), share=True)
            made.append(sock)
            if not shut:
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


def _unix(place: Place) -> socket.socket:
    """Make a unix socket. Nobody can connect before it listens, and then its mode is set."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(place)
        sock.bind(place.path)
        try:
            if place.group:
                os.chown(place.path, -1, grp.getgrnam(place.group).gr_gid)
            Path(place.path).chmod(place.mode)
            sock.listen(_BACKLOG)
        except (OSError, KeyError):
            Path(place.path).unlink()
            raise
        sock.settimeout(0)
    except KeyError as error:
        sock.close()
        message = f"There is no group {place.group} on this machine; change the listener's group."
        raise ListenError(message) from error
    except OSError as error:
        sock.close()
        raise ListenError(_why(place, error)) from error
    return sock


def _clear(place: Place) -> None:
    """Remove a socket on which nobody listens any more: a server that was killed leaves it."""
    path = Path(place.path)
    if not (path.exists() and stat.S_ISSOCK(path.stat().st_mode)):
        return  # anything else is not ours to delete: to bind fails, and says so
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(place.path)
        except ConnectionRefusedError:
            path.unlink()
        except OSError:
            pass  # there is somebody, who may be busy or not let us in


def remove(sock: socket.socket) -> None:
    """Delete the file of a unix socket. As long as it is open, nobody else's lies there."""
    if sock.family == socket.AF_UNIX:
        with suppress(OSError):
            Path(sock.getsockname()).unlink()


def _why(place: Place, error: OSError) -> str:
    if place.path:
        return _why_not_at(place, error)
    if error.errno == errno.EADDRINUSE:
        return f"{place} is in use already; stop what listens there or change the port."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{place} may not be used by this user; ports below 1024 need a right of their own."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{place} is not an address of this machine; change the listener's address."
    return f"{place} cannot be listened on: {error.strerror}."


def _why_not_at(place: Place, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{place} is in use already, or a file lies there; remove it or change the path."
    if error.errno == errno.ENOENT:
        return f"{place} cannot be made: its folder is not there."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{place} may not be made by this user, or not for the group; see to its folder."
    return f"{place} cannot be listened on: {error.strerror}."
