"""No object goes while a row names it, whatever two nodes do, and whoever of them is killed."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.buckets import BucketServer
from tests.postgresql import PostgresServer

from ulak.database.connecting import Connection
from ulak.queue.item import Body, Message, Selection
from ulak.queue.postgres import PostgresStore
from ulak.queue.postgres.bucket import IN_BUCKET
from ulak.queue.postgres.s3 import S3
from ulak.queue.postgres.trouble import LostError
from ulak.queue.store import StorageError

from . import bucketchild
from .driver import Driver, message, waiting
from .heap import Heap

nodes = st.integers(0, 1)
numbers = st.integers(0, 5)


def _octets(identifier: str) -> bytes:
    return b"Subject: " + identifier.encode() + b"\r\n\r\n"


class Buckets(RuleBasedStateMachine):
    """Two nodes put, settle, doubt, bury each other and tidy the bucket, in any order."""

    database: PostgresServer

    @initialize()
    def begin(self) -> None:
        self.heap = Heap()
        self.heap.before_delete = self._needless
        self.folder = tempfile.TemporaryDirectory(prefix="ulak-")
        self.driver = Driver("postgres", Path(self.folder.name), self.database.url, self.heap)
        first = self.driver.store
        assert isinstance(first, PostgresStore)
        self.stores = [first, self.driver.run(self.driver.node("second"))]
        self.deleted = 0

    def teardown(self) -> None:
        if hasattr(self, "driver"):
            self.driver.run(self.stores[1].close())
            self.driver.close()
            self.folder.cleanup()

    def _sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            connection.execute(f"SET search_path = {self.driver.schema}")
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def _back(self, node: int) -> PostgresStore:
        """Wait until a node has seen the database again."""
        store = self.stores[node]

        async def seen() -> None:
            for _ in range(2000):
                if not store._way.open:
                    return
                await asyncio.sleep(0.01)
            pytest.fail("it sees no database")

        self.driver.run(seen())
        return store

    def _named(self) -> dict[str, str]:
        """Give the objects that are needed, and the ids of their messages."""
        found = self._sql(
            "SELECT o.key, m.id FROM message m JOIN object o USING (seq) WHERE m.slot = %s",
            IN_BUCKET,
        )
        return dict(found)

    def _needless(self, keys: Sequence[str]) -> None:
        lost = self._named().keys() & set(keys)
        assert not lost, "a row names it"
        self.deleted += len(keys)

    # -- what nodes do --------------------------------------------------------------------------

    @rule(node=nodes, number=numbers, patient=st.booleans())
    def put(self, node: int, number: int, *, patient: bool = False) -> None:
        if patient:
            self._back(node)
        mail = message(f"m{number}", octets=_octets(f"m{number}"))
        with contextlib.suppress(StorageError, ValueError):  # it is there; or held for dead
            self.driver.run(self.stores[node].put(mail, waiting(mail)))

    @rule(node=nodes, number=numbers, committed=st.booleans())
    def doubt(self, node: int, number: int, *, committed: bool) -> None:
        """A put of which nobody hears how it ended."""
        link = self.stores[node]._links["puts"]
        real = link.do

        async def lost(step: Callable[[Connection], Any], **how: Any) -> Any:
            if committed:
                await real(step, **how)
            raise LostError(hung=True)

        link.do = lost  # type: ignore[method-assign]
        try:
            self.put(node, number)
        finally:
            link.do = real  # type: ignore[method-assign]

    @rule(node=nodes, gone=st.booleans())
    def abandon(self, node: int, *, gone: bool) -> None:
        """A put that ends between its object and its row; or is not over yet."""
        store = self._back(node)
        assert store.bucket is not None
        one = store.bucket
        home = self.driver.run(one.home(store._links["looks"]))
        kept = self.driver.run(one.put(store._hands.numbers(), Body(2, b"ab"), home))
        assert kept is not None
        if gone:
            one.under_way.discard(kept.key)

    @rule(number=numbers)
    def drop(self, number: int) -> None:
        self._back(0)
        self.driver.drop(Selection(ids=(f"m{number}",)))

    @rule(node=nodes)
    def beat(self, node: int) -> None:
        self._back(node)
        self.driver.run(self.stores[node]._node.beat())

    @rule(node=nodes)
    def bury(self, node: int) -> None:
        """The other is held for dead; it finds that out when it wants something."""
        self._sql("DELETE FROM node WHERE epoch = %s", self.stores[1 - node]._node.epoch)
        assert self.stores[node]._node.epoch

    @rule(node=nodes, again=st.booleans())
    def delete(self, node: int, *, again: bool) -> None:
        if again:
            self._sql("UPDATE object SET going = now() - interval '5 minutes'")
        sweeping = self._back(node)._sweeping
        assert sweeping is not None
        self.driver.run(sweeping.delete())

    @rule(node=nodes)
    def sweep(self, node: int) -> None:
        """A day later, by the clock of a node."""
        sweeping = self._back(node)._sweeping
        assert sweeping is not None
        sweeping._clock = lambda: time.time() + 90_000
        self._sql("UPDATE sweep SET due = now()")
        self.driver.run(sweeping.look())

    @rule(node=nodes)
    def sweep_while_it_is_put(self, node: int) -> None:
        """One looks for orphans in the moment between the object and the row of another."""
        real, other = self.heap.put, 1 - node
        self._back(other)

        async def put(key: str, octets: Any, patience: float) -> str:
            tag = await real(key, octets, patience)
            self.heap.put = real  # type: ignore[method-assign]
            sweeping = self.stores[other]._sweeping
            assert sweeping is not None
            sweeping._clock = lambda: time.time() + 90_000
            self._sql("UPDATE sweep SET due = now()")
            await sweeping.look()
            return tag

        self.heap.put = put  # type: ignore[method-assign]
        try:
            self.put(node, 0)
        finally:
            self.heap.put = real  # type: ignore[method-assign]

    @invariant()
    def every_row_has_its_object(self) -> None:
        if not hasattr(self, "driver"):
            return
        apart = {one for (one,) in self._sql("SELECT id FROM message WHERE slot = %s", IN_BUCKET)}
        named = self._named()
        assert set(named.values()) == apart
        for key, identifier in named.items():
            assert self.heap.kept[key][0] == _octets(identifier)


@pytest.mark.slow
def test_no_object_goes_while_a_row_names_it(database: PostgresServer) -> None:
    class Here(Buckets):
        pass

    Here.database = database
    how = settings(
        max_examples=25,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
    )
    run_state_machine_as_test(Here, settings=how)


# -- killed -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_who_is_killed_between_object_and_row_leaves_no_row_and_an_object_that_is_swept(
    database: PostgresServer, bucket_server: BucketServer, tmp_path: Path
) -> None:
    """And what was acknowledged before is there, whole."""
    driver = Driver("postgres", tmp_path, database.url, S3(bucket_server.place()))
    driver.run(driver.store.close())
    told: list[str] = []
    try:
        for turn in range(6):
            child = subprocess.run(
                [
                    *(sys.executable, bucketchild.__file__, database.url, driver.schema),
                    *(tmp_path / "child", str(bucket_server.port), bucket_server.keys),
                    *(f"t{turn}", str(3 + 2 * turn)),
                ],
                stdout=subprocess.PIPE,
                check=False,
                timeout=100,
            )
            assert child.returncode == -9, "it was to kill itself"
            told += child.stdout.decode().split()
        assert told
        driver.open()
        rows = driver.ids()
        assert set(told) <= set(rows), "what was acknowledged is there"
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute(f"SET search_path = {driver.schema}")
            found = connection.execute("SELECT key FROM object").fetchall()
            named = {key for (key,) in found}
            store = driver.store
            assert isinstance(store, PostgresStore)
            assert store.bucket is not None
            assert store._sweeping is not None
            home = driver.run(store.bucket.home(store._links["looks"]))
            before = driver.run(_keys(store, home))
            assert len(before) >= len(named) + 6, "each has left at least one behind"
            store._sweeping._clock = lambda: time.time() + 90_000
            connection.execute("DELETE FROM node WHERE name = 'child'")  # a minute has passed
            connection.execute("UPDATE sweep SET due = now()")
            driver.run(store._sweeping.look())
        assert driver.run(_keys(store, home)) == named
        leases = driver.lease(1000.0)
        assert {lease.message.id for lease in leases} == set(rows)
        for lease in leases:
            assert bucketchild.octets(lease.message.id) == _read(lease.message)
    finally:
        driver.close()


async def _keys(store: PostgresStore, home: str) -> set[str]:
    assert store.bucket is not None
    found: list[str] = []
    while page := await store.bucket.objects.list(home, found[-1] if found else ""):
        found += [one.key for one in page]
    return set(found)


def _read(one: Message) -> bytes:
    return one.body.data if one.body.data is not None else (one.body.path or Path()).read_bytes()
