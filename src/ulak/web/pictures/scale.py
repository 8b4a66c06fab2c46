"""Scales of charts: round numbers and round times, and many values made few."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo

from ulak.web.pictures.words import LATEST, at, clock, day, month

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STEPS = (
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 7, 14, 30, 91, 182, 365)),
)  # seconds between two labels
# What a scale may end at, by the size of its numbers: half of it is a round number, too.
_ROUND = {
    1: (1, 2, 4, 6, 8, 10),
    10: (1, 2, 3, 4, 5, 6, 8, 10),
    100: (1, 1.5, 2, 3, 4, 5, 6, 8, 10),
}
_MOST_LABELS = 5
MOST = 1e15  # no value counts for more
_MONTHS = 60 * _DAY  # from here on the day of a label says nothing

Value = float | None
"""None where nothing is known."""


def ceiling(most: float) -> float:
    """Give the least round number that is no less; 1 where there is nothing."""
    if not math.isfinite(most) or most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    rounds = _ROUND[min(int(power), 100)] if power > 1 else _ROUND[1]
    return next((n * power for n in rounds if n * power >= most), most)


def fewer(values: Sequence[Value], most: int, join: Callable[[list[float]], float]) -> list[Value]:
    """Put values together, equally many each time, so that there are no more than `most`."""
    each = each_of(len(values), most)
    found: list[Value] = []
    for start in range(0, len(values), each):
        there = known(values[start : start + each])
        found.append(join(there) if there else None)
    return found


def known(values: Sequence[Value]) -> list[float]:
    """Give the values that are there, none below nothing or beyond all use."""
    return [min(max(v, 0.0), MOST) for v in values if v is not None and math.isfinite(v)]


def each_of(count: int, most: int) -> int:
    """Say how many values are one, so that there are no more than `most`."""
    return max(-(-count // most), 1)


def mean(values: list[float]) -> float:
    """Give the mean of some values."""
    return sum(values) / len(values)


def labels(start: float, end: float, zone: tzinfo, language: str) -> Iterator[tuple[float, str]]:
    """Give round times between two, each as percent of the way and as text, five at most."""
    span = end - start
    if span < _MINUTE or not 0 <= start < end < LATEST:
        return
    step = next((s for s in _STEPS if span / s <= _MOST_LABELS), span / _MOST_LABELS)
    when = _floor(at(start, zone), step)
    for _ in range(2 * _MOST_LABELS):
        percent = (when.timestamp() - start) / span * 100
        if _EDGE <= percent <= 100 - _EDGE:
            yield percent, _label(when, step, span, language)
        if when.timestamp() + step > end:
            break
        # By the clock on the wall, which days of another length do not put out of step.
        when += timedelta(seconds=step)


_EDGE = 6.5  # percent from either side, where a label would be cut


def _floor(when: datetime, step: float) -> datetime:
    """Go back to a round time of the zone's own clock."""
    midnight = when.replace(hour=0, minute=0, second=0, microsecond=0)
    if step >= _DAY:
        return midnight
    passed = (when - midnight).total_seconds()
    return midnight + timedelta(seconds=passed // step * step)


def _label(when: datetime, step: float, span: float, language: str) -> str:
    if span > 6 * _MONTHS:
        return month(when, language)
    if step >= _DAY or (when.hour == when.minute == 0):
        return day(when, language)
    return clock(when)
