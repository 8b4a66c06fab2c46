"""What only the SQLite store does: it keeps, is alone, cleans up, and can be looked into."""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import apsw
import pytest

from ulak.queue.item import Again, Body, Done, Message, Pending, Selection, State
from ulak.queue.sql import sqlite as sql
from ulak.queue.sqlite import SqliteStore, database, due, open_reader, senders, writer
from ulak.queue.sqlite.work import Putting, Work
from ulak.queue.store import StorageError, StoreBusyError, StoreVersionError

from .driver import ALL, Driver, done, message, waiting


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Driver]:
    driver = Driver("sqlite", tmp_path)
    yield driver
    driver.close()


def _store(queue: Driver) -> SqliteStore:
    return cast("SqliteStore", queue.store)


def _spooled(queue: Driver, identifier: str) -> Message:
    path = _store(queue).incoming / identifier
    path.write_bytes(b"x" * 100)
    return replace(message(identifier), body=Body(100, path=path))


# -- keeping ------------------------------------------------------------------------------------


def test_what_is_kept_is_there_when_it_is_opened_again(queue: Driver) -> None:
    mail = message("m1", "a@x.example", "b@y.example", language="tr", session="s1")
    queue.put(mail)
    queue.put(_spooled(queue, "m2"))
    (lease,) = queue.take(Selection(ids=("m1",)))
    again = replace(lease.pending[1], due=2000.0, attempts=1, cause="greylisted", reply="451 no")
    queue.settle(lease, Done("a@x.example"), Again(again))
    before = queue.list()
    queue.reopen()
    assert queue.list() == before
    assert queue.read("m1") == mail
    second = queue.read("m2")
    assert second is not None
    assert second.body.path is not None
    assert second.body.path.read_bytes() == b"x" * 100


