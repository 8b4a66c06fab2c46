"""How the workers of a cluster share one limit, while they come, go, and are cut off.

    each:       divides limits by a number of its own, `count`, and always has the whole part of
                that; the numbers are such that 1/count of all of them is never more than 1
    the rest:   is claimed, as much of it as is wanted, those first who have waited longest

All of them are on one roll (`Roll`, kept by `Seats`), and each changes it by itself, one after
the other. Who comes has no part until the others divide by more, and who divides by more says at
once what is under way beyond its new part: that counts as claimed until it has ended. So the sum
never exceeds the limit, and nothing that is under way is ended for it. Where parts of those who
remain grow over something claimed, they have that much less there for as long (`debts`).

Who dies keeps its place until nobody has heard of it for a while.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from ulak.delivery.site.pace import Rate
from ulak.delivery.site.share import NOWHERE, Place

FORGOTTEN = 10.0  # seconds after which nobody waits any more who does not ask again
_CAREFUL = 100  # by what a rate is divided while nobody has said by what


@dataclass(frozen=True, slots=True)
class Ask:
    """What one wants at a place beyond its part of the limit there.

    `holds` is what it has, or has under way: it is not taken from it. `turn`: it has had that for
    as long as it may where others wait.
    """

    place: Place
    limit: int
    holds: int
    wanted: int
    turn: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What one may: divide limits by `count`, of `sharers`; 0: it has no part yet.

    `slots` are those that it may use beyond its parts, `debts` what is missing in parts of its own.
    `new`: it was not on the roll, and has nothing of what it had.
    """

    count: int
    sharers: int
    slots: Mapping[Place, int] = field(default_factory=dict)
    debts: Mapping[Place, int] = field(default_factory=dict)
    new: bool = False


class Seats(Protocol):
    """Where the roll is kept. Both verbs raise SharedError."""

    async def renew(self, count: int, asks: Collection[Ask], debts: Collection[Place]) -> Answer:
        """Say that one lives, divides by `count` (0: has no part), and wants what it asks for.

        What it had claimed and does not ask for is given back. `debts` are the places of debts.
        """

    async def leave(self) -> None:
        """Give everything back."""


