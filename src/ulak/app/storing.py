"""Which queue the configuration names: how a worker opens it, and how commands look into it.

In SQLite each worker has a store of its own. In PostgreSQL there is one for all workers of all
machines, and stores of SQLite that are there still from before are emptied beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from ulak import config as settings
from ulak.app.buckets import bucket_of
from ulak.app.places import Places, adopted
from ulak.cluster.member import named, node_of
from ulak.delivery.site.share import Member
from ulak.queue import sqlite
from ulak.queue.item import Lease
from ulak.queue.sqlite import SqliteStore
from ulak.queue.store import QueueStore, StorageError, StoreBusyError

if TYPE_CHECKING:  # it is large, and only those who use it have it
    from ulak.queue import postgres

_LOCK_PATIENCE = 10.0  # seconds: a worker that was killed a moment ago may still hold its store


class Store(QueueStore, Protocol):
    """A queue that a server can spool for."""

    @property
    def incoming(self) -> Path:
        """Where to spool a message that may be put as a file."""


Reader: TypeAlias = "sqlite.Reader | postgres.Reader"


def member_of(chosen: settings.Config) -> str:
    """Say how the others that share a queue call this server."""
    return named(chosen.cluster.name, socket.gethostname(), str(chosen.data.absolute()))


def in_database(chosen: settings.Config) -> bool:
    """Whether all workers share one queue in PostgreSQL."""
    return chosen.queue.store != "sqlite"


async def open_all(
    chosen: settings.Config, places: Places, index: int, count: int
) -> list[tuple[Member, Store]]:
    """Open what this worker delivers from, its own first; each has its part of limits.

    Raises StorageError. A database that is away is waited for in the background.
    """
    numbers = places.queues()
    members = max(count, *(number + 1 for number in numbers), index + 1)
    if in_database(chosen):
        own: Store = await _in_postgres(
            chosen, places.spool(index), node_of(member_of(chosen), index)
        )
        others = [number for number in numbers if number % count == index]
    else:
        own = await in_folder(places.queue(index))
        others = adopted(index, count, numbers)
    stores = [(Member(index, members), own)]
    for extra in others:
        with contextlib.suppress(StoreBusyError):
            store = SqliteStore(places.queue(extra))
            if in_database(chosen) and not (await store.count()).messages:
                await store.close()  # no mail comes to it any more: it needs no part of limits
                continue
            stores.append((Member(extra, members), store))
    return stores


async def in_folder(folder: Path) -> SqliteStore:
    """Open a store that a worker killed a moment ago may still hold. Raises StorageError."""
    end = time.monotonic() + _LOCK_PATIENCE
    while True:
        try:
            return SqliteStore(folder)
        except StoreBusyError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.05)


async def _in_postgres(
    chosen: settings.Config, folder: Path, who: str, *, patient: bool = True
) -> postgres.PostgresStore:
    with installed():
        from ulak.queue.postgres import open_store  # noqa: PLC0415 -- not everybody has it
    bucket = bucket_of(chosen)
    return await open_store(chosen.queue.store, folder, who, patient=patient, bucket=bucket)


@contextlib.asynccontextmanager
async def open_one(chosen: settings.Config, places: Places) -> AsyncIterator[Store]:
    """Open the queue that new mail of a command goes to, while no server runs here.

    Raises StorageError.
    """
    with tempfile.TemporaryDirectory(prefix="ulak-") as folder:
        store: Store
        if in_database(chosen):
            name = f"{member_of(chosen)} command {os.getpid()}"
            store = await _in_postgres(chosen, Path(folder), name, patient=False)
        else:
            store = SqliteStore(places.queue(0))
        try:
            yield store
        finally:
            await store.close()


@contextlib.asynccontextmanager
async def opened(
    chosen: settings.Config, places: Places, *, here: bool = False
) -> AsyncIterator[list[tuple[int, Store]]]:
    """Open all there is for a command, while no server runs here; each with its number.

    `here`: only what lies on this machine. Raises StorageError.
    """
    async with contextlib.AsyncExitStack() as stack:
        stores: list[tuple[int, Store]] = []
        if in_database(chosen) and not here:
            stores.append((0, await stack.enter_async_context(open_one(chosen, places))))
        kept = [(index, places.queue(index)) for index in places.queues()]
        kept += [(index, places.spill(index)) for index in places.spills()]
        for index, folder in kept:
            store = SqliteStore(folder)
            stack.push_async_callback(store.close)
            stores.append((index, store))
        yield stores


@contextlib.asynccontextmanager
async def open_database(
    chosen: settings.Config, folder: Path
) -> AsyncIterator[postgres.PostgresStore]:
    """Open the queue in the database that is named, for who moves it. Raises StorageError."""
    store = await _in_postgres(chosen, folder, f"{member_of(chosen)} move", patient=False)
    try:
        yield store
    finally:
        await store.close()


@contextlib.contextmanager
def readers(
    chosen: settings.Config, places: Places, *, database: bool | None = None
) -> Iterator[list[Reader]]:
    """Look into all there is, whether a server runs or not. Raises StorageError.

    `database`: only into that (True), or only into what lies here (False).
    """
    with ExitStack() as stack:
        found: list[Reader] = []
        if in_database(chosen) and database is not False:
            with installed():
                from ulak.queue.postgres import open_reader  # noqa: PLC0415 -- as above
            bucket = partial(bucket_of, chosen)
            found.append(stack.enter_context(open_reader(chosen.queue.store, bucket=bucket)))
        folders = [] if database else folders_of(places)
        found += [stack.enter_context(sqlite.open_reader(folder)) for folder in folders]
        yield [reader for reader in found if reader.made]


def folders_of(places: Places) -> list[Path]:
    """Give the folders of all stores of SQLite that there are."""
    return [*map(places.queue, places.queues()), *map(places.spill, places.spills())]


@contextlib.contextmanager
def spilled(places: Places) -> Iterator[list[sqlite.Reader]]:
    """Look into what waits here for the database. Raises StorageError."""
    with ExitStack() as stack:
        folders = map(places.spill, places.spills())
        found = [stack.enter_context(sqlite.open_reader(folder)) for folder in folders]
        yield [reader for reader in found if reader.made]


@contextlib.contextmanager
def installed() -> Iterator[None]:
    """Say what is missing where what speaks to PostgreSQL cannot be imported."""
    try:
        yield
    except ModuleNotFoundError as error:
        message = (
            "The queue lies in PostgreSQL, and what speaks to it is not installed: "
            "install ulak[postgres]."
        )
        raise StorageError(message) from error


@runtime_checkable
class _Hearing(Protocol):
    """A store that others can make something due in."""

    on_news: Callable[[], None]

    async def tell(self) -> None: ...


@runtime_checkable
class Fenced(Protocol):
    """A store whose leases others may have taken over."""

    async def sure(self, lease: Lease) -> bool:
        """Whether a lease is ours still; where nobody can be asked that is waited for."""


def shared_by_all(store: Store) -> bool:
    """Whether all workers have this same queue."""
    return isinstance(store, _Hearing)


def wake_by_news(store: Store, wake: Callable[[], None]) -> None:
    """Have somebody woken when others have made something due in a store."""
    if isinstance(store, _Hearing):
        store.on_news = wake


async def tell_others(store: Store) -> None:
    """Have the others look at a store that they have, too. Raises StorageError."""
    if isinstance(store, _Hearing):
        await store.tell()
