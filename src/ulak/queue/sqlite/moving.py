"""A store in SQLite as one end of a move (`ulak.queue.moving`)."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from typing import Protocol, TypeVar

from ulak.queue.item import Done, Lease, Pending, Receipt
from ulak.queue.moving import Departure
from ulak.queue.sqlite.database import full, storage_error
from ulak.queue.sqlite.folder import Folder
from ulak.queue.sqlite.rows import (
    ARRIVING_BIT,
    AT_REST,
    BUSY_BITS,
    HELD_BIT,
    Values,
    message_values,
    waits_values,
)
from ulak.queue.sqlite.work import Work

T = TypeVar("T")

_KEEP_FREE = 8_000_000  # octets of the disk that are for finishing what is there

_FREE = f"""
SELECT seq, size FROM message m WHERE seq > ?
AND NOT EXISTS (SELECT 1 FROM pending WHERE message = m.seq AND state & {BUSY_BITS} <> 0)
ORDER BY seq LIMIT ?
"""
_KNOWN = """
SELECT id, EXISTS (SELECT 1 FROM arriving WHERE message = seq)
FROM message WHERE id IN (SELECT value FROM json_each(?))
"""
_OF_ORIGIN = "SELECT message FROM arriving WHERE origin = ?1"
_CONFIRM = f"""
UPDATE pending SET state = state & {HELD_BIT}
WHERE state & {ARRIVING_BIT} AND message IN ({_OF_ORIGIN} INTERSECT
    SELECT seq FROM message WHERE id IN (SELECT value FROM json_each(?2)))
