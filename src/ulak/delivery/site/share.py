"""How the workers of a machine share one limit: each has its part, and the rest goes around.

    every worker:   limit // workers attempts at a time, always
    the rest:       limit % workers further ones, which are claimed, used, and given back

A claim is a row in the file that all share (`shared`), so a limit of one is never two: who has no
part of its own begins nothing without a claim. It is held while attempts need it, at most for a
slice of time: then nothing more begins by it, and when what is under way has ended it goes to who
has waited longest. A worker that dies leaves claims that end by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ulak.delivery.site.pace import Rate

SLICE = 10.0  # seconds for which a claim is used where there is always more to do
LASTS = 60.0  # seconds until the claim of a worker that died is free
_FORGOTTEN = 10.0  # seconds after which nobody waits any more who does not ask again


Place = tuple[str, str]  # the names of a site and of a source
NOWHERE: Place = ("", "")


class Claimant(Protocol):
    """A limit at one place, for who has a `part` of it and may claim more: `share` is both.

    There are two: attempts at a time (`terms`) and probes (`probe`). `claimed` is since when there
    is more than the part, 0.0: there is not. `wanting`: somebody waits for more.
    """

    claimed: float
    part: int
    share: int

    @property
    def site(self) -> str:
        """Name the site."""

    @property
    def wanting(self) -> bool:
        """Whether somebody waits for more than there is."""

    @wanting.setter
    def wanting(self, wanting: bool) -> None: ...

    @property
    def limit(self) -> int:
        """Say how much there is for all."""

    @property
    def size(self) -> int:
        """Say how much of it would be of use."""

    @property
    def active(self) -> int:
        """Say how much of it is in use."""

    @property
    def lasting(self) -> int:
        """Say how many connections may stay."""

    def kept(self, now: float) -> int:
        """Say how much of what is claimed is to be kept although it is not in use."""

    def turn(self, now: float) -> bool:
        """Whether it has had what it claimed for as long as it may where others wait."""

    def done(self, now: float) -> bool:
        """Whether nothing more begins by what is claimed."""

    def win(self, now: float, more: int = 1) -> bool:
        """Have so much more than the part; whether it may be used at once."""

    def lose(self) -> None:
        """Have the part alone; what is under way ends."""


class Sharer(Protocol):
    """One of those who share limits."""

    @property
    def sheds(self) -> bool:
        """Whether connections leave when what was claimed for them is given back."""

    @property
    def spread(self) -> float:
        """How many times as long the pauses of one have to be as those that a site asks for."""

    def part(self, limit: int, place: Place = NOWHERE) -> int:
        """Say how many attempts at a time are always this one's."""

    def rest(self, limit: int) -> int:
        """Say how many more there may be to claim, for all."""

    def rate(self, rate: Rate) -> Rate:
        """Give this one's part of a rate that is for all."""


@dataclass(frozen=True, slots=True)
class Member:
    """One of so many workers; the first is 0."""

    index: int = 0
    count: int = 1

    @property
    def sheds(self) -> bool:
        """Say that nobody has them leave: none stays by a claim."""
        return False

    @property
    def spread(self) -> float:
        """Leave what a site asks for as it is: each worker learns for itself."""
        return 1.0

    def part(self, limit: int, place: Place = NOWHERE) -> int:
        """Say how many attempts at a time are always this worker's."""
        del place
        return limit // self.count

    def rate(self, rate: Rate) -> Rate:
        """Give this worker's part of a rate that is for all."""
        return Rate(rate.count / self.count, rate.seconds)

    def rest(self, limit: int) -> int:
        """Say how many more there are to claim, for all workers."""
        return limit % self.count


@dataclass(frozen=True, slots=True)
class Asked:
    """That a worker asks for a slot since a time, and has it until another (0.0: not yet)."""

    since: float
    last: float  # when it asked last
    until: float = 0.0


def granted(asked: Mapping[int, Asked], worker: int, slots: int, now: float) -> bool:
    """Say whether a worker that asks gets one of so many slots, or keeps the one that it has."""
    own = asked[worker]
    before = 0
    for other, one in asked.items():
        if other == worker:
            continue
        waits = one.last > now - _FORGOTTEN and (one.since, other) < (own.since, worker)
        if one.until > now or (waits and own.until <= now):
            before += 1
    return before < slots
