"""What is known of clients, in a SQLite file that all workers share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import apsw

from ulak.clients.greylist import Record, joined
from ulak.clients.reputation import Counts, added
from ulak.clients.store import MOST, NOTHING, ClientsError, Known
from ulak.database.shared import SharedFile

T = TypeVar("T")

VERSION = 1
_AT_ONCE = 2_000  # rows that one transaction forgets
_TRIPLET = "SELECT first, passed, until FROM triplet WHERE key = ?"
_NETWORK = "SELECT accepted, unwanted, unknown, at FROM network WHERE network = ?"
_PUT_TRIPLET = "INSERT OR REPLACE INTO triplet (key, first, passed, until) VALUES (?,?,?,?)"
_PUT_NETWORK = (
    "INSERT OR REPLACE INTO network (network, accepted, unwanted, unknown, at) VALUES (?,?,?,?,?)"
)
# What no longer holds, or is too much, begins with the first: one look at an index tells.
_FORGET_TRIPLETS = """
    DELETE FROM triplet WHERE key IN (
        SELECT key FROM triplet WHERE until < ?1 OR (SELECT count(*) FROM triplet) > ?2
        ORDER BY until LIMIT ?3
    )
"""
_FORGET_NETWORKS = """
    DELETE FROM network WHERE network IN (
        SELECT network FROM network WHERE at < ?1 OR (SELECT count(*) FROM network) > ?2
        ORDER BY at LIMIT ?3
    )
"""


class SqliteStore:
    """Follows `clients.store.Store`.

    Whoever reads has a connection and a thread of its own, and waits for nobody who writes. A
    power cut can cost the last moments of it.
    """

    def __init__(self, path: Path, most: int = MOST) -> None:
        self._reading, self._writing = _Hand(path, "clients-read"), _Hand(path, "clients-write")
        self._most = most

    async def read(self, triplets: Collection[bytes], networks: Collection[str]) -> Known:
        """Give what is known."""
        return await self._reading.look(lambda db: _read(db, triplets, networks), NOTHING)

    async def write(
        self, records: Mapping[bytes, Record], counts: Mapping[str, Counts], half_life: float
    ) -> None:
        """Join and add, in one transaction."""

        def write(db: apsw.Connection) -> None:
            found = _read(db, records, counts)
            db.executemany(
                _PUT_TRIPLET,
                [
                    (key, *(joined(found.records[key], record) if key in found.records else record))
                    for key, record in records.items()
                ],
            )
            db.executemany(
                _PUT_NETWORK,
                [
                    (network, *added(found.counts.get(network, Counts()), more, half_life))
                    for network, more in counts.items()
                ],
            )

        await self._writing.change(write)

    async def forget(self, now: float, older: float) -> bool:
        """Forget some."""

        def forget(db: apsw.Connection) -> bool:
            gone = 0
            for statement, before in ((_FORGET_TRIPLETS, now), (_FORGET_NETWORKS, now - older)):
                db.execute(statement, (before, self._most, _AT_ONCE))
                gone = max(gone, db.changes())
            return gone == _AT_ONCE

        return await self._writing.change(forget)

    async def close(self) -> None:
        """Let go of the file once what waits is done."""
        await self._writing.close()
        await self._reading.close()


class _Hand:
    """One connection and the thread in which it is used."""

    def __init__(self, path: Path, name: str) -> None:
        schema = files(__package__) / "sql" / "clients"
        self._file = SharedFile(path, schema, VERSION, error=_error, durable=False)
        self._thread = ThreadPoolExecutor(1, name)

    async def look(self, question: Callable[[apsw.Connection], T], nothing: T) -> T:
        return await self._do(lambda: self._file.look(question, nothing))

    async def change(self, change: Callable[[apsw.Connection], T]) -> T:
        return await self._do(lambda: self._file.change(change))

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)
        await asyncio.to_thread(self._file.close)

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _read(db: apsw.Connection, triplets: Collection[bytes], networks: Collection[str]) -> Known:
    records, counts = {}, {}
    for key in triplets:
        for row in db.execute(_TRIPLET, (key,)):
            records[key] = Record(*row)
    for network in networks:
        for row in db.execute(_NETWORK, (network,)):
            counts[network] = Counts(*row)
    return Known(records, counts)


def _error(path: str, problem: str) -> Exception:
    return ClientsError(f"{path}: {problem}")
