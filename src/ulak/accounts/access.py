"""Access tokens: what programs show to the API, and what each of them may do there.

A token is random, and only its hash is kept: SHA-256 is enough for what nobody can guess
(RFC 9106 is for passwords). It is shown once, when it is made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

SCOPES = (
    "status:read", "queue:read", "queue:write", "journal:read", "reports:read",
    "suppression:read", "suppression:write", "messages:send", "events:read",
)  # fmt: skip
"""What there is to allow: figures and sessions; the queue; to change it; stories; reports; whom
nothing is sent to; to change that; to send as an account; what happens to mail, as it happens."""

SENDS = "messages:send"  # the one that needs an account
_MARK = "ulak_"  # by it, scanners for leaked secrets know what they have found
_OCTETS = 24
_NAME = 60  # characters


@dataclass(frozen=True, slots=True)
class AccessToken:
    """One token. Times are seconds since the epoch; `until` 0 is without end.

    `hash` is that of the whole token, in hexadecimal. `account` is whose addresses it may send
    as, `""` for none.
    """

    name: str
    hash: str
    scopes: tuple[str, ...]
    made: float
    until: float = 0.0
    account: str = ""

    def allows(self, scope: str, now: float) -> bool:
        """Whether its holder may do what needs a scope; who may change the queue may see it."""
        if self.until and now >= self.until:
            return False
        return scope in self.scopes or scope.replace(":read", ":write") in self.scopes


class AccessTokens(Protocol):
    """Where tokens are kept. Every verb may block on a disk, and raises AccountsError."""

    def find(self, hashed: str) -> AccessToken | None:
        """Give the token with a hash."""

    def add(self, token: AccessToken) -> bool:
        """Keep a token, durably; False if there is one of that name."""

    def remove(self, name: str) -> bool:
        """Forget a token, durably; False if there is none of that name."""

    def list(self) -> list[AccessToken]:
        """Give all of them by name."""


def mint(random: bytes) -> str:
    """Make a token of 24 random octets or more."""
    if len(random) < _OCTETS:
        message = f"a token needs {_OCTETS} random octets"
        raise ValueError(message)
    return _MARK + random.hex()


def hashed(token: str) -> str:
    """Give what is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def wrong(name: str, scopes: Sequence[str]) -> str:
    """Say what is wrong with a name and scopes: `name`, `scope`, or `""`."""
    if not (name.isprintable() and 0 < len(name) <= _NAME and name == name.strip()):
        return "name"
    return "" if scopes and set(scopes) <= set(SCOPES) else "scope"
