"""One event: what became of one message, or of one recipient of it, for programs. Pure.

Events are entries of the journal in a shape that does not change: names are those of the catalog
and of RFC 3464 and RFC 5965, times are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ulak.journal.entry import Entry, Kind
from ulak.mail.envelope import domain_of
from ulak.replies import catalog


class What(StrEnum):
    """What has happened."""

    ACCEPTED = "accepted"  # the message is ours
    DELIVERED = "delivered"  # its next server, or the mailbox, has it
    DEFERRED = "deferred"  # it will be tried again
    BOUNCED = "bounced"  # it will not be; or another server has reported so later
    SUPPRESSED = "suppressed"  # nothing was sent, as the address is on the suppression list
    COMPLAINED = "complained"  # its reader has complained


_KINDS: Mapping[Kind, What] = {
    Kind.ACCEPTED: What.ACCEPTED,
    Kind.DELIVERED: What.DELIVERED,
    Kind.DEFERRED: What.DEFERRED,
    Kind.FAILED: What.BOUNCED,
    Kind.COMPLAINED: What.COMPLAINED,
}
_NOT_TOLD = frozenset({"report-for"})  # a report of ours is no mail of anybody's
_LONGEST = 1000  # characters of a reply


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `recipient` is `""` where it is about the whole message.

    `facts` are what else is known, by the names of the journal.
    """

    what: What
    time: float
    message: str
    sender: str = ""
    recipient: str = ""
    cause: str = ""
    facts: Mapping[str, str] | None = None

    def as_json(self) -> dict[str, Any]:
        """Give what `json.dumps` takes; what is not known is null."""
        facts = self.facts or {}
        told: dict[str, Any] = {
            "event": str(self.what),
            "time": self.time,
            "message": self.message,
            "sender": self.sender or None,
            "recipient": self.recipient or None,
            "cause": self.cause or None,
        }
        for name, member in _MEMBERS.items():
            if facts.get(name):
                told[member] = facts[name][:_LONGEST]
        if facts.get("due"):
            told["next_attempt"] = float(facts["due"])
        return told


_MEMBERS: Mapping[str, str] = {
    "reply": "reply",
    "host": "host",
    "attempt": "attempt",
    "account": "account",
    "recipients": "recipients",
    "size": "size",
    "late": "late",
    "feedback": "feedback",
    "envid": "envid",
    "suppressed-by": "suppressed_by",
}


def event_of(entry: Entry, sender: str = "") -> Event | None:
    """Make the event of an entry; None for one that is none."""
    what = _KINDS.get(entry.kind)
    facts = entry.facts
    if what is None or not entry.message or not _NOT_TOLD.isdisjoint(facts):
        return None
    if entry.cause == catalog.EXPANDED.name:
        return None  # its members are told of
    if facts.get("sender", "-") == "":
        return None  # a report, which is nobody's mail
    if what is What.BOUNCED and entry.cause == catalog.ON_SUPPRESSION_LIST.name:
        what = What.SUPPRESSED
    return Event(
        what,
        entry.time,
        entry.message,
        facts.get("sender", sender),
        facts.get("recipient", ""),
        entry.cause,
        facts,
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events somebody wants: of these kinds, of senders in these domains; empty for all."""

    kinds: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    def __call__(self, event: Event) -> bool:
        """Whether an event is wanted."""
        if self.kinds and event.what not in self.kinds:
            return False
        return not self.domains or domain_of(event.sender) in self.domains


def chosen(entries: Iterator[Entry], wanted: Wanted) -> Iterator[Event]:
    """Give those events of entries that are wanted."""
    for entry in entries:
        event = event_of(entry)
        if event is not None and wanted(event):
            yield event
