"""Large bodies go into the bucket with a queue that is moved there, and come back with it."""

from __future__ import annotations

import asyncio
import mmap
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ulak.queue import moving
from ulak.queue.item import Body, Message, State
from ulak.queue.moving import Mover
from ulak.queue.postgres import open_store
from ulak.queue.postgres.bucket import IN_BUCKET, Bucket
from ulak.queue.postgres.objects import BucketError
from ulak.queue.sqlite import SqliteStore
from ulak.queue.store import StorageError

from .driver import ALL, message, waiting
from .heap import Heap
from .test_moving import Ends, _Cut, _Killed, move, nothing

_TOLD = "SELECT m.id, m.slot, o.key FROM message m LEFT JOIN object o USING (seq) ORDER BY m.id"


class Dying(Heap):
    """A bucket whose client is killed before or after one of so many puts and verbs of a move."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[int] | None = None

    async def put(self, key: str, octets: bytes | mmap.mmap, patience: float) -> str:
        if self.left is None:
            return await super().put(key, octets, patience)
        if self.left[0] <= 0:
            raise _Killed
        self.left[0] -= 2
        if not self.left[0]:
            raise _Killed
        tag = await super().put(key, octets, patience)
        if self.left[0] < 0:
            raise _Killed
        return tag

    async def delete(self, keys: Sequence[str]) -> None:
        if self.left is not None and self.left[0] <= 0:
            problem = "nobody is there to ask"
            raise BucketError(problem)
        await super().delete(keys)


class BucketEnds(Ends):
    """A store of each kind, one with a bucket for bodies of more than 100 octets."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder, url)
        self.heap = Dying()
        self.or_database = True

    @asynccontextmanager
    async def open(self) -> AsyncIterator[dict[str, Any]]:
        sqlite = SqliteStore(self.folder / "sqlite")
        bucket = Bucket(self.heap, 100, or_database=self.or_database)
        postgres = await open_store(self.url, self.folder / "postgres", "node", bucket=bucket)
        try:
            yield {"sqlite": sqlite, "postgres": postgres}
        finally:
            await sqlite.close()
            await postgres.close()

    def rows(self) -> list[tuple[Any, ...]]:
        """Give each message in the database, the part its body is in, and its object."""
        with psycopg.connect(self.url, options="-c search_path=ulak") as connection:
            return connection.execute(_TOLD).fetchall()


@pytest.fixture
def ends(tmp_path: Path, database: Any) -> BucketEnds:
    return BucketEnds(tmp_path, database.fresh())


def octets(identifier: str) -> bytes:
    return f"Subject: {identifier}\r\n\r\n".encode() + identifier.encode() * 200


async def put(store: Any, identifier: str, *, filed: bool = False) -> Message:
    made = message(identifier, octets=octets(identifier))
    if filed:
        spooled = store.incoming / identifier
        spooled.write_bytes(octets(identifier))
        made = replace(made, body=Body(made.body.size, path=spooled))
    await store.put(made, waiting(made))
    return made


async def read(stores: dict[str, Any]) -> dict[str, bytes]:
    """Give the octets of all that can be delivered from either store; it stays there."""
    found: dict[str, bytes] = {}
    for store in stores.values():
        for lease in await store.lease(1e12, 100):
            assert lease.message.id not in found
            body = lease.message.body
            found[lease.message.id] = body.data if body.path is None else body.path.read_bytes()
            await store.settle(lease, ())
    return found


async def swept(store: Any) -> None:
    """Look through the bucket for what nobody needs, as if a day had passed."""
    store._sweeping._clock = lambda: time.time() + 90_000
    with psycopg.connect(store._way._url, options="-c search_path=ulak") as connection:
        connection.execute("UPDATE sweep SET due = now()")
    await store._sweeping.delete()
    await store._sweeping.look()


def test_large_bodies_go_into_the_bucket_and_back_and_leave_nothing_there(ends: BucketEnds) -> None:
    async def there_and_back() -> None:
        async with ends.open() as stores:
            sqlite, postgres = stores["sqlite"], stores["postgres"]
            await put(sqlite, "m1")
            await put(sqlite, "m2", filed=True)
            small = message("small", octets=b"x: y\r\n\r\n")
            await sqlite.put(small, waiting(small))
            whole = await read(stores)
            assert (await move(sqlite, postgres)).messages == 3
            apart = {identifier: key for identifier, slot, key in ends.rows() if slot == IN_BUCKET}
            assert {name: ends.heap.kept[key][0] for name, key in apart.items()} == {
                "m1": octets("m1"),
                "m2": octets("m2"),
            }
            assert len(ends.heap.bodies) == 2
            assert not postgres.bucket.under_way
            assert await read(stores) == whole
            assert (await move(postgres, sqlite)).messages == 3
            assert await read(stores) == whole
            assert await postgres._sweeping.delete() == 2
            assert ends.heap.bodies == []

    asyncio.run(there_and_back())


