"""The journal and the log as one: what is noted for later is also said now, where it matters."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ulak.journal.entry import Entry, Journal, Kind
from ulak.log import Event, Log

_EVENTS: Mapping[Kind, Event] = MappingProxyType(
    {
        Kind.ACCEPTED: Event.MESSAGE_ACCEPTED,
        Kind.REFUSED: Event.COMMAND_REFUSED,
        Kind.DELIVERED: Event.DELIVERED,
        Kind.DEFERRED: Event.DEFERRED,
        Kind.FAILED: Event.FAILED,
        Kind.REPORTED: Event.REPORTED,
    }
)


class Record:
    """A journal that also speaks to the log; `quiet` is for who watches only the journal."""

    def __init__(self, journal: Journal, log: Log, *, quiet: bool = False) -> None:
        self._journal = journal
        self._log = log
        self._quiet = quiet

    def write(self, entry: Entry) -> None:
        """Note an entry, and log it if it is of a kind that is logged."""
        self._journal.write(entry)
        if self._quiet:
            return
        event = _EVENTS.get(entry.kind)
        if event is None:
            return
        if event is Event.COMMAND_REFUSED and entry.message:
            event = Event.MESSAGE_REFUSED
        facts = {**entry.facts, "message": entry.message, "session": entry.session}
        if entry.cause:
            facts["cause"] = entry.cause
        self._log.emit(event, **facts)
