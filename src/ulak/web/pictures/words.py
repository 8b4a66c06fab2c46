"""The words in pictures, and how a language writes numbers, times and stretches of time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import cache
from pathlib import Path

from ulak.language import bidi, direction, read
from ulak.replies.texts import put

FOLDER = Path(__file__).parents[1] / "texts"

_PLACES = ((1, 2), (100, 1), (math.inf, 0))  # below what number, how many
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
LATEST = 253_402_214_400.0  # the last day of the year 9999


def say(language: str, name: str, /, **facts: str) -> str:
    """Give a text; facts may be a stranger's. A name that does not exist is a KeyError."""
    return put(_texts(language)[name], facts)


def find(language: str, name: str) -> str | None:
    """Give a text without places, or None where there is none of that name."""
    return _texts(language).get(name)


def isolated(text: str, language: str) -> str:
    """Put isolates around what runs from left to right in a sentence that does not."""
    return bidi.isolated(text, language) if direction(language) == "rtl" else text


@cache
def _texts(language: str) -> Mapping[str, str]:
    return read(FOLDER / language / "pictures.toml")


def number(value: float, language: str) -> str:
    """Write a number: its thousands apart, and some places behind the point if it is small."""
    places = next(places for below, places in _PLACES if abs(value) < below)
    whole, _, part = f"{value:,.{places}f}".partition(".")
    part = part.rstrip("0")
    texts = _texts(language)
    group, point = texts["number.group"], texts["number.point"]
    whole = whole.replace(",", group)
    return f"{whole}{point}{part}" if part else whole


def at(time: float, zone: tzinfo) -> datetime:
    """Give seconds since the epoch as a time; what is out of reach is the first or the last."""
    return datetime.fromtimestamp(min(max(time, 0.0), LATEST), zone)


def clock(when: datetime, *, seconds: bool = False) -> str:
    """Write the time of day, which is the same in every language."""
    return f"{when:%H:%M:%S}" if seconds else f"{when:%H:%M}"


def day(when: datetime, language: str) -> str:
    """Write day and month."""
    month = say(language, f"month.m{when.month}")
    return say(language, "date.day", day=str(when.day), month=month)


def month(when: datetime, language: str) -> str:
    """Write month and year."""
    return say(
        language, "date.month", month=say(language, f"month.m{when.month}"), year=str(when.year)
    )


def stretch(seconds: float, language: str) -> str:
    """Write how long something took, in one or two units: `2 h 5 min`."""
    whole = int(max(seconds, 0))
    if seconds < 1:
        return say(language, "time.moment")
    steps = ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute"), (1, "second"))
    for place, (size, name) in enumerate(steps):
        if whole >= size:
            first = say(language, f"time.{name}", count=number(whole // size, language))
            if size == 1:
                return first
            smaller, below = steps[place + 1]
            rest = whole % size // smaller
            if not rest:
                return first
            second = say(language, f"time.{below}", count=str(rest))
            return say(language, "time.two", first=first, second=second)
    return say(language, "time.moment")
