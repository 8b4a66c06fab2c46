"""What may still be sent of so many a day, counted for all workers together.

The counts lie in a file that all workers share (`Ledger`). A worker takes a portion of what is left
there before it sends, and counts down from it by itself: so nothing is written for each message,
and all workers together never send more than the limit. What is lost is what a worker that dies
had in hand, a fiftieth of the limit at most: as many fewer are sent in that span.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

_PORTIONS = 50  # into which a limit is cut
_MOST = 500  # in one portion
_ASKED = 0.05  # seconds until the next look while the ledger is asked
_AFTER_ERROR = 30.0  # seconds until a ledger that failed is asked again
_KEPT = 1000  # counts


class Count(NamedTuple):
    """What is counted: `what` names a source or a tenant, `where` a site, `""` for everywhere.

    It is counted from `start` on until `end`, both in seconds since the epoch.
    """

    what: str
    where: str
    start: int
    end: int


class Taken(NamedTuple):
    """How many have been taken of one count."""

    what: str
    where: str
    start: int
    end: int
    taken: int


class LedgerError(Exception):
    """The file of the counts could not be read or written."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"The counts in {path} cannot be used: {problem}.")


class Ledger(Protocol):
    """The counts of all workers. Both verbs may raise LedgerError."""

    def take(self, count: Count, wanted: int, limit: int) -> int:
        """Take so many, or what is left up to the limit; give how many."""

    def give_back(self, count: Count, number: int) -> None:
        """Give back what was taken and not sent."""


Answer = Callable[[int | None], None]
Ask = Callable[[Count, int, int, Answer], None]
"""Have the ledger asked for a number up to a limit; the answer is None where that has failed."""


def portion(limit: int) -> int:
    """Give how many are taken at a time."""
    return min(max(limit // _PORTIONS, 1), _MOST)


class _Share:
    """What one worker has in hand of one count."""

    __slots__ = ("again", "asked", "empty", "left")

    def __init__(self) -> None:
        self.left = 0
        self.asked = False  # whether an answer is awaited
        self.empty = False  # whether nothing is left for anybody
        self.again = 0.0  # when to ask again after an error


class Quotas:
    """One worker's portions. `ask` has the ledger asked and may answer at once or later."""

    def __init__(self, ask: Ask, give_back: Callable[[Count, int], None]) -> None:
        self._ask = ask
        self._give_back = give_back
        self._shares: dict[Count, _Share] = {}
        self._room = _KEPT  # how many there may be before those that are over are thrown away

    def left(self, count: Count, limit: int, now: float) -> bool | None:
        """Whether one more may be sent; None where that is known in a moment."""
        share = self._shares.get(count) or self._fresh(count, now)
        if share.left <= portion(limit) // 4 and not share.empty and not share.asked:
            self._refill(count, share, limit, now)
        if share.left > 0:
            return True
        return False if share.empty else None

    def again(self, count: Count, now: float) -> float:
        """Say when to look again where it is not known how many are left."""
        share = self._shares.get(count)
        return now + _ASKED if share is None else max(now + _ASKED, share.again)

    def take(self, count: Count) -> None:
        """Count one, for which there was one left."""
        self._shares[count].left -= 1

    def back(self, count: Count) -> None:
        """Count one less: it was not sent after all."""
        share = self._shares.get(count)
        if share is not None:
            share.left += 1

    def close(self) -> None:
        """Give back what is in hand."""
        for count, share in self._shares.items():
            if share.left > 0:
                self._give_back(count, share.left)
        self._shares.clear()

    def _fresh(self, count: Count, now: float) -> _Share:
        if len(self._shares) >= self._room:
            self._shares = {c: s for c, s in self._shares.items() if c.end > now or s.asked}
            self._room = max(2 * len(self._shares), _KEPT)
        share = self._shares[count] = _Share()
        return share

    def _refill(self, count: Count, share: _Share, limit: int, now: float) -> None:
        if now < share.again:
            return
        share.asked = True
        wanted = portion(limit)

        def answer(given: int | None) -> None:
            share.asked = False
            if given is None:
                share.again = now + _AFTER_ERROR
                return
            share.left += given
            share.empty = given < wanted
            if self._shares.get(count) is not share and share.left > 0:  # closed meanwhile
                self._give_back(count, share.left)
                share.left = 0

        self._ask(count, wanted, limit, answer)
