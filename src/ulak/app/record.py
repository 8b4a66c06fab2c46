"""The journal and the log as one: what is noted for later is also said now, where it matters."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from types import MappingProxyType

from ulak import config as settings
from ulak.app.places import Places
from ulak.journal.entry import Entry, Journal, Kind
from ulak.journal.sqlite import Settings, SqliteJournal
from ulak.log import Event, Log

_EVENTS: Mapping[Kind, Event] = MappingProxyType(
    {
        Kind.ACCEPTED: Event.MESSAGE_ACCEPTED,
        Kind.REFUSED: Event.COMMAND_REFUSED,
        Kind.DELIVERED: Event.DELIVERED,
        Kind.DEFERRED: Event.DEFERRED,
        Kind.FAILED: Event.FAILED,
        Kind.REPORTED: Event.REPORTED,
        Kind.OPERATED: Event.OPERATED,
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


def journal_of(chosen: settings.Config, index: int, log: Log | None = None) -> SqliteJournal:
    """Open the journal of one worker, bounded to its part of the whole. Raises JournalError."""
    count = chosen.workers or os.cpu_count() or 1
    bounds = Settings(
        max_age=chosen.journal.max_age, max_bytes=max(chosen.journal.max_size // count, 1)
    )
    return SqliteJournal(Places(chosen.data).journal(index), bounds, clock=time.time, log=log)
