"""Large bodies in a bucket: there before the row is, read for delivery, and deleted after it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.buckets import BucketServer, Road
from tests.postgresql import PostgresServer

from ulak.queue.item import Body, Lease, Message, Selection, State
from ulak.queue.postgres import PostgresStore, bucket, fetching, open_reader, open_store
from ulak.queue.postgres.bucket import IN_BUCKET, Bucket, Word
from ulak.queue.postgres.fetching import Unread
from ulak.queue.postgres.objects import BucketError, MissingError
from ulak.queue.postgres.s3 import S3
from ulak.queue.store import StorageError

from .driver import ALL, Driver, done, message, waiting
from .heap import Heap

LARGE = bytes(range(256)) * 1200  # 307 kB


@pytest.fixture
def heap() -> Heap:
    return Heap()


@pytest.fixture
def queue(database: PostgresServer, tmp_path: Path, heap: Heap) -> Iterator[Driver]:
    driver = Driver("postgres", tmp_path, database.url, heap)
    yield driver
    driver.close()


def _store(queue: Driver) -> PostgresStore:
    assert isinstance(queue.store, PostgresStore)
    return queue.store


def _bucket(queue: Driver) -> Bucket:
    found = _store(queue).bucket
    assert found is not None
    return found


def _sql(queue: Driver, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(queue.database, autocommit=True) as connection:
        connection.execute(f"SET search_path = {queue.schema}")
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def _delete(queue: Driver) -> int:
    sweeping = _store(queue)._sweeping
    assert sweeping is not None
    return queue.run(sweeping.delete())


def _sweep(queue: Driver, store: PostgresStore | None = None) -> int:
    """Look through the bucket for what nobody needs, as if a day had passed."""
    sweeping = (store or _store(queue))._sweeping
    assert sweeping is not None
    sweeping._clock = lambda: time.time() + 90_000
    _sql(queue, "UPDATE sweep SET due = now()")
    return queue.run(sweeping.look())


def _large(identifier: str, *recipients: str, folder: Path | None = None) -> Message:
    mail = message(identifier, *recipients, octets=LARGE)
    if folder is None:
        return mail
    path = folder / identifier
    path.write_bytes(LARGE)
    return replace(mail, body=Body(len(LARGE), path=path))


def _octets(one: Message) -> bytes:
    if one.body.path is not None:
        return one.body.path.read_bytes()
    return one.body.data or b""


# -- a real bucket ------------------------------------------------------------------------------


@pytest.fixture
def place(
    database: PostgresServer, bucket_server: BucketServer, tmp_path: Path
) -> Iterator[Driver]:
    """Give a queue whose bodies of more than 1000 octets go into a real bucket."""
    driver = Driver("postgres", tmp_path, database.url, S3(bucket_server.place()))
    _bucket(driver).larger_than = 1000
    yield driver
    driver.close()


def test_only_large_bodies_go_into_the_bucket_and_rows_say_so(place: Driver) -> None:
    incoming = _store(place).incoming
    place.put(message("small"))
    place.put(_large("large"))
    place.put(_large("filed", folder=incoming))
    slots = dict(_sql(place, "SELECT id, slot FROM message"))
    assert slots["small"] >= 0
    assert slots["large"] == slots["filed"] == IN_BUCKET
    assert _sql(place, "SELECT count(*) FROM body") == [(1,)]
    assert len(_sql(place, "SELECT key, digest FROM object")) == 2
    assert list(incoming.iterdir()) == [], "it is in the bucket, and nobody works on it here"


def test_a_body_comes_back_from_the_bucket_as_it_was_and_goes_with_its_message(
    place: Driver,
) -> None:
    place.put(_large("large"))
    place.put(_large("filed", folder=_store(place).incoming))
    second = place.run(place.node("second"))
    leases = place.run(second.lease(1000.0, 10))
    assert [_octets(lease.message) for lease in leases] == [LARGE, LARGE]
    assert [lease.message.body.path is not None for lease in leases] == [False, True]
    objects = _bucket(place).objects
    keys = [key for (key,) in _sql(place, "SELECT key FROM object")]
    assert _delete(place) == 0, "they are needed"
    for lease in leases:
        place.run(second.settle(lease, done(lease)))
    assert _delete(place) == 2
    assert _sql(place, "SELECT * FROM object") == []
    for key in keys:
        with pytest.raises(MissingError):
            objects.read(key)
    place.run(second.close())


def test_who_puts_with_a_lease_works_on_what_was_spooled(place: Driver) -> None:
    lease = place.put(_large("filed", folder=_store(place).incoming), lease=True)
    assert lease is not None
    assert _octets(lease.message) == LARGE
    place.settle(lease, *done(lease))
    assert _delete(place) == 1


def test_whoever_looks_reads_from_the_bucket(place: Driver, bucket_server: BucketServer) -> None:
    place.put(_large("m1"))
    found = place.read("m1")
    assert found is not None
    assert _octets(found) == LARGE
    with open_reader(place.database, place.schema, bucket=bucket_server.bucket) as reader:
        looked = reader.read("m1")
    assert looked is not None
    assert looked.body.data == LARGE
    with (
        open_reader(place.database, place.schema) as reader,
        pytest.raises(StorageError, match="none is configured"),
    ):
        reader.read("m1")


def test_what_a_put_left_behind_is_swept_from_a_real_bucket(place: Driver) -> None:
    place.put(_large("m1"))
    second = place.run(place.node("second"))
    assert second.bucket is not None
    home = place.run(second.bucket.home(second._links["looks"]))
    left = place.run(second.bucket.put(second._hands.numbers(), Body(5, b"12345"), home))
    assert left is not None
    assert _sweep(place) == 0, "the node that put it there lives, and may be about to say so"
    _sql(place, "DELETE FROM node WHERE name = 'second'")
    assert _sweep(place) == 1
    (lease,) = place.lease(1000.0)
    assert _octets(lease.message) == LARGE
    place.run(second.close())


@asynccontextmanager
async def _road(
    server: BucketServer, database: PostgresServer, folder: Path, schema: str
) -> AsyncIterator[tuple[Road, PostgresStore]]:
    async with Road(server.port).open() as road:
        made = server.bucket(1000, road.port)
        store = await open_store(database.url, folder / "far", "far", schema, bucket=made)
        try:
            yield road, store
        finally:
            await store.close()


def _answer(status: str, code: str) -> bytes:
    said = f"<Error><Code>{code}</Code></Error>".encode()
    head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(said)}\r\n\r\n"
    return head.encode() + said


@pytest.mark.parametrize(
    ("what", "problem"),
    [
        ({"answer": _answer("503 Slow Down", "SlowDown")}, "SlowDown"),
        ({"answer": _answer("403 Forbidden", "AccessDenied")}, "AccessDenied"),
        ({"answer": _answer("507 Full", "XMinioStorageFull")}, "XMinioStorageFull"),
        ({"cut": True}, "no connection"),
        ({"silent": True}, "timed out"),
    ],
)
def test_while_the_bucket_takes_nothing_the_database_does_and_only_the_first_waits(
    what: dict[str, Any],
    problem: str,
    place: Driver,
    bucket_server: BucketServer,
    database: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bucket, "_PATIENCE", 1.0)
    monkeypatch.setattr(bucket, "_PROBE", (0.1, 0.5))
    words: list[Word] = []

    async def through() -> None:
        async with _road(bucket_server, database, tmp_path, place.schema) as (road, store):
            assert store.bucket is not None
            store.bucket.on_word = words.append
            for name, value in what.items():
                setattr(road, name, value)
            await store.put(_large("m1"), waiting(_large("m1")))
            assert words == [Word("write", problem)]
            began = time.monotonic()
            for n in range(20):
                await store.put(_large(f"n{n}"), waiting(_large(f"n{n}")))
            assert time.monotonic() - began < 20 * 0.9, "each of them has waited"
            road.cut, road.silent, road.answer = False, False, b""
            await _until(lambda: words[-1] == Word("write"))
            await store.put(_large("m2"), waiting(_large("m2")))

    place.run(through())
    slots = dict(_sql(place, "SELECT id, slot FROM message"))
    assert slots.pop("m2") == IN_BUCKET
    assert all(slot >= 0 for slot in slots.values()), "the database has taken them"
    assert len(slots) == 21


def test_an_answer_with_a_wrong_checksum_is_no_acknowledgement(
    place: Driver, bucket_server: BucketServer, database: PostgresServer, tmp_path: Path
) -> None:
    async def through() -> None:
        async with _road(bucket_server, database, tmp_path, place.schema) as (road, store):
            road.spoilt = (LARGE[:64], bytes(64))  # what comes back is another
            assert store.bucket is not None
            objects = store.bucket.objects
            real = objects.put

            async def wrong(key: str, octets: Any, patience: float) -> str:
                await real(key, octets, patience)
                return "0" * 32

            objects.put = wrong  # type: ignore[method-assign]
            await store.put(_large("m1"), waiting(_large("m1")))
            assert not store.bucket.writable
            road.spoilt = (b"", b"")
            objects.put = real  # type: ignore[method-assign]

    place.run(through())
    assert _sql(place, "SELECT count(*) FROM message WHERE slot >= 0") == [(1,)]


def test_an_encrypting_bucket_has_other_etags_and_is_believed_when_it_was_read_once(
    queue: Driver, heap: Heap
) -> None:
    real = heap.put

    async def encrypted(key: str, octets: Any, patience: float) -> str:
        await real(key, octets, patience)
        return "0" * 32

    heap.put = encrypted  # type: ignore[method-assign]
    queue.put(message("m1"))
    queue.put(message("m2"))
    assert heap.asked == 3, "two puts, and one look at what was put"
    assert [slot for (slot,) in _sql(queue, "SELECT slot FROM message")] == [IN_BUCKET] * 2


# -- what is done about a bucket that fails -----------------------------------------------------


async def _until(true: Callable[[], bool]) -> None:
    for _ in range(3000):
        if true():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it does not become true")


def test_an_operator_may_have_large_mail_refused_while_the_bucket_is_away(
    queue: Driver, heap: Heap
) -> None:
    _bucket(queue)._or_database = False
    _bucket(queue).larger_than = 1000
    heap.trouble = "away"
    for n in range(3):
        with pytest.raises(StorageError, match="cannot be written"):
            queue.put(_large(f"m{n}"))
    assert heap.asked <= 2, "the second is told at once (the first one's object is discarded)"
    queue.put(message("small"))
    assert queue.ids() == ["small"]
    heap.trouble = ""


def test_mail_waits_while_its_body_cannot_be_read_and_other_mail_does_not(
    queue: Driver, heap: Heap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "_AGAIN", 0.0)
    unread: list[Unread] = []
    words: list[Word] = []
    _store(queue).fetching.on_unread = unread.append
    _bucket(queue).on_word = words.append
    _bucket(queue).larger_than = 1000
    queue.put(_large("large"))
    queue.put(message("small"))
    heap.trouble = "away"
    (lease,) = queue.lease(1000.0)
    assert lease.message.id == "small"
    assert words == [Word("read", "away")]
    (row,) = queue.list(Selection(ids=("large",)))
    assert (row.pending.state, row.pending.due) == (State.READY, 1060.0)
    assert (row.pending.cause, row.pending.attempts) == ("body-away", 0)
    assert [(one.lease.message.id, one.due) for one in unread] == [("large", 1060.0)]
    assert "away" in str(unread[0].reply)
    assert queue.lease(1059.0) == []
    heap.trouble = ""
    (lease,) = queue.lease(1060.0)
    assert lease.message.body.data == LARGE
    assert words[1:] == [Word("read")]


def test_mail_whose_object_is_gone_is_held_until_it_is_put_back(queue: Driver, heap: Heap) -> None:
    unread: list[Unread] = []
    _store(queue).fetching.on_unread = unread.append
    queue.put(message("m1"))
    ((key, octets),) = heap.kept.items()
    del heap.kept[key]
    assert queue.lease(1000.0) == []
    (row,) = queue.list()
    assert (row.pending.state, row.pending.cause) == (State.HELD, "body-lost")
    assert key in row.pending.reply
    assert [(one.due, one.reply.facts["object"]) for one in unread] == [(None, key)]
    assert queue.take() == [], "and nobody sends an empty message"
    heap.kept[key] = octets
    assert queue.release(ALL, 1000.0) == 1
    (lease,) = queue.lease(1000.0)
    assert _octets(lease.message) == octets[0]


@pytest.mark.parametrize("cause", ["body-lost", "body-away"])
def test_who_returns_mail_gets_it_without_the_body_that_cannot_be_had(
    queue: Driver, heap: Heap, cause: str
) -> None:
    unread: list[Unread] = []
    _store(queue).fetching.on_unread = unread.append
    _bucket(queue).larger_than = 1000
    queue.put(_large("m1", folder=_store(queue).incoming))
    queue.put(_large("m2"))
    queue.put(message("small"))
    if cause == "body-lost":
        heap.kept.clear()
    else:
        heap.trouble = "away"
    (small,) = queue.take()
    assert small.message.id == "small"
    queue.settle(small)
    queue.hold(ALL)
    heard = len(unread)
    first, second, small = queue.take(bodiless=True)
    for lease in (first, second):
        assert lease.message.body == Body(len(LARGE), b"", lost=True)
        (pending,) = lease.pending
        assert (pending.cause, pending.state) == (cause, State.HELD)
    assert not small.message.body.lost
    assert len(unread) == heard, "it is told by who returns it"
    queue.settle(first)
    assert "m1" in queue.ids(), "who does nothing with it gives it back"
    queue.settle(second, *done(second))
    assert "m2" not in queue.ids()


def test_mail_whose_object_is_another_is_held(queue: Driver, heap: Heap) -> None:
    queue.put(message("m1"))
    (key,) = heap.kept
    heap.kept[key] = b"Subject: buy\r\n\r\nNow.\r\n", 0.0
    assert queue.lease(1000.0) == []
    (row,) = queue.list()
    assert (row.pending.state, row.pending.cause) == (State.HELD, "body-lost")
    with pytest.raises(StorageError, match="changed"):
        queue.read("m1")


def test_without_the_bucket_its_mail_waits_and_is_not_lost(
    queue: Driver, database: PostgresServer, tmp_path: Path
) -> None:
    queue.put(message("m1"))
    bare = queue.run(open_store(database.url, tmp_path / "bare", "bare", queue.schema))
    assert queue.run(bare.lease(1000.0, 10)) == []
    (row,) = queue.list()
    assert (row.pending.state, row.pending.cause) == (State.READY, "body-away")
    assert queue.run(bare.take(ALL, 10)) == []
    queue.run(bare.close())
    assert len(queue.lease(2000.0)) == 1


def test_one_slow_body_does_not_keep_the_others(
    queue: Driver, heap: Heap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_BUDGET", 0.2)
    queue.put(message("m1"))
    queue.put(message("m2"))
    (slow, _) = heap.kept
    real = heap.get
    free = asyncio.Event()

    async def get(key: str, patience: float) -> AsyncIterator[bytes]:
        if key == slow:
            await free.wait()
        async for piece in real(key, patience):
            yield piece

    heap.get = get  # type: ignore[method-assign]
    assert [lease.message.id for lease in queue.lease(1000.0)] == ["m2"]
    free.set()
    assert [lease.message.id for lease in queue.lease(1000.0)] == ["m1"]


def test_who_is_cancelled_while_bodies_come_leaves_their_mail_to_others(
    queue: Driver, heap: Heap
) -> None:
    queue.put(message("m1"))
    real, begun, free = heap.get, asyncio.Event(), asyncio.Event()

    async def get(key: str, patience: float) -> AsyncIterator[bytes]:
        begun.set()
        await free.wait()
        async for piece in real(key, patience):
            yield piece

    heap.get = get  # type: ignore[method-assign]

    async def cancelled() -> list[Lease]:
        task = asyncio.create_task(queue.store.lease(1000.0, 10))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        free.set()
        await _until(lambda: not _store(queue)._hands.seqs)  # it is given back
        return await queue.store.lease(1000.0, 10)

    assert [lease.message.id for lease in queue.run(cancelled())] == ["m1"]


# -- what nobody needs any more -----------------------------------------------------------------


def test_an_object_goes_after_its_message_however_that_went(queue: Driver, heap: Heap) -> None:
    for n in range(3):
        queue.put(message(f"m{n}"))
    first = queue.lease(1000.0, 1)[0]
    queue.settle(first, *done(first))
    assert queue.drop(Selection(ids=("m1",))) == 1
    assert _delete(queue) == 2
    assert len(heap.bodies) == 1
    assert _delete(queue) == 0


def test_a_bucket_that_deletes_nothing_is_asked_again(queue: Driver, heap: Heap) -> None:
    queue.put(message("m1"))
    queue.drop(ALL)
    heap.trouble = "away"
    with pytest.raises(BucketError):
        _delete(queue)
    heap.trouble = ""
    assert _delete(queue) == 0, "another node may be at it"
    _sql(queue, "UPDATE object SET going = now() - interval '5 minutes'")
    assert _delete(queue) == 1
    assert heap.bodies == []


def test_an_object_of_our_own_that_no_row_names_is_swept_when_it_is_old(
    queue: Driver,
) -> None:
    store, one = _store(queue), _bucket(queue)
    home = queue.run(one.home(store._links["looks"]))
    kept = queue.run(one.put(store._hands.numbers(), Body(2, b"ab"), home))
    assert kept is not None
    assert _sweep(queue) == 0, "it is about to be named"
    one.under_way.clear()
    _sql(queue, "UPDATE sweep SET due = now()")
    sweeping = store._sweeping
    assert sweeping is not None
    sweeping._clock = time.time
    assert queue.run(sweeping.look()) == 0, "it is young"
    assert _sweep(queue) == 1


def test_objects_of_others_are_left_alone(queue: Driver, heap: Heap) -> None:
    home = queue.run(_bucket(queue).home(_store(queue)._links["looks"]))
    foreign = ["letter", f"{home}notes.txt", f"other/{1:016x}-{2:016x}", f"{home}x/{1:016x}-ab"]
    for key in foreign:
        heap.kept[key] = b"", 0.0
    assert _sweep(queue) == 0
    assert sorted(heap.kept) == sorted(foreign)


def test_a_put_that_is_refused_takes_its_object_back(queue: Driver, heap: Heap) -> None:
    queue.put(message("m1"))

    async def twice() -> None:
        with pytest.raises(ValueError, match="already"):
            await queue.store.put(message("m1"), waiting(message("m1")))
        await _until(lambda: len(heap.bodies) == 1)

    queue.run(twice())
    (lease,) = queue.lease(1000.0)
    assert _octets(lease.message)


def test_who_was_held_for_dead_between_the_object_and_its_row_writes_no_row(
    queue: Driver, heap: Heap
) -> None:
    """Its object may have been swept: nothing may point to it."""
    real = heap.put

    async def slow(key: str, octets: Any, patience: float) -> str:
        tag = await real(key, octets, patience)
        _sql(queue, "DELETE FROM node")  # another has buried it meanwhile
        return tag

    heap.put = slow  # type: ignore[method-assign]
    with pytest.raises(StorageError, match="dead"):
        queue.put(message("m1"))
    heap.put = real  # type: ignore[method-assign]
    assert queue.ids() == []
    queue.put(message("m1"))
    assert len(queue.lease(1000.0)) == 1


def test_parts_of_the_database_are_emptied_beside_mail_in_the_bucket(queue: Driver) -> None:
    queue.put(message("m1"))
    _sql(queue, "UPDATE store SET young = 2, old = 5")
    queue.run(_store(queue)._node._keep_house())
    assert _sql(queue, "SELECT slot FROM message") == [(IN_BUCKET,)]
    assert len(queue.lease(1000.0)) == 1


def test_every_store_at_once(queue: Driver, heap: Heap) -> None:
    """Many puts at a time are committed together, each with its object."""

    async def all_at_once() -> None:
        mails = [message(f"m{n}") for n in range(200)]
        await asyncio.gather(*(queue.store.put(one, waiting(one)) for one in mails))

    queue.run(all_at_once())
    assert len(heap.bodies) == 200
    named: set[str] = {key for (key,) in _sql(queue, "SELECT key FROM object")}
    assert named == set(heap.bodies)


def test_a_closed_store_puts_nothing_into_the_bucket_and_asks_no_database(
    queue: Driver, heap: Heap
) -> None:
    store = queue.run(queue.node("second"))
    queue.run(store.close())
    with pytest.raises(StorageError, match="closed"):
        queue.run(store.put(message("m1"), waiting(message("m1"))))
    assert heap.asked == 0
    assert store._links["looks"]._connection is None
