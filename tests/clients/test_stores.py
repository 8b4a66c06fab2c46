"""One contract, three stores: memory, a file of SQLite, and PostgreSQL."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.postgresql import PostgresServer

from ulak.clients.greylist import Record
from ulak.clients.memory import MemoryStore
from ulak.clients.postgres import PostgresStore
from ulak.clients.reputation import Counts
from ulak.clients.sqlite import SqliteStore
from ulak.clients.store import ClientsError, Store
from ulak.queue.sql import postgres as sql

WEEK = 604_800.0
A, B, C = b"a" * 16, b"b" * 16, b"c" * 16
NET = "192.0.2.0/24"


class Held:
    """A store and the loop that it is used in."""

    def __init__(self, make: Callable[[int], Store]) -> None:
        self._runner = asyncio.Runner()
        self._make = make
        self.store = self.fresh()

    def fresh(self, most: int = 1000) -> Store:
        async def made() -> Store:
            return self._make(most)

        return self._runner.run(made())

    def run(self, verb: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(verb)

    def write(self, records: dict[bytes, Record], counts: Counts | None = None) -> None:
        self.run(self.store.write(records, {} if counts is None else {NET: counts}, WEEK))

    def records(self, *keys: bytes) -> dict[bytes, Record]:
        found: dict[bytes, Record] = dict(self.run(self.store.read(keys, ())).records)
        return found

    def counts(self) -> Counts | None:
        found: Counts | None = self.run(self.store.read((), (NET,))).counts.get(NET)
        return found

    def close(self) -> None:
        self.run(self.store.close())
        self._runner.close()


def schema(database: PostgresServer) -> tuple[str, str]:
    """Make the tables of a queue; give the URL and the schema."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        connection.execute(f"SET search_path TO {name}")
        script = sql.migration("pre", 1)
        assert script is not None
        connection.execute(script)
    return database.url, name


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def held(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Held]:
    match request.param:
        case "memory":
            one = Held(MemoryStore)
        case "sqlite":
            one = Held(lambda most: SqliteStore(tmp_path / "clients.db", most))
        case _:
            where = schema(request.getfixturevalue("database"))
            one = Held(lambda most: PostgresStore(*where, most))
    yield one
    one.close()


def test_what_was_written_is_read(held: Held) -> None:
    assert held.records(A, B) == {}
    assert held.counts() is None
    held.write({A: Record(1.0, 0.0, 9.0), B: Record(2.0, 3.0, 8.0)})
    assert held.records(A, C) == {A: Record(1.0, 0.0, 9.0)}
    assert held.records(B) == {B: Record(2.0, 3.0, 8.0)}


def test_records_are_joined(held: Held) -> None:
    held.write({A: Record(5.0, 0.0, 9.0)})
    held.write({A: Record(4.0, 6.0, 50.0)})
    held.write({A: Record(7.0, 0.0, 10.0)})
    assert held.records(A) == {A: Record(4.0, 6.0, 50.0)}
    held.write({A: Record(60.0, 0.0, 99.0)})
    assert held.records(A) == {A: Record(60.0, 0.0, 99.0)}, "what is over is over"
    held.write({A: Record(4.0, 6.0, 50.0)})
    assert held.records(A) == {A: Record(60.0, 0.0, 99.0)}


def test_counts_are_added_and_fade(held: Held) -> None:
    held.write({}, Counts(8, 4, 2, 0.0))
    held.write({}, Counts(1, 1, 1, WEEK))
    assert held.counts() == Counts(5, 3, 2, WEEK)
    held.write({}, Counts(2, 0, 0, 0.0))
    assert held.counts() == Counts(6, 3, 2, WEEK), "what comes late has faded"
    held.write({}, Counts(1, 0, 0, 5000 * WEEK))
    assert held.counts() == pytest.approx(Counts(1, 0, 0, 5000 * WEEK))


def test_what_no_longer_holds_is_forgotten(held: Held) -> None:
    held.write({A: Record(1.0, 0.0, 9.0), B: Record(1.0, 2.0, 90.0)}, Counts(1, 0, 0, 9.0))
    assert not held.run(held.store.forget(10.0, 5.0))
    assert held.records(A, B) == {B: Record(1.0, 2.0, 90.0)}
    assert held.counts() == Counts(1, 0, 0, 9.0)
    held.run(held.store.forget(15.0, 5.0))
    assert held.counts() is None


