"""Certificates that change while they are in use: looked at now and then, and taken over.

A certificate of an authority lives for some weeks, and whoever renews it replaces files and
nothing else. Connections under way keep what they began with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ulak.server.wire import CertificateError

_DAY = 86_400.0  # seconds for which the keys of tickets are used (RFC 9325 §3.4)

_State = tuple[tuple[int, int, int], ...]


class Live(Protocol):
    """A certificate in use: its files, and until when it is valid (seconds since the epoch)."""

    @property
    def certificate(self) -> Path:
        """Name the file of the certificate."""

    @property
    def key(self) -> Path:
        """Name the file of its key."""

    @property
    def clients(self) -> Path | None:
        """Name the file of the authorities that vouch for clients."""

    @property
    def ends(self) -> float:
        """Tell until when the certificate is valid."""

    def renew(self) -> None:
        """Take over what the files hold now. Raises CertificateError, and changes nothing then."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """Files of a listener have changed. `problem`: why they cannot be used, `""` if they are."""

    certificate: Path
    problem: str


class Watch:
    """Looks after the certificates of one process. `clock` counts seconds and never goes back."""

    __slots__ = ("_clock", "_contexts", "_made", "_seen")

    def __init__(self, contexts: Sequence[Live], clock: Callable[[], float]) -> None:
        self._contexts = contexts
        self._clock = clock
        self._seen = [_state(each) for each in contexts]
        self._made = [clock() for _ in contexts]

    def look(self) -> list[Renewal]:
        """Take over what has changed since the last time; tell of it, and of what is unusable.

        What cannot be used is told once: then it has to change again.
        """
        found = []
        for number, live in enumerate(self._contexts):
            now = _state(live)
            changed = now != self._seen[number]
            aged = self._clock() - self._made[number] > _DAY
            if not changed and not aged:
                continue
            self._seen[number], self._made[number] = now, self._clock()
            problem = ""
            try:
                live.renew()
            except CertificateError as error:
                problem = str(error)
            if changed or problem:
                found.append(Renewal(live.certificate, problem))
        return found


def _state(live: Live) -> _State:
    files = (live.certificate, live.key) + ((live.clients,) if live.clients else ())
    return tuple(_stamp(file) for file in files)


def _stamp(file: Path) -> tuple[int, int, int]:
    """Tell a file's content from another's without reading it; a missing one is like no other."""
    try:
        stat = file.stat()
    except OSError:
        return (0, 0, 0)
    return (stat.st_ino, stat.st_mtime_ns, stat.st_size)