"""
_NOT_CONFIRMED = f"state & {ARRIVING_BIT} AND message IN ({_OF_ORIGIN})"


class MovingWork(Work):
    """The verbs of a move, beside all others."""

    def depart(self, after: int, limit: int, octets: int) -> list[Departure]:
        """Lease whole messages, in order."""
        departures: list[Departure] = []
        for seq, size in self._rows(_FREE, (after, limit)):
            octets -= size
            if departures and octets < 0:
                break
            lease = self._lease_message(seq, "TRUE", ())
            ((lane,),) = self._rows("SELECT min(lane) FROM pending WHERE message = ?", (seq,))
            departures.append(Departure(seq, lease, lane))
        return departures

    def arrive(self, origin: str, arrivals: Sequence[tuple[int, Departure]]) -> set[str]:
        """Keep what comes, each with a number of its own here; the ids of those that were here."""
        ids = json.dumps([each.id for _, each in arrivals], ensure_ascii=False)
        known: dict[str, int] = dict(self._rows(_KNOWN, (ids,)))
        if any(known.values()):
            message = "a message comes from two stores at once"
            raise ValueError(message)
        new = [(seq, each) for seq, each in arrivals if each.id not in known]
        self._insert(
            "message",
            [message_values(seq, each.lease.message, each.lease.pending) for seq, each in new],
        )
        bodies = ((seq, each.lease.message.body.data) for seq, each in new)
        self._insert("body", [(seq, data) for seq, data in bodies if data is not None])
        recipients: list[Values] = []
        for seq, each in new:
            pending = each.lease.pending
            self._senders.enter(each.lease.message, len(pending))
            recipients += (_coming(seq, n, one, each.lane) for n, one in enumerate(pending))
        self._insert("pending", recipients)
        self.connection.executemany(
            "INSERT OR REPLACE INTO arriving VALUES (?, ?)", [(seq, origin) for seq, _ in new]
        )
        return set(known)

    def leave(self, target: str, leases: Sequence[Lease]) -> None:
        """Remove what has gone there, and note it."""
        there = [lease for lease in leases if self._known(lease)]
        self.settle([(lease, [Done(one.recipient) for one in lease.pending]) for lease in there])
        self.connection.executemany(
            "INSERT OR IGNORE INTO departed VALUES (?, ?)",
            [(target, lease.message.id) for lease in there],
        )

    def _known(self, lease: Lease) -> bool:
        held = self._held.get(lease.token)
        return held is not None and self._exists(held.seq)

    def left(self, target: str) -> list[str]:
        """Give what is noted."""
        rows = self._rows("SELECT id FROM departed WHERE target = ?", (target,))
        return [identifier for (identifier,) in rows]

    def confirm(self, origin: str, ids: Collection[str]) -> None:
        """Let go of those that are ours now, and remove the others from there."""
        self.connection.execute(_CONFIRM, (origin, json.dumps([*ids], ensure_ascii=False)))
        filed = self._rows(
            f"SELECT DISTINCT message FROM pending WHERE {_NOT_CONFIRMED} "
            "AND NOT EXISTS (SELECT 1 FROM body WHERE seq = message)",
            (origin,),
        )
        self._touched.update(seq for (seq,) in filed)
        self._senders.drop(self.connection, _NOT_CONFIRMED, (origin,))
        self.connection.execute(f"DELETE FROM pending WHERE {_NOT_CONFIRMED}", (origin,))
        self.connection.execute("DELETE FROM arriving WHERE origin = ?", (origin,))

    def forget(self, target: str, ids: Collection[str]) -> None:
        """Forget what is noted."""
        self.connection.execute(
            "DELETE FROM departed WHERE target = ? AND id IN (SELECT value FROM json_each(?))",
            (target, json.dumps([*ids], ensure_ascii=False)),
        )

    def receipts(self, after: str, limit: int) -> list[tuple[Receipt, float]]:
        """Give receipts by their keys."""
        rows = self._rows(
            "SELECT * FROM receipt WHERE key > ? ORDER BY key LIMIT ?", (after, limit)
        )
        return [(Receipt(*row[:3]), row[3]) for row in rows]

    def keep(self, receipts: Sequence[tuple[Receipt, float]]) -> None:
        """Keep receipts that are not here."""
        self.connection.executemany(
            "INSERT OR IGNORE INTO receipt VALUES (?, ?, ?, ?)",
            [(one.key, one.digest, one.answer, time) for one, time in receipts],
        )

    def identity(self) -> str:
        """Give what tells this store from all others."""
        return str(self._rows("SELECT identity FROM store")[0][0])


def _coming(seq: int, n: int, one: Pending, lane: int) -> Values:
    domain, _, due, attempts, cause, reply, host, warned, source = waits_values(one)
    state = AT_REST[one.state] | ARRIVING_BIT
    head = (seq, n, one.recipient, domain, state, due, attempts, cause, reply, host, warned)
    return (*head, lane, source)


class Asking(Protocol):
    """Has the writer do a verb in a transaction."""

    def __call__(self, verb: Callable[[MovingWork], T]) -> Awaitable[T]:
        """Give what the verb gives, when it is on the disk."""


class SqliteEnd:
    """One store of an event loop; implements `ulak.queue.moving.End`."""

    def __init__(self, ask: Asking, folder: Folder, numbers: Iterator[int]) -> None:
        self._ask = ask
        self._folder = folder
        self._numbers = numbers

    async def identity(self) -> str:
        """Give what tells this store from all others."""
        return await self._ask(MovingWork.identity)

    async def depart(self, after: int, limit: int, octets: int) -> list[Departure]:
        """Lease whole messages, in order."""
        return await self._ask(lambda work: work.depart(after, limit, octets))

    async def arrive(self, origin: str, departures: Sequence[Departure]) -> set[str]:
        """Keep messages that another store has still."""
        arrivals = [(next(self._numbers), each) for each in departures]
        octets = sum(each.lease.message.body.size for each in departures)
        if self._folder.free() < 2 * octets + _KEEP_FREE:  # they are in the log, too
            raise full()
        filed: list[int] = []
        known: set[str] = set()
        wanted = False
        try:
            for seq, each in arrivals:
                if (path := each.lease.message.body.path) is not None:
                    filed.append(seq)
                    coming = self._folder.incoming / f"{seq:012x}.coming"
                    await asyncio.to_thread(shutil.copyfile, path, coming)
                    await asyncio.to_thread(self._folder.take_over, seq, coming)
            known = await self._ask(lambda work: work.arrive(origin, arrivals))
            wanted = True
        except OSError as error:
            raise storage_error(error) from error
        finally:
            # Where it is not certain that they came, they are not wanted either: who asks again
            # has what did not leave its origin removed first.
            for seq, each in arrivals:
                if seq in filed and not (wanted and each.id not in known):
                    self._folder.remove(seq)
        return known

    async def leave(self, target: str, leases: Sequence[Lease]) -> None:
        """Remove what has gone there, and note it."""
        await self._ask(lambda work: work.leave(target, leases))

    async def left(self, target: str) -> list[str]:
        """Give what is noted."""
        return await self._ask(lambda work: work.left(target))

    async def confirm(self, origin: str, ids: Collection[str]) -> None:
        """Let go of those that are ours now, and remove the others from there."""
        await self._ask(lambda work: work.confirm(origin, ids))

    async def forget(self, target: str, ids: Collection[str]) -> None:
        """Forget what is noted."""
        await self._ask(lambda work: work.forget(target, ids))

    async def receipts(self, after: str, limit: int) -> list[tuple[Receipt, float]]:
        """Give receipts by their keys."""
        return await self._ask(lambda work: work.receipts(after, limit))

    async def keep(self, receipts: Sequence[tuple[Receipt, float]]) -> None:
        """Keep receipts that are not here."""
        await self._ask(lambda work: work.keep(receipts))

    async def settle(self, lease: Lease) -> None:
        """Give a lease back."""
        await self._ask(lambda work: work.settle([(lease, ())]))
