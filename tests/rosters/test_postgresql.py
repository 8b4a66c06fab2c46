"""A roster in a real database of PostgreSQL: answered, changed, silent, restarted and away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import time
from collections.abc import Iterator

import psycopg
import pytest
from tests.postgresql import PostgresServer

from ulak.rosters.kept import Keeping, Kept
from ulak.rosters.postgresql import PostgresqlRoster
from ulak.rosters.roster import Answer, Known, RosterError

SELECT = "SELECT target FROM {table} WHERE name = :local AND domain = :domain"


@pytest.fixture
def table(database: PostgresServer) -> Iterator[str]:
    """A table of users of its own."""
    name = f"users_{secrets.token_hex(6)}"
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE {name} (name text, domain text, target text)")
        yield name
        connection.execute(f"DROP TABLE {name}")


def put(database: PostgresServer, table: str, *rows: tuple[str, str | None]) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        for name, target in rows:
            connection.execute(
                f"INSERT INTO {table} VALUES (%s, 'example.org', %s)", (name, target)
            )


def ask(roster: PostgresqlRoster, *addresses: str) -> list[Answer]:
    async def main() -> list[Answer]:
        try:
            return [await roster.ask(address) for address in addresses]
        finally:
            await roster.close()

    return asyncio.run(main())


def roster_of(
    database: PostgresServer, table: str, query: str = SELECT, timeout: float = 10.0
) -> PostgresqlRoster:
    return PostgresqlRoster(database.url, query.format(table=table), timeout=timeout)


def test_rows_are_mailboxes_or_members_and_no_row_is_nobody(
    database: PostgresServer, table: str
) -> None:
    put(
        database,
        table,
        ("ada", None),
        ("grace", "Grace@example.org"),
        ("list", "ada@example.org"),
        ("list", "far@example.net"),
        ("bad", "nonsense"),
        ("jürgen", None),
    )
    roster = roster_of(database, table)
    assert ask(
        roster,
        "ada@example.org",
        "grace@example.org",
        "list@example.org",
        "jürgen@example.org",
        "eve@example.org",
        "x' OR 1=1 --@example.org",
        "100%s@example.org",
    ) == [
        Known(),
        Known(),
        Known(("ada@example.org", "far@example.net")),
        Known(),
        None,
        None,
        None,
    ]
    with pytest.raises(RosterError, match="a row has what is no address"):
        ask(roster, "bad@example.org")


def test_nothing_is_ever_written(database: PostgresServer, table: str) -> None:
    put(database, table, ("ada", None))
    delete = "DELETE FROM {table} WHERE name = :local RETURNING target"
    with pytest.raises(RosterError, match="read-only"):
        ask(roster_of(database, table, delete), "ada@example.org")
    assert ask(roster_of(database, table), "ada@example.org") == [Known()]


def test_connections_are_kept_and_no_more_than_are_needed_at_once(
    database: PostgresServer, table: str
) -> None:
    put(database, table, ("ada", None))
    name = f"r{secrets.token_hex(4)}"
    url = f"{database.url}&application_name={name}"

    async def main() -> int:
        source = PostgresqlRoster(url, SELECT.format(table=table), timeout=10)
        keeping = Keeping(known=0, unknown=0, at_once=3)
        kept = Kept(source, keeping, time.monotonic, str)
        for _ in range(5):
            await asyncio.gather(*(kept.ask(f"u{i}@example.org") for i in range(20)))
        with psycopg.connect(database.url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", (name,)
            ).fetchone()
        await kept.close()
        assert row is not None
        return int(row[0])

    assert asyncio.run(main()) == 3


def test_a_connection_that_was_lost_meanwhile_is_no_trouble(
    database: PostgresServer, table: str
) -> None:
    put(database, table, ("ada", None))
    name = f"r{secrets.token_hex(4)}"
    url = f"{database.url}&application_name={name}"

    async def main() -> None:
        roster = PostgresqlRoster(url, SELECT.format(table=table), timeout=10)
        await asyncio.gather(*(roster.ask("ada@example.org") for _ in range(3)))
        with psycopg.connect(database.url, autocommit=True) as connection:
            ended = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = %s",
                (name,),
            ).fetchall()
        assert len(ended) == 3
        assert await roster.ask("ada@example.org") == Known()
        await roster.close()

    asyncio.run(main())


def test_a_query_that_takes_too_long_is_ended_and_that_is_trouble(
    database: PostgresServer, table: str
) -> None:
    slow = roster_of(database, table, "SELECT pg_sleep(60)::text", timeout=0.3)
    began = time.monotonic()
    with pytest.raises(RosterError, match=r"no answer within 0\.3 seconds|statement timeout"):
        ask(slow, "ada@example.org")
    assert time.monotonic() - began < 30
    wrong = roster_of(database, table, "SELECT nothing FROM {table}")
    with pytest.raises(RosterError, match=r"postgres at .*nothing"):
        ask(wrong, "ada@example.org")


def test_more_rows_than_any_alias_has_are_trouble(database: PostgresServer, table: str) -> None:
    many = "SELECT n || '@example.net' FROM generate_series(1, 20000) AS n"
    with pytest.raises(RosterError, match="more than 10000 rows"):
        ask(roster_of(database, table, many), "ada@example.org")


@pytest.mark.slow
def test_a_server_that_falls_silent_keeps_nobody_waiting_and_comes_back() -> None:
    own = PostgresServer()
    try:
        put_all = (
            "CREATE TABLE users AS SELECT 'ada' AS name, 'example.org' AS domain, '' AS target"
        )
        with psycopg.connect(own.url, autocommit=True) as connection:
            connection.execute(put_all)

        async def main() -> None:
            roster = roster_of(own, "users", timeout=1)
            assert await roster.ask("ada@example.org") == Known()
            stopped = own.children
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            try:
                with pytest.raises(RosterError, match="no answer within 1 seconds"):
                    await roster.ask("ada@example.org")
            finally:
                for pid in stopped:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)
            assert await roster.ask("ada@example.org") == Known()
            own.crash()
            with pytest.raises(RosterError):
                await roster.ask("ada@example.org")
            own.start()
            assert await roster.ask("ada@example.org") == Known()
            await roster.close()

        asyncio.run(main())
    finally:
        own.stop()


def test_a_database_that_is_away_is_trouble_and_no_password_is_told() -> None:
    url = "postgresql://ulak:hush@127.0.0.1:1/mail"
    with pytest.raises(RosterError, match=r"mail at 127\.0\.0\.1") as raised:
        ask(PostgresqlRoster(url, "SELECT 1", timeout=2), "ada@example.org")
    assert "hush" not in str(raised.value)
    with pytest.raises(RosterError, match="does not understand"):
        ask(PostgresqlRoster("postgresql://[", "SELECT 1", timeout=2), "ada@example.org")
