"""Which entries belong to an id: a message, a session, an incident, and what is linked to them.

The id that a refusal carries (`ulak.replies.refusal`) names the message that was refused, or else
the session.

Pure: it asks any source for the entries that hold an id, and follows the links.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ulak.journal.entry import Entry
from ulak.journal.words import say

_ENOUGH = 20  # ids that begin alike say that it is ambiguous as well as thousands
_NAMED = 5  # of those, in the sentence
SHORTEST = 6  # characters of an id that may stand for the whole
REPORT = "report"
REPORT_FOR = "report-for"
REFUSAL = "refusal"


class JournalError(Exception):
    """The journal cannot be used or asked like this; `name` is that of a text in `trouble`."""

    def __init__(self, name: str, **facts: str) -> None:
        self.name = name
        self.facts = facts
        super().__init__(self.sentence("en"))

    def sentence(self, language: str) -> str:
        """Say what is wrong and what to do."""
        return say(language, "trouble", self.name, self.facts)

    def sentences(self, language: str) -> list[str]:
        """Say it as the command line wants it of any error."""
        return [self.sentence(language)]


class AmbiguousError(JournalError):
    """A shortened id stands for several; `candidates` are some of them."""

    def __init__(self, text: str, candidates: tuple[str, ...]) -> None:
        shown = ", ".join(candidates[:_NAMED]) + (", …" if len(candidates) > _NAMED else "")
        super().__init__("ambiguous", id=text, candidates=shown)
        self.candidates = candidates


class What(StrEnum):
    """What an id names."""

    MESSAGE = "message"
    SESSION = "session"
    INCIDENT = "incident"


@dataclass(frozen=True, slots=True)
class Found:
    """An entry and where it lies; places order entries of the same time."""

    place: tuple[int, ...]
    entry: Entry


@dataclass(frozen=True, slots=True)
class Trace:
    """What an id named, the whole id, and its entries, oldest first."""

    what: What
    id: str
    entries: tuple[Entry, ...]


class Source(Protocol):
    """Where entries can be looked up by an id in them."""

    def holding(self, text: str, *, whole: bool) -> Iterable[Found]:
        """Give entries with an id (`ids_of`) that is `text`, or not `whole`, begins with it.

        It may give others too.
        """


def ids_of(entry: Entry) -> tuple[str, str, str, str, str]:
    """Give the ids that an entry can be found by, `""` where there is none."""
    facts = entry.facts
    reported, refusal = facts.get(REPORT_FOR, ""), facts.get(REFUSAL, "")
    return entry.message, entry.session, entry.incident, reported, refusal


def trace(source: Source, text: str) -> Trace | None:
    """Find what an id, whole or shortened, names, with all entries that tell of it."""
    text = text.strip()
    if not text:
        return None
    found = _named(source.holding(text, whole=True), text, whole=True)
    if not found and len(text) >= SHORTEST:
        found = _named(source.holding(text, whole=False), text, whole=False)
    if not found:
        return None
    names = {name for _, name in found}
    if len(names) > 1:
        raise AmbiguousError(text, tuple(sorted(names)))
    for what in What:  # one id for two things would be the message first
        for kind, name in found:
            if kind is what:
                return Trace(what, name, _gather(source, what, name))
    return None


def _named(entries: Iterable[Found], text: str, *, whole: bool) -> set[tuple[What, str]]:
    names = set()
    for found in entries:
        message, session, incident, reported, refusal = ids_of(found.entry)
        refused = (What.MESSAGE, message) if message else (What.SESSION, session)
        for name, named in (
            (message, (What.MESSAGE, message)),
            (session, (What.SESSION, session)),
            (incident, (What.INCIDENT, incident)),
            (reported, (What.MESSAGE, reported)),
            (refusal, refused),
        ):
            if name == text or (not whole and name.startswith(text)):
                names.add(named)
        if len(names) > _ENOUGH:
            break
    return names


def _gather(source: Source, what: What, name: str) -> tuple[Entry, ...]:
    match what:
        case What.MESSAGE:
            found = _of_message(source, name)
        case What.SESSION:
            found = _of_session(source, name)
        case What.INCIDENT:
            found = [f for f in source.holding(name, whole=True) if f.entry.incident == name]
            sessions = {f.entry.session for f in found if f.entry.session}
            for message in {f.entry.message for f in found if f.entry.message}:
                found += _of_message(source, message)
            for session in sessions:
                found += _of_session(source, session)
    placed = {f.place: f.entry for f in found}
    return tuple(entry for _, entry in sorted(placed.items(), key=lambda p: (p[1].time, p[0])))


def _of_message(source: Source, name: str) -> list[Found]:
    """Its own entries, those of the session that brought it, and those of its reports."""
    own, reports, sessions = [], set(), set()
    for found in source.holding(name, whole=True):
        entry = found.entry
        if entry.message == name:
            own.append(found)
            sessions.add(entry.session)
            reports.add(entry.facts.get(REPORT, ""))
        elif entry.facts.get(REPORT_FOR) == name:
            own.append(found)
            reports.add(entry.message)
    for session in sessions - {""}:
        # Not the other messages of a session that brought many.
        own += [f for f in _of_session(source, session) if f.entry.message in {"", name}]
    for report in reports - {"", name}:
        own += [f for f in source.holding(report, whole=True) if f.entry.message == report]
    return own


def _of_session(source: Source, name: str) -> list[Found]:
    return [f for f in source.holding(name, whole=True) if f.entry.session == name]
