"""A roster in a database of SQLite."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from ulak.rosters.roster import Answer, Known, RosterError
from ulak.rosters.sqlite import SqliteRoster

QUERY = "SELECT target FROM users WHERE name = :local AND domain = :domain"


def database(path: Path, *rows: tuple[str, str | None]) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE users (name, domain, target)")
    for name, target in rows:
        connection.execute("INSERT INTO users VALUES (?, 'example.org', ?)", (name, target))
    connection.close()


def ask(roster: SqliteRoster, *addresses: str) -> list[Answer]:
    async def main() -> list[Answer]:
        return [await roster.ask(address) for address in addresses]

    return asyncio.run(main())


def test_rows_are_mailboxes_or_members_and_no_row_is_nobody(tmp_path: Path) -> None:
    path = tmp_path / "users.db"
    database(
        path,
        ("ada", None),
        ("grace", "Grace@example.org"),
        ("list", "ada@example.org"),
        ("list", "far@example.net"),
        ("bad", "nonsense"),
    )
    roster = SqliteRoster(path, QUERY, timeout=5)
    assert ask(
        roster,
        "ada@example.org",
        "grace@example.org",
        "list@example.org",
        "eve@example.org",
        "x' OR 1=1 --@example.org",
    ) == [Known(), Known(), Known(("ada@example.org", "far@example.net")), None, None]
    with pytest.raises(RosterError, match="a row has what is no address"):
        ask(roster, "bad@example.org")
    asyncio.run(roster.close())


def test_nothing_is_ever_written(tmp_path: Path) -> None:
    path = tmp_path / "users.db"
    database(path, ("ada", None))
    roster = SqliteRoster(path, "DELETE FROM users WHERE name = :local", timeout=5)
    with pytest.raises(RosterError, match="readonly"):
        ask(roster, "ada@example.org")
    assert ask(SqliteRoster(path, QUERY, timeout=5), "ada@example.org") == [Known()]


def test_another_database_in_its_place_is_seen(tmp_path: Path) -> None:
    path, other = tmp_path / "users.db", tmp_path / "other.db"
    database(path, ("ada", None))
    database(other, ("grace", None))
    roster = SqliteRoster(path, QUERY, timeout=5)
    assert ask(roster, "ada@example.org") == [Known()]
    other.replace(path)
    assert ask(roster, "ada@example.org", "grace@example.org") == [None, Known()]


def test_a_query_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "users.db"
    database(path)
    forever = (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
        "SELECT max(x) FROM n WHERE :local <> ''"
    )
    with pytest.raises(RosterError, match=r"(?i)interrupt"):
        ask(SqliteRoster(path, forever, timeout=0.2), "ada@example.org")


def test_a_database_that_is_not_there_or_is_none_is_trouble(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ask(SqliteRoster(tmp_path / "none.db", QUERY, timeout=1), "ada@example.org")
    (tmp_path / "text.db").write_text("this is no database" * 100)
    with pytest.raises(RosterError, match="not a database"):
        ask(SqliteRoster(tmp_path / "text.db", QUERY, timeout=1), "ada@example.org")