class Seat:
    """One's place in the cluster.

    `least` is what there may be at a time where nothing is known of the others.
    """

    def __init__(self) -> None:
        self.count = 0
        self.least = 0
        self.debts: Mapping[Place, int] = {}

    @property
    def sheds(self) -> bool:
        """Say that connections leave with their claim (`Seating` sees to that)."""
        return True

    @property
    def spread(self) -> float:
        """How many share what a site asks of all."""
        return float(self.count or _CAREFUL)

    def whole(self, limit: int) -> int:
        """Give the part that the roll says one has."""
        return limit // self.count if self.count else 0

    def part(self, limit: int, place: Place = NOWHERE) -> int:
        """Say how many attempts at a time are always one's own."""
        if not self.count:
            return min(self.least, limit)
        return max(limit // self.count - self.debts.get(place, 0), 0)

    def rest(self, limit: int) -> int:
        """Say that there may be something to claim: who shares changes."""
        return limit

    def rate(self, rate: Rate) -> Rate:
        """Give one's part of a rate that is for all."""
        return Rate(rate.count / self.spread, rate.seconds)


@dataclass(slots=True)
class Claim:
    """What somebody has, and wants, beyond its part of a limit. Times are those of the roll."""

    slots: int
    wanted: int
    limit: int
    since: float
    last: float


@dataclass(slots=True)
class Roll:
    """Who there is, by what each divides limits, and what each has claimed."""

    counts: dict[int, int] = field(default_factory=dict)
    claims: dict[Place, dict[int, Claim]] = field(default_factory=dict)

    def raises(self, me: int, count: int) -> int:
        """Give by what one may divide that divides by `count`: by as many as there are, if so.

        More, it has to say by itself: its part becomes smaller.
        """
        sharers = len(self.counts)
        if count and sharers >= count:
            return count
        others = sum(Fraction(1, n) for who, n in self.counts.items() if n and who != me)
        return sharers if others + Fraction(1, sharers) <= 1 else count

    def parts(self, limit: int) -> int:
        """Sum up what all have without asking."""
        return sum(limit // count for count in self.counts.values() if count)

    def debt(self, me: int, place: Place) -> int:
        """Say how much of its part one has to leave alone at a place, for what is claimed there."""
        claims = self.claims.get(place, {}).values()
        count = self.counts.get(me, 0)
        if not claims or not count:
            return 0
        limit = min(claim.limit for claim in claims)
        over = self.parts(limit) + sum(claim.slots for claim in claims) - limit
        return max(min(over, limit // count), 0)

    def claim(self, me: int, ask: Ask, now: float) -> int:
        """Write down what one has and wants; give how much it may use."""
        here = self.claims.setdefault(ask.place, {})
        own = here.get(me)
        anew = own is None or ask.turn or not ask.wanted  # it comes last from now on
        since = now if own is None or anew else own.since
        own = here[me] = Claim(ask.holds, ask.wanted, ask.limit, since, now)
        pool = ask.limit - self.parts(ask.limit)
        room = pool - sum(claim.slots for claim in here.values())  # less than none: over the limit
        given = max(min(_targets(here, pool, now)[me], ask.holds + room), 0)
        own.slots = max(given, ask.holds)
        if not own.slots and not own.wanted:
            self._drop(me, ask.place)
        return given

    def keep_only(self, me: int, places: Collection[Place]) -> None:
        """Give back what one has claimed elsewhere."""
        for place in [p for p, here in self.claims.items() if me in here and p not in places]:
            self._drop(me, place)

    def remove(self, who: int) -> None:
        """Take one off the roll, with all that it has."""
        self.counts.pop(who, None)
        self.keep_only(who, ())

    def renew(
        self, me: int, count: int, asks: Collection[Ask], debts: Collection[Place], now: float
    ) -> Answer:
        """Do what `Seats.renew` does.

        One that is not on the roll is put there without a part: what it has under way beyond that
        it has to say first.
        """
        if me not in self.counts:
            self.counts[me] = 0
            return Answer(0, len(self.counts), new=True)
        self.counts[me] = count
        may = self.raises(me, count)
        self.counts[me] = may
        self.keep_only(me, {ask.place for ask in asks})
        slots = {ask.place: self.claim(me, ask, now) for ask in asks}
        looked = set(self.claims) if may != count else set(debts)
        owed = {place: self.debt(me, place) for place in looked}
        return Answer(may, len(self.counts), slots, {p: n for p, n in owed.items() if n})

    def _drop(self, me: int, place: Place) -> None:
        here = self.claims[place]
        del here[me]
        if not here:
            del self.claims[place]


def _targets(here: Mapping[int, Claim], pool: int, now: float) -> dict[int, int]:
    """Divide what there is beyond parts: one each in turn, those first who have waited longest."""
    targets = dict.fromkeys(here, 0)
    waiting = {
        who: claim.wanted
        for who, claim in sorted(here.items(), key=lambda one: (one[1].since, one[0]))
        if claim.slots or claim.last > now - FORGOTTEN
    }
    while pool > 0 and any(waiting.values()):
        for who, wanted in waiting.items():
            if wanted and pool > 0:
                targets[who] += 1
                waiting[who] -= 1
                pool -= 1
    return targets


class SeatsInMemory:
    """Follows `Seats`, for one of several on the same roll. `now` gives its time."""

    def __init__(self, roll: Roll, me: int, now: float = 0.0) -> None:
        self.roll = roll
        self.me = me
        self.now = now

    async def renew(self, count: int, asks: Collection[Ask], debts: Collection[Place]) -> Answer:
        """Change the roll."""
        return self.roll.renew(self.me, count, asks, debts, self.now)

    async def leave(self) -> None:
        """Leave the roll."""
        self.roll.remove(self.me)
