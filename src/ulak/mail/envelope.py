"""The envelope: who sent a message and who is to have it (RFC 5321 §2.3.1)."""

from __future__ import annotations

from dataclasses import dataclass

from ulak.mail.address import ascii_lower


@dataclass(frozen=True, slots=True)
class Envelope:
    """What MAIL and RCPT said.

    `sender` is the reverse-path without brackets and `""` for the null reverse-path
    (RFC 5321 §4.5.5); `recipients` are addresses in wire form, in the order given.
    `body` is `7BIT` or `8BITMIME` (RFC 6152); `smtputf8` says whether the client asked for
    RFC 6531.
    """

    sender: str
    recipients: tuple[str, ...]
    smtputf8: bool = False
    body: str = "7BIT"


def domain_of(address: str) -> str:
    """Give the domain of a wire-form address in lower case; `""` where it has none."""
    return ascii_lower(address.rpartition("@")[2]) if "@" in address else ""
