"""Return addresses that name their message and its recipient: variable envelope return paths.

A report of another server goes to the reverse-path, and may name the recipient in any way or not
at all. So each recipient's copy leaves with a reverse-path of its own:
`return+ID-RECIPIENT-MAC@bounces.example.org`. ID is the message's, RECIPIENT a digest of the
address, and MAC is made with a secret, so that nobody can make up returns. All of it is of small
letters and digits, as some servers do not keep the case of what stands before the @. Pure.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

from ulak.language.case import lower
from ulak.mail.address import Address, ascii_lower

_PREFIX = "return+"
_SHORT, _MAC = 5, 10  # octets: 8 and 16 characters
_LOCAL = re.compile(r"return\+([0-9a-z]{6,30})-([a-z2-7]{8})-([a-z2-7]{16})")


@dataclass(frozen=True, slots=True)
class Token:
    """What a return address says: of which message, and of which recipient the digest."""

    message: str
    digest: str

    def names(self, recipient: str) -> bool:
        """Whether it is this recipient of the message."""
        return self.digest == _digest(recipient)


@dataclass(frozen=True, slots=True)
class ReturnPath:
    """Makes return addresses in a domain with the first of some secrets, and reads with any."""

    domain: str
    secrets: tuple[bytes, ...]

    def address(self, message: str, recipient: str) -> str:
        """Give the return address of one recipient's copy of a message."""
        told = f"{message}-{_digest(recipient)}"
        return f"{_PREFIX}{told}-{_mac(self.secrets[0], told)}@{self.domain}"

    def read(self, address: Address) -> Token | None:
        """Read a return address; None for one that is none of ours, or was made up."""
        if ascii_lower(address.domain) != self.domain or not address.local.isascii():
            return None
        found = _LOCAL.fullmatch(lower(address.local))
        if found is None:
            return None
        told = f"{found[1]}-{found[2]}"
        if not any(hmac.compare_digest(_mac(one, told), found[3]) for one in self.secrets):
            return None
        return Token(found[1], found[2])


def _mac(secret: bytes, told: str) -> str:
    return _letters(hmac.new(secret, told.encode(), hashlib.sha256).digest()[:_MAC])


def _digest(recipient: str) -> str:
    local, _, domain = recipient.rpartition("@")
    return _letters(hashlib.sha256(f"{local}@{ascii_lower(domain)}".encode()).digest()[:_SHORT])


def _letters(octets: bytes) -> str:
    return lower(base64.b32encode(octets).decode("ascii"))
