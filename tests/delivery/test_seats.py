"""Workers of a cluster keep a limit together, whoever comes, goes, dies, or is cut off.

What must never be: more under way at a site than its limit, from all of them together. What must
be: that somebody who has work gets a turn.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Generator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.postgresql import PostgresServer

from ulak.database.line import Line
from ulak.delivery.postgres import PostgresSeats
from ulak.delivery.seating import Seating
from ulak.delivery.site.grant import Grant
from ulak.delivery.site.pace import Rate
from ulak.delivery.site.seat import Answer, Ask, Roll, Seat, Seats, SeatsInMemory
from ulak.delivery.site.share import Place
from ulak.delivery.site.shared import SharedError
from ulak.delivery.site.sites import Bounds, Limit, Sites
from ulak.delivery.site.terms import Terms
from ulak.delivery.site.window import Learning

from .postgres import prepared

LIMITS = {"one": 1, "three": 3, "eight": 8}


class World:
    """What all have in common: the time, the roll, and whether it can be reached."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.roll = Roll()
        self.away = False
        self.numbers = 0

    def seats(self) -> Seats:
        self.numbers += 1
        return Distant(self, SeatsInMemory(self.roll, self.numbers))


@dataclass
class Distant:
    """Seats that are asked over a way: much may happen before and after, and it may be cut."""

    world: World
    inner: SeatsInMemory

    async def renew(self, count: int, asks: Collection[Ask], debts: Collection[Place]) -> Answer:
        await _Pause()
        self._reach()
        self.inner.now = self.world.now
        answer = await self.inner.renew(count, list(asks), debts)
        await _Pause()
        self._reach()
        return answer

    async def leave(self) -> None:
        self._reach()
        await self.inner.leave()

    def _reach(self) -> None:
        if self.world.away:
            file = "the roll"
            raise SharedError(file, "it is away")


class _Pause:
    def __await__(self) -> Generator[None, None, None]:
        yield


@dataclass
class Worker:
    """One who always has more to do for all sites."""

    world: World
    seats: Seats
    alone: Counter[str] = field(default_factory=Counter)  # begun before anybody was reached
    sites: Sites = field(init=False)
    seating: Seating = field(init=False)
    pending: Generator[Any, Any, Any] | None = None

    def __post_init__(self) -> None:
        seat = Seat()
        limits = {name: Limit(most) for name, most in LIMITS.items()}
        self.sites = Sites(Bounds(Learning(20, 20), limits), member=seat)
        self.seating = Seating(self.sites, self.seats, seat, lambda: self.world.now, lambda _: None)

    def terms(self, name: str) -> Terms:
        return self.sites.of(name, [name]).of("")

    def active(self, name: str) -> int:
        return self.terms(name).window.active

    def begin(self, name: str, most: int) -> int:
        site = self.sites.of(name, [name])
        begun = 0
        while begun < most and isinstance(site.begin(("",), self.world.now), Grant):
            begun += 1
        if self.seating.seat.least:
            self.alone[name] += begun
        self.sites.want(site)
        return begun

    def end(self, name: str) -> None:
        if self.active(name):
            self.terms(name).well(self.world.now, 1.0)
            self.terms(name).window.end()
            self.alone[name] = max(self.alone[name] - 1, 0)

    def end_all(self) -> None:
        for name in LIMITS:
            for _ in range(self.active(name)):
                self.end(name)

    def go_on(self) -> None:
        """Do the next piece of a step: up to the question, to its answer, or to the end."""
        if self.pending is None:
            self.pending = self.seating.step().__await__()
        try:
            next(self.pending)
        except StopIteration:
            self.pending = None
        except SharedError:
            self.pending = None
            self.seating.away()

    def whole_step(self) -> None:
        self.go_on()
        while self.pending is not None:
            self.go_on()


