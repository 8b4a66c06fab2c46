"""What a server offers in its answer to EHLO, and what of it a transaction uses (RFC 5321 §2.2).

One row an extension: its keyword, its RFC, and the parameters with which MAIL uses it. An
extension that is new to the client is a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ulak.smtp.client.reply import PeerReply

_DIGITS = frozenset("0123456789")
_NOTHING: Mapping[str, str] = MappingProxyType({})
_MOST_DIGITS = 20  # RFC 1870 §3


@dataclass(frozen=True, slots=True)
class Transaction:
    """One message to some recipients, as its commands need it.

    Addresses are in wire form without brackets, the null reverse-path is `""`. `size` is in
    octets and 0 where not known. `eight_bit`: there are octets above 127 in the message.
    `smtputf8`: the sender or the header needs RFC 6531.
    """

    sender: str
    recipients: tuple[str, ...]
    size: int = 0
    eight_bit: bool = False
    smtputf8: bool = False


@dataclass(frozen=True, slots=True)
class Extension:
    """One row: what the client does with a keyword. `mail` gives the parameter of MAIL, or ""."""

    keyword: str
    section: str
    mail: Callable[[Transaction], str] | None = None


EXTENSIONS: Mapping[str, Extension] = {
    row.keyword: row
    for row in (
        Extension("PIPELINING", "RFC 2920 §3.1"),
        Extension("SIZE", "RFC 1870 §6.1", lambda t: f" SIZE={t.size}" if t.size else ""),
        # RFC 6531 §3.6: a message with SMTPUTF8 goes with BODY=8BITMIME.
        Extension(
            "8BITMIME",
            "RFC 6152 §3",
            lambda t: " BODY=8BITMIME" if t.eight_bit or t.smtputf8 else "",
        ),
        Extension("SMTPUTF8", "RFC 6531 §3.4", lambda t: " SMTPUTF8" if t.smtputf8 else ""),
        Extension("STARTTLS", "RFC 3207 §4"),
        Extension("ENHANCEDSTATUSCODES", "RFC 2034 §4"),
    )
}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server offers: its name, and its keywords in upper case with their arguments."""

    name: str = ""
    keywords: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.keywords

    @property
    def size(self) -> int:
        """The largest message the server takes, in octets; 0 where it does not say (RFC 1870)."""
        text = self.keywords.get("SIZE", "")
        return int(text) if text and len(text) <= _MOST_DIGITS and _DIGITS.issuperset(text) else 0

    @property
    def rows(self) -> Iterable[Extension]:
        """The rows of what is offered and known here."""
        return [row for keyword, row in EXTENSIONS.items() if keyword in self.keywords]


def read_offer(reply: PeerReply) -> Offer:
    """Read the answer to EHLO (RFC 5321 §4.1.1.1). What is malformed in it is not offered."""
    keywords: dict[str, str] = {}
    for line in reply.lines[1:]:
        word, _, argument = line.strip(" ").partition(" ")
        if word.isascii() and word:
            keywords.setdefault(word.upper(), argument.strip(" "))
    return Offer(first_word(reply), keywords)


def first_word(reply: PeerReply) -> str:
    """Give the name by which a server calls itself in a greeting or in its answer to EHLO."""
    return reply.lines[0].strip(" ").partition(" ")[0]
