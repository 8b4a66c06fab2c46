"""From settings to who rewrites senders, and knows them again (SRS); and the file of its secrets.

The file has a secret a line, the newest first: it is what new addresses are made with, and all of
them are good for those that come back. A secret that is put above another takes its place; the
old one can go when `forwarding.max_age` has passed. The first is made when the server first needs
it, and nobody but its user may read the file.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from ulak import config as settings
from ulak.mail import srs
from ulak.mail.address import Address
from ulak.mail.envelope import domain_of
from ulak.server.directory import Found, How, Result, Returned, Trouble
from ulak.smtp.grammar import GrammarError, parse_mailbox

_DAY = 86_400.0
_LOOK = 60.0  # seconds between two looks at the file
_SHORTEST = 16  # characters of a secret


class SecretsError(OSError):
    """There is no secret in the file."""


class Secrets:
    """The secrets in a file, read anew once a minute. `clock` counts seconds.

    `make`: where there is no file, one is made.
    """

    def __init__(self, path: Path, clock: Callable[[], float], *, make: bool = True) -> None:
        self._make = make
        self._path = path
        self._clock = clock
        self._known: tuple[bytes, ...] = ()
        self._looked = -_LOOK

    def all(self) -> tuple[bytes, ...]:
        """Give all of them, the newest first. Raises OSError where there never was one."""
        if not self._known or self._clock() - self._looked >= _LOOK:
            self._looked = self._clock()
            try:
                self._known = self._read()
            except FileNotFoundError:
                if self._make and not self._known:
                    raise
            except OSError:
                if not self._known:
                    raise
        return self._known

    def _read(self) -> tuple[bytes, ...]:
        if self._make and not self._path.exists():
            _make(self._path)
        lines = [line.strip() for line in self._path.read_bytes().split(b"\n")]
        found = tuple(line for line in lines if len(line) >= _SHORTEST)
        if not found:
            message = f"{self._path} has no secret of {_SHORTEST} characters or more"
            raise SecretsError(message)
        return found


def _make(path: Path) -> None:
    """Make the file with a first secret, whole or not at all: several processes may do it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    descriptor = os.open(fresh, flags, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123 -- it is a descriptor
        file.write(secrets.token_urlsafe(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass  # another process was first, and has the same file
    finally:
        fresh.unlink()


class Forwarding:
    """Rewrites senders, and finds them again. `incident` notes an error and gives its id."""

    def __init__(
        self,
        config: settings.Forwarding,
        secrets: Secrets,
        clock: Callable[[], float],
        incident: Callable[[BaseException], str],
    ) -> None:
        self._incident = incident
        self._domain = config.domain or ""
        self._max_age = int(config.max_age / _DAY)
        self._secrets = secrets
        self._clock = clock

    @property
    def _today(self) -> int:
        return int(self._clock() // _DAY)

    def rewrite(self, sender: str, through: str) -> str | None:
        """Give the sender in our name; None where that is not possible. Raises OSError."""
        try:
            address = parse_mailbox(sender)
        except GrammarError:  # not from a session
            return None
        known = self._secrets.all()
        if not known:
            return None
        made = srs.forward(address, self._domain or domain_of(through), known[0], self._today)
        return None if made is None else str(made)

    def returned(self, address: Address) -> Result | None:
        """Say to whom a rewritten sender of ours leads back; None for an address that is none."""
        if not srs.rewritten(address):
            return None
        try:
            known = self._secrets.all()
        except OSError as error:
            return Trouble(self._incident(error))
        found = srs.reverse(address, known, self._today, self._max_age)
        if isinstance(found, srs.Problem):
            return Returned(str(found))
        try:
            back = str(parse_mailbox(str(found)))
        except GrammarError:
            return Returned(str(srs.Problem.FORGED))
        return Found((back,), str(address), How.RETURN)