class Cluster:
    """Some workers, and what happens to them. Anything may, also in the middle of a step."""

    def __init__(self, lot: Random) -> None:
        self.lot = lot
        self.world = World()
        self.workers: dict[int, Worker] = {}
        self.dead: list[int] = []
        self.told: list[str] = []

    def happens(self) -> None:
        often = [self.go_on, self.step, self.all_work, self.end] * 2
        seldom = [self.come, self.wait, self.cut_or_mend, self.die, self.forget, self.leave]
        deed = self.lot.choice([*often, *seldom, self.doze])
        who = self.lot.randrange(3)
        self.told.append(f"{deed.__name__} {who}")
        deed(who)
        self.check()

    def come(self, who: int) -> None:
        if who not in self.workers:
            self.workers[who] = Worker(self.world, self.world.seats())

    def go_on(self, who: int) -> None:
        if who in self.workers:
            self.workers[who].go_on()
            self.fill(who)

    def step(self, who: int) -> None:
        if who in self.workers:
            self.workers[who].whole_step()
            if self.lot.random() < 0.5:
                self.fill(who)

    def fill(self, who: int) -> None:
        self.fill_all(self.workers[who])

    def fill_all(self, worker: Worker) -> None:
        for name in LIMITS:
            worker.begin(name, 20)

    def all_work(self, times: int) -> None:
        for _ in range(times):
            for who in self.workers:
                self.step(who)
                self.check()

    def end(self, who: int) -> None:
        if who in self.workers:
            name, times = self.lot.choice(list(LIMITS)), self.lot.choice([1, 2, 8])
            for _ in range(times):
                self.workers[who].end(name)

    def wait(self, _who: int) -> None:
        self.world.now += self.lot.choice([1.0, 5.0, 11.0])

    def cut_or_mend(self, _who: int) -> None:
        self.world.away = not self.world.away

    def die(self, who: int) -> None:
        """Be gone; the roll forgets it later."""
        if who in self.workers:
            worker = self.workers.pop(who)
            assert isinstance(worker.seats, Distant)
            self.dead.append(worker.seats.inner.me)

    def forget(self, _who: int = 0) -> None:
        if not self.world.away:
            while self.dead:
                self.world.roll.remove(self.dead.pop())

    def doze(self, who: int) -> None:
        """Be held for dead, with nothing under way, and wake."""
        worker = self.workers.get(who)
        if worker is None or self.world.away or worker.pending is not None:
            return
        worker.end_all()
        assert isinstance(worker.seats, Distant)
        self.world.roll.remove(worker.seats.inner.me)
        for other in self.workers.values():
            if other is not worker:
                other.whole_step()
                self.fill_all(other)
        worker.whole_step()
        self.fill(who)

    def leave(self, who: int) -> None:
        worker = self.workers.get(who)
        if worker is None or self.world.away or worker.pending is not None:
            return
        worker.end_all()
        with pytest.raises(StopIteration):
            worker.seating.close().send(None)
        del self.workers[who]

    def check(self) -> None:
        """No site is over its limit; who could not reach anybody yet may have one beside it."""
        for name, most in LIMITS.items():
            active = {who: worker.active(name) for who, worker in self.workers.items()}
            alone = [worker.alone[name] for worker in self.workers.values()]
            assert max(alone, default=0) <= 1, self.told
            assert sum(active.values()) <= most + sum(alone), (name, active, self.told)

    def calm(self) -> None:
        """All can be reached, and everybody gets a turn at everything."""
        self.world.away = False
        self.forget()
        turns = dict.fromkeys(((who, name) for who in self.workers for name in LIMITS), 0)
        for _ in range(30):
            for who, worker in self.workers.items():
                worker.whole_step()
                for name in LIMITS:
                    turns[who, name] += worker.begin(name, 20)
                self.check()
            for worker in self.workers.values():
                worker.end_all()
            self.world.now += 2.0
        assert all(turns.values()), (turns, self.told)


def _history(seed: int) -> None:
    cluster = Cluster(Random(seed))
    for _ in range(60):
        cluster.happens()
    cluster.calm()


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 2**40))
def test_the_limit_holds_whatever_happens_and_everybody_gets_a_turn(seed: int) -> None:
    _history(seed)


def test_who_has_had_a_turn_gives_way_to_who_waits() -> None:
    world = World()
    one, other = (Worker(world, world.seats()) for _ in range(2))
    for _ in range(4):
        one.whole_step()
        other.whole_step()
    turns = []
    for _ in range(60):
        for worker in (one, other):
            worker.whole_step()
            worker.begin("one", 1)
        turns.append((one.active("one"), other.active("one")))
        if world.now % 4 == 0:
            one.end("one")
            other.end("one")
        world.now += 1.0
    assert all(sum(turn) <= 1 for turn in turns)
    assert sum(turn[0] for turn in turns) > 15
    assert sum(turn[1] for turn in turns) > 15


def test_one_alone_has_all_of_it_and_two_have_half_each() -> None:
    world = World()
    one, other = (Worker(world, world.seats()) for _ in range(2))
    one.whole_step()
    one.whole_step()
    assert one.begin("eight", 20) == 8
    for _ in range(3):
        other.whole_step()
        one.whole_step()
    assert other.begin("eight", 20) == 0  # the first has it all under way still
    one.end_all()
    for _ in range(3):
        one.whole_step()
        other.whole_step()
    assert (one.begin("eight", 20), other.begin("eight", 20)) == (4, 4)


def test_who_wants_nothing_any_more_asks_for_nothing() -> None:
    world = World()
    one, other = (Worker(world, world.seats()) for _ in range(2))
    for _ in range(4):
        one.whole_step()
        other.whole_step()
    assert one.begin("three", 20) == 1
    one.whole_step()
    assert one.begin("three", 20) == 1  # and one that is claimed
    one.end_all()
    one.terms("three").window.size = 1.0  # it has learned that less is better
    for _ in range(4):
        one.whole_step()
    assert not world.roll.claims
    assert not one.sites.claims


