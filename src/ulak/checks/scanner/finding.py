"""What came of asking one scanner about one message."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from ulak.checks.reason import Reason, because


class Result(StrEnum):
    """What a scanner says of a message."""

    CLEAN = "clean"
    SUSPECT = "suspect"  # perhaps spam: to be marked, as rspamd would say
    SPAM = "spam"
    VIRUS = "virus"
    GREYLIST = "greylist"  # rspamd would rather see a stranger come again
    LATER = "later"  # the scanner itself wants the message put off
    QUARANTINE = "quarantine"  # the scanner itself wants it put apart
    TOO_LARGE = "too-large"  # it was not scanned
    FAILED = "failed"  # nothing is known: this is no reason to take the message, nor to refuse it

    @property
    def scanned(self) -> bool:
        """Whether the scanner has looked at the message."""
        return self not in (Result.TOO_LARGE, Result.FAILED)


@dataclass(frozen=True, slots=True)
class Symbol:
    """One rule of rspamd that matched, what it counts, and what it adds to that."""

    name: str
    score: float
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Added:
    """A header field that a scanner wants on top of the message. Printable, on one line."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of asking one scanner.

    `scanner` is its name in the configuration, `kind` the program. `score`, `required` (from
    where on it calls a message spam), `action` (what it recommends, in its words), `symbols` and
    `message` (what it would have the sender told) are rspamd's; `signature` names the virus.
    `add` and `remove` (in lower case) are header fields. `reasons` is how the result came about.
    """

    scanner: str
    kind: str
    result: Result
    score: float | None = None
    required: float | None = None
    action: str = ""
    symbols: tuple[Symbol, ...] = ()
    message: str = ""
    signature: str = ""
    add: tuple[Added, ...] = ()
    remove: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a scanner is told about a message beside its octets.

    `sender` is the reverse-path without brackets, `""` for the null one. `ip`, `helo` and
    `hostname` (of the client, by its reverse DNS) are `""` where they are not known, `user`
    where nobody has logged in.
    """

    id: str
    size: int
    sender: str
    recipients: tuple[str, ...]
    ip: str = ""
    helo: str = ""
    hostname: str = ""
    user: str = ""


def failed(scanner: str, kind: str, *reasons: Reason) -> Finding:
    """Say that a scanner could not say anything."""
    return Finding(scanner, kind, Result.FAILED, reasons=reasons)


def too_large(scanner: str, kind: str, size: int, limit: int) -> Finding:
    """Say that a message is not shown to a scanner. Octets."""
    reason = because("scanner.too-large", scanner=scanner, size=size, limit=limit)
    return Finding(scanner, kind, Result.TOO_LARGE, reasons=(reason,))


def line(text: str, longest: int) -> str:
    """Make one printable line of what a scanner says; it repeats words of strangers."""
    joined = " ".join(text[: 4 * longest].split())
    return "".join(c if c.isprintable() else "?" for c in joined)[:longest]


def names(texts: Iterable[str], most: int) -> str:
    """Name the first few of several things."""
    return ", ".join(list(texts)[:most])
