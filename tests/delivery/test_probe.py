"""A site that is away is probed by one of all who share limits, and the others hear of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from ulak.delivery.seating import Seating
from ulak.delivery.sharing import Sharing
from ulak.delivery.site.grant import Grant
from ulak.delivery.site.rules import Act, Rule
from ulak.delivery.site.seat import Roll, Seat, SeatsInMemory
from ulak.delivery.site.share import LASTS, Member
from ulak.delivery.site.shared import Kept, Place, SharedError, SharedInMemory
from ulak.delivery.site.sites import Bounds, Limit, Sites
from ulak.delivery.site.terms import Sign, Terms
from ulak.delivery.site.window import Learning

from .virtual import clock, run

AWAY = Rule("away", Act.PROBE, wait=30.0, longest=900.0, after=5)
HOUR = 3600.0
SITES = {"site": 0, "one": 1}  # how many attempts there may be at a time, 0: the usual


class File(SharedInMemory):
    """What all share; it may be away."""

    away = False

    async def read(self, since: float) -> Sequence[Kept]:
        self._reach()
        return await super().read(since)

    async def write(self, kept: Sequence[Kept]) -> None:
        self._reach()
        await super().write(kept)

    async def claim(self, place: Place, slots: int, holder: int, now: float, until: float) -> bool:
        self._reach()
        return await super().claim(place, slots, holder, now, until)

    def _reach(self) -> None:
        if self.away:
            name = "the file"
            raise SharedError(name, "it is away")


@dataclass
class Call:
    """One attempt at the site."""

    who: int
    begun: float
    probe: bool
    ended: float = 0.0


@dataclass
class World:
    """The site, which is away until a time, and who called there."""

    clustered: bool
    until: float = 1e12
    takes: float = 20.0  # seconds until an attempt comes to nothing
    shared: File = field(default_factory=File)
    roll: Roll = field(default_factory=Roll)
    calls: list[Call] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    probed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def probes(self) -> list[Call]:
        return [call for call in self.calls if call.probe]

    async def work(self, count: int) -> None:
        self.workers = [Worker(self, index, count) for index in range(count)]
        for worker in self.workers:
            worker.start()

    async def end(self) -> None:
        for worker in self.workers:
            await worker.die()


class RollSeats(SeatsInMemory):
    async def renew(self, *asked: object) -> object:  # type: ignore[override]  # passed on
        self.now = clock()
        return await super().renew(*asked)  # type: ignore[arg-type]


class Worker:
    """One who always has mail for the site, or as long as it is `willing`."""

    def __init__(self, world: World, index: int, count: int, name: str = "site") -> None:
        self.world = world
        self.index = index
        self.told: list[SharedError | None] = []
        member, seat = Member(index, count), Seat() if world.clustered else None
        limits = {host: Limit(most) for host, most in SITES.items()}
        self.sites = Sites(Bounds(Learning(3, 20), limits), member=seat or member)
        seating = None
        if seat is not None:
            world.roll.counts.setdefault(index, 0)
            seats = RollSeats(world.roll, index)
            seating = Seating(self.sites, seats, seat, clock, self._opened)  # type: ignore[arg-type]  # as above
        self.sharing = Sharing(
            self.sites,
            world.shared,
            member,
            clock,
            self._incident,
            self._opened,
            seating,
            self.told.append if seating is not None else None,
        )
        self.name = name
        self.willing = True
        self.tasks: list[asyncio.Task[None]] = []

    @property
    def terms(self) -> Terms:
        return self.sites.of(self.name, [self.name]).of("")

    def start(self) -> None:
        self.tasks = [
            asyncio.create_task(self.sharing.run()),
            asyncio.create_task(self._work()),
        ]

    async def die(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def _incident(self, error: BaseException) -> str:
        assert isinstance(error, SharedError)
        self.told.append(error)
        return "I"

    def _opened(self, _name: str) -> None:
        self._begin()

    async def _work(self) -> None:
        while True:
            self._begin()
            await asyncio.sleep(3.0)

    def _begin(self) -> None:
        site = self.sites.of(self.name, [self.name])
        while self.willing and isinstance(grant := site.begin(("",), clock()), Grant):
            self.tasks.append(asyncio.create_task(self._attempt(grant)))
        self.sites.want(site)

    async def _attempt(self, grant: Grant) -> None:
        world, terms, begun = self.world, self.terms, clock()
        call = Call(self.index, begun, grant.probe)
        world.calls.append(call)
        if call.probe:
            world.probed.set()
        back = begun >= world.until
        await asyncio.sleep(1.0 if back else world.takes)
        call.ended = clock()
        if back:
            turn = terms.well(clock(), 1.0)
        else:
            turn = terms.badly(clock(), begun, Sign(AWAY, "connection-failed"))
        if turn is not None:
            terms.changed = clock()
            self.sites.touch(self.name, terms)
        terms.window.end()


@pytest.fixture(params=["machine", "cluster"])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param == "cluster")


def apart(calls: Sequence[Call]) -> Iterator[float]:
    """Give the seconds from the end of each call to the beginning of the next."""
    for before, after in itertools.pairwise(calls):
        yield after.begun - before.ended


async def probes_of(world: World, count: int, hours: float) -> list[Call]:
    await world.work(count)
    await asyncio.sleep(hours * HOUR)
    await world.end()
    return world.probes


def test_one_of_several_probes_as_often_as_one_alone_would(world: World) -> None:
    async def main() -> None:
        alone = await probes_of(World(clustered=False), 1, 4)
        world.until = clock() + 100 * HOUR
        found = await probes_of(world, 4, 4)
        assert len(alone) > 15
        assert abs(len(found) - len(alone)) <= 1
        assert min(apart(found)) >= 25.0
        assert len({call.who for call in found}) > 1

    run(main())


def test_all_go_on_when_one_has_found_that_the_site_is_back(world: World) -> None:
    async def main() -> None:
        world.until = clock() + 3 * HOUR
        await world.work(3)
        await asyncio.sleep(3.5 * HOUR)
        back = [call for call in world.calls if call.begun >= world.until]
        assert sum(call.probe for call in back) == 1
        first = {call.who: call.begun for call in reversed(back)}
        assert set(first) == {0, 1, 2}
        assert max(first.values()) - min(first.values()) < 10.0
        await world.end()

    run(main())


def test_when_who_probes_dies_another_takes_over(world: World) -> None:
    async def main() -> None:
        world.takes = 200.0
        await world.work(3)
        await world.probed.wait()
        (first,) = world.probes
        await world.workers[first.who].die()
        died = clock()
        await asyncio.sleep(LASTS - 10)
        assert world.probes == [first]
        if world.clustered:  # the roll forgets it by then
            world.roll.remove(first.who)
        await asyncio.sleep(30.0)
        _, second = world.probes
        assert second.who != first.who
        assert second.begun - died < LASTS + 15
        await world.end()

    run(main())


def test_who_has_nothing_for_the_site_leaves_the_probe_to_others(world: World) -> None:
    async def main() -> None:
        await world.work(3)
        await world.probed.wait()
        for worker in world.workers[1:]:
            worker.willing = False
        await asyncio.sleep(2 * HOUR)
        late = [call for call in world.probes if call.begun > world.calls[0].begun + HOUR]
        assert {call.who for call in late} == {0}
        assert len(late) >= 3
        await world.end()

    run(main())


def test_without_the_others_each_probes_for_itself_and_that_is_said(world: World) -> None:
    async def main() -> None:
        await world.work(3)
        await asyncio.sleep(2 * HOUR)
        world.shared.away = True
        since, before = clock(), len(world.probes)
        await asyncio.sleep(2 * HOUR)
        found = world.probes[before + 3 :]
        assert len(found) > 15
        assert {call.who for call in found} == {0, 1, 2}
        assert all(any(isinstance(each, SharedError) for each in w.told) for w in world.workers)
        world.shared.away = False
        await asyncio.sleep(HOUR)
        together = [call for call in world.probes if call.begun > clock() - 0.6 * HOUR]
        assert 1 < len(together) < 5
        assert min(apart(together)) > 25.0
        assert since < clock()
        await world.end()

    run(main())


def test_a_site_that_takes_one_at_a_time_is_probed_by_who_has_the_place(world: World) -> None:
    async def main() -> None:
        world.workers = [Worker(world, index, 3, "one") for index in range(3)]
        for worker in world.workers:
            worker.start()
        world.until = clock() + 2 * HOUR
        most = 0
        for _ in range(int(3 * HOUR)):
            await asyncio.sleep(3.0)
            most = max(most, sum(worker.terms.window.active for worker in world.workers))
        assert most == 1
        away = [call for call in world.probes if call.begun < world.until]
        assert len(away) >= 8
        assert min(apart(away)) >= 25.0
        assert {call.who for call in world.calls if call.begun > world.until} == {0, 1, 2}
        await world.end()

    run(main())


def test_a_leave_that_nobody_uses_is_given_back(world: World) -> None:
    async def main() -> None:
        await world.work(2)
        await world.probed.wait()
        await asyncio.sleep(100.0)
        for worker in world.workers:
            worker.willing = False
        for worker in world.workers:  # somebody asks, and then has no mail any more
            worker.willing = True
            with suppress(StopIteration):
                worker._begin()
            worker.willing = False
        await asyncio.sleep(2 * HOUR)
        assert not any(worker.sites.claims for worker in world.workers)
        await world.end()

    run(main())


def test_where_each_probes_for_itself_these_tests_would_find_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ulak.delivery.site.probe.Probe.may", lambda _probe: True)

    async def main() -> None:
        found = await probes_of(world, 4, 2)
        assert min(apart(found)) < 25.0

    run(main())
