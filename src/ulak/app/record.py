"""The journal and the log as one: what is noted for later is also said now, where it matters."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from ulak import config as settings
from ulak.app.places import Places
from ulak.checks import scanner
from ulak.checks.dnsbl import Result
from ulak.checks.reason import unpacked
from ulak.journal.entry import Entry, Journal, Kind
from ulak.journal.sqlite import Settings, SqliteJournal
from ulak.log import Event, Log
from ulak.replies import catalog

_EVENTS: Mapping[Kind, Event] = MappingProxyType(
    {
        Kind.CONNECTED: Event.CONNECTED,
        Kind.LOGIN: Event.LOGGED_IN,
        Kind.CLOSED: Event.CLOSED,
        Kind.ACCEPTED: Event.MESSAGE_ACCEPTED,
        Kind.DELIVERED: Event.DELIVERED,
        Kind.DEFERRED: Event.DEFERRED,
        Kind.FAILED: Event.FAILED,
        Kind.COMPLAINED: Event.COMPLAINED,
        Kind.REPORTED: Event.REPORTED,
        Kind.OPERATED: Event.OPERATED,
    }
)

_OF_WEB = 50  # the web's part of what all journals may hold

# Of mail to the addresses for reports.
_READ: Mapping[str, Event] = MappingProxyType(
    {
        "report-read": Event.REPORT_READ,
        "report-unreadable": Event.REPORT_UNREADABLE,
    }
)


class Record:
    """A journal that also speaks to the log; `quiet` is for who watches only the journal."""

    def __init__(self, journal: Journal, log: Log, *, quiet: bool = False) -> None:
        self._journal = journal
        self._log = log
        self._quiet = quiet
        self.told: Callable[[Entry], None] | None = None  # who else hears of every entry

    def write(self, entry: Entry) -> None:
        """Note an entry, and log it if it is of a kind that is logged."""
        self._journal.write(entry)
        if self.told is not None:
            self.told(entry)
        if self._quiet:
            return
        event = _refusal(entry) if entry.kind is Kind.REFUSED else _EVENTS.get(entry.kind)
        result = entry.facts.get("result", "")
        if result == Result.COULD_NOT_ASK:
            event = Event.CHECK_FAILED
        elif result in _READ:
            event = _READ[result]
        elif entry.facts.get("scanner") and entry.facts["result"] == scanner.Result.FAILED:
            event = Event.SCANNER_FAILED
        if event is None:
            return
        facts = {**entry.facts, "message": entry.message, "session": entry.session}
        if event is Event.SCANNER_FAILED:
            facts["said"] = " ".join(map(str, unpacked(facts.pop("reasons"))))
        if entry.cause:
            facts["cause"] = entry.cause
        self._log.emit(event, **facts)


def _refusal(entry: Entry) -> Event:
    if entry.cause == catalog.TLS_FAILED.name:
        return Event.TLS_HANDSHAKE_FAILED
    if entry.facts.get("mechanism"):
        return Event.LOGIN_REFUSED
    if entry.message:
        return Event.MESSAGE_REFUSED
    facts = entry.facts
    session = not (facts.get("address") or facts.get("recipient"))
    session = session and entry.cause != catalog.DATA_REFUSED.name
    if session and facts.get("reply", "").startswith(("421", "554")):
        return Event.CONNECTION_REFUSED
    return Event.COMMAND_REFUSED


def journal_of(chosen: settings.Config, index: int, log: Log | None = None) -> SqliteJournal:
    """Open the journal of one worker, bounded to its part of the whole. Raises JournalError."""
    places = Places(chosen.data)
    count = max(chosen.workers or os.cpu_count() or 1, len(places.journal_numbers()))
    bounds = Settings(
        max_age=chosen.journal.max_age, max_bytes=max(chosen.journal.max_size // count, 1)
    )
    return SqliteJournal(places.journal(index), bounds, clock=time.time, log=log)


def web_journal_of(chosen: settings.Config, log: Log | None = None) -> SqliteJournal:
    """Open the journal of the web, which has little to note. Raises JournalError."""
    bounds = Settings(
        max_age=chosen.journal.max_age, max_bytes=max(chosen.journal.max_size // _OF_WEB, 1)
    )
    folder = Places(chosen.data).web_journal
    return SqliteJournal(folder, bounds, clock=time.time, log=log)
