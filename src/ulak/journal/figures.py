"""How much happened when: what the journal notes, counted by minute and hour. Pure.

A name of what is counted is a kind, and for what went wrong its cause: `accepted`,
`refused no-such-mailbox`. Times are seconds since the epoch, and slots begin at whole multiples of
their length.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from ulak.journal.entry import Entry, Kind

MINUTE, HOUR = 60, 3_600
OTHER = "other"  # causes for which there was no room in a slot

_BY_CAUSE = (Kind.REFUSED, Kind.DEFERRED, Kind.FAILED)
_WHOLE = (
    Kind.CONNECTED,
    Kind.LOGIN,
    Kind.ACCEPTED,
    Kind.DELIVERED,
    Kind.REPORTED,
    Kind.INCIDENT,
    Kind.LOST,
)
_MOST = 200  # names in one slot; there are fewer causes than that

Counts = dict[str, int]


class Span(StrEnum):
    """How far back to look."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def step(self) -> int:
        """How long a slot is, in seconds."""
        return _SPANS[self][0]

    @property
    def slots(self) -> int:
        """How many slots there are."""
        return _SPANS[self][1]

    @property
    def kept(self) -> int:
        """How long the slots are that it is added up from, in seconds."""
        return _SPANS[self][2]

    def begin(self, now: float) -> int:
        """Give when its first slot begins; the last one is under way."""
        return int(now // self.step) * self.step - (self.slots - 1) * self.step


_SPANS: Mapping[Span, tuple[int, int, int]] = MappingProxyType(
    {
        Span.HOUR: (MINUTE, 60, MINUTE),
        Span.DAY: (15 * MINUTE, 96, MINUTE),
        Span.WEEK: (HOUR, 168, HOUR),
        Span.MONTH: (6 * HOUR, 120, HOUR),
    }
)


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart: how many in each slot, oldest first. `cause` is `""` for none."""

    kind: Kind
    cause: str
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """How many there were in all."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted in a span that ends now.

    Slots are `step` seconds long, the first begins at `begin`. `series` has the kinds in their
    order, and of each the causes with most first.
    """

    span: Span
    begin: int
    step: int
    series: tuple[Series, ...] = ()

    def of(self, kind: Kind) -> tuple[Series, ...]:
        """Give the series of a kind, the largest first."""
        return tuple(each for each in self.series if each.kind is kind)

    def counts(self, kind: Kind) -> tuple[int, ...]:
        """Add the causes of a kind up, slot by slot."""
        rows = [each.counts for each in self.of(kind)]
        return tuple(map(sum, zip(*rows, strict=True))) if rows else (0,) * self.span.slots

    def total(self, kind: Kind) -> int:
        """How many of a kind there were in all."""
        return sum(each.total for each in self.of(kind))


def count(entries: Sequence[Entry]) -> dict[int, Counts]:
    """Count entries, which are in about their order, by the minute in which they happened.

    An accepted message without a session is a report of our own: it has come from nobody.
    """
    if not entries:
        return {}
    # A batch is nearly always of one minute: then no other time in it is looked at.
    first, last = _minute(entries[0]), _minute(entries[-1])
    if first == last:
        return {first: _count(entries)}
    by_minute: dict[int, list[Entry]] = {}
    for entry in entries:
        by_minute.setdefault(_minute(entry), []).append(entry)
    return {minute: _count(part) for minute, part in by_minute.items()}


def _minute(entry: Entry) -> int:
    return int(entry.time // MINUTE) * MINUTE


def _count(entries: Sequence[Entry]) -> Counts:
    # Several quick passes: each entry costs a tenth of a microsecond, one slow pass twice as much.
    kinds = Counter([e.kind for e in entries])
    counts: Counts = {kind.value: kinds[kind] for kind in _WHOLE if kind in kinds}
    accepted = Kind.ACCEPTED  # once: a name of an enum is no cheap thing to look up
    if accepted in kinds:
        own = len([e for e in entries if e.kind is accepted and not e.session])
        counts[accepted.value] -= own
        if kinds[accepted] == own:
            del counts[accepted.value]
    for kind in _BY_CAUSE:
        if kind in kinds:
            for cause, number in Counter([e.cause for e in entries if e.kind is kind]).items():
                counts[f"{kind.value} {cause}" if cause else kind.value] = number
    return counts


def add(to: Counts, more: Mapping[str, int]) -> None:
    """Add counts to others; where there are too many names, causes become `other`."""
    for given, number in more.items():
        name = given
        if name not in to and len(to) >= _MOST:
            kind, blank, _ = name.partition(" ")
            name = f"{kind} {OTHER}" if blank else name
        to[name] = to.get(name, 0) + number


def packed(counts: Mapping[str, int]) -> str:
    """Write counts as one text."""
    return json.dumps(counts, separators=(",", ":"), sort_keys=True)


def unpacked(text: str) -> Counts:
    """Read counts; what makes no sense is left out."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(read, dict):
        return {}
    return {name: n for name, n in read.items() if type(n) is int and n > 0}


def add_up(rows: Iterable[tuple[int, Mapping[str, int]]], span: Span, now: float) -> Figures:
    """Make the figures of a span of slots that were kept, of one worker or of several."""
    begin, step, slots = span.begin(now), span.step, span.slots
    lines: dict[str, list[int]] = {}
    for time, counts in rows:
        slot = (time - begin) // step
        if not 0 <= slot < slots:
            continue
        for name, number in counts.items():
            line = lines.get(name)
            if line is None:
                line = lines[name] = [0] * slots
            line[slot] += number
    return Figures(span, begin, step, _ordered(lines))


def _ordered(lines: Mapping[str, Sequence[int]]) -> tuple[Series, ...]:
    kinds = {kind.value: kind for kind in Kind}
    series = []
    for name, line in lines.items():
        kind, _, cause = name.partition(" ")
        if kind in kinds:  # a newer Ulak may have counted others
            series.append(Series(kinds[kind], cause, tuple(line)))
    order = {kind: number for number, kind in enumerate(Kind)}
    return tuple(sorted(series, key=lambda s: (order[s.kind], -s.total, s.cause)))


def told(figures: Figures) -> dict[str, object]:
    """Write figures for another server."""
    series = [[str(one.kind), one.cause, list(one.counts)] for one in figures.series]
    return {"begin": figures.begin, "series": series}


def taken(given: Mapping[str, object], span: Span, now: float) -> Figures:
    """Read the figures of another server; what makes no sense, or is of another time, is left."""
    begin, series = span.begin(now), given.get("series")
    lines: dict[str, list[int]] = {}
    for row in series[:_MOST] if isinstance(series, list) and given.get("begin") == begin else ():
        match row:
            case [str(kind), str(cause), list(line)] if len(line) == span.slots:
                counts = [n if type(n) is int and n > 0 else 0 for n in line]
                lines[f"{kind} {cause}" if cause else kind] = counts
    return Figures(span, begin, span.step, _ordered(lines))


def together(all_of_them: Sequence[Figures]) -> Figures:
    """Add up the figures of several servers for one span and time."""
    first = all_of_them[0]
    lines: dict[str, list[int]] = {}
    for one in (series for figures in all_of_them for series in figures.series):
        name = f"{one.kind} {one.cause}" if one.cause else str(one.kind)
        known = lines.setdefault(name, [0] * first.span.slots)
        lines[name] = [a + b for a, b in zip(known, one.counts, strict=True)]
    return Figures(first.span, first.begin, first.step, _ordered(lines))
