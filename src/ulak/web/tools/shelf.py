"""Bounces that somebody has uploaded, kept for some minutes so that they can be checked.

What is kept is bounded in number and octets; the oldest makes room.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ulak.diagnose.reply import Returned
from ulak.web.tools.reading import Reading

KEPT = 600.0  # seconds
_MOST = 100
_MOST_OCTETS = 48_000_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A bounce: the replies in it, and the message that it returns."""

    reading: Reading
    back: Returned
    until: float

    @property
    def octets(self) -> int:
        """How much it takes, about."""
        return len(self.back.header) + len(self.back.message)


class Shelf:
    """Keeps bounces under ids that nobody guesses."""

    def __init__(self, clock: Callable[[], float], new_id: Callable[[], str]) -> None:
        self._clock, self._new_id = clock, new_id
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def put(self, reading: Reading, back: Returned) -> str:
        """Keep a bounce, and give its id."""
        identifier = self._new_id()
        self._kept[identifier] = Kept(reading, back, self._clock() + KEPT)
        while (
            len(self._kept) > _MOST or sum(one.octets for one in self._kept.values()) > _MOST_OCTETS
        ):
            self._kept.popitem(last=False)
        return identifier

    def get(self, identifier: str) -> Kept | None:
        """Give a bounce; None where its time is over."""
        now = self._clock()
        while self._kept and next(iter(self._kept.values())).until <= now:
            self._kept.popitem(last=False)
        return self._kept.get(identifier)
