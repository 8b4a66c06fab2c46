"""Charts of counts over time: stacked bars, and bars that go up and down."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo

from ulak.language import direction
from ulak.web.pictures import scale
from ulak.web.pictures.measure import SMALL, WIDTH, cut, fitted, width
from ulak.web.pictures.scale import Value
from ulak.web.pictures.svg import Picture, Sheet, element, titled
from ulak.web.pictures.words import at, clock, day, isolated, number, say, stretch

_PLOT = 150  # pixels high
_WIDE = 480  # units, which are stretched: about a pixel each
_SPACE = 0.15  # between bars, of a bar and its space
_BARS = 48
_SERIES = 5
_SHORT = 32  # characters of a name, where all values of a time are told
_SWATCH, _APART, _LEGEND = 22, 14, 20  # pixels


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one thing, one for each step; `tone` (`good`, `bad` …) gives its colour."""

    name: str
    values: tuple[Value, ...]
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Series that begin at `start` (seconds since the epoch), with `step` seconds between values.

    Values are how often something was in each step. `zone` is that of the times that are written.
    """

    title: str
    start: float
    step: float
    series: tuple[Series, ...]
    zone: tzinfo = UTC

    @property
    def count(self) -> int:
        """How many values the longest series has."""
        return max((len(one.values) for one in self.series), default=0)

    @property
    def end(self) -> float:
        """When the last step is over."""
        return self.start + self.count * self.step


def stacked(chart: Chart, language: str) -> Picture:
    """Draw what the series are together as bars, the first at the bottom."""
    shown = _gathered(chart, language)
    few = [scale.fewer(one.values, _BARS, sum) for one in shown.series]
    sheet = Sheet(language, "chart")
    name = "p" + hashlib.sha256(repr(shown).encode("utf-8", "replace")).hexdigest()[:8]
    sheet.shape(_hatches(name, len(few)))
    _legend(sheet, shown, hatch=name)
    columns = max((len(values) for values in few), default=0)
    sums = [sum(_value(values, column) for values in few) for column in range(columns)]
    top = scale.ceiling(max(sums, default=0))
    plot = _plot(sheet, top, scale.each_of(shown.count, _BARS) * chart.step)
    below = [0.0] * columns
    paths = []
    for place, values in enumerate(few):
        path = ""
        for column in range(columns):
            height = _value(values, column) / top * _PLOT
            below[column] += height
            path += _bar(column, columns, _PLOT - below[column], height)
        paths.append(element("path", d=path, kind=_kind(shown.series[place], place)))
        if place:
            paths.append(element("path", d=path, fill=f"url(#{name}-{place})"))
    sheet.shape(_stretched(paths, plot))
    _axis(sheet, shown, plot)
    _points(sheet, shown, few, scale.each_of(shown.count, _BARS), plot)
    told = " ".join(_told_sum(one, language) for one in shown.series)
    return sheet.done(isolated(chart.title, language), _described(chart, told, language))


def opposed(chart: Chart, language: str) -> Picture:
    """Draw the first series upwards and the second downwards from one line: pass and fail."""
    shown = replace(chart, series=chart.series[:2])
    few = [scale.fewer(one.values, _BARS, sum) for one in shown.series]
    sheet = Sheet(language, "chart")
    _legend(sheet, shown)
    most = [max(scale.known(values), default=0.0) for values in few]
    whole = sum(most) or 1.0
    # What is rare stays to be seen: the smaller side has a quarter of the room.
    up = (
        min(max((most[0] if most else 0) / whole, 0.25), 0.75)
        if all(most)
        else float(any(most[:1]))
    )
    rooms = (_PLOT * up, _PLOT * (1 - up)) if any(most) else (_PLOT, 0.0)
    per = max((m / room for m, room in zip(most, rooms, strict=False) if room), default=0) or 1.0
    plot = sheet.height + 12
    paths = []
    for place, values in enumerate(few):
        heights = [(value or 0.0) / per for value in values]
        path = "".join(
            _bar(column, len(heights), rooms[0] - (0 if place else height), height)
            for column, height in enumerate(heights)
        )
        paths.append(element("path", d=path, kind=_kind(shown.series[place], place)))
    sheet.shape(_stretched(paths, plot))
    middle = plot + rooms[0]
    sheet.shape(element("line", x1=0, x2="100%", y1=middle, y2=middle, kind="axis"))
    for place, value in enumerate(most):
        y = plot + _PLOT + 13 if place else plot - 3
        if value:
            sheet.write(number(value, language), 0, y, "small muted halo")
    _axis(sheet, shown, plot, _LEGEND - 4)
    _points(sheet, shown, few, scale.each_of(shown.count, _BARS), plot)
    told = " ".join(_told_sum(one, language) for one in shown.series)
    return sheet.done(isolated(chart.title, language), _described(chart, told, language))


def _kind(series: Series, place: int) -> str:
    return series.tone or f"line-{place % 6 + 1}"


def _value(values: Sequence[Value], column: int) -> float:
    value = values[column] if column < len(values) else None
    return 0.0 if value is None or not math.isfinite(value) else min(max(value, 0.0), scale.MOST)


def _gathered(chart: Chart, language: str) -> Chart:
    """Keep the largest series; the others are one."""
    if len(chart.series) <= _SERIES:
        return chart
    ranked = sorted(chart.series, key=lambda one: -sum(scale.known(one.values)))
    rest = ranked[_SERIES - 1 :]
    columns = max(len(one.values) for one in rest)
    sums = tuple(sum(_value(one.values, column) for one in rest) for column in range(columns))
    others = Series(say(language, "chart.others"), sums, "muted")
    return replace(chart, series=(*ranked[: _SERIES - 1], others))


def _bar(column: int, columns: int, y: float, height: float) -> str:
    """Give one bar as a part of a path; nothing where it has no height."""
    if height <= 0:
        return ""
    wide = _WIDE / columns * (1 - _SPACE)
    x = (column + _SPACE / 2) * _WIDE / columns
    return f"M{x:.1f} {y:.1f}h{wide:.1f}v{max(height, 0.8):.1f}h-{wide:.1f}z"


def _stretched(paths: Sequence[str], plot: float) -> str:
    """Give a plot that is as wide as the picture, whatever that is."""
    return element(
        "svg", *paths, y=plot, width="100%", height=_PLOT, viewBox=f"0 0 {_WIDE} {_PLOT}",
        preserveAspectRatio="none",
    )  # fmt: skip


def _hatches(name: str, count: int) -> str:
    """Give what tells bars apart without their colours: nothing, then stripes, dots …."""
    drawn = (
        '<path d="M0 6 6 0"/>',
        '<circle cx="2" cy="2" r="1.2"/>',
        '<path d="M0 3H6"/>',
        '<path d="M0 0 6 6M0 6 6 0"/>',
    )
    patterns = (
        element(
            "pattern", drawn[place - 1], id=f"{name}-{place}", kind="hatch", width=6, height=6,
            patternUnits="userSpaceOnUse",
        )
        for place in range(1, count)
    )  # fmt: skip
    return element("defs", *patterns) if count > 1 else ""


def _legend(sheet: Sheet, chart: Chart, *, hatch: str = "") -> None:
    """Name the series, each with its sum."""
    x, y = 0.0, 12.0
    for place, series in enumerate(chart.series):
        amount = number(sum(scale.known(series.values)), sheet.language)
        room = WIDTH - _SWATCH - 8 - width(amount, SMALL)
        name = fitted(series.name, room, SMALL)
        size = _SWATCH + 12 + width(name, SMALL) + width(amount, SMALL)
        if x and x + size > WIDTH:
            x, y = 0.0, y + _LEGEND
        kind = _kind(series, place)
        box = {"x": round(x), "y": round(y - 10), "width": 12, "height": 12}
        sheet.shape(element("rect", **box, kind=kind))
        if hatch and place:
            sheet.shape(element("rect", **box, fill=f"url(#{hatch}-{place})"))
        text = f"{isolated(name, sheet.language)} {amount}"
        sheet.write(text, x + _SWATCH, y, "small", title=series.name)
        x += size + _APART
    sheet.height = y + 8


def _plot(sheet: Sheet, top: float, step: float = 0) -> float:
    """Draw the lines behind, with what they stand for; give where the plot begins.

    `step` is in how many seconds so much was counted.
    """
    plot = sheet.height + 12
    for part in (1.0, 0.5, 0.0):
        y = plot + _PLOT * (1 - part)
        kind = "grid" if part else "axis"
        sheet.shape(element("line", x1=0, x2="100%", y1=y, y2=y, kind=kind))
        if part:
            text = number(top * part, sheet.language)
            if step >= 1 and part == 1:
                text += f" / {stretch(step, sheet.language)}"
            sheet.write(text, 0, y - 3, "small muted halo")
    sheet.height = plot + _PLOT
    return plot


def _axis(sheet: Sheet, chart: Chart, plot: float, further: float = 0) -> None:
    """Write the times, `further` down, and that there is nothing where there is nothing."""
    y = plot + _PLOT + 16 + further
    for percent, text in scale.labels(chart.start, chart.end, chart.zone, sheet.language):
        place = f"{percent:.2f}%"
        sheet.shape(element("line", x1=place, x2=place, y1=y - 16, y2=y - 12, kind="axis"))
        sheet.note(text, percent, y, "small muted")
    if not any(v for one in chart.series for v in scale.known(one.values)):
        sheet.note(say(sheet.language, "chart.empty"), 50, plot + _PLOT / 2 + 20, "muted")
    sheet.height = y + 8


def _points(
    sheet: Sheet, chart: Chart, few: Sequence[Sequence[Value]], each: int, plot: float
) -> None:
    """Let whoever points at a time read its values; of long series some times together."""
    count = max((len(values) for values in few), default=0)
    together = scale.each_of(count, _BARS)
    comma = "، " if direction(sheet.language) == "rtl" else ", "
    for column in range(0, count, together):
        when = at(chart.start + column * each * chart.step, chart.zone)
        named = comma.join(
            f"{cut(one.name, _SHORT)} {number(_value(values, column), sheet.language)}"
            for one, values in zip(chart.series, few, strict=True)
        )
        time = f"{day(when, sheet.language)} {clock(when)}"
        text = say(sheet.language, "chart.at", time=time, values=named)
        box = element(
            "rect", x=f"{column * 100 / count:.2f}%", width=f"{together * 100 / count:.2f}%",
            y=plot, height=_PLOT, fill="none", pointer_events="all",
        )  # fmt: skip
        sheet.shape(titled(isolated(text, sheet.language), box), above=True)


def _told_sum(series: Series, language: str) -> str:
    known = scale.known(series.values) or [0.0]
    most, whole = number(max(known), language), number(sum(known), language)
    return isolated(say(language, "chart.most", name=series.name, most=most, sum=whole), language)


def _described(chart: Chart, told: str, language: str) -> str:
    """Say when it is, and what of each series is to be known."""
    ends = (at(time, chart.zone) for time in (chart.start, chart.end))
    texts = [say(language, "date.at", day=day(w, language), clock=clock(w)) for w in ends]
    span = say(language, "chart.to", start=texts[0], end=texts[1])
    return f"{isolated(span, language)} {told}"
