"""One address that nothing is sent to, and the rules by which addresses come to stand there.

Pure. Other servers count every mail to an address that they have said is none, and every mail
that its reader has complained about, against whoever sends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from ulak.dns.names import to_ascii
from ulak.mail.address import ascii_lower
from ulak.mail.envelope import domain_of
from ulak.replies import catalog
from ulak.replies.reply import Reply

COMPLAINT, BY_HAND = "complaint", "by-hand"
FAMILIES = ("recipient-unknown", "recipient-disabled")
"""Only what is said of the recipient: a policy, a reputation, a content or a full mailbox is not.
"""
_WHY = 120  # characters of the reason that stand in a reply
_LONGEST = 1000  # characters of a reply that are kept


class SuppressionError(Exception):
    """The list cannot be read or written; `where` is the file, `problem` what is wrong with it."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"The suppression list in {where} cannot be used: {problem}.")
        self.where = where
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Suppressed:
    """One address on the list.

    `address` is as `key_of` gives it. `whose` is the domain of the senders for whom it stands
    there, `""` for all. `cause` is a name in the catalog, or `complaint`, or `by-hand`; `reply`
    what the other server said, or what was noted by hand; `message` the id of the message that it
    was about. `since` and `until` are seconds since the epoch; `until` 0: until it is removed.
    """

    address: str
    whose: str = ""
    cause: str = BY_HAND
    reply: str = ""
    message: str = ""
    since: float = 0.0
    until: float = 0.0

    def ended(self, now: float) -> bool:
        """Whether its time is over."""
        return bool(self.until) and now >= self.until

    def refusal(self, address: object, *, utf8: bool = False) -> Reply:
        """Give what is said to whoever wants to write to it; `address` is how they spell it."""
        since = datetime.fromtimestamp(self.since, UTC).strftime("%Y-%m-%d")
        why = (self.reply or self.cause)[:_WHY]
        return catalog.ON_SUPPRESSION_LIST.reply(utf8=utf8, address=address, since=since, why=why)


class Suppressions(Protocol):
    """The verbs of the list. Each may block on a disk, and raises SuppressionError."""

    def find(self, address: str, whose: str, now: float) -> Suppressed | None:
        """Give why nothing is sent to an address from a domain; None where it may be."""

    def every(self, address: str) -> list[Suppressed]:
        """Give all that stands there of an address, also what has ended."""

    def any(self) -> bool:
        """Whether anything stands there."""

    def add(self, one: Suppressed) -> None:
        """Put an address there, durably; what stood there of it for the same senders goes."""

    def remove(self, address: str, whose: str | None = None) -> int:
        """Take an address off, for the senders of a domain or (None) for all; how many went."""

    def list(
        self, now: float, domain: str = "", offset: int = 0, limit: int = 100, part: str = ""
    ) -> tuple[list[Suppressed], int]:
        """Give a page of those that count, the newest first, and how many there are in all.

        `domain` is that of the addresses, `part` stands somewhere in them, in letters of either
        case; `""` for any.
        """


@dataclass(frozen=True, slots=True)
class Rules:
    """What puts an address on the list.

    `causes` are families of causes, and `complaint`. `keep` says for how long, by the same names,
    in seconds; what is not in it stays until it is removed. `shared`: what one sender has learned
    of an address holds for all of them; a complaint always holds for its sender's domain alone.
    """

    causes: frozenset[str] = frozenset(("recipient-unknown", COMPLAINT))
    keep: Mapping[str, float] = field(default_factory=dict)
    shared: bool = True

    def of_failure(
        self, sender: str, recipient: str, cause: str, reply: str, message: str, now: float
    ) -> Suppressed | None:
        """Give what follows from another server's final refusal; None for nothing."""
        row = catalog.CATALOG.get(cause)
        address = key_of(recipient)
        if row is None or address is None or row.family not in FAMILIES:
            return None
        if row.family not in self.causes:
            return None
        whose = "" if self.shared else whose_of(sender)
        until = self._until(row.family, now)
        return Suppressed(address, whose, cause, reply[:_LONGEST], message, now, until)

    def of_complaint(
        self, sender: str, recipient: str, reply: str, message: str, now: float
    ) -> Suppressed | None:
        """Give what follows from a reader's complaint; None for nothing."""
        address = key_of(recipient)
        if address is None or COMPLAINT not in self.causes:
            return None
        until = self._until(COMPLAINT, now)
        whose = whose_of(sender)
        return Suppressed(address, whose, COMPLAINT, reply[:_LONGEST], message, now, until)

    def _until(self, name: str, now: float) -> float:
        keep = self.keep.get(name, 0.0)
        return now + keep if keep else 0.0


def key_of(address: str) -> str | None:
    """Give the form in which an address is kept and looked for; None for what is none.

    The domain is in lower-case A-labels. What stands before the @ stays as it is: whether two
    spellings of that are one mailbox is for its own server to say (RFC 5321 §2.4).
    """
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        return None
    folded = to_ascii(domain)
    return f"{local}@{folded if folded is not None else ascii_lower(domain)}"


def whose_of(sender: str) -> str:
    """Give the domain of a sender as it is kept; `""` for the null reverse-path."""
    domain = domain_of(sender)
    return to_ascii(domain) or domain
