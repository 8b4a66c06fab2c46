"""What a real PostgreSQL tells of itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest
from tests.postgresql import PostgresServer

from ulak.cluster.postgres import ClusterError, opened
from ulak.queue.postgres import open_store


async def _made(url: str, folder: Path) -> None:
    store = await open_store(url, folder / "made", "made")
    await store.close()


@pytest.fixture
def url(database: PostgresServer, tmp_path: Path) -> str:
    made = database.fresh()
    asyncio.run(_made(made, tmp_path))
    return made


def test_a_database_tells_how_it_is(url: str) -> None:
    with opened(url) as table:
        found = table.database(1)
    assert found.number >= 150_000
    assert found.version.startswith(str(found.number // 10_000))
    assert (found.standby, found.durable, found.wanted, found.standbys) == (False, "on", "", ())
    assert found.sees_all
    assert 0 < found.used < found.most
    assert found.autovacuum
    assert {table.name for table in found.tables} == {"member", "message", "node", "pending"}
    assert len(found.bodies) == 6
    assert 0 < sum(found.bodies) < found.size
    assert (found.begun, found.known) == (1, 1)
    assert (found.keep_for, found.kept_until) == (86400.0, None)


def test_what_its_user_would_set_does_not_count_but_what_the_server_does(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = 'remote_apply'")
    with opened(url) as table:
        assert table.database(1).durable == "remote_apply"


def test_a_transaction_that_is_open_is_seen_with_who_has_it(url: str) -> None:
    with psycopg.connect(f"{url}&application_name=report") as connection:
        connection.execute("SELECT txid_current()")
        with opened(url) as table:
            oldest = table.database(1).oldest
        assert oldest is not None
        assert oldest.age >= 0
        connection.rollback()
    with opened(url) as table:
        found = table.database(1).oldest
    assert found is None or found.program != "report"


def test_a_slot_that_nobody_reads_is_seen(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_create_physical_replication_slot('lost', true)")
        try:
            with opened(url) as table:
                (slot,) = table.database(1).slots
        finally:
            connection.execute("SELECT pg_drop_replication_slot('lost')")
    assert slot.name == "lost"
    assert slot.kept >= 0


def test_a_user_who_may_not_see_all_is_told_what_he_may(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE lowly LOGIN")
        connection.execute("GRANT USAGE ON SCHEMA ulak TO lowly")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA ulak TO lowly")
        try:
            with opened(url.replace("ulak@", "lowly@")) as table:
                found = table.database(1)
            assert not found.sees_all
            assert found.used > 0
            assert len(found.bodies) == 6
        finally:
            connection.execute("DROP OWNED BY lowly")
            connection.execute("DROP ROLE lowly")


def test_before_the_first_server_there_are_no_tables(database: PostgresServer) -> None:
    with opened(database.fresh()) as table:
        found = table.database(1)
    assert (found.begun, found.ended, found.bodies, found.tables) == (0, 0, (), ())


def test_where_nobody_answers_that_is_told() -> None:
    with pytest.raises(ClusterError), opened("postgresql://ulak@127.0.0.1:1/ulak"):
        pass
