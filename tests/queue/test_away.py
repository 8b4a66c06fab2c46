"""What a node does when its database is away, hangs, is full, or does not say how it ended."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from tests.postgresql import PostgresServer

from ulak.database import connecting
from ulak.queue.item import Done, Lease
from ulak.queue.postgres import PostgresStore, link
from ulak.queue.postgres.trouble import LostError
from ulak.queue.store import StorageError, StorageFullError

from . import disks
from .driver import ALL, Driver, done, message, waiting


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """Give a server that may be stopped and killed."""
    one = PostgresServer()
    yield one
    one.stop()


@pytest.fixture
def queue(server: PostgresServer, tmp_path: Path) -> Iterator[Driver]:
    driver = Driver("postgres", tmp_path, server.url)
    yield driver
    driver.close()


def _store(queue: Driver) -> PostgresStore:
    assert isinstance(queue.store, PostgresStore)
    return queue.store


async def _back(store: PostgresStore) -> None:
    """Wait until the circuit is closed."""
    await _until(lambda: not store._way.open)


async def _nothing() -> None:
    pass


async def _until(true: Callable[[], bool]) -> None:
    for _ in range(3000):
        if true():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it does not become true")


def test_who_asks_an_absent_database_is_told_at_once(queue: Driver, server: PostgresServer) -> None:
    store = _store(queue)

    async def through_a_crash() -> None:
        lease = await store.put(message("m1"), waiting(message("m1")), lease=True)
        assert lease is not None
        server.crash()
        with pytest.raises(StorageError):
            await store.put(message("m2"), waiting(message("m2")))
        began = time.monotonic()
        for n in range(200):
            with pytest.raises(StorageError, match="cannot be reached"):
                await store.put(message(f"n{n}"), waiting(message(f"n{n}")))
            with pytest.raises(StorageError):
                await store.list(ALL)
        assert time.monotonic() - began < 5.0, "each of them has waited"
        # A delivery that was under way has ended; what became of it is told when that is possible.
        with pytest.raises(StorageError):
            await store.settle(lease, done(lease))
        server.start()
        await _back(store)
        await store.settle(lease, done(lease))
        assert (await store.count()).messages == 0
        await store.put(message("m3"), waiting(message("m3")))

    queue.run(through_a_crash())
    assert queue.ids() == ["m3"]


def test_who_asks_a_database_that_hangs_is_told_in_time(
    queue: Driver, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = _store(queue)
    monkeypatch.setattr(link, "_PATIENCE", 0.3)
    monkeypatch.setattr(connecting, "_CONNECT", 1)

    async def through_a_stop() -> None:
        await store.put(message("m1"), waiting(message("m1")))
        stopped = [server.pid, *server.children]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            for n in (2, 3):
                with pytest.raises(StorageError):
                    await asyncio.wait_for(
                        store.put(message(f"m{n}"), waiting(message(f"m{n}"))), 10.0
                    )
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        monkeypatch.setattr(link, "_PATIENCE", 5.0)
        await _back(store)
        await store.put(message("m4"), waiting(message("m4")))
        await store._node.beat()

    queue.run(through_a_stop())
    assert queue.ids() == ["m1", "m4"], "what was refused is not there"


# -- a commit that nobody hears of --------------------------------------------------------------


class Cutter:
    """Passes on what is said to a server, and hangs up when the puts that it is to hide come.

    A put is one statement that commits itself. `reaches`: whether it gets there before.
    """

    def __init__(self, target: str, place: Path) -> None:
        self._target = target
        self.place = place
        self.hide = 0
        self.reaches = True
        self.closed = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        path = str(self.place / ".s.PGSQL.5432")
        server = await asyncio.start_unix_server(self._serve, path)
        async with server:
            yield

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.closed:
            writer.close()
            return
        there, back = await asyncio.open_unix_connection(self._target)
        answers = asyncio.create_task(self._answers(there, writer))
        try:
            while octets := await reader.read(65536):
                if b"WITH messages AS (INSERT" in octets and self.hide:
                    self.hide -= 1
                    answers.cancel()
                    if self.reaches:
                        back.write(octets)
                        await back.drain()
                        await asyncio.sleep(0.2)
                    break
                back.write(octets)
                await back.drain()
        finally:
            answers.cancel()
            for each in (writer, back):
                each.close()

    async def _answers(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while octets := await there.read(65536):
            writer.write(octets)
            await writer.drain()


@asynccontextmanager
async def _behind(
    queue: Driver, database: PostgresServer, place: Path
) -> AsyncIterator[tuple[PostgresStore, Cutter]]:
    cutter = Cutter(str(database.folder / ".s.PGSQL.5432"), place)
    async with cutter.running():
        through = Driver.__new__(Driver)
        through.database, through.schema = f"postgresql://ulak@/postgres?host={place}", queue.schema
        through.folder, through.objects = queue.folder, None
        store = await through.node("behind")
        yield store, cutter
        await store.close()


@pytest.fixture
def short() -> Iterator[Path]:
    """Give a folder whose name is short enough for a socket's."""
    with tempfile.TemporaryDirectory(prefix="ulak-") as folder:
        yield Path(folder)


