"""A roster in a database of PostgreSQL, asked over a few connections that only read.

The query has the parameters `:address`, `:local` and `:domain`, which are bound and never put into
its text. What its rows say is in `rows`.

A connection is opened when it is needed and kept for the next question. One that was lost while
nobody asked (the server was started anew) is no trouble: another is opened in its place.
"""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor, conninfo
from psycopg.rows import TupleRow

from ulak.database.bounded import LostError, bounded
from ulak.rosters.roster import UNSURE, Answer, RosterError, Unsure
from ulak.rosters.rows import MOST, answer, bindings, numbered

_LEAST_CONNECT = 2  # seconds: libpq's `connect_timeout` knows no less

# The sessions of a roster change nothing, and a query that takes too long is ended there, too.
_SESSION = """
SELECT set_config('default_transaction_read_only', 'on', FALSE),
    set_config('statement_timeout', $1, FALSE), set_config('lock_timeout', $1, FALSE)
"""


class PostgresqlRoster:
    """Asks one database by one query; `timeout` is for one question, in seconds.

    `url` is libpq's: `postgresql://user@host/database?sslmode=verify-full`.
    """

    def __init__(self, url: str, query: str, *, timeout: float) -> None:
        self._url = url
        self._where = _where(url)
        self._query, self._names = numbered(query)
        self._timeout = timeout
        self._idle: list[AsyncConnection[TupleRow]] = []

    def glance(self, address: str) -> Answer | Unsure:
        """Know nothing without asking."""
        del address
        return UNSURE

    async def ask(self, address: str) -> Answer:
        """Ask the database. Raises RosterError."""
        given = bindings(address)
        values = [given[name] for name in self._names]
        while True:
            kept = bool(self._idle)
            connection = self._idle.pop() if kept else await self._connect()
            try:
                rows = await bounded(connection, self._rows(connection, values), self._timeout)
            except LostError as error:
                problem = f"no answer within {self._timeout:g} seconds"
                raise self._trouble(problem) from error
            except psycopg.Error as error:
                lost = connection.closed
                await connection.close()
                if lost and kept:
                    continue  # it was gone before it was asked
                raise self._trouble(_said(error)) from error
            self._idle.append(connection)
            return answer(rows, address, self._where)

    async def _rows(self, connection: AsyncConnection[TupleRow], values: list[str]) -> list[object]:
        """Give the first column, of one row more than there may be at most."""
        async with AsyncRawCursor(connection) as cursor:
            await cursor.execute(self._query.encode(), values)
            return [row[0] for row in await cursor.fetchmany(MOST + 1)]

    async def _connect(self) -> AsyncConnection[TupleRow]:
        try:
            async with asyncio.timeout(self._timeout):
                connection = await AsyncConnection.connect(self._address(), autocommit=True)
        except TimeoutError as error:
            problem = f"no connection within {self._timeout:g} seconds"
            raise self._trouble(problem) from error
        except (psycopg.Error, OSError) as error:
            raise self._trouble(_said(error)) from error
        try:
            await bounded(connection, self._begin(connection), self._timeout)
        except (psycopg.Error, LostError) as error:
            await connection.close()
            raise self._trouble(_said(error)) from error
        return connection

    def _address(self) -> str:
        """Give where the database is, with what the operator has not said. Raises RosterError."""
        try:
            given = conninfo.conninfo_to_dict(self._url)
        except psycopg.Error:  # whose words quote the password
            problem = "libpq does not understand the address"
            raise self._trouble(problem) from None
        more: dict[str, Any] = {
            "connect_timeout": max(int(self._timeout), _LEAST_CONNECT),
            "application_name": "ulak roster",
            "tcp_user_timeout": int(self._timeout * 1000),
            "keepalives_idle": 10,
        }
        return conninfo.make_conninfo("", **{**more, **given})

    async def _begin(self, connection: AsyncConnection[TupleRow]) -> None:
        async with AsyncRawCursor(connection) as cursor:
            await cursor.execute(_SESSION, [f"{self._timeout * 1000:.0f}"])

    def _trouble(self, problem: str) -> RosterError:
        return RosterError(f"{self._where}: {problem}")

    async def close(self) -> None:
        """Close the connections."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.close()


def _where(url: str) -> str:
    """Name the database for people, without what logs in there."""
    try:
        given = conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        return "the database"
    host = given.get("host") or given.get("service") or "the local server"
    return f"{given.get('dbname') or 'the database'} at {host}"


def _said(error: Exception) -> str:
    """Give the first line of what was said."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    return str(error).partition("\n")[0].rstrip(".") or "the connection was lost"