def test_of_too_many_those_go_that_would_go_first(held: Held) -> None:
    held.run(held.store.close())
    held.store = held.fresh(most=10)
    held.write({bytes([n]) * 16: Record(0.0, 0.0, 100.0 + n) for n in range(10)})
    held.run(held.store.forget(1.0, 5.0))
    assert len(held.records(*(bytes([n]) * 16 for n in range(10)))) == 10
    held.write({C: Record(0.0, 1.0, 500.0)})
    while held.run(held.store.forget(1.0, 5.0)):
        pass
    left = held.records(C, *(bytes([n]) * 16 for n in range(10)))
    assert len(left) <= 10
    assert C in left or len(left) == 0


records = st.builds(Record, st.floats(0, 100), st.floats(0, 100), st.floats(0, 200)).map(
    lambda record: record._replace(until=record.first + record.until)
)
counts = st.builds(
    Counts, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.floats(0.0, 9e6)
)
writes = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from([A, B, C]), records),
        st.dictionaries(st.sampled_from(["x", "y"]), counts),
    ),
    max_size=6,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(many=writes)
def test_every_store_does_what_the_one_in_memory_does(
    many: list[tuple[dict[bytes, Record], dict[str, Counts]]], held: Held
) -> None:
    tag = uuid.uuid4().bytes[:8]
    measure = MemoryStore()
    for theirs, brought in many:
        mine = {tag + key: record for key, record in theirs.items()}
        named = {f"{tag.hex()} {network}": one for network, one in brought.items()}
        for store in (measure, held.store):
            held.run(store.write(mine, named, WEEK))
    keys, networks = list(measure.records), list(measure.counts)
    known = held.run(held.store.read(keys, networks))
    assert known.records == measure.records
    assert set(known.counts) == set(measure.counts)
    for network, wanted in measure.counts.items():
        assert known.counts[network] == pytest.approx(wanted, rel=1e-9, abs=1e-9)


_ADD = """
import asyncio, sys
from pathlib import Path
from ulak.clients.greylist import Record
from ulak.clients.reputation import Counts
from ulak.clients.sqlite import SqliteStore

async def main():
    store, me = SqliteStore(Path(sys.argv[1])), int(sys.argv[2])
    for n in range(40):
        record = Record(10.0 - me, float(n), 100.0 + n)
        await store.write({b"k" * 16: record, bytes([me, n]): record},
                          {"192.0.2.0/24": Counts(1, 0, 0, 1.0)}, 604800.0)
    await store.close()

asyncio.run(main())
"""


def test_processes_write_one_file_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "clients.db"
    running = [subprocess.Popen([sys.executable, "-c", _ADD, str(path), str(n)]) for n in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]

    async def look() -> None:
        store = SqliteStore(path)
        keys = [b"k" * 16, *(bytes([me, n]) for me in range(3) for n in range(40))]
        known = await store.read(keys, (NET, "198.51.100.0/24"))
        assert len(known.records) == 121
        assert known.counts == {NET: Counts(120, 0, 0, 1.0)}
        assert known.records[b"k" * 16] == Record(8.0, 39.0, 139.0)
        await store.close()

    asyncio.run(look())


def test_to_look_where_nothing_is_makes_nothing(tmp_path: Path) -> None:
    async def look() -> None:
        store = SqliteStore(tmp_path / "clients.db")
        assert await store.read((A,), (NET,)) == ({}, {})
        await store.close()

    asyncio.run(look())
    assert not (tmp_path / "clients.db").exists()


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "clients.db").write_bytes(b"this is no database" * 99)

    async def ask() -> None:
        store = SqliteStore(tmp_path / "clients.db")
        with pytest.raises(ClientsError):
            await store.read((A,), ())
        with pytest.raises(ClientsError):
            await store.write({A: Record(1.0, 0.0, 9.0)}, {}, WEEK)
        await store.close()

    asyncio.run(ask())


def test_a_database_that_was_away_is_used_again() -> None:
    server = PostgresServer()
    try:
        where = schema(server)

        async def through_a_crash() -> None:
            store = PostgresStore(*where)
            await store.write({A: Record(1.0, 0.0, 9.0)}, {NET: Counts(1, 0, 0, 1.0)}, WEEK)
            server.crash()
            with pytest.raises(ClientsError):
                await store.read((A,), ())
            with pytest.raises(ClientsError):
                await store.write({B: Record(1.0, 0.0, 9.0)}, {}, WEEK)
            server.start()
            await store.write({B: Record(1.0, 0.0, 9.0)}, {}, WEEK)
            assert B in (await store.read((A, B), ())).records
            await store.close()

        asyncio.run(through_a_crash())
    finally:
        server.stop()