@pytest.fixture
def shared(database: PostgresServer, tmp_path: Path) -> Iterator[Driver]:
    driver = Driver("postgres", tmp_path, database.url)
    yield driver
    driver.close()


@pytest.mark.parametrize("reaches", [True, False])
@pytest.mark.parametrize("many", [1, 20])
def test_a_message_whose_commit_was_not_heard_of_is_there_once(
    shared: Driver,
    database: PostgresServer,
    short: Path,
    *,
    reaches: bool,
    many: int,
) -> None:
    async def unheard() -> None:
        async with _behind(shared, database, short) as (store, cutter):
            mails = [message(f"m{n}") for n in range(many)]
            await store.put(message("first"), waiting(message("first")))
            cutter.hide, cutter.reaches = 1, reaches
            leases = await asyncio.gather(
                *(store.put(mail, waiting(mail), lease=True) for mail in mails)
            )
            assert cutter.hide == 0
            for mail, lease in zip(mails, leases, strict=True):
                assert lease is not None
                assert lease.message == mail
                await store.settle(lease, done(lease))

    shared.run(unheard())
    assert shared.ids() == ["first"]


def test_a_message_whose_end_is_never_known_is_refused_and_taken_out_again(
    shared: Driver, database: PostgresServer, short: Path
) -> None:
    async def unheard() -> None:
        async with _behind(shared, database, short) as (store, cutter):
            cleaning, store._node._clean = store._node._clean, _nothing  # type: ignore[method-assign]  # later
            cutter.hide = 1
            put = asyncio.create_task(store.put(message("m1"), waiting(message("m1"))))
            await _until(lambda: not cutter.hide)
            cutter.closed = True
            with pytest.raises(StorageError):
                await put
            assert [row.id for row in await shared.store.list(ALL)] == ["m1"]
            store._node._clean = cleaning  # type: ignore[method-assign]  # as it was
            cutter.closed = False
            await _back(store)
            await store._node.beat()
            assert list(await shared.store.list(ALL)) == []

    shared.run(unheard())


