"""What a story tells, as the events of a timeline: a title, what is to be known, and a tone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, tzinfo

from ulak.journal.entry import Entry, Kind
from ulak.journal.standing import FINISHED, cut_short, named_in
from ulak.journal.story import Happening, Story
from ulak.journal.trace import REPORT_FOR, What
from ulak.replies import texts
from ulak.web.pictures.words import find, isolated, number, say

_TONES = {
    Kind.REFUSED: "bad",
    Kind.ACCEPTED: "good",
    Kind.DELIVERED: "good",
    Kind.DEFERRED: "warn",
    Kind.FAILED: "bad",
    Kind.INCIDENT: "bad",
    Kind.LOST: "warn",
}
_QUIET = frozenset({Kind.CONNECTED, Kind.CLOSED, Kind.OPERATED, Kind.REPORTED, Kind.LOGIN})
_GOOD = frozenset({"pass", "clean", "ham", "no action", "not-listed"})
_BAD = frozenset({"fail", "permerror", "listed", "infected", "reject", "virus"})
_HOST = re.compile(r" \[[0-9A-Fa-f:.]+\](?::[0-9]+)?$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Line:
    """A line below the title of an event; `protocol` is one of names, codes and other servers."""

    text: str
    protocol: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `full` is all that is to be said of it, `ahead` that it has yet to come.

    `time` is None where it is not known. `protocol` says that the title is a name, and `back` is
    said where the time is before that of the event above.
    """

    time: float | None
    tone: str
    title: str
    lines: tuple[Line, ...] = ()
    full: str = ""
    ahead: bool = False
    protocol: bool = False
    back: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """What is drawn: `title` names it, `note` stands below it."""

    title: str
    events: tuple[Event, ...]
    zone: tzinfo = UTC
    note: str = ""


def way(story: Story) -> Way:
    """Take the events of a story. Checks that were made one after the other are one event."""
    name = "timeline.title" if story.what is What.MESSAGE else f"timeline.title-{story.what}"
    title = say(story.language, name, id=story.id)
    events: list[Event] = []
    checks: list[Happening] = []
    several = len(story.standings) > 1
    for happening in story.happenings:
        if happening.entry.kind is Kind.CHECKED:
            checks.append(happening)
            continue
        if checks:
            events.append(_checked(checks, story))
            checks = []
        events.append(_event(happening, story, several=several))
    if checks:
        events.append(_checked(checks, story))
    events += _ahead(story)
    return Way(title, tuple(events), story.zone)


def _event(happening: Happening, story: Story, *, several: bool) -> Event:
    entry, facts = happening.entry, happening.entry.facts
    language = story.language
    own = find(language, f"timeline.{entry.kind}-{facts.get('verb', '')}")
    title = own or say(language, f"timeline.{entry.kind}")
    if attempt := facts.get("attempt", ""):
        title += " · " + say(language, "timeline.attempt", count=attempt)
    if story.what is What.MESSAGE and entry.message not in {"", story.id}:
        title = say(language, "timeline.of-report", title=title)
    lines = [*_cause(entry, language), *_whom(entry, language, several=several), *_said(entry)]
    tone = "accent" if entry.kind in _QUIET else _TONES.get(entry.kind, "accent")
    return Event(entry.time, tone, title, tuple(lines), isolated(happening.sentence, language))


def _cause(entry: Entry, language: str) -> list[Line]:
    """Name the cause of what went wrong."""
    if entry.kind not in {Kind.REFUSED, Kind.DEFERRED, Kind.FAILED} or not entry.cause:
        return []
    try:
        return [Line(texts.cause(entry.cause, language).title)]
    except KeyError:  # of a version that knew other causes
        return [Line(entry.cause, protocol=True)]


def _whom(entry: Entry, language: str, *, several: bool) -> list[Line]:
    """Say whom an event is about, where that is not known from the others."""
    facts = entry.facts
    named = named_in(facts)
    match entry.kind:
        case Kind.CONNECTED | Kind.LOGIN:
            known = (facts.get("ip", ""), facts.get("account", ""), facts.get("tls", ""))
            return [Line(" · ".join(filter(None, known)), protocol=True)]
        case Kind.ACCEPTED if len(named) + cut_short(facts) > 1:
            count = number(len(named) + cut_short(facts), language)
            return [Line(say(language, "timeline.recipients", count=count))]
        case Kind.ACCEPTED | Kind.REPORTED if named or facts.get("to"):
            return [Line((*named, facts.get("to", ""))[0], protocol=True)]
        case Kind.REFUSED if entry.message:
            return []
        case _ if several or facts.get(REPORT_FOR) or entry.kind is Kind.REFUSED:
            whom = facts.get("recipient") or facts.get("address") or ""
            return [Line(whom, protocol=True)] if whom else []
        case _:
            return []


def _said(entry: Entry) -> list[Line]:
    """Give the reply, behind the name of who said it."""
    facts = entry.facts
    if entry.kind in {Kind.ACCEPTED, Kind.LOGIN} or not (facts.get("reply") or facts.get("host")):
        return []
    host = _HOST.sub("", facts.get("host", ""))
    said = (host, facts.get("reply", "")) if facts.get("remote") or not facts.get("reply") else (
        facts["reply"],
    )  # fmt: skip
    return [Line(": ".join(filter(None, said)), protocol=True)]


def _checked(checks: list[Happening], story: Story) -> Event:
    """Put checks together: the name and result of each, the worst of them as the tone."""
    known: dict[str, None] = {}
    for happening in checks:
        facts = happening.entry.facts
        name = facts.get("check") or facts.get("scanner") or facts.get("zone") or "DNSBL"
        shown = facts.get("result", "") or happening.entry.cause
        known[f"{name} {shown}".strip()] = None
    results = {happening.entry.facts.get("result", "") for happening in checks}
    tone = "bad" if results & _BAD else "good" if results <= _GOOD else "accent"
    full = " ".join(isolated(happening.sentence, story.language) for happening in checks)
    lines = (Line(" · ".join(known), protocol=True),)
    title = say(story.language, "timeline.checked")
    return Event(checks[0].entry.time, tone, title, lines, full)


def _ahead(story: Story) -> list[Event]:
    """Give the next attempt, of the recipient whose turn it is first."""
    last = max((happening.entry.time for happening in story.happenings), default=0.0)
    due = []
    for standing in story.standings:
        time = standing.facts.get("due", "")
        if standing.stand not in FINISHED and time.replace(".", "", 1).isascii():
            try:
                due.append(float(time))
            except ValueError:
                continue
    first = min((time for time in due if time >= last), default=None)
    if first is None:
        return []
    return [Event(first, "muted", say(story.language, "timeline.next"), ahead=True)]
