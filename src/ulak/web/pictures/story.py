"""The way of a message from top to bottom, long waits drawn short and labelled."""

from __future__ import annotations

import math
from datetime import datetime

from ulak.journal.story import Story
from ulak.language import direction
from ulak.web.pictures.measure import SMALL, WIDTH, width, wrapped
from ulak.web.pictures.svg import Picture, Sheet, element
from ulak.web.pictures.way import Event, Way, way
from ulak.web.pictures.words import at, clock, day, isolated, number, say, stretch

_FIRST, _LAST = 10, 16  # events that are shown of many
_RAIL, _TEXT = 9, 28  # pixels from the side where lines begin
_LINE, _BETWEEN = 17, 12
_WAIT = 60.0  # seconds from which a wait is drawn
_WRONG = 2.0  # seconds that clocks may differ without a word
_SHORTEST, _LONGEST = 26, 64  # pixels of a wait
_IN_WORDS = 24


def timeline(story: Story) -> Picture:
    """Draw the timeline of a story, in its language and its time zone."""
    return drawn(way(story), story.language)


def drawn(found: Way, language: str) -> Picture:
    """Draw a timeline."""
    sheet = Sheet(language, "timeline")
    sheet.height = 4.0
    shown, left_out = _shown(found.events)
    before: datetime | None = None
    rail: list[tuple[float, float, str]] = []
    for place, event in enumerate(shown):
        top = sheet.height
        when = None if event.time is None else at(event.time, found.zone)
        if left_out and place == _FIRST:
            text = say(language, "timeline.more", count=number(left_out, language))
            sheet.write(text, _TEXT, sheet.height + 12, "small muted")
            sheet.height += 28
        elif before is not None and when is not None:
            _between(sheet, event, (when - before).total_seconds())
        if sheet.height > top:
            rail.append((top, sheet.height, "rail pause"))
        top = sheet.height
        _date(sheet, when, before)
        if sheet.height > top and place:
            rail.append((top, sheet.height, "rail"))
        top = sheet.height
        _event(sheet, event, when)
        if place < len(shown) - 1:
            rail.append((top, sheet.height, "rail"))
        before = when or before
    for top, bottom, kind in rail:
        sheet.shape(element("path", d=f"M{_RAIL} {top + 10:.0f}V{bottom + 10:.0f}", kind=kind))
    for line in wrapped(found.note, WIDTH, SMALL) if found.note else ():
        sheet.write(isolated(line, language), 0, sheet.height + 8, "small muted")
        sheet.height += _LINE
    return sheet.done(isolated(found.title, language), _described(found, language))


def _shown(events: tuple[Event, ...]) -> tuple[tuple[Event, ...], int]:
    """Take the first and the last of many, and how many are left out."""
    left_out = len(events) - _FIRST - _LAST
    if left_out <= 0:
        return events, 0
    return (*events[:_FIRST], *events[-_LAST:]), left_out


def _date(sheet: Sheet, when: datetime | None, before: datetime | None) -> None:
    """Write the day where another begins."""
    if when is None or (before is not None and when.date() == before.date()):
        return
    sheet.write(day(when, sheet.language), _TEXT, sheet.height + 13, "small strong")
    sheet.height += 22


def _between(sheet: Sheet, event: Event, gap: float) -> None:
    """Leave room for a wait: more for a longer one, but never in proportion."""
    if event.back and gap <= -_WRONG:
        text, kind = event.back.format(time=stretch(-gap, sheet.language)), "small warn"
        pixels = float(_SHORTEST)
    elif gap >= _WAIT:
        text = say(sheet.language, "timeline.wait", time=stretch(gap, sheet.language))
        pixels = min(_SHORTEST + 5 * math.log2(gap / _WAIT), _LONGEST)
        kind = "small muted"
    else:
        return
    lines = wrapped(text, WIDTH - _TEXT, SMALL)
    y = sheet.height + pixels / 2 + 2
    for line in lines:
        sheet.write(isolated(line, sheet.language), _TEXT, y, kind)
        y += _LINE - 1
    sheet.height += pixels + (len(lines) - 1) * (_LINE - 1)


def _event(sheet: Sheet, event: Event, when: datetime | None) -> None:
    y = sheet.height + 10
    sheet.mark(event.tone, _RAIL, y)
    time = "?" if when is None else clock(when, seconds=True)
    room = WIDTH - _TEXT - width(time, SMALL, fixed=True) - 8
    sheet.write(time, 0, y + 4, "mono muted", end=True, protocol=True)
    full = event.full
    for line in wrapped(event.title, room):
        kind = "muted" if event.ahead else "strong"
        shown = line if event.protocol else isolated(line, sheet.language)
        sheet.write(shown, _TEXT, sheet.height + 15, kind, title=full, protocol=event.protocol)
        sheet.height += _LINE + 1
        full = ""
    for text in event.lines:
        size = WIDTH - _TEXT
        kind, full = "mono" if text.protocol else "small", text.text
        for line in wrapped(text.text, size, SMALL, fixed=text.protocol):
            shown = line if text.protocol else isolated(line, sheet.language)
            sheet.write(shown, _TEXT, sheet.height + 13, kind, title=full, protocol=text.protocol)
            full = ""
            sheet.height += _LINE - 1
    sheet.height += _BETWEEN


def _described(found: Way, language: str) -> str:
    """Tell the events one after the other, each with its time."""
    sentences = []
    shown = found.events
    if len(shown) > _IN_WORDS:
        shown = (*shown[: _IN_WORDS // 2], *shown[-_IN_WORDS // 2 :])
    comma = "،" if direction(language) == "rtl" else ","
    before: datetime | None = None
    for event in shown:
        time = "?"
        if event.time is not None:
            when = at(event.time, found.zone)
            time = clock(when, seconds=True)
            if before is None or before.date() != when.date():
                time = say(language, "date.at", day=day(when, language), clock=time)
            before = when
        parts = (event.title, *(line.text for line in event.lines))
        sentences.append(isolated(f"{time}: {f'{comma} '.join(parts)}.", language))
    if found.note:
        sentences.append(isolated(found.note, language))
    return " ".join(sentences)