def test_who_puts_again_what_was_refused_makes_no_second_message(
    shared: Driver, database: PostgresServer, short: Path
) -> None:
    """As the worker does with a report: with it, what it reports was settled."""

    async def unheard() -> None:
        async with _behind(shared, database, short) as (store, cutter):
            failed = await store.put(message("m1"), waiting(message("m1")), lease=True)
            assert failed is not None
            mail = message("report")
            settle = failed, [Done(failed.pending[0].recipient)]
            cutter.hide = 0
            real = store._links["puts"].do

            async def unheard(*words: object, **more: object) -> object:
                await real(*words, **more)  # type: ignore[arg-type]  # passed on as it came
                store._links["puts"].do = real  # type: ignore[method-assign]  # once only
                raise LostError(hung=True)

            store._links["puts"].do = unheard  # type: ignore[assignment,method-assign]
            with pytest.raises(StorageError):
                await store.put(mail, waiting(mail), lease=True, settle=settle)
            assert [row.id for row in await shared.store.list(ALL)] == ["report"]
            await store._node.beat()
            lease = await store.put(mail, waiting(mail), lease=True, settle=settle)
            assert lease is not None
            assert lease.message == mail
            assert [row.id for row in await shared.store.list(ALL)] == ["report"]
            await store.settle(lease, done(lease))

    shared.run(unheard())
    assert shared.ids() == []


def test_a_commit_that_the_standby_has_not_confirmed_is_a_failure(
    queue: Driver, server: PostgresServer
) -> None:
    store = _store(queue)

    def told(statement: str) -> list[tuple[int]]:
        with psycopg.connect(server.url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    async def unconfirmed() -> None:
        await store.put(message("m1"), waiting(message("m1")))
        await asyncio.to_thread(told, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        await asyncio.to_thread(told, "SELECT pg_reload_conf()")
        await asyncio.sleep(0.3)
        put = asyncio.create_task(store.put(message("m2"), waiting(message("m2"))))
        found: list[tuple[int]] = []
        while not found:
            await asyncio.sleep(0.05)
            found = await asyncio.to_thread(
                told,
                "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' "
                "AND application_name LIKE 'ulak % puts'",
            )
        await asyncio.to_thread(told, f"SELECT pg_cancel_backend({found[0][0]})")
        with pytest.raises(StorageError, match="standby"):
            await put
        there = await asyncio.to_thread(told, f"SELECT count(*) FROM {queue.schema}.message")
        assert there == [(2,)]

    async def confirmed_again() -> None:
        await asyncio.to_thread(told, "ALTER SYSTEM RESET synchronous_standby_names")
        await asyncio.to_thread(told, "SELECT pg_reload_conf()")
        await _back(store)
        await store._node.beat()

    try:
        queue.run(unconfirmed())
    finally:
        queue.run(confirmed_again())
    assert queue.ids() == ["m1"], "the sender was told that it was not taken"


def test_a_full_disk_refuses_mail_and_lets_it_go(database: PostgresServer, tmp_path: Path) -> None:
    if missing := disks.lacks("mount", "umount", root=True):
        pytest.skip(missing)
    with disks.small(12_000_000) as place:
        place.chmod(0o777)
        place.parent.chmod(0o755)
        with psycopg.connect(database.url, autocommit=True) as connection:
            folder = place / "space"
            folder.mkdir()
            os.chown(folder, database.data.stat().st_uid, database.data.stat().st_gid)
            connection.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
        driver = Driver(
            "postgres", tmp_path, f"{database.url}&options=-cdefault_tablespace%3Dsmall"
        )
        try:
            taken: list[Lease] = []

            def fill() -> None:
                for n in range(1000):
                    lease = driver.put(message(f"m{n}", octets=os.urandom(100_000)), lease=True)
                    assert lease is not None
                    taken.append(lease)

            with pytest.raises(StorageFullError):
                fill()
            assert driver.ids() == [lease.message.id for lease in taken]
            for lease in taken:
                driver.settle(lease, *done(lease))
            assert driver.ids() == []
            for _ in range(2):  # what is delivered is emptied when its time has come
                connect = psycopg.connect(database.url, autocommit=True)
                with connect as connection:
                    connection.execute(
                        f"UPDATE {driver.schema}.store SET young_since = now() - interval '1 day'"
                    )
                driver.run(_store(driver)._node._keep_house())
                driver.run(_store(driver)._node.beat())
            driver.put(message("again", octets=os.urandom(100_000)))
        finally:
            driver.close()
            with psycopg.connect(database.url, autocommit=True) as connection:
                connection.execute("DROP TABLESPACE small")