def test_whose_mail_is_there_is_known_over_an_opening(
    queue: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(senders, "_PAGE", 3)  # so not all is counted as the store is opened
    _fill(queue, 40, "x.example", 10.0)
    queue.reopen()
    for _ in range(9):  # it is counted after what somebody waits for
        queue.drop(Selection(ids=("none",)))
    for lease in queue.lease(1000.0, 9):
        queue.settle(lease, *done(lease))
    for name in ("m1", "m2"):
        mail = message(name)
        queue.put(mail, waiting(mail, 5.0))
    first = [lease.message.id for lease in queue.lease(1000.0, 2)]
    assert first == ["m1", "m2"], "31 were there before the first, so it alone is not put back"


def test_leases_end_with_the_process(queue: Driver) -> None:
    first = queue.put(message("m1"), lease=True)
    queue.put(message("m2"))
    queue.hold(Selection(ids=("m2",)))
    queue.take(Selection(ids=("m2",)))
    assert first is not None
    queue.reopen()
    assert [row.pending.state for row in queue.list()] == [State.READY, State.HELD]
    queue.settle(first, *done(first))  # from another life
    assert queue.ids() == ["m1", "m2"]
    (second,) = queue.lease(1000.0)
    queue.settle(first, *done(first))
    queue.settle(second, *done(second))
    assert queue.ids() == ["m2"]


def test_messages_keep_their_order_over_an_opening(queue: Driver) -> None:
    queue.put(message("z"))
    queue.reopen()
    queue.put(message("a"))
    assert queue.ids() == ["z", "a"]


def test_what_a_crash_left_is_swept_and_nothing_else(queue: Driver) -> None:
    queue.put(_spooled(queue, "m1"))
    bodies = queue.folder / "queue" / "bodies"
    (kept,) = bodies.iterdir()
    orphan, foreign = bodies / "00000000ffff", bodies / "README"
    spooled = _store(queue).incoming / "half"
    for each in (orphan, foreign, spooled):
        each.write_bytes(b"?")
    queue.reopen()
    assert set(bodies.iterdir()) == {kept, foreign}
    assert not spooled.exists()


def test_mail_is_for_nobody_else_s_eyes(queue: Driver) -> None:
    queue.put(message("m1"))
    modes = {
        path.relative_to(queue.folder).as_posix(): path.stat().st_mode & 0o077
        for path in (queue.folder / "queue").rglob("*")
    }
    assert set(modes) >= {"queue/queue.sqlite", "queue/queue.sqlite-wal", "queue/bodies"}
    assert set(modes.values()) == {0}
    assert (queue.folder / "queue").stat().st_mode & 0o077 == 0


def test_room_is_given_back_to_the_disk(queue: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_SPARE", 10)
    for number in range(100):
        queue.put(message(f"m{number}", octets=bytes(10_000)))
    queue.reopen()
    path = queue.folder / "queue" / "queue.sqlite"
    assert path.stat().st_size > 1_000_000
    for lease in queue.lease(1000.0):
        queue.settle(lease, *done(lease))
    queue.reopen()
    assert path.stat().st_size < 200_000


# -- files --------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_is_refused(queue: Driver) -> None:
    lost = replace(message("m1"), body=Body(5, path=_store(queue).incoming / "lost"))
    with pytest.raises(StorageError, match="No such file"):
        queue.put(lost)
    assert queue.ids() == []


def test_a_file_whose_message_is_refused_is_where_it_was(queue: Driver) -> None:
    queue.put(message("m1"))
    spooled = _spooled(queue, "m1")
    with pytest.raises(ValueError, match="queued already"):
        queue.put(spooled)
    assert spooled.body.path is not None
    assert spooled.body.path.read_bytes() == b"x" * 100
    assert list((queue.folder / "queue" / "bodies").iterdir()) == []


def test_the_file_of_a_report_for_a_stale_lease_is_not_kept(queue: Driver) -> None:
    lease = queue.put(message("m1"), lease=True)
    assert lease is not None
    queue.settle(lease)
    queue.put(_spooled(queue, "m2"), settle=(lease, done(lease)))
    queue.next_due()  # removing follows the commit; a verb behind it has seen it done
    assert list((queue.folder / "queue" / "bodies").iterdir()) == []


# -- alone --------------------------------------------------------------------------------------


def test_a_second_writer_is_refused_by_name(queue: Driver) -> None:
    with pytest.raises(StoreBusyError, match=f"process {os.getpid()};") as refused:
        SqliteStore(queue.folder / "queue")
    assert refused.value.pid == os.getpid()
    queue.put(message("m1"))  # and the first is none the worse for it


def test_another_process_is_refused_and_welcome_later(queue: Driver) -> None:
    program = (
        "import asyncio, pathlib, sys\n"
        "from ulak.queue.sqlite import SqliteStore\n"
        "from ulak.queue.store import StoreBusyError\n"
        "try:\n"
        "    asyncio.run(SqliteStore(pathlib.Path(sys.argv[1])).close())\n"
        "except StoreBusyError as error:\n"
        "    print(error)\n"
    )

    def other() -> str:
        command = [sys.executable, "-c", program, str(queue.folder / "queue")]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert f"in use by process {os.getpid()};" in other()
    queue.run(queue.store.close())
    assert other() == ""


def test_who_writes_behind_our_back_makes_us_fail_only_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY", 10)
    queue = Driver("sqlite", tmp_path)
    intruder = apsw.Connection(str(tmp_path / "queue" / "queue.sqlite"))
    intruder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked"):
        queue.put(message("m1"))
    intruder.execute("ROLLBACK")
    intruder.close()
    queue.put(message("m1"))
    queue.close()


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2", "3.9.100"])
def test_a_library_that_can_corrupt_a_queue_is_refused(version: str) -> None:
    with pytest.raises(StoreVersionError, match=f"SQLite {version} can corrupt"):
        database.refuse_old_library(version)


@pytest.mark.parametrize("version", ["3.51.3", "3.52.0", "4.0.0"])
def test_a_library_that_is_new_enough_is_taken(version: str) -> None:
    database.refuse_old_library(version)


def test_tables_of_a_newer_version_are_refused(queue: Driver) -> None:
    queue.run(queue.store.close())
    path = queue.folder / "queue" / "queue.sqlite"
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", 1000)
    connection.close()
    with pytest.raises(StoreVersionError, match="version 1000"):
        SqliteStore(queue.folder / "queue")
    with pytest.raises(StoreVersionError, match="version 1000"):
        open_reader(queue.folder / "queue")
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", sql.VERSION)
    connection.close()
    queue.open()  # a refused opening let go of everything


def test_what_is_no_queue_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "queue.sqlite").write_bytes(b"not a database, but long enough to be one" * 100)
    with pytest.raises(StorageError, match="cannot be opened: file is not a database"):
        SqliteStore(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot be opened"):
        SqliteStore(tmp_path / "file")


# -- looking ------------------------------------------------------------------------------------


def test_a_reader_looks_while_a_server_writes(queue: Driver) -> None:
    folder = queue.folder / "queue"
    queue.put(message("m1"))
    with open_reader(folder) as reader:
        assert list(reader.list(ALL)) == queue.list()
        queue.put(_spooled(queue, "m2"))
        queue.lease(1000.0, 1)
        assert list(reader.list(ALL)) == queue.list()
        assert list(reader.list(Selection(ids=("m2",)))) == queue.list(Selection(ids=("m2",)))
        assert reader.count() == queue.count()
        assert reader.read("m2") == queue.read("m2")
        assert reader.read("m3") is None
    queue.put(message("m3"))


def test_a_reader_looks_when_no_server_runs(queue: Driver) -> None:
    queue.put(message("m1"))
    queue.run(queue.store.close())
    with open_reader(queue.folder / "queue") as reader:
        assert [row.id for row in reader.list(ALL)] == ["m1"]
    queue.open()
    assert queue.ids() == ["m1"]


def test_a_reader_says_where_there_is_no_queue(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="There is no queue in"):
        open_reader(tmp_path)


def test_a_reader_that_stands_still_keeps_nobody_up(queue: Driver) -> None:
    for number in range(5):
        queue.put(message(f"m{number}"))
    with open_reader(queue.folder / "queue") as reader:
        rows = reader.list(ALL, page=2)
        assert next(rows).id == "m0"
        queue.drop(Selection(ids=("m0", "m1", "m2")))
        queue.run(_store(queue)._ask(_empty_the_log))
        assert [row.id for row in rows] == ["m1", "m3", "m4"]


def _empty_the_log(work: Work) -> None:
    """Fails where somebody reads what is in it."""
    work.connection.execute("COMMIT")
    assert work.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE) == (0, 0)
    work.connection.execute("BEGIN IMMEDIATE")


# -- waiting ------------------------------------------------------------------------------------


def test_a_lease_that_nobody_waits_for_any_more_is_given_back(queue: Driver) -> None:
    mail = message("m1")

    async def give_up() -> None:
        for verb in (
            lambda: queue.store.put(mail, waiting(mail), lease=True),
            lambda: queue.store.lease(1000.0, 10),
            lambda: queue.store.take(ALL, 10),
        ):
            asking = asyncio.ensure_future(verb())
            await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await queue.store.next_due()
            await queue.store.next_due()

    queue.run(give_up())
    assert queue.count().by_state[State.READY] == 1


def test_each_of_many_is_answered_by_itself(queue: Driver) -> None:
    """Also who waits in one batch with what cannot be stored."""
    bad = [Pending("\udc80@x.example", "x.example", due=1000.0)]

    async def all_at_once() -> list[object]:
        verbs = [
            queue.store.put(message("m1"), waiting(message("m1"))),
            queue.store.put(message("m2"), bad),
            queue.store.retry(ALL, 500.0),
            queue.store.put(message("m1"), waiting(message("m1"))),
            queue.store.put(message("m3"), waiting(message("m3"))),
            queue.store.hold(Selection(ids=("m3",))),
        ]
        return list(await asyncio.gather(*verbs, return_exceptions=True))

    first, bad_one, retried, twice, third, held = queue.run(all_at_once())
    assert (first, third, retried, held) == (None, None, 1, 1)
    assert isinstance(bad_one, ValueError)
    assert isinstance(twice, ValueError)
    assert [(row.id, row.pending.state) for row in queue.list()] == [
        ("m1", State.READY),
        ("m3", State.HELD),
    ]


# -- many ---------------------------------------------------------------------------------------


def _fill(queue: Driver, count: int, domain: str, received: float) -> None:
    async def fill() -> None:
        mails = [message(f"{domain}{n}", f"a@{domain}", received=received) for n in range(count)]
        await asyncio.gather(*(queue.store.put(mail, waiting(mail)) for mail in mails))

    queue.run(fill())


def _steps(queue: Driver, verb: str, *arguments: object) -> int:
    """How many steps of SQLite's machine a verb takes."""

    def counted(work: Work) -> int:
        steps = itertools.count()
        work.connection.set_progress_handler(lambda: next(steps) < 0, 1)
        getattr(work, verb)(*arguments)
        work.connection.set_progress_handler(None)
        return next(steps)

    return queue.run(_store(queue)._ask(counted))


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("lease", (50.0, 2, ())),
        ("lease", (5000.0, 2, ["busy.example"])),
        ("next_due", ((), -math.inf)),
        ("next_due", (["busy.example"], 50.0)),
        ("take", (Selection(ids=("few.example1",)), 1)),
        ("hold", (Selection(ids=("few.example0",)),)),
        ("retry", (Selection(ids=("few.example0",)), 5.0)),
        ("drop", (Selection(ids=("few.example0",)),)),
    ],
)
def test_no_verb_of_every_day_looks_at_all_that_waits(
    queue: Driver, monkeypatch: pytest.MonkeyPatch, verb: str, arguments: tuple[object, ...]
) -> None:
    monkeypatch.setattr(due, "_GLANCE", 20)
    _fill(queue, 3, "few.example", 20.0)
    _fill(queue, 100, "busy.example", 100.0)
    before = _steps(queue, verb, *arguments)
    _fill(queue, 100, "early.example", 10.0)
    queue.drop(Selection(domains=("early.example",)))
    _fill(queue, 1000, "later.example", 6000.0)
    queue.drop(Selection(domains=("busy.example",)))
    _fill(queue, 1000, "busy.example", 10.0)
    after = _steps(queue, verb, *arguments)
    assert after < 3 * before + 500