@pytest.mark.slow
@pytest.mark.parametrize(("source", "target"), [("sqlite", "postgres"), ("postgres", "sqlite")])
def test_whoever_is_killed_anywhere_goes_on_and_no_object_is_left_that_nobody_needs(
    source: str, target: str, ends: BucketEnds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "MOST", 2)
    names = [f"m{n}" for n in range(4)]

    async def interrupted(after: int) -> bool:
        async with ends.open() as stores:
            if not after:
                for n, name in enumerate(names):
                    await put(stores[source], name, filed=bool(n % 2))
            left = [after]
            ends.heap.left = left
            mover = Mover(_Cut(stores[source].end, left), [_Cut(stores[target].end, left)], nothing)
            try:
                await mover.begin()
                while await mover.go_on():
                    pass
            except _Killed:
                left[0] = min(left[0], 0)
            else:
                return False
        ends.heap.left = None
        async with ends.open() as stores:
            for name, found in (await read(stores)).items():
                assert found == octets(name)
        return True

    after = 0
    while asyncio.run(interrupted(after)):
        after += 1
        assert after < 200

    async def end() -> None:
        ends.heap.left = None
        async with ends.open() as stores:
            await move(stores[source], stores[target])
            assert await read(stores) == {name: octets(name) for name in names}
            await swept(stores["postgres"])
            named = [key for _, _, key in ends.rows()]
            assert sorted(ends.heap.bodies) == sorted(named)
            assert len(named) == (4 if target == "postgres" else 0)

    asyncio.run(end())
    assert [ends.noted(kind) for kind in ("sqlite", "postgres")] == [[0, 0], [0, 0]]


@pytest.mark.parametrize("or_database", [True, False])
def test_while_the_bucket_takes_nothing_the_database_does_or_the_move_stops(
    ends: BucketEnds, *, or_database: bool
) -> None:
    ends.or_database = or_database
    ends.heap.trouble = "away"

    async def away() -> None:
        async with ends.open() as stores:
            sqlite, postgres = stores["sqlite"], stores["postgres"]
            for name in ("m1", "m2"):
                await put(sqlite, name)
            if not or_database:
                with pytest.raises(StorageError, match="cannot be written"):
                    await move(sqlite, postgres)
                assert (await sqlite.count()).messages == 2
                assert ends.rows() == []
                ends.heap.trouble = ""
        async with ends.open() as stores:
            sqlite, postgres = stores["sqlite"], stores["postgres"]
            assert (await move(sqlite, postgres)).messages == 2
            assert {slot == IN_BUCKET for _, slot, _ in ends.rows()} == {not or_database}
            assert await read(stores) == {name: octets(name) for name in ("m1", "m2")}

    asyncio.run(away())


def test_what_the_database_has_already_is_not_put_into_the_bucket_again(ends: BucketEnds) -> None:
    async def known() -> None:
        async with ends.open() as stores:
            sqlite, postgres = stores["sqlite"], stores["postgres"]
            await put(postgres, "m1")
            await put(sqlite, "m1")
            asked = ends.heap.asked
            assert (await move(sqlite, postgres)).known == 1
            assert ends.heap.asked == asked
            assert await read(stores) == {"m1": octets("m1")}

    asyncio.run(known())


def test_lost_bodies_stay_held_and_all_others_go_back(
    ends: BucketEnds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "MOST", 2)

    async def lost() -> None:
        async with ends.open() as stores:
            sqlite, postgres = stores["sqlite"], stores["postgres"]
            for n in range(6):
                await put(postgres, f"m{n}", filed=bool(n % 2))
            keys = {identifier: key for identifier, _, key in ends.rows()}
            for name in ("m0", "m1", "m4"):  # a whole batch among them
                del ends.heap.kept[keys[name]]
            ends.heap.trouble = "away"
            with pytest.raises(StorageError, match="cannot be read"):
                await move(postgres, sqlite)
            assert (await postgres.count()).messages == 6
            ends.heap.trouble = ""
        async with ends.open() as stores:
            sqlite, postgres = stores["sqlite"], stores["postgres"]
            assert (await move(postgres, sqlite)).messages == 3
            assert await read(stores) == {name: octets(name) for name in ("m2", "m3", "m5")}
            rows = list(await postgres.list(ALL))
            assert [row.id for row in rows] == ["m0", "m1", "m4"]
            held = {(row.pending.state, row.pending.cause) for row in rows}
            assert held == {(State.HELD, "body-lost")}
            assert (await move(postgres, sqlite)).messages == 0

    asyncio.run(lost())
