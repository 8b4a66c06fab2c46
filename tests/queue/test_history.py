"""What several nodes did at once, written down and held against what may be.

The history has when a lease was given, and when its settle was begun and had ended. Whatever the
order of the rest, between those nobody else may have the recipient, and who is done is done.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from tests.postgresql import PostgresServer

from ulak.queue.item import Again, Done, Lease, Settlement
from ulak.queue.postgres import PostgresStore
from ulak.queue.postgres.rows import EPOCH_SHIFT
from ulak.queue.postgres.trouble import LostError
from ulak.queue.store import StorageError

from .driver import ALL, Driver, message, waiting

_NODES = 3
_CLIENTS = 4  # of each node
_SECONDS = 6.0


@pytest.fixture
def queue(database: PostgresServer, tmp_path: Path) -> Iterator[Driver]:
    driver = Driver("postgres", tmp_path, database.url)
    yield driver
    driver.close()


@dataclass(slots=True)
class Had:
    """One recipient in one lease. Times are turns of a count that only goes up."""

    who: str
    token: int
    given: int
    ending: int | None = None  # a settle was begun
    ended: int | None = None  # … and has returned
    done: bool = False


class History:
    """What was asked and answered."""

    def __init__(self) -> None:
        self._turns = itertools.count(1)
        self.put: set[str] = set()
        self.refused: set[str] = set()
        self.had: list[Had] = []
        self._buried: dict[int, int] = {}  # epochs of nodes that were held for dead, and since when
        self.trouble = 0

    def given(self, lease: Lease) -> list[Had]:
        turn = next(self._turns)
        new = [Had(each.recipient, lease.token, turn) for each in lease.pending]
        self.had += new
        return new

    def ending(self, some: list[Had], done: set[str]) -> None:
        turn = next(self._turns)
        for one in some:
            one.ending, one.done = turn, one.who in done

    def ended(self, some: list[Had]) -> None:
        turn = next(self._turns)
        for one in some:
            one.ended = turn

    def bury(self, epoch: int) -> None:
        self._buried[epoch] = next(self._turns)

    def _void(self, one: Had) -> bool:
        """Whether its node was held for dead before it was through with it."""
        since = self._buried.get(one.token >> EPOCH_SHIFT)
        return since is not None and (one.ended is None or one.ended > since)

    def check(self, left: set[str]) -> None:
        by_who: dict[str, list[Had]] = defaultdict(list)
        for one in self.had:
            by_who[one.who].append(one)
        for who, leases in by_who.items():
            leases.sort(key=lambda one: one.given)
            for one, other in itertools.pairwise(leases):
                if self._void(one):
                    continue
                assert one.ending is not None, f"{who} was given twice: {one}, {other}"
                assert one.ending < other.given, f"two had {who} at once: {one}, {other}"
            sure = [one for one in leases if one.done and one.ended and not self._void(one)]
            assert len(sure) <= 1, f"{who} was done twice"
            if sure:
                assert all(one.given <= sure[0].given for one in leases), f"{who} came back"
                assert who not in left, f"{who} is done, and waits"
        finished = {one.who for one in self.had if one.done and one.ending}
        lost = self.put - finished - left
        assert not lost, f"acknowledged, and neither done nor there: {lost}"
        assert not (left - self.put - self.refused), "nobody put this"


class Client:
    """Puts, leases and settles at one node, as it comes."""

    def __init__(self, name: str, store: PostgresStore, history: History) -> None:
        self.name = name
        self.store = store
        self.history = history
        self.chance = random.Random(name)
        self.numbers = itertools.count()
        self.open: list[tuple[Lease, list[Had]]] = []

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.step()
            except StorageError:
                self.history.trouble += 1
                await asyncio.sleep(0.02)
        for lease, had in self.open:
            await self.settle(lease, had)

    async def step(self) -> None:
        match self.chance.randrange(4):
            case 0 | 1:
                await self.put()
            case 2:
                for lease in await self.store.lease(5000.0, self.chance.randrange(1, 5)):
                    self.open.append((lease, self.history.given(lease)))
            case _ if self.open:
                lease, had = self.open.pop(self.chance.randrange(len(self.open)))
                await self.settle(lease, had)
            case _:
                await asyncio.sleep(0)

    async def put(self) -> None:
        number = next(self.numbers)
        names = [f"{self.name}-{number}-{n}@x.example" for n in range(self.chance.randrange(1, 4))]
        mail = message(f"{self.name}-{number}", *names)
        self.history.refused.update(names)
        lease = await self.store.put(mail, waiting(mail), lease=self.chance.random() < 0.5)
        self.history.put.update(names)
        if lease is not None:
            self.open.append((lease, self.history.given(lease)))

    async def settle(self, lease: Lease, had: list[Had]) -> None:
        outcomes: list[Settlement] = []
        for each in lease.pending:
            match self.chance.randrange(4):
                case 0:
                    outcomes.append(Again(replace(each, attempts=each.attempts + 1)))
                case 1:
                    pass
                case _:
                    outcomes.append(Done(each.recipient))
        done = {outcome.recipient for outcome in outcomes if isinstance(outcome, Done)}
        self.history.ending(had, done)
        while True:  # as the worker does: what is delivered must be noted
            try:
                await self.store.settle(lease, outcomes)
            except StorageError:
                self.history.trouble += 1
                await asyncio.sleep(0.05)
            else:
                self.history.ended(had)
                return


async def _cut(url: str, stop: asyncio.Event, chance: random.Random) -> int:
    """End connections of the nodes, whatever they are at."""
    count = 0
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while not stop.is_set():
            await asyncio.sleep(chance.uniform(0.05, 0.2))
            found = await connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'ulak %%' "
                "AND application_name NOT LIKE '%%news'"
            )
            pids = [row[0] for row in await found.fetchall()]
            if pids:
                await connection.execute("SELECT pg_terminate_backend(%s)", (chance.choice(pids),))
                count += 1
    return count


async def _bury(
    nodes: list[PostgresStore], history: History, url: str, schema: str, stop: asyncio.Event
) -> None:
    """Have one node held for dead now and then."""
    chance = random.Random(7)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while not stop.is_set():
            await asyncio.sleep(chance.uniform(0.5, 1.0))
            sleeper, other = chance.sample(nodes, 2)
            other._node._back_since = float("-inf")
            history.bury(sleeper._node.epoch)
            await connection.execute(
                f"UPDATE {schema}.node SET until = now() - interval '1s' WHERE epoch = %s",
                (sleeper._node.epoch,),
            )
            try:
                await other._node._keep_house()
            except (StorageError, psycopg.Error, Exception):  # noqa: BLE001 -- cut, too
                continue


async def _beats(node: PostgresStore) -> None:
    """Have a node say that it lives, over whatever connection it gets."""
    for _ in range(100):
        try:
            await node._node.beat()
        except (StorageError, LostError):
            await asyncio.sleep(0.1)
        else:
            return


@pytest.mark.slow
@pytest.mark.parametrize("sleepers", [False, True])
def test_whatever_is_cut_nobody_has_what_another_has_and_nothing_is_lost(
    queue: Driver, *, sleepers: bool
) -> None:
    history = History()

    async def all_at_once() -> tuple[int, set[str]]:
        nodes = [await queue.node(f"n{n}") for n in range(_NODES)]
        clients = [
            Client(f"c{n}-{k}", node, history)
            for n, node in enumerate(nodes)
            for k in range(_CLIENTS)
        ]
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(_SECONDS, stop.set)
        more = [_bury(nodes, history, queue.database, queue.schema, stop)] if sleepers else []
        cutting = asyncio.create_task(_cut(queue.database, stop, random.Random(5432)))
        await asyncio.gather(*(client.run(stop) for client in clients), *more)
        cuts = await cutting
        for node in nodes:
            await _beats(node)
        left = {row.pending.recipient for row in await queue.store.list(ALL)}
        for node in nodes:
            await node.close()
        return cuts, left

    cuts, left = queue.run(all_at_once())
    print(f"{len(history.put)} put, {len(history.had)} leased, {cuts} cuts, {history.trouble} told")
    assert len(history.put) > 50
    assert cuts > 5
    history.check(left)
