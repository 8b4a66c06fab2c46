"""A connection to PostgreSQL for what is done in the background: opened when needed, and bounded.

Nobody waits for it on behalf of a message. Whatever goes wrong is an AwayError, and the next step
tries again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg

from ulak.database.bounded import LostError, bounded
from ulak.database.connecting import Connection, connected, where_is

T = TypeVar("T")

_PATIENCE = 4.0  # seconds for one step
_SESSION = """
SELECT set_config('search_path', %(schema)s, FALSE),
    set_config('statement_timeout', '4s', FALSE),
    set_config('lock_timeout', '2s', FALSE),
    set_config('idle_in_transaction_session_timeout', '10s', FALSE),
    set_config('synchronous_commit', 'off', FALSE)
"""


class AwayError(Exception):
    """The database could not be asked; `problem` says why, in a few words."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class Line:
    """One connection, one step at a time. `name` is shown to who looks at the server.

    What it commits may be lost with the server's last moments, unless the step asks for more.
    """

    def __init__(self, url: str, name: str, schema: str = "ulak") -> None:
        self._url = url
        self._name = name
        self.schema = schema
        self._connection: Connection | None = None
        self._lock = asyncio.Lock()

    async def do(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        """Do a step. Raises AwayError: it may have been done all the same."""
        async with self._lock:
            try:
                connection = await self._connected()
                return await bounded(connection, step(connection), _PATIENCE)
            except LostError as error:
                await self._drop()
                message = "it does not answer"
                raise AwayError(message) from error
            except (psycopg.Error, OSError, TimeoutError) as error:
                await self._drop()
                raise AwayError(_said(error)) from error
            except BaseException:
                await self._drop()
                raise

    async def close(self) -> None:
        """Let go of the connection."""
        async with self._lock:
            await self._drop()

    async def _connected(self) -> Connection:
        connection = self._connection
        if connection is not None and not connection.closed:
            return connection
        where = where_is(self._url, self._name, _PATIENCE)
        connection = await connected(where, _PATIENCE, _SESSION, {"schema": self.schema})
        self._connection = connection
        return connection

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _said(error: Exception) -> str:
    """Give the first line of what was said."""
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return (primary or str(error).partition("\n")[0] or type(error).__name__).rstrip(".")
