"""What is known of clients, in PostgreSQL: for all servers that share a queue there.

The tables are the queue's (`queue/sql/postgres`), which makes them. One connection reads and one
writes, both opened when they are needed; one on which anything fails is not used again. Nothing
here has to be durable when it is done: a failover may cost the last moments.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TypeVar

import psycopg

from ulak.clients.greylist import Record
from ulak.clients.reputation import Counts
from ulak.clients.store import MOST, ClientsError, Known
from ulak.database.bounded import LostError, bounded
from ulak.database.connecting import TROUBLE, Connection, connected, where_is

T = TypeVar("T")

_PATIENCE = 3.0  # seconds for one statement: mail waits for none of them so long
_AT_ONCE = 10_000  # rows that one statement forgets
_AGAIN = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
_TRIES = 3
_AWAY = "the database cannot be reached"
_SILENT = "the database did not answer in time"

# By index whatever the statistics say, as the queue does.
_SESSION = """
SELECT set_config('search_path', %(schema)s, FALSE),
    set_config('statement_timeout', '10s', FALSE),
    set_config('lock_timeout', '2s', FALSE),
    set_config('synchronous_commit', 'off', FALSE),
    set_config('enable_seqscan', 'off', FALSE)
"""
_TRIPLETS = "SELECT key, first, passed, until FROM triplet WHERE key = ANY(%s)"
_NETWORKS = (
    "SELECT network, accepted, unwanted, unknown, at FROM client_network WHERE network = ANY(%s)"
)
# As `greylist.joined` does it. In order, so that no two lie in each other's way.
_JOIN = """
INSERT INTO triplet AS old (key, first, passed, until)
SELECT * FROM unnest(%s::bytea[], %s::float8[], %s::float8[], %s::float8[]) AS new (k, f, p, u)
ORDER BY k
ON CONFLICT (key) DO UPDATE SET (first, passed, until) = (
    SELECT CASE WHEN before THEN excluded.first WHEN after THEN old.first
            ELSE least(old.first, excluded.first) END,
        CASE WHEN before THEN excluded.passed WHEN after THEN old.passed
            ELSE greatest(old.passed, excluded.passed) END,
        greatest(old.until, excluded.until)
    FROM (SELECT old.until < excluded.first AS before, excluded.until < old.first AS after) one)
"""
# As `reputation.added` does it.
_ADD = """
INSERT INTO client_network AS old (network, accepted, unwanted, unknown, at)
SELECT n, a, w, x, t FROM unnest(
    %s::text[], %s::float8[], %s::float8[], %s::float8[], %s::float8[]) AS new (n, a, w, x, t)
ORDER BY n
ON CONFLICT (network) DO UPDATE SET (accepted, unwanted, unknown, at) = (
    SELECT old.accepted * mine + excluded.accepted * its,
        old.unwanted * mine + excluded.unwanted * its,
        old.unknown * mine + excluded.unknown * its,
        greatest(old.at, excluded.at)
    FROM (SELECT
        power(0.5::float8, least(greatest(excluded.at - old.at, 0) / %s, 1000)) AS mine,
        power(0.5::float8, least(greatest(old.at - excluded.at, 0) / %s, 1000)) AS its) one)
"""
_FORGET = """
DELETE FROM {table} WHERE {key} IN (
    SELECT {key} FROM {table}
    WHERE {time} < %s OR (SELECT count(*) FROM {table}) > %s
    ORDER BY {time} LIMIT %s FOR UPDATE SKIP LOCKED)
"""
_FORGET_TRIPLETS = _FORGET.format(table="triplet", key="key", time="until")
_FORGET_NETWORKS = _FORGET.format(table="client_network", key="network", time="at")


class PostgresStore:
    """Follows `clients.store.Store`. `url` is libpq's, `schema` the queue's."""

    def __init__(self, url: str, schema: str = "ulak", most: int = MOST) -> None:
        self._reading, self._writing = _Link(url, schema), _Link(url, schema)
        self._most = most

    async def read(self, triplets: Collection[bytes], networks: Collection[str]) -> Known:
        """Give what is known."""

        async def read(connection: Connection) -> Known:
            records, counts = {}, {}
            if triplets:
                found = await connection.execute(_TRIPLETS, (list(triplets),))
                records = {row[0]: Record(*row[1:]) for row in await found.fetchall()}
            if networks:
                found = await connection.execute(_NETWORKS, (list(networks),))
                counts = {row[0]: Counts(*row[1:]) for row in await found.fetchall()}
            return Known(records, counts)

        return await self._reading.do(read)

    async def write(
        self, records: Mapping[bytes, Record], counts: Mapping[str, Counts], half_life: float
    ) -> None:
        """Join and add, in one transaction: half of it would be added twice."""

        async def write(connection: Connection) -> None:
            async with connection.transaction():
                if records:
                    columns = [list(column) for column in zip(*records.values(), strict=True)]
                    await connection.execute(_JOIN, (list(records), *columns))
                if counts:
                    columns = [list(column) for column in zip(*counts.values(), strict=True)]
                    await connection.execute(_ADD, (list(counts), *columns, half_life, half_life))

        await self._writing.do(write)

    async def forget(self, now: float, older: float) -> bool:
        """Forget some."""

        async def forget(connection: Connection) -> bool:
            gone = 0
            for statement, before in ((_FORGET_TRIPLETS, now), (_FORGET_NETWORKS, now - older)):
                done = await connection.execute(statement, (before, self._most, _AT_ONCE))
                gone = max(gone, done.rowcount)
            return gone == _AT_ONCE

        return await self._writing.do(forget)

    async def close(self) -> None:
        """Close the connections."""
        await self._reading.close()
        await self._writing.close()


class _Link:
    """One connection, one step at a time."""

    def __init__(self, url: str, schema: str) -> None:
        self._url = url
        self._schema = schema
        self._connection: Connection | None = None
        self._lock = asyncio.Lock()

    async def do(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._lock:
            for tries in range(_TRIES):
                kept = self._connection is not None
                connection, self._connection = self._connection or await self._connect(), None
                try:
                    result = await bounded(connection, step(connection), _PATIENCE)
                except LostError as error:
                    raise ClientsError(_SILENT) from error
                except (psycopg.Error, OSError) as error:
                    gone = connection.closed
                    await connection.close()
                    if ((gone and kept) or isinstance(error, _AGAIN)) and tries < _TRIES - 1:
                        continue
                    raise ClientsError(_said(error)) from error
                self._connection = connection
                return result
        raise AssertionError  # the last try has returned or raised

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _connect(self) -> Connection:
        try:
            where = where_is(self._url, "clients", _PATIENCE)
            return await connected(where, _PATIENCE, _SESSION, {"schema": self._schema})
        except TROUBLE as error:
            raise ClientsError(_AWAY) from error


def _said(error: Exception) -> str:
    """Give the first line of what the server said."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    return str(error).partition("\n")[0].rstrip(".") or "the connection was lost"
