"""Nodes of two versions on one queue: what is added, what is taken away and when, and the way back.

The system test of it is `tests/system/test_versions.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
from tests.postgresql import PostgresServer

from ulak.queue.postgres import PostgresStore, schema
from ulak.queue.sql import postgres as sql
from ulak.queue.store import StorageError, StoreVersionError

from .driver import Driver, message, waiting

STEPS = {
    ("post", 1): "ALTER TABLE message ADD COLUMN of_no_use INTEGER",
    ("pre", 2): "ALTER TABLE message ADD COLUMN more TEXT",
    ("post", 2): "ALTER TABLE message DROP COLUMN of_no_use",
    ("pre", 3): "ALTER TABLE message ADD COLUMN still_more TEXT",
}


class Versions(Driver):
    """A queue whose nodes are of the version that the test says."""

    patch: pytest.MonkeyPatch

    def steps(self, given: Mapping[tuple[str, int], str] = STEPS) -> None:
        made = sql.migration
        self.patch.setattr(
            sql,
            "migration",
            lambda step, n: given.get((step, n), made(step, n) if n == 1 else ""),
        )

    def be(self, version: int) -> None:
        self.patch.setattr(sql, "VERSION", version)

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute(f"SET search_path = {self.schema}")
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    @property
    def first(self) -> PostgresStore:
        assert isinstance(self.store, PostgresStore)
        return self.store

    def other(self, name: str = "other") -> PostgresStore:
        return self.run(self.node(name))

    def keep_house(self, node: PostgresStore) -> None:
        node._node._back_since = float("-inf")
        self.run(node._node._keep_house())

    def let_pass(self, time: str) -> None:
        self.sql(f"UPDATE store SET older_seen = older_seen - interval '{time}'")

    @property
    def columns(self) -> set[object]:
        found = self.sql(
            "SELECT column_name FROM information_schema.columns "
            f"WHERE table_schema = '{self.schema}' AND table_name = 'message'"
        )
        return {name for (name,) in found}


@pytest.fixture
def queue(
    database: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Versions]:
    queue = Versions("postgres", tmp_path, database.url)
    queue.patch = monkeypatch
    queue.steps()
    yield queue
    queue.close()


def test_nodes_of_two_versions_work_side_by_side_and_what_the_old_need_stays(
    queue: Versions,
) -> None:
    queue.keep_house(queue.first)
    assert "of_no_use" in queue.columns, "nobody was there before: it needs no day"
    queue.be(2)
    new = queue.other()
    queue.let_pass("2 days")
    queue.keep_house(new)
    assert {"more", "of_no_use"} <= queue.columns
    queue.put(message("m1"))
    queue.run(new.put(message("m2"), waiting(message("m2"))))
    assert [lease.message.id for lease in queue.lease(1000.0)] == ["m1", "m2"]
    queue.run(queue.store.close())
    queue.keep_house(new)
    assert "of_no_use" in queue.columns, "it may come back"
    queue.let_pass("23 hours")
    queue.keep_house(new)
    assert "of_no_use" in queue.columns
    queue.let_pass("1 hour")
    queue.keep_house(new)
    assert "of_no_use" not in queue.columns
    assert queue.sql("SELECT begun, ended FROM store") == [(2, 2)]
    queue.run(new.close())
    queue.be(1)
    with pytest.raises(StoreVersionError, match="newer"):
        queue.other()
    queue.be(2)
    queue.open()


def test_who_goes_back_for_days_has_a_day_again_when_the_new_version_comes_again(
    queue: Versions,
) -> None:
    queue.keep_house(queue.first)
    queue.be(2)
    queue.run(queue.other().close())
    queue.be(1)  # all of them
    queue.let_pass("5 days")
    queue.keep_house(queue.first)
    queue.run(queue.store.close())
    queue.be(2)
    queue.open()
    queue.keep_house(queue.first)
    assert "of_no_use" in queue.columns
    assert queue.sql("SELECT begun, ended FROM store") == [(2, 1)]


def test_a_node_that_slept_until_what_it_needs_was_gone_takes_nothing_more(
    queue: Versions,
) -> None:
    queue.keep_house(queue.first)
    queue.sql("UPDATE node SET until = now() - interval '1s'")
    queue.be(2)
    new = queue.other()
    queue.keep_house(new)
    queue.let_pass("1 day")
    queue.keep_house(new)
    assert "of_no_use" not in queue.columns
    queue.be(1)
    queue.keep_house(queue.first)  # which is the last thing that it thinks of
    with pytest.raises(StoreVersionError, match="newer"):
        queue.put(message("m1"), lease=True)
    assert queue.sql("SELECT begun, ended FROM store") == [(2, 2)]
    assert queue.sql("SELECT name FROM node") == [("other",)]
    queue.be(2)
    assert queue.run(new.lease(1000.0, 10)) == []
    queue.run(new.close())


def test_nobody_is_born_while_what_it_needs_is_taken_away(queue: Versions) -> None:
    queue.keep_house(queue.first)

    async def race() -> None:
        async with await psycopg.AsyncConnection.connect(queue.database) as connection:
            await connection.execute(f"SET search_path = {queue.schema}")
            await connection.execute("SELECT 1 FROM store FOR UPDATE")  # as `finish` does it
            born = asyncio.create_task(queue.node("other"))
            found = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            while (await (await connection.execute(found)).fetchone() or (0,))[0] == 0:
                assert not born.done()
                await asyncio.sleep(0.05)
                await connection.execute("SELECT pg_stat_clear_snapshot()")
            await connection.execute("UPDATE store SET begun = 2, ended = 2")
        with pytest.raises(StoreVersionError, match="newer"):
            await born

    queue.run(race())
    assert queue.sql("SELECT name FROM node") == [("node",)]


def test_versions_that_do_not_follow_each_other_do_not_stand_side_by_side(
    queue: Versions,
) -> None:
    queue.be(3)
    with pytest.raises(StoreVersionError, match=r"version 1 .* and this one knows 3"):
        queue.other()
    assert queue.sql("SELECT begun FROM store") == [(1,)]
    queue.be(2)
    second = queue.other("second")
    queue.run(queue.store.close())
    queue.be(3)
    third = queue.other("third")
    assert {"more", "still_more"} <= queue.columns
    queue.be(1)
    with pytest.raises(StoreVersionError, match=r"version 3 .* and this one knows 1"):
        queue.other()
    queue.run(second.close())
    queue.run(third.close())
    queue.be(3)
    queue.open()


def test_a_step_that_has_to_wait_for_a_reader_has_no_mail_wait(queue: Versions) -> None:
    async def race() -> None:
        async with await psycopg.AsyncConnection.connect(queue.database) as backup:
            await backup.execute(f"SET search_path = {queue.schema}")
            await backup.execute("LOCK TABLE message IN ACCESS SHARE MODE")
            queue.be(2)
            new = asyncio.create_task(queue.node("new"))
            for n in range(60):
                await queue.store.put(message(f"m{n}"), waiting(message(f"m{n}")))
                await asyncio.sleep(0.05)
            assert not new.done()
        assert "more" not in queue.columns
        await (await new).close()

    queue.run(race())
    assert "more" in queue.columns
    assert queue.count().messages == 60


def test_a_step_that_waits_in_vain_says_for_what(
    queue: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "_PAUSES", (0.01,))
    with psycopg.connect(queue.database) as backup:
        backup.execute(f"LOCK TABLE {queue.schema}.message IN ACCESS SHARE MODE")
        queue.be(2)
        with pytest.raises(StorageError, match="as a backup does"):
            queue.other()
    queue.run(queue.other().close())


def test_what_is_taken_away_waits_for_a_reader_as_well(queue: Versions) -> None:
    queue.keep_house(queue.first)
    queue.run(queue.store.close())
    queue.be(2)
    queue.open()
    queue.let_pass("1 day")
    with psycopg.connect(queue.database) as backup:
        backup.execute(f"LOCK TABLE {queue.schema}.message IN ACCESS SHARE MODE")
        queue.keep_house(queue.first)
        assert "of_no_use" in queue.columns
    queue.keep_house(queue.first)
    assert "of_no_use" not in queue.columns
