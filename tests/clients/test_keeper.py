"""What a worker knows and asks: of other workers and servers, and of a store that is away."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Collection, Mapping
from pathlib import Path

import pytest
from tests.postgresql import PostgresServer

from ulak.clients import keeper
from ulak.clients.greylist import Record, Rules
from ulak.clients.keeper import Decision, Keeper, Settings
from ulak.clients.memory import MemoryStore
from ulak.clients.postgres import PostgresStore
from ulak.clients.reputation import Counts
from ulak.clients.sqlite import SqliteStore
from ulak.clients.store import ClientsError, Known, Store

from .test_stores import schema

WEEK = 604_800.0
NET = "192.0.2.0/24"
RULES = Rules(300.0, 172_800.0, 3_024_000.0)
JOE = (NET, "joe@example.net", "ada@example.org")


class Clock:
    """The time that all have."""

    def __init__(self) -> None:
        self.now = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


class Shy(MemoryStore):
    """A store that can be away, and slow."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.gate: asyncio.Event | None = None
        self.reads = self.writes = 0

    async def read(self, triplets: Collection[bytes], networks: Collection[str]) -> Known:
        self.reads += 1
        if self.gate is not None:
            await self.gate.wait()
        self._look()
        return await super().read(triplets, networks)

    async def write(
        self, records: Mapping[bytes, Record], counts: Mapping[str, Counts], half_life: float
    ) -> None:
        self.writes += 1
        self._look()
        await super().write(records, counts, half_life)

    def _look(self) -> None:
        if self.away:
            problem = "away"
            raise ClientsError(problem)


class Told(list[str | None]):
    """What the log would have heard."""


@contextlib.asynccontextmanager
async def working(
    store: Store, clock: Clock, told: Told | None = None, patience: float = keeper.PATIENCE
) -> AsyncIterator[Keeper]:
    """Have a keeper that writes."""
    heard = Told() if told is None else told
    one = Keeper(store, Settings(RULES, WEEK), clock=clock, tell=heard.append, patience=patience)
    task = asyncio.ensure_future(one.run())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await one.close()


def why(decision: Decision) -> list[str]:
    return [reason.key.removeprefix("greylist.") for reason in decision.reasons]


async def until(true: object, what: str = "it does not become true") -> None:
    assert callable(true)
    for _ in range(1000):
        if true():
            return
        await asyncio.sleep(0.01)
    pytest.fail(what)


def test_who_is_known_here_is_let_in_without_asking() -> None:
    async def main() -> None:
        clock, store = Clock(), Shy()
        async with working(store, clock) as one:
            first = await one.judge(*JOE)
            assert (first.wait, why(first)) == (300.0, ["new"])
            clock.now += 100
            again = await one.judge(*JOE)
            assert (again.wait, why(again)) == (200.0, ["early"])
            clock.now += 200
            assert why(await one.judge(*JOE)) == ["passed"]
            asked = store.reads
            for _ in range(10):
                assert why(await one.judge(*JOE)) == ["known"]
            assert store.reads == asked

    asyncio.run(main())


def test_those_who_ask_at_once_ask_together() -> None:
    async def main() -> None:
        clock, store = Clock(), Shy()
        async with working(store, clock) as one:
            many = [one.judge(NET, f"{name}@example.net", "ada@example.org") for name in NAMES]
            decisions = await asyncio.gather(*many)
            assert {decision.wait for decision in decisions} == {300.0}
            assert store.reads <= 2
            await until(lambda: len(store.records) == len(NAMES))
            assert store.writes <= 2

    asyncio.run(main())


NAMES = [f"{a}{b}" for a in "abcdefghij" for b in "klmnopqrst"]


@pytest.fixture(params=["sqlite", "postgres"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Store, Store]:
    """Give the stores of two workers, or of two servers."""
    if request.param == "sqlite":
        return SqliteStore(tmp_path / "clients.db"), SqliteStore(tmp_path / "clients.db")
    where = schema(request.getfixturevalue("database"))
    return PostgresStore(*where), PostgresStore(*where)


def test_who_was_let_in_by_one_is_known_to_the_other(stores: tuple[Store, Store]) -> None:
    async def main() -> None:
        clock = Clock()
        async with (
            working(stores[0], clock, patience=10.0) as a,
            working(stores[1], clock, patience=10.0) as b,
        ):
            assert why(await a.judge(*JOE)) == ["new"]
            await until(lambda: not a._records and not a._changed.is_set())
            await a._write()  # after one that may be under way
            clock.now += 200
            early = await b.judge(*JOE)
            assert (early.wait, why(early)) == (100.0, ["early"])
            clock.now += 100
            assert why(await b.judge(*JOE)) == ["passed"]
            await until(lambda: not b._records and not b._changed.is_set())
            await b._write()
            clock.now += 86_400
            assert why(await a.judge(*JOE)) == ["known"]

    asyncio.run(main())


def test_a_good_reputation_earned_at_one_holds_at_the_other(stores: tuple[Store, Store]) -> None:
    async def main() -> None:
        clock = Clock()
        async with (
            working(stores[0], clock, patience=10.0) as a,
            working(stores[1], clock, patience=10.0) as b,
        ):
            for _ in range(30):
                a.count(NET, accepted=1)
            await a._write()
            good = await b.judge(*JOE)
            assert (good.wait, why(good)) == (0.0, ["good"])
            assert "30" in good.reasons[0].text()
            for _ in range(10):
                b.count(NET, unwanted=1)
            await b._write()
            clock.now += 61
            put_off = await a.judge(*JOE)
            assert why(put_off) == ["new", "reputation.brought"], "and what it has brought is told"
            assert put_off.reasons[1].facts["unwanted"] == "10"

    asyncio.run(main())


def test_whom_nobody_can_be_asked_about_is_let_in_and_the_log_says_so_once() -> None:
    async def main() -> None:
        clock, store, told = Clock(), Shy(), Told()
        async with working(store, clock, told) as one:
            assert why(await one.judge(*JOE)) == ["new"]
            await until(lambda: store.records)
            store.away = True
            for name in NAMES[:20]:
                decision = await one.judge(NET, f"{name}@example.net", "ada@example.org")
                assert (decision.wait, why(decision)) == (0.0, ["unasked"])
            assert store.reads <= 3, "it was asked again and again"
            early = await one.judge(*JOE)
            assert why(early) == ["early"], "that it has seen itself"
            clock.now += 300
            assert why(await one.judge(*JOE)) == ["passed"]
            assert told == ["away"]

    asyncio.run(main())


def test_what_was_seen_while_the_store_was_away_is_written_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeper, "_REST", 0.02)

    async def main() -> None:
        clock, store, told = Clock(), Shy(), Told()
        async with working(store, clock, told) as one:
            await one.judge(*JOE)
            store.away = True
            clock.now += 300
            await one.judge(*JOE)
            for _ in range(5):
                one.count(NET, accepted=1)
            await until(lambda: store.writes > 3)
            store.away = False
            await until(lambda: store.counts)
            assert store.counts[NET].accepted == 5
            (record,) = store.records.values()
            assert record.passed == clock.now
            assert told == ["away", None]

    asyncio.run(main())


