"""A roster in a database of SQLite, opened for reading alone, in a thread of its own.

The query has the parameters `:address`, `:local` and `:domain`, which are bound and never put into
its text. What its rows say is in `rows`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import apsw

from ulak.rosters.roster import UNSURE, Answer, RosterError, Unsure
from ulak.rosters.rows import MOST, answer, bindings

_BUSY = 2000  # milliseconds for a writer to end
_STEPS = 10_000  # of its virtual machine between two looks at the clock


class SqliteRoster:
    """Asks one database by one query; `timeout` ends a query that takes too long, in seconds."""

    def __init__(self, path: Path, query: str, *, timeout: float) -> None:
        self._path = path
        self._query = query
        self._timeout = timeout
        self._connection: apsw.Connection | None = None
        self._file = (0, 0)  # which file is open: its device and its number there
        self._ends = 0.0
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="roster")

    def glance(self, address: str) -> Answer | Unsure:
        """Know nothing without asking."""
        del address
        return UNSURE

    async def ask(self, address: str) -> Answer:
        """Ask the database. Raises RosterError."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._ask, address)

    def _ask(self, address: str) -> Answer:
        self._ends = time.monotonic() + self._timeout
        try:
            self._open()
            rows = self._rows(bindings(address))
        except apsw.Error as error:
            self._drop()
            message = f"{self._path}: {error}"
            raise RosterError(message) from error
        return answer(rows, address, str(self._path))

    def _open(self) -> None:
        """Open the database; another that was put in its place is opened in its stead."""
        found = self._path.stat()
        file = found.st_dev, found.st_ino
        if self._connection is not None and file == self._file:
            return
        self._drop()
        self._connection = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
        self._connection.set_busy_timeout(_BUSY)
        self._connection.set_progress_handler(self._is_late, _STEPS)
        self._file = file

    def _rows(self, values: Mapping[str, str]) -> list[object]:
        """Give the first column, of one row more than there may be at most."""
        assert self._connection is not None  # noqa: S101 -- it was opened
        found = self._connection.execute(self._query, values)
        return [row[0] for row in islice(found, MOST + 1)]

    def _is_late(self) -> bool:
        return time.monotonic() > self._ends

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close(True)  # noqa: FBT003 -- apsw takes `force` by position alone

    async def close(self) -> None:
        """Close the database."""
        await asyncio.get_running_loop().run_in_executor(self._pool, self._drop)
        self._pool.shutdown(wait=False)
