"""Plans look rows up by their keys, however empty the planner believes the tables to be.

Statements are prepared when a node starts, and then its queue may be empty: a plan that goes
through an index for each row costs the same there, and too much when a thousand messages have come.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql
from tests.postgresql import PostgresServer

from ulak.queue.postgres import PostgresStore, due, leasing, settling

from .driver import Driver

_AVOIDING = {"now": 1.0, "glance": 10_000, "avoid": ["example.net"], "limit": 100}
_WANTED = leasing._LEASED.format(wanted=f"{due.FREE} AND p.due <= %(now)s")
_STATEMENTS: dict[str, tuple[str, Any, bool]] = {
    "glance": (due._GLANCED, _AVOIDING, False),
    "lease": (_WANTED, {"now": 1.0, "seqs": [1, 2], "tokens": [1, 2]}, False),
    "read": (f"{leasing._WITH_BODY} WHERE m.seq = ANY(%s)", ([1, 2],), False),
    "settle": (settling._LAST, ("[]",), True),
    "settle again": (settling._AGAIN, ("[]",), True),
    "settle done": (settling._DONE, ("[]",), True),
    "settle gone": (settling._GONE, ([1, 2],), True),
}


@pytest.fixture
def queue(database: PostgresServer, tmp_path: Path) -> Iterator[Driver]:
    driver = Driver("postgres", tmp_path, database.url)
    yield driver
    driver.close()


@pytest.mark.parametrize("name", _STATEMENTS)
def test_rows_are_looked_up_by_keys_in_tables_that_are_believed_to_be_empty(
    queue: Driver, name: str
) -> None:
    statement, values, by_keys = _STATEMENTS[name]
    store = queue.store
    assert isinstance(store, PostgresStore)

    async def explained() -> str:
        connection = await store._way.connect("plans", by_keys=by_keys)
        async with connection:
            for table in ("pending", "message", "body"):
                await connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
            found = await connection.execute(f"EXPLAIN {statement}".encode(), values)
            return "\n".join(row[0] for row in await found.fetchall())

    plan = queue.run(explained())
    assert "Join Filter" not in plan, plan
    assert "Seq Scan" not in plan, plan
