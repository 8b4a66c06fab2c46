"""Lanes: the order in which what is due leaves a store, so that no sender's flood delays others.

Fair queueing would number all that is due each time that something is taken. A store of a million
rows cannot; it notes one number with each row when that is put, and never changes it:

    put:    waiting = how many recipients of the same sender's domain are in the store
            level   = 0 for the first 32, and one more for each fourfold of that
            lane    = priority - 32 * level
    lease:  within a level by rank: longest due first, an hour earlier for a step of priority;
            levels take turns, from the lowest on, each half as often as the one before it

So before a message whose sender has little there come, of every other sender, at most 32 in its own
level and as many again in those behind it, however many millions they have; before one of a sender
with n of them, at most about 4n of each. What is far behind is not forgotten: each level with
something due has a turn in every lease that is long enough for it.

A sender whose mail goes as it comes is never far behind, and where nobody is, all goes by rank.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import heapify, heappop, heapreplace
from typing import TypeVar

T = TypeVar("T")

FIRST = 32  # recipients of a sender who are in nobody's way
_SPAN = 32  # lanes of a level: more than there are priorities
_HIGHEST = 9  # priority (RFC 6710 §5.1)
_BITS = 16
_MASK = (1 << _BITS) - 1  # one counter less than there are in each of two rows

# Python's own hash has a key that is drawn for each process, so nobody can look for a domain that
# shares both counters with another's and then hold up its mail. Simulated years have no such key.
_number: Callable[[str], int] = hash


def lane(priority: int, level: int) -> int:
    """Give the lane of mail of a priority whose sender has so much more waiting."""
    return priority - _SPAN * level


def level_of(lane: int) -> int:
    """Say how far back a lane is."""
    return (_HIGHEST - lane) // _SPAN


def priority_of(lane: int) -> int:
    """Say of which priority the mail in a lane is."""
    return lane + _SPAN * level_of(lane)


def by_level(lanes: Iterable[int]) -> dict[int, list[int]]:
    """Sort lanes to their levels."""
    levels: dict[int, list[int]] = {}
    for each in lanes:
        levels.setdefault(level_of(each), []).append(each)
    return levels


def turns(levels: Mapping[int, Iterator[T]], taken: Mapping[int, int] | None = None) -> Iterator[T]:
    """Take from each level in turn: the first of each, then half as often from each next one.

    In the k-th place of a level, from 0 on, stands what has the key k * 2**level; lowest key first,
    and of equal ones the lowest level. `taken` says how many of each level went before.
    """
    before = taken or {}
    keys = [(before.get(level, 0) << level, level) for level in levels]
    heapify(keys)
    while keys:
        key, level = keys[0]
        for one in levels[level]:
            heapreplace(keys, (key + (1 << level), level))
            yield one
            break
        else:
            heappop(keys)


class Crowd:
    """About how many recipients each sender's domain has in a store: never too few.

    Two counters for each domain, drawn by its hash, of which the lower one counts: two domains
    would have to share both to be taken for one. So memory is the same for any number of them.
    """

    __slots__ = ("_one", "_other")

    def __init__(self) -> None:
        self._one = array("i", bytes(4 << _BITS))
        self._other = array("i", bytes(4 << _BITS))

    def enter(self, domain: str, count: int) -> int:
        """Note that so many come; the level that they stand in."""
        number = _number(domain)
        one, other = number & _MASK, number >> _BITS & _MASK
        ones, others = self._one, self._other
        before, another = ones[one], others[other]
        ones[one] = before + count
        others[other] = another + count
        if before < FIRST or another < FIRST:
            return 0
        return ((min(before, another) // FIRST).bit_length() + 1) // 2

    def leave(self, domain: str, count: int) -> None:
        """Note that so many have gone."""
        number = _number(domain)
        self._one[number & _MASK] -= count
        self._other[number >> _BITS & _MASK] -= count
