"""Mailbox addresses as they stand in an envelope (RFC 5321 §4.1.2, RFC 6531 §3.3).

Parsing of what a client sends is `ulak.smtp.grammar`'s; this module holds the parsed value.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff.-]+")
_TO_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def ascii_lower(text: str) -> str:
    """Lower the ASCII letters and nothing else: a Kelvin sign is no `k`."""
    return text.lower() if text.isascii() else text.translate(_TO_LOWER)


def fold(local: str) -> str:
    """Bring a local-part of ours into the form in which local-parts are compared.

    Case does not tell mailboxes apart, as everybody expects. The capital of the Turkish ı is I
    and that of i is İ, which no case mapping without a language gets right: all four are one
    letter here.
    """
    if local.isascii():
        return local.lower()
    lower = unicodedata.normalize("NFC", local).lower()
    return lower.replace("ı", "i").replace("i\u0307", "i")


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox.

    `local` is the meaning of the local-part (a quoted-string without its quotes and
    backslashes), case kept; `domain` is as sent, an address literal with its brackets.
    The domain is empty only for `<postmaster>` (RFC 5321 §4.5.1).
    """

    local: str
    domain: str

    @property
    def ascii(self) -> bool:
        """Whether the address can be written without SMTPUTF8."""
        return self.local.isascii() and self.domain.isascii()

    @property
    def key(self) -> str:
        """What two spellings of one mailbox share here: all ASCII in lower case."""
        return ascii_lower(f"{self.local}@{self.domain}")

    @property
    def literal(self) -> bool:
        """Whether the domain is an address literal (RFC 5321 §4.1.3)."""
        return self.domain.startswith("[")

    def __str__(self) -> str:
        """Give the address as it stands on the wire, without angle brackets."""
        local = self.local
        plain = _DOT_ATOM.fullmatch(local) and not (
            local.startswith(".") or local.endswith(".") or ".." in local
        )
        if not plain:
            local = '"' + local.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return f"{local}@{self.domain}" if self.domain else local
