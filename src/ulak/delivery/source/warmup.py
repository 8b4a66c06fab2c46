"""Warm-up: how many messages a new source may send on which day. Days are those of UTC."""

from __future__ import annotations

from dataclasses import dataclass

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Plan:
    """So many messages on the first day, so many on the second, and then any number.

    `start` is the first day, counted from the epoch. `per_site`: for each site, else in all.
    """

    start: int
    daily: tuple[int, ...]
    per_site: bool = True

    def limit(self, day: int) -> int | None:
        """Give how many may leave on a day; None for any number. Before the first day it is 0."""
        if day < self.start:
            return 0
        number = day - self.start
        return self.daily[number] if number < len(self.daily) else None

    def step(self, day: int) -> int:
        """Give which day of the plan it is, from 1 on; 0 before it and after it."""
        number = day - self.start + 1
        return number if 0 < number <= len(self.daily) else 0

    @property
    def warm_from(self) -> int:
        """The first day on which there is no limit."""
        return self.start + len(self.daily)


def day_of(now: float) -> int:
    """Give the day of a time in seconds since the epoch."""
    return int(now // DAY)


def end_of(day: int) -> float:
    """Give when a day is over, in seconds since the epoch."""
    return (day + 1) * DAY