def test_many_messages_take_few_statements(queue: Driver) -> None:
    """At each of them the writer waits for its turn beside a busy event loop."""

    def counted(work: Work) -> int:
        statements: list[str] = []

        def note(_cursor: object, statement: str, _values: object) -> bool:
            statements.append(statement)
            return True

        work.connection.set_exec_trace(note)
        mails = [message(f"m{n}") for n in range(40)]
        puts = [Putting(n, each, tuple(waiting(each)), True, None) for n, each in enumerate(mails)]  # noqa: FBT003 -- all fields, in their order
        leases = [each for each in work.put(puts) if each]
        work.settle([(each, done(each)) for each in leases[:20]])
        work.settle([(each, ()) for each in leases[20:]])
        work.connection.set_exec_trace(None)
        return len(statements)

    assert queue.run(_store(queue)._ask(counted)) <= 5
    assert len(queue.ids()) == 20


def test_who_waits_for_a_busy_domain_does_not_hide_the_others(
    queue: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "_GLANCE", 5)
    _fill(queue, 50, "busy.example", 10.0)
    for number in range(6):
        domain = f"d{number % 3}.example"
        queue.put(message(f"m{number}", f"a@{domain}", received=100.0 - number))
    busy = ["busy.example"]
    assert [lease.message.id for lease in queue.lease(99.0, 3, busy)] == ["m5", "m4", "m3"]
    assert [lease.message.id for lease in queue.lease(99.0, 9, busy)] == ["m2", "m1"]
    assert queue.lease(99.0, 9, busy) == []
    assert len(queue.lease(99.0, 99)) == 50


