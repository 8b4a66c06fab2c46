"""A queue in SQLite: the verbs of `QueueStore` as an event loop calls them."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import apsw

from ulak.queue.item import (
    Counts,
    Lease,
    Message,
    Pending,
    Receipt,
    Row,
    Selection,
    Settlement,
)
from ulak.queue.sqlite.database import cannot_open, storage_error
from ulak.queue.sqlite.folder import Folder
from ulak.queue.sqlite.moving import MovingWork, SqliteEnd
from ulak.queue.sqlite.reader import Reader
from ulak.queue.sqlite.rows import row_of
from ulak.queue.sqlite.work import Putting
from ulak.queue.sqlite.writer import Ask, Put, Settle, Writer
from ulak.queue.store import StorageError, at_rest, refuse_nonsense

T = TypeVar("T")


class SqliteStore:
    """One store in one folder, for one process; implements `QueueStore`.

    Making one opens it: it raises StoreBusyError where another process has it, StoreVersionError
    where a newer Ulak wrote it, and StorageError where it cannot be read or written. What a crash
    left is put right: leases are given back, files without a message are removed, and so is what
    lies in `incoming`, where the server spools large messages.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._folder = Folder(folder)
        except OSError as error:
            raise cannot_open(folder, error) from error
        with ExitStack() as undo:
            undo.callback(self._folder.close)
            try:
                self._writer = Writer(self._folder)
                undo.callback(self._writer.close)
                self._reader = Reader(folder)
            except (apsw.Error, OSError) as error:
                raise cannot_open(folder, error) from error
            undo.pop_all()
        self._seqs = itertools.count(self._writer.last_seq + 1)
        self._looking = ThreadPoolExecutor(1, "ulak-queue-reader")
        self._filing = ThreadPoolExecutor(2, "ulak-queue-files")
        self._closed = False
        self.end = SqliteEnd(self._ask, self._folder, self._seqs)

    @property
    def incoming(self) -> Path:
        """Where to spool a message that may be put as a file."""
        return self._folder.incoming

    async def put(
        self,
        message: Message,
        pending: Sequence[Pending],
        *,
        lease: bool = False,
        settle: tuple[Lease, Sequence[Settlement]] | None = None,
    ) -> Lease | None:
        """Take a message over, durably."""
        loop = self._loop()
        refuse_nonsense(pending)
        future: asyncio.Future[Lease | None] = loop.create_future()
        what = Putting(next(self._seqs), message, tuple(map(at_rest, pending)), lease, settle)
        origin = message.body.path
        put = Put(what, future, origin)
        if origin is None:
            self._writer.submit(put)
        else:
            self._filing.submit(self._take_over, put, origin)
        return await future

    def _take_over(self, put: Put, origin: Path) -> None:
        """Bring a body's file to the disk, in a thread of its own, before its row."""
        try:
            self._folder.take_over(put.what.seq, origin)
        except OSError as error:
            self._writer.answer([(put.future, None, storage_error(error))])
        else:
            self._writer.submit(put)

    async def lease(self, now: float, limit: int, avoid: Collection[str] = ()) -> list[Lease]:
        """Take messages with recipients that are due, level by level in turn and by rank."""
        return await self._ask(lambda work: work.lease(now, limit, avoid))

    async def take(self, which: Selection, limit: int, *, bodiless: bool = False) -> list[Lease]:
        """Lease what is selected and not leased."""
        del bodiless  # its bodies are where it is itself
        return await self._ask(lambda work: work.take(which, limit))

    async def settle(self, lease: Lease, outcomes: Sequence[Settlement]) -> None:
        """Record what became of a lease."""
        future: asyncio.Future[None] = self._loop().create_future()
        self._writer.submit(Settle(lease, outcomes, future))
        await future

    async def read(self, message_id: str) -> Message | None:
        """Give a message with its body."""
        return await self._look(lambda reader: reader.read(message_id))

    async def receipt(self, key: str) -> Receipt | None:
        """Give the receipt of a key."""
        return await self._look(lambda reader: reader.receipt(key))

    async def next_due(self, avoid: Collection[str] = (), after: float = -math.inf) -> float | None:
        """When the next ready recipient is due."""
        return await self._ask(lambda work: work.next_due(avoid, after))

    async def next_deadline(self, after: float) -> float | None:
        """Give the earliest time later than this by which a sender wants something."""
        return await self._look(lambda reader: reader.next_deadline(after))

    async def retry(self, which: Selection, now: float) -> int:
        """Make ready recipients due."""
        return await self._ask(lambda work: work.retry(which, now))

    async def hold(self, which: Selection) -> int:
        """Hold ready recipients."""
        return await self._ask(lambda work: work.hold(which))

    async def release(self, which: Selection, now: float) -> int:
        """Make held recipients ready and due."""
        return await self._ask(lambda work: work.release(which, now))

    async def drop(self, which: Selection) -> int:
        """Remove recipients."""
        return await self._ask(lambda work: work.drop(which))

    async def count(self) -> Counts:
        """Count what there is."""
        return await self._look(Reader.count)

    async def list(self, which: Selection) -> Iterator[Row]:
        """List recipients."""
        # Read whole in the other thread, made into values by whoever goes through them.
        pages = await self._look(lambda reader: list(reader.pages(which)))
        return map(row_of, itertools.chain.from_iterable(pages))

    async def close(self) -> None:
        """Finish what was asked, then let go of the store."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._filing.shutdown()
        self._looking.shutdown()
        self._reader.close()
        self._writer.close()
        self._folder.close()

    # -- how to ask -------------------------------------------------------------------------

    def _loop(self) -> asyncio.AbstractEventLoop:
        if self._closed:
            message = "The queue is closed."
            raise StorageError(message)
        return asyncio.get_running_loop()

    async def _ask(self, verb: Callable[[MovingWork], T]) -> T:
        """Have the writer do a verb in a transaction."""
        future: asyncio.Future[T] = self._loop().create_future()
        self._writer.submit(Ask(verb, future))
        return await future

    async def _look(self, verb: Callable[[Reader], T]) -> T:
        """Have a verb done that changes nothing, beside the writer."""
        loop = self._loop()
        if not self._writer.trusted:
            await self._ask(MovingWork.probe)
        return await loop.run_in_executor(self._looking, verb, self._reader)