class Broken(Shy):
    """A store with a mistake in it."""

    def _look(self) -> None:
        if self.away:
            raise RuntimeError


def test_a_mistake_of_ours_is_an_incident_and_holds_up_no_mail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeper, "_REST", 0.02)

    async def main() -> None:
        clock, store, told, noted = Clock(), Broken(), Told(), list[Exception]()

        def incident(error: Exception) -> str:
            noted.append(error)
            return "INC1"

        one = Keeper(store, Settings(RULES, WEEK), clock=clock, tell=told.append, incident=incident)
        task = asyncio.ensure_future(one.run())
        store.away = True
        assert why(await one.judge(*JOE)) == ["unasked"]
        one.count(NET, accepted=1)
        await until(lambda: len(noted) > 1)
        assert told == ["incident INC1"]
        store.away = False
        one.count(NET, accepted=1)
        await until(lambda: store.counts)
        assert told == ["incident INC1", None]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await one.close()

    asyncio.run(main())


def test_what_is_half_written_when_the_worker_stops_is_written_to_its_end() -> None:
    class Slow(Shy):
        async def write(
            self, records: Mapping[bytes, Record], counts: Mapping[str, Counts], half_life: float
        ) -> None:
            self.writes += 1
            await asyncio.sleep(0.05)
            await super().write(records, counts, half_life)

    async def main() -> None:
        store = Slow()
        async with working(store, Clock()) as one:
            one.count(NET, accepted=1)
            await until(lambda: store.writes)
        assert store.counts[NET].accepted == 1

    asyncio.run(main())


def test_nobody_waits_long_for_a_store_that_hangs() -> None:
    async def main() -> None:
        clock, store, told = Clock(), Shy(), Told()
        store.gate = asyncio.Event()
        async with working(store, clock, told, patience=0.05) as one:
            began = time.monotonic()
            for name in NAMES:
                decision = await one.judge(NET, f"{name}@example.net", "ada@example.org")
                assert why(decision) == ["unasked"]
            assert time.monotonic() - began < 2.0, "each of a hundred has waited"
            assert store.reads == 1
            assert len(told) == 1
            store.gate.set()
            await until(lambda: told[-1] is None)
            assert why(await one.judge(*JOE)) == ["new"]

    asyncio.run(main())


def test_mail_goes_on_through_a_crash_of_the_database() -> None:
    server = PostgresServer()
    try:
        where = schema(server)

        async def main() -> None:
            clock, told = Clock(), Told()
            async with working(PostgresStore(*where), clock, told, patience=5.0) as one:
                assert why(await one.judge(*JOE)) == ["new"]
                await until(lambda: not one._records)
                server.crash()
                eve = await one.judge(NET, "eve@example.net", "ada@example.org")
                assert (eve.wait, why(eve)) == (0.0, ["unasked"])
                clock.now += 300
                assert why(await one.judge(*JOE)) == ["passed"]
                server.start()
                await until(lambda: told[-1] is None)
                assert why(await one.judge(NET, "eve@example.net", "ada@example.org")) == ["new"]

        asyncio.run(main())
    finally:
        server.stop()


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "_REMEMBERED", 10)
    monkeypatch.setattr(keeper, "_WAITING", 10)

    async def main() -> None:
        clock, store = Clock(), Shy()
        one = Keeper(store, Settings(RULES, WEEK), clock=clock)
        for n, name in enumerate(NAMES):
            await one.judge(NET, f"{name}@example.net", "ada@example.org")
            one.count(f"192.0.{n}.0/24", accepted=1)
        assert len(one._seen) == len(one._records) == len(one._counts) == 10
        last = await one.judge(NET, f"{NAMES[-1]}@example.net", "ada@example.org")
        assert why(last) == ["early"]
        await one.close()

    asyncio.run(main())
