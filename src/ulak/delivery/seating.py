"""How this worker keeps its place in the cluster, and its parts of limits, while it works.

It renews its place every two seconds, in the background. Where parts become smaller nothing more
begins beyond them at once, and the others hear what is under way there still. While nobody can be
reached it keeps to what it had last; one that had nothing makes one attempt at a time.
"""

from __future__ import annotations

from collections.abc import Callable

from ulak.delivery.site.seat import Answer, Ask, Seat, Seats
from ulak.delivery.site.share import Claimant, Place
from ulak.delivery.site.sites import Sites

_ALONE = 1  # attempts at a time to a site while nothing is known of the others


def _stay(_place: Place, _most: float) -> None:
    """Have no connections."""


class Seating:
    """Keeps one worker's parts of limits. `opened` is told of a site that has more room.

    `shed` has connections that wait leave a site from a source, where there are more than so many.
    """

    def __init__(
        self,
        sites: Sites,
        seats: Seats,
        seat: Seat,
        clock: Callable[[], float],
        opened: Callable[[str], None],
        shed: Callable[[Place, float], None] = _stay,
    ) -> None:
        self._shed = shed
        self._sites = sites
        self._seats = seats
        self.seat = seat
        self._clock = clock
        self._opened = opened
        self._unused: set[Place] = set()  # what is claimed, and was not in use the last time
        self.sharers = 0  # how many share limits, as was heard last
        self.soon = True  # whether parts are about to change

    @property
    def part(self) -> str:
        """Say in a word what we have of each limit."""
        count = self.seat.count
        return f"1/{count}" if count else str(self.seat.least)

    async def step(self) -> None:
        """Renew our place, and take what it gives."""
        seat = self.seat
        asks = [self._ask(place, terms) for place, terms in self._sites.claims.items()]
        answer = await self._seats.renew(seat.count, asks, set(seat.debts))
        if seat.least:  # what that allowed is under way, perhaps: the others have to hear of it
            self._divide(0, least=0)
            return
        if answer.new:  # we may have been held for dead, and others have what we had
            for terms in self._sites.claims.values():
                terms.lose()
        self._take(answer)
        self._use(answer)

    def away(self) -> None:
        """Go on without the others."""
        if not self.seat.count:
            self._divide(0, least=_ALONE)

    async def close(self) -> None:
        """Leave our place to the others."""
        await self._seats.leave()
        self._divide(0, least=0)

    def _ask(self, place: Place, terms: Claimant) -> Ask:
        limit, active, now = terms.limit, terms.active, self._clock()
        part = self.seat.whole(limit)
        held = terms.share - terms.part
        wanted = max(active - part, terms.kept(now), 0)
        if active < terms.share:
            terms.wanting = False  # who waited has gone, or may begin
        if terms.wanting:
            wanted = max(min(terms.size, limit) - terms.part, wanted)
        if wanted:
            self._unused.discard(place)
        elif held and place not in self._unused:
            self._unused.add(place)  # between two messages, perhaps: until the next time
            wanted = held
        holds = max(held, active - part, 0)
        return Ask(place, limit, holds, wanted, terms.turn(now))

    def _take(self, answer: Answer) -> None:
        """Divide limits as the answer allows, or asks for."""
        sharers, count, seat = answer.sharers, answer.count, self.seat
        self.sharers = sharers
        smaller = bool(count) and sharers > count
        if smaller:
            count = sharers  # at once; the others hear of it with what is under way
        self.soon = smaller or not count
        if count != seat.count or answer.debts != seat.debts:
            seat.debts = answer.debts
            self._divide(count, least=0)

    def _divide(self, count: int, least: int) -> None:
        seat = self.seat
        before, seat.count, seat.least = seat.spread, count, least
        opened = self._sites.divide(seat.spread / before)
        self._sites.beyond()
        for site in self._sites:
            for terms in site:
                if site.learns:
                    self._shed((site.name, terms.source), terms.lasting)
        for name in opened:
            self._opened(name)

    def _use(self, answer: Answer) -> None:
        """Use what is granted, no more, and ask for nothing where nothing is wanted any more."""
        now = self._clock()
        for place, terms in list(self._sites.claims.items()):
            given = answer.slots.get(place)
            if given is None:
                continue  # wanted since
            held = terms.share - terms.part
            if given > held and terms.win(terms.claimed or now, given):
                self._opened(place[0])
            terms.share = terms.part + given
            if given < held:
                self._shed(place, terms.lasting)
            if not given:
                terms.lose()
                part = self.seat.whole(terms.limit)
                if not terms.wanting and terms.active <= part:
                    del self._sites.claims[place]
                    self._unused.discard(place)
            elif terms.turn(now):
                terms.claimed = now  # another turn
