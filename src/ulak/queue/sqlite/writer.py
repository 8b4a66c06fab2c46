"""The one thread that writes to a store: what waits is committed together, then answered.

Rules, in the order of their weight:

1.  Nothing is answered before its transaction is on the disk.
2.  After a failed commit or sync the connection is not trusted. The kernel may have forgotten
    pages that it could not write while the page cache still shows them, and SQLite's log may hold
    a whole transaction that was answered with a failure. So, before anything else is answered:
    on the old connection, which knows how far the log is good, that much is brought into the
    database and synced and the log is cut to nothing; then the database is opened afresh and
    written to once. Until all of this works, every verb fails.
3.  One bad operation fails alone: a batch that fails for a reason of its own is halved until the
    culprit stands by itself.
4.  What makes room needs room: to be noted in the log, and for what is in the log to get into
    the database. So that much stays free: new messages are refused before it is touched. What is
    free within the database is given back to the disk when there is nothing else to do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeAlias, TypeGuard

import apsw

from ulak.queue.item import Lease, Settlement
from ulak.queue.sqlite.database import DISTRUST, distrust, full, open_for_writing, storage_error
from ulak.queue.sqlite.folder import Folder
from ulak.queue.sqlite.moving import MovingWork
from ulak.queue.sqlite.work import Putting
from ulak.queue.store import StorageError

_MOST = 500  # operations in one transaction
_MOST_OCTETS = 16_000_000  # of bodies in one transaction
_MOMENT = 0.001  # seconds that a transaction waits for more where it is not alone
_PAGE = 4_096  # octets
_CHECKPOINT = 4_000  # pages of the log (16 MB) after which it is brought into the database
_SMALL_LOG = 250  # pages that it may have when there is little room
_KEEP_FREE = 8_000_000  # octets of the disk that are for finishing what is there
_SPARE = 4_000  # free pages that the database keeps for what comes next
_SHRINK = 200  # pages given back at once


@dataclass(slots=True, eq=False)
class Put:
    """One message to take over; its spooled file came from `origin`."""

    what: Putting
    future: asyncio.Future[Lease | None]
    origin: Path | None = None


@dataclass(slots=True, eq=False)
class Settle:
    """One lease to settle; without a future nobody waits for it."""

    lease: Lease
    outcomes: Sequence[Settlement]
    future: asyncio.Future[None] | None


@dataclass(slots=True, eq=False)
class Ask:
    """Any other verb."""

    verb: Callable[[MovingWork], object]
    future: asyncio.Future[Any]


Operation: TypeAlias = Put | Settle | Ask
Answer: TypeAlias = tuple[asyncio.Future[Any], Any, Exception | None]


class Writer:
    """The thread, its connection, and what waits for it."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._waiting: SimpleQueue[Operation | None] = SimpleQueue()
        self._crowded = False
        self._log = 0  # pages in the log
        self._next_checkpoint = _CHECKPOINT
        self._connection: apsw.Connection | None = self._open()
        self._work = MovingWork(self._connection, folder)
        self.last_seq = self._work.last_seq()
        self.trusted = True
        self._thread = Thread(target=self._run, name="ulak-queue", daemon=True)
        self._thread.start()

    def submit(self, operation: Operation) -> None:
        """Have something done; its future tells when it is on the disk."""
        self._waiting.put(operation)

    def close(self) -> None:
        """Finish what waits and end the thread; blocks."""
        self._waiting.put(None)
        self._thread.join()

    # -- the thread -------------------------------------------------------------------------

    def _run(self) -> None:
        last = False
        while not last:
            batch, last = self._gather()
            if batch:
                answers: list[Answer] = []
                self._carry_out(batch, answers)
                self.answer(answers)
                self._tidy()
        if not self.trusted:  # so that what was refused last is not there at the next opening
            self._regain_trust()
        if self._connection is not None:
            if self.trusted:
                with suppress(apsw.Error):
                    self._connection.close()
            else:
                distrust(self._connection)

    def _gather(self) -> tuple[list[Operation], bool]:
        """Wait for something to do, and take what else is there; whether that was the last.

        Where several came together the last time, the others of this time are on their way.
        """
        batch: list[Operation] = []
        octets = 0
        operation = self._waiting.get()
        if self._crowded:
            time.sleep(_MOMENT)
        while operation is not None:
            batch.append(operation)
            if isinstance(operation, Put):
                octets += len(operation.what.message.body.data or b"")
            if len(batch) >= _MOST or octets >= _MOST_OCTETS or self._waiting.empty():
                self._crowded = len(batch) > 1
                return batch, False
            operation = self._waiting.get()
        return batch, True

    def _carry_out(self, batch: Sequence[Operation], answers: list[Answer]) -> None:
        """Do a batch in one transaction, or in halves when it has something bad in it."""
        if not self.trusted and not self._regain_trust():
            failure = StorageError("The queue cannot be written at present.")
            self._fail(batch, failure, answers)
            return
        batch = self._refuse_without_room(batch, answers)
        if not self.trusted:
            self._fail(batch, StorageError("The queue cannot be written at present."), answers)
            return
        if not batch:
            return
        try:
            self._work.begin()
            results = self._do(batch)
            self._work.commit()
        except Exception as error:  # noqa: BLE001 -- whatever it is, those who wait must hear of it
            self._roll_back(error)
            if len(batch) == 1 or not self.trusted or isinstance(error, apsw.BusyError):
                self._fail(batch, storage_error(error), answers)
                return
            if isinstance(error, apsw.FullError):
                self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
                batch = sorted(batch, key=_takes_room)
            half = len(batch) // 2
            self._carry_out(batch[:half], answers)
            self._carry_out(batch[half:], answers)
        else:
            answers += [
                (operation.future, result, None)
                for operation, result in zip(batch, results, strict=True)
                if operation.future is not None
            ]

    def _do(self, batch: Sequence[Operation]) -> list[object]:
        """Do each operation; puts and settles between two other verbs go together."""
        results: dict[int, object] = {}
        puts: list[Put] = []
        settles: list[Settle] = []

        def flush() -> None:
            if settles:
                self._work.settle([(each.lease, each.outcomes) for each in settles])
                settles.clear()
            if puts:
                leases = self._work.put([each.what for each in puts])
                results.update(zip(map(id, puts), leases, strict=True))
                puts.clear()

        for operation in batch:
            match operation:
                case Put():
                    puts.append(operation)
                case Settle():
                    settles.append(operation)
                case Ask(verb):
                    flush()
                    results[id(operation)] = verb(self._work)
        flush()
        return [results.get(id(operation)) for operation in batch]

    def _fail(self, batch: Sequence[Operation], error: Exception, answers: list[Answer]) -> None:
        for operation in batch:
            if isinstance(operation, Put) and operation.origin is not None:
                if self.trusted:
                    self._folder.give_back(operation.what.seq, operation.origin)
                else:  # the log may hold the message still, and a crash bring it to life
                    self._work.abandon(operation.what.seq)
            if operation.future is not None:
                answers.append((operation.future, None, error))

    def answer(self, answers: Sequence[Answer]) -> None:
        """Wake those who wait, all at once."""
        by_loop: dict[asyncio.AbstractEventLoop, list[Answer]] = {}
        for answer in answers:
            by_loop.setdefault(answer[0].get_loop(), []).append(answer)
        for loop, its in by_loop.items():
            # A loop that is closed has nobody left who waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._wake, its)

    def _wake(self, answers: Sequence[Answer]) -> None:
        """Give the answers, in the event loop."""
        for future, result, error in answers:
            if future.done():  # cancelled: nobody will work on what it was to get
                for lease in result if isinstance(result, list) else [result]:
                    if isinstance(lease, Lease):
                        self.submit(Settle(lease, (), None))
            elif error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)

    # -- the connection ---------------------------------------------------------------------

    def _open(self) -> apsw.Connection:
        connection = open_for_writing(self._folder.database)
        connection.set_wal_hook(self._committed)
        self._log, self._next_checkpoint = 0, _CHECKPOINT
        return connection

    def _committed(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._log = pages
        return apsw.SQLITE_OK

    def _roll_back(self, error: Exception) -> None:
        if isinstance(error, DISTRUST):
            self.trusted = False
        try:
            self._work.rollback()
        except apsw.Error:
            self.trusted = False

    def _regain_trust(self) -> bool:
        """Come back from a failed write as rule 2 says; whether that worked."""
        try:
            if self._connection is not None:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
                old, self._connection = self._connection, None
                distrust(old)
            connection = self._open()
        except (apsw.Error, OSError, StorageError):
            return False
        self._connection = connection
        try:
            self._work.go_on_with(connection)
            self._work.probe()
        except apsw.Error:
            return False
        self.trusted = True
        return True

    def _refuse_without_room(
        self, batch: Sequence[Operation], answers: list[Answer]
    ) -> Sequence[Operation]:
        """Refuse new messages for which there is no room; give the others."""
        new = [each for each in batch if _takes_room(each)]
        octets = sum(each.what.message.body.size for each in new)
        if not new or self._is_roomy(octets):
            return batch
        if self._log:  # its own room may be what is missing
            self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
            if self.trusted and self._is_roomy(octets):
                return batch
        self._fail(new, full(), answers)
        return [each for each in batch if not _takes_room(each)]

    def _is_roomy(self, octets: int = 0) -> bool:
        return self._folder.free() >= octets + self._log * _PAGE + _KEEP_FREE

    def _tidy(self) -> None:
        """Do what nobody needs to wait for."""
        if not self.trusted:
            return
        try:
            self._work.remove_files()
            self._count()
        except DISTRUST:
            self.trusted = False
            return
        except apsw.Error:
            return
        if self._log >= _SMALL_LOG and not self._is_roomy():
            self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
        elif self._log >= self._next_checkpoint:
            self._checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE)
        self._shrink()

    def _count(self) -> None:
        """Count on whose mail was there before us, as long as nobody waits."""
        while self._work.count_on():
            if not self._waiting.empty():
                return

    def _shrink(self) -> None:
        """Give room back to the disk as long as nobody waits."""
        spare = _SPARE if self._is_roomy(_SPARE * _PAGE) else 0
        shrunk = False
        try:
            while self._waiting.empty() and self._work.shrink(spare, _SHRINK):
                shrunk = True
        except DISTRUST:
            self.trusted = False
        except apsw.Error:  # no room in the log: later
            return
        if shrunk and self.trusted:
            self._checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE)

    def _checkpoint(self, mode: int) -> None:
        assert self._connection is not None  # noqa: S101 -- it is trusted, so it is there
        try:
            pages, done = self._connection.wal_checkpoint(mode=mode)
        except DISTRUST:
            self.trusted = False
        except apsw.Error:  # busy, or no room in the database: the log is good as it is
            self._next_checkpoint = self._log + _CHECKPOINT
        else:
            self._next_checkpoint = _CHECKPOINT if done == pages else self._log + _CHECKPOINT
            if mode == apsw.SQLITE_CHECKPOINT_TRUNCATE:
                self._log = 0


def _takes_room(operation: Operation) -> TypeGuard[Put]:
    """Whether it is a new message; a report stands in for one that is finished."""
    return isinstance(operation, Put) and operation.what.settle is None
