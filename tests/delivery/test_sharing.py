"""Workers of one machine keep a limit together, and tell each other what they learn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ulak.delivery.sharing import Sharing
from ulak.delivery.site.grant import Grant
from ulak.delivery.site.rules import Act, Rule
from ulak.delivery.site.share import Member
from ulak.delivery.site.shared import Kept, Shared, SharedError, SharedInMemory
from ulak.delivery.site.sites import Bounds, Sites
from ulak.delivery.site.suspension import Reason, Suspension
from ulak.delivery.site.terms import Sign, Terms
from ulak.delivery.site.window import Learning
from ulak.delivery.sqlite import SqliteShared

from .virtual import NOON, clock, run

LISTED = Rule("listed", Act.SUSPEND, wait=600.0, longest=2000.0)
SUSPENSION = Suspension(Reason.REFUSED, "c", "r", "h", "listed", NOON, NOON + 600, 600.0, 2)


@pytest.fixture(params=["memory", "sqlite"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Shared:
    if request.param == "memory":
        return SharedInMemory()
    return SqliteShared(tmp_path / "sites.db")


def test_what_is_kept_comes_back_and_what_was_learned_last_holds(shared: Shared) -> None:
    async def main() -> None:
        assert await shared.read(0.0) == []
        kept = Kept("google", "one", 10.0, 2.5, 1.5, 9.0, SUSPENSION)
        await shared.write([kept, Kept("yahoo", "", 11.0, 3.0)])
        assert await shared.read(0.0) == [kept, Kept("yahoo", "", 11.0, 3.0)]
        assert await shared.read(10.5) == [Kept("yahoo", "", 11.0, 3.0)]
        await shared.write([Kept("google", "one", 5.0, 1.0), Kept("yahoo", "", 12.0, 4.0)])
        assert await shared.read(0.0) == [kept, Kept("yahoo", "", 12.0, 4.0)]

    asyncio.run(main())


def test_no_more_slots_are_claimed_than_there_are(shared: Shared) -> None:
    async def main() -> None:
        place = ("google", "")
        assert await shared.claim(place, 2, 0, 10.0, 20.0)
        assert await shared.claim(place, 2, 1, 10.0, 20.0)
        assert not await shared.claim(place, 2, 2, 10.0, 20.0)
        assert await shared.claim(place, 2, 1, 15.0, 30.0)  # it holds on to its own
        assert await shared.claim(("yahoo", ""), 1, 2, 10.0, 20.0)
        await shared.release(place, 1)
        assert await shared.claim(place, 2, 2, 15.0, 25.0)
        assert not await shared.claim(place, 2, 1, 19.0, 29.0)
        assert await shared.claim(place, 2, 1, 21.0, 31.0)  # the first one died with its claim

    asyncio.run(main())


def test_a_file_that_is_none_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "sites.db"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(SharedError, match=r"sites\.db"):
        asyncio.run(SqliteShared(path).read(0.0))


@dataclass
class Worker:
    """A worker that always has more to do for one site."""

    shared: Shared
    member: Member
    limit: int = 1
    time: Callable[[], float] = clock
    most: list[int] = field(default_factory=list)  # how many it had under way, second by second
    incidents: list[BaseException] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sites = Sites(Bounds(Learning(self.limit, self.limit)), member=self.member)
        self.sharing = Sharing(
            self.sites, self.shared, self.member, self.time, self._incident, self.opened.append
        )
        self.site = self.sites.of("google")

    def _incident(self, error: BaseException) -> str:
        self.incidents.append(error)
        return "I"

    @property
    def terms(self) -> Terms:
        return self.site.of("")

    async def attempt(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.terms.well(clock(), 1.0)
        self.terms.window.end()

    async def work(self, seconds: int, long: Callable[[], float]) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(seconds):
                while isinstance(self.site.begin(("",), clock()), Grant):
                    group.create_task(self.attempt(long()))
                self.sites.want(self.site)
                self.most.append(self.terms.window.active)
                await asyncio.sleep(1)


@pytest.mark.parametrize(("workers", "limit"), [(2, 1), (3, 1), (2, 3), (3, 5), (4, 4), (2, 20)])
def test_a_limit_holds_for_all_workers_together_and_each_gets_its_turn(
    workers: int, limit: int
) -> None:
    async def main() -> None:
        shared = SharedInMemory()
        all_of_them = [Worker(shared, Member(n, workers), limit) for n in range(workers)]
        running = [asyncio.create_task(each.sharing.run()) for each in all_of_them]
        lengths = iter([1.5, 14.0, 3.0, 0.5, 7.0] * 100_000)
        await asyncio.gather(*(each.work(600, lambda: next(lengths)) for each in all_of_them))
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        together = [sum(each) for each in zip(*(each.most for each in all_of_them), strict=True)]
        assert max(together) == limit
        for each in all_of_them:
            assert sum(each.most) > 600 * limit / workers / 3
            assert not each.incidents

    run(main())


def test_a_suspension_is_known_to_the_others_and_so_is_its_end() -> None:
    async def main() -> None:
        shared = SharedInMemory()
        one, other = (Worker(shared, Member(n, 2), 20) for n in range(2))
        running = [asyncio.create_task(each.sharing.run()) for each in (one, other)]
        await asyncio.sleep(1)
        terms = one.terms
        terms.begin(clock())
        terms.badly(clock(), clock(), Sign(LISTED, "listed-by-dnsbl", "550 no"))
        terms.window.end()
        terms.changed = clock()
        one.sites.touch("google", terms)
        await asyncio.sleep(5)
        assert other.terms.suspension == terms.suspension
        assert not other.opened
        terms.resume(clock())
        terms.changed = clock()
        one.sites.touch("google", terms)
        await asyncio.sleep(5)
        assert other.terms.suspension is None
        assert other.opened == ["google"]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    run(main())


def test_what_was_learned_outlives_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        one = Worker(SqliteShared(tmp_path / "sites.db"), Member(), time=lambda: NOON)
        terms = one.terms
        terms.pace.slower(NOON)
        terms.begin(NOON)
        terms.badly(NOON, NOON, Sign(LISTED, "listed-by-dnsbl", "550 no"))
        terms.changed = NOON
        await one.sharing.close()
        other = Worker(SqliteShared(tmp_path / "sites.db"), Member(), time=lambda: NOON)
        await other.sharing.step()
        assert other.terms.suspension == terms.suspension
        assert other.terms.pace.interval == terms.pace.interval

    asyncio.run(main())


def test_a_broken_file_stops_nothing_and_is_told_of_once(tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "sites.db"
        path.write_bytes(b"no database" * 100)
        one = Worker(SqliteShared(path), Member(0, 2), 4, time=lambda: NOON)
        for _ in range(5):
            await one.sharing.step()
        assert isinstance(one.site.begin(("",), NOON), Grant)
        assert [type(error) for error in one.incidents] == [SharedError]

    asyncio.run(main())
