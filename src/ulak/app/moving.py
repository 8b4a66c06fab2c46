"""A queue that goes from SQLite into PostgreSQL, or back, while no server runs here."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from ulak import config as settings
from ulak.app.places import Places
from ulak.app.record import journal_of
from ulak.app.storing import Store, folders_of, open_database, readers
from ulak.app.supervisor import DataInUseError, lock
from ulak.journal.deed import By, operated
from ulak.queue.item import Selection, State
from ulak.queue.moving import End, Moved, Mover
from ulak.queue.sqlite import SqliteStore
from ulak.queue.store import StorageError
from ulak.replies import catalog

SQLITE = "sqlite"
_ALL = Selection(everything=True)
_LOST = Selection(cause=catalog.BODY_LOST.name, state=State.HELD)


class StoppedError(Exception):
    """A move could not go on; nothing of it is lost, and `moved` is what is done."""

    def __init__(self, moved: Moved, why: str) -> None:
        super().__init__(why)
        self.moved = moved


@dataclass(frozen=True, slots=True)
class Way:
    """From where a queue is to go where to; one end is SQLITE, the other a database's URL."""

    source: str
    target: str

    @property
    def database(self) -> str:
        """Give the URL of the end that is a database."""
        return self.source if self.target == SQLITE else self.target


@dataclass(slots=True)
class Result:
    """What a move has done, or would do; `left` is how many messages are at the source still.

    `lost` are those whose bodies are not in the bucket any more: they stay there, held.
    """

    moved: Moved = field(default_factory=Moved)
    left: int = 0
    lost: int = 0


def foreseen(chosen: settings.Config, way: Way) -> Result:
    """Tell what a move would do; servers may run. Raises StorageError."""
    result = Result()
    moved = result.moved
    last = ""
    places = Places(chosen.data)
    with readers(_stored(chosen, way), places, database=way.source != SQLITE) as found:
        for reader in found:
            for row in reader.list(_ALL):
                moved.recipients += 1
                if row.id != last:
                    moved.messages += 1
                    moved.octets += row.size
                    last = row.id
                if row.pending.state is State.LEASED:
                    result.left += 1
    return result


def move(
    chosen: settings.Config,
    way: Way,
    by: By,
    now: float,
    *,
    told: Callable[[int, int], None],
) -> Result:
    """Move a queue whole; `told` gets how many messages are moved, and how many there were.

    Raises DataInUseError where a server runs here, StorageError where a store cannot be opened,
    and StoppedError where one fails on the way.
    """
    with ExitStack() as stack:
        stack.callback(os.close, lock(chosen.data))
        journal = stack.enter_context(closing(journal_of(chosen, 0)))
        to = "SQLite" if way.target == SQLITE else "PostgreSQL"

        def noted(ids: Collection[str]) -> None:
            for identifier in ids:
                journal.write(operated(now, "move", by, identifier, to=to))

        return asyncio.run(_move(_stored(chosen, way), way, noted, told))


def _stored(chosen: settings.Config, way: Way) -> settings.Config:
    return replace(chosen, queue=replace(chosen.queue, store=way.database))


async def _move(
    chosen: settings.Config,
    way: Way,
    noted: Callable[[Collection[str]], None],
    told: Callable[[int, int], None],
) -> Result:
    places = Places(chosen.data)
    result = Result()
    async with (
        open_database(chosen, places.spool_of_move) as database,
        _stores(_folders(chosen, places, way)) as stores,
    ):
        ends: list[End] = [store.end for store in stores]
        if way.target == SQLITE:
            movers: list[tuple[Store, Mover]] = [
                (database, Mover(database.end, ends, noted, result.moved))
            ]
        else:
            movers = [
                (store, Mover(store.end, [database.end], noted, result.moved)) for store in stores
            ]
        try:
            total = sum([(await store.count()).messages for store, _ in movers])
            for store, mover in movers:
                await mover.begin()
                told(result.moved.messages, total)
                while await mover.go_on():
                    told(result.moved.messages, total)
                result.left += (await store.count()).messages
            if way.target == SQLITE:
                result.lost = len({row.id for row in await database.list(_LOST)})
                result.left = max(result.left - result.lost, 0)
        except StorageError as error:
            raise StoppedError(result.moved, str(error)) from error
    return result


def _folders(chosen: settings.Config, places: Places, way: Way) -> list[Path]:
    """Tell which stores of SQLite take part: those there are, or one for each worker."""
    if way.target != SQLITE:
        return folders_of(places)
    return [places.queue(n) for n in range(chosen.workers or os.cpu_count() or 1)]


@contextlib.asynccontextmanager
async def _stores(folders: list[Path]) -> AsyncIterator[list[SqliteStore]]:
    async with contextlib.AsyncExitStack() as stack:
        stores = []
        for folder in folders:
            store = SqliteStore(folder)
            stack.push_async_callback(store.close)
            stores.append(store)
        yield stores


__all__ = ["SQLITE", "DataInUseError", "Result", "StoppedError", "Way", "foreseen", "move"]
