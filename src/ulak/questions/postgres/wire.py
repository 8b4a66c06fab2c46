"""Connections for questions and answers, and what both ends say to the database."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ulak.database import connecting
from ulak.database.bounded import bounded

T = TypeVar("T")

_CONNECT = 3.0  # seconds
_STATEMENT = 2.0  # seconds

TROUBLE = connecting.TROUBLE
"""What asking can fail with: the database is away, or its tables are not made yet."""

# Questions are worth nothing after a crash: nobody waits for a disk because of them.
_SESSION = """
SELECT set_config('search_path', %(schema)s, FALSE), set_config('statement_timeout', '5s', FALSE),
    set_config('synchronous_commit', 'off', FALSE)
"""


async def connect(url: str, name: str, schema: str) -> AsyncConnection[TupleRow]:
    """Open a connection to who writes. Raises what `TROUBLE` names."""
    where = connecting.where_is(url, name, _CONNECT)
    return await connecting.connected(where, _CONNECT, _SESSION, {"schema": schema})


async def soon(connection: AsyncConnection[TupleRow], work: Awaitable[T]) -> T:
    """Wait for one statement, and not for long."""
    return await bounded(connection, work, _STATEMENT)


def asked_on(schema: str) -> str:
    """Name the channel on which a question is called out; its payload is nothing."""
    return f"ulak question {schema}"


def answered_on(question: str) -> str:
    """Name the channel on which its answers are."""
    return f"ulak answer {question}"


async def listen(connection: AsyncConnection[TupleRow], channel: str) -> None:
    """Hear what is said on a channel."""
    named = psycopg.sql.Identifier(channel)
    await soon(connection, connection.execute(psycopg.sql.SQL("LISTEN {}").format(named)))


async def news(connection: AsyncConnection[TupleRow], seconds: float) -> None:
    """Wait for a word on a channel that is listened to, so many seconds at most."""
    async for _ in connection.notifies(timeout=seconds, stop_after=1):
        pass