def test_what_nobody_has_for_certain_goes_to_who_has_work() -> None:
    world = World()
    workers = [Worker(world, world.seats()) for _ in range(20)]
    for _ in range(4):
        for worker in workers:
            worker.whole_step()
    assert workers[7].begin("eight", 20) == 0  # eight is less than one for each
    workers[7].whole_step()
    assert workers[7].begin("eight", 20) == 8


def test_a_rate_is_divided_and_nobody_forgets_what_a_site_has_asked_for() -> None:
    seat = Seat()
    sites = Sites(Bounds(limits={"slow": Limit(rate=Rate(60, 60.0))}), member=seat)
    pace = sites.of("slow", ["slow"]).of("").pace
    learned = sites.of("other").of("")
    seat.count = 1
    sites.divide(1 / 100)
    assert pace.interval == pytest.approx(1.0)
    learned.pace.slower(1000.0, Rate(60, 60.0))
    learned.changed = 1000.0
    assert learned.keep("other").interval == pytest.approx(1.0)
    seat.count = 4
    sites.divide(4.0)
    assert pace.interval == pytest.approx(4.0)
    assert learned.pace.interval == pytest.approx(4.0)
    assert learned.keep("other").interval == pytest.approx(1.0)  # that of all together


# -- in the database ------------------------------------------------------------------------


@pytest.fixture
def url(database: PostgresServer) -> str:
    return prepared(database.fresh())


class InDatabase:
    """Workers whose roll lies in PostgreSQL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.world = World()
        self.lines: list[Line] = []

    def come(self, name: str) -> Worker:
        line = Line(self.url, name)
        self.lines.append(line)
        return Worker(self.world, PostgresSeats(line, name, grace=-1.0))

    def die(self, name: str) -> None:
        self.sql(f"UPDATE sharer SET until = now() - interval '1s' WHERE name = '{name}'")

    def sql(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET search_path = ulak")
            connection.execute(statement)

    async def close(self) -> None:
        for line in self.lines:
            await line.close()


async def _step(worker: Worker) -> None:
    try:
        await worker.seating.step()
    except SharedError:
        worker.seating.away()


@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**40))
def test_the_limit_holds_in_a_database_too(database: PostgresServer, seed: int) -> None:
    async def main() -> None:
        lot = Random(seed)
        cluster = InDatabase(prepared(database.fresh()))
        workers: dict[str, Worker] = {}
        for number in range(80):
            name = f"w{lot.randrange(4)}"
            deed = lot.random()
            if name not in workers:
                workers[name] = cluster.come(name)
            elif deed < 0.08:
                del workers[name]
                cluster.die(name)
            elif deed < 0.12:
                workers[name].end_all()
                await workers.pop(name).seating.close()
            elif deed < 0.3:
                workers[name].end(lot.choice(list(LIMITS)))
            elif deed < 0.4:
                await asyncio.gather(*map(_step, workers.values()))
            else:
                await _step(workers[name])
            if number % 3 == 0:
                for worker in workers.values():
                    for site in LIMITS:
                        worker.begin(site, 20)
            for site, most in LIMITS.items():
                assert sum(worker.active(site) for worker in workers.values()) <= most, number
        for _ in range(12):
            for worker in workers.values():
                await _step(worker)
                worker.end("eight")
                worker.begin("eight", 20)
        assert sum(worker.active("eight") for worker in workers.values()) >= 7
        await cluster.close()

    asyncio.run(main())


def test_the_dead_keep_their_part_until_their_time_is_over(url: str) -> None:
    async def main() -> None:
        cluster = InDatabase(url)
        one, other = cluster.come("one"), cluster.come("other")
        for _ in range(4):
            await _step(one)
            await _step(other)
        assert one.begin("eight", 20) == 4
        for _ in range(4):
            await _step(other)
        assert other.begin("eight", 20) == 4
        cluster.die("one")
        for _ in range(4):
            await _step(other)
        assert other.begin("eight", 20) == 4
        await cluster.close()

    asyncio.run(main())


def test_after_the_database_was_away_nobody_is_held_for_dead_at_once(url: str) -> None:
    async def main() -> None:
        cluster = InDatabase(url)
        one, other = cluster.come("one"), cluster.come("other")
        for _ in range(4):
            await _step(one)
            await _step(other)
        cluster.die("one")  # so it looks when the database was away for long
        late = PostgresSeats(Line(url, "late"), "late", grace=30.0)
        late._number = 2  # the other, after it has come back
        for _ in range(3):
            assert (await late.renew(2, [], [])).sharers == 2
        await _step(one)
        await late._line.close()
        await cluster.close()

    asyncio.run(main())


if __name__ == "__main__":
    import sys

    for each in range(int(sys.argv[1]), int(sys.argv[2])):
        _history(each)
