"""Who is in the console: visits, from a login to a logout or until their time is over.

A visitor holds a token of 256 bits, and only its hash is kept: who reads the file cannot come in
with what is there. A visit ends with the account that it is of: when that is changed (another
password, another role, disabled) or removed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from ulak.accounts.account import Account
from ulak.accounts.store import Accounts

TOKEN = 32  # octets
_WRITTEN = 43  # characters of a token in base64url (RFC 4648 §5) without padding


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of an account, by its key. Times are seconds since the epoch.

    `changed` is the account's as it was let in, `seen` when the visitor did something last, and
    `ip` where the visit began.
    """

    account: str
    changed: float
    begun: float
    seen: float
    ip: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """How long visits last, in seconds, and how many there may be.

    Who does nothing for `idle` is out, and whoever it is, after `longest`. When there are `most`,
    or `most_each` of one account, the one that has been idle for longest makes room. That
    somebody was seen is noted every `noted`.
    """

    idle: float = 3600.0
    longest: float = 12 * 3600.0
    most: int = 1000
    most_each: int = 20
    noted: float = 60.0


class Kept(Protocol):
    """Where visits are kept, by the hash of their token. All verbs may block.

    They raise AccountsError.
    """

    def begin(self, token: bytes, visit: Visit, rules: Rules) -> None:
        """Add a visit; those over the numbers of the rules, and those that are over, make room."""

    def find(self, token: bytes) -> Visit | None:
        """Give a visit."""

    def seen(self, token: bytes, now: float) -> None:
        """Note that the visitor was seen."""

    def end(self, token: bytes) -> bool:
        """Remove a visit; whether there was one."""

    def end_all(self, account: str) -> int:
        """Remove all visits of an account; how many there were."""

    def of(self, account: str) -> list[Visit]:
        """Give the visits of an account, the latest first."""

    def close(self) -> None:
        """Let go of the store."""


class Visits:
    """Begins visits, and tells whose a token is. All verbs may block, and raise AccountsError."""

    def __init__(
        self,
        kept: Kept,
        accounts: Accounts,
        *,
        clock: Callable[[], float],
        chance: Callable[[int], bytes],
        rules: Rules | None = None,
    ) -> None:
        self._kept = kept
        self._accounts = accounts
        self._clock = clock
        self._chance = chance
        self.rules = rules or Rules()

    def begin(self, account: Account, ip: str) -> str:
        """Begin a visit; give its token, which nobody has had before."""
        token = self._chance(TOKEN)
        now = self._clock()
        visit = Visit(account.key, account.changed, now, now, ip)
        self._kept.begin(_hash(token), visit, self.rules)
        return base64.urlsafe_b64encode(token).decode().rstrip("=")

    def visitor(self, token: str, *, active: bool = True) -> tuple[Account, Visit] | None:
        """Tell whose a token is; None where it is nobody's any more.

        `active`: the visitor has done something, and it is no page that asks by itself.
        """
        octets = _read(token)
        if octets is None:
            return None
        key, now = _hash(octets), self._clock()
        visit = self._kept.find(key)
        if visit is None:
            return None
        account = self._accounts.find(visit.account)
        if self._over(visit, now) or not _let_in_still(account, visit):
            self._kept.end(key)
            return None
        assert account is not None  # noqa: S101 -- it is let in
        if active and now - visit.seen >= self.rules.noted:
            self._kept.seen(key, now)
            visit = replace(visit, seen=now)
        return account, visit

    def end(self, token: str) -> None:
        """End a visit."""
        octets = _read(token)
        if octets is not None:
            self._kept.end(_hash(octets))

    def end_all(self, account: str) -> int:
        """End all visits of an account, by its key; how many there were."""
        return self._kept.end_all(account)

    def of(self, account: str) -> list[Visit]:
        """Give the visits of an account that are not over, the latest first."""
        now = self._clock()
        return [visit for visit in self._kept.of(account) if not self._over(visit, now)]

    def close(self) -> None:
        """Let go of everything."""
        self._kept.close()
        self._accounts.close()

    def _over(self, visit: Visit, now: float) -> bool:
        return now - visit.seen >= self.rules.idle or now - visit.begun >= self.rules.longest


def _let_in_still(account: Account | None, visit: Visit) -> bool:
    return (
        account is not None
        and not account.disabled
        and bool(account.role)
        and account.changed == visit.changed
    )


def _hash(token: bytes) -> bytes:
    # No salt and no cost: there is nothing to guess in 256 bits of chance.
    return hashlib.sha256(token).digest()


def _read(token: str) -> bytes | None:
    """Read a token; None where it is none."""
    if len(token) != _WRITTEN or not token.isascii():
        return None
    try:
        return base64.b64decode(token + "=", altchars=b"-_", validate=True)
    except binascii.Error:
        return None