def test_what_was_made_due_at_once_is_not_looked_at_domain_by_domain(
    queue: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "_GLANCE", 5)
    _fill(queue, 8, "busy.example", 10.0)
    for number in range(24):  # with the others as many as are of the first level
        queue.put(message(f"m{number}", f"a@d{number % 30}.example", received=10.0))

    def counted(work: Work) -> tuple[list[str], int]:
        statements: list[str] = []

        def note(_cursor: object, statement: str, _values: object) -> bool:
            statements.append(statement)
            return True

        work.connection.set_exec_trace(note)
        leases = work.lease(99.0, 4, ["busy.example"])
        work.connection.set_exec_trace(None)
        return [each.message.id for each in leases], statements.count(due._OF_DOMAIN)

    found, looked = queue.run(_store(queue)._ask(counted))
    assert found == ["m0", "m1", "m2", "m3"]  # as they came, where they are due alike
    assert looked <= 5


def test_many_recipients_of_one_message_do_not_stand_for_many_messages(
    queue: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "_GLANCE", 1)
    _fill(queue, 5, "busy.example", 10.0)
    queue.put(message("m1", *(f"r{n}@d0.example" for n in range(5)), received=20.0))
    queue.put(message("m2", "a@d0.example", "a@d1.example", received=30.0))
    queue.put(message("m3", "a@d2.example", received=40.0))
    leases = queue.lease(99.0, 3, ["busy.example"])
    assert [lease.message.id for lease in leases] == ["m1", "m2", "m3"]
    assert [len(lease.pending) for lease in leases] == [5, 2, 1]
