"""What the verbs of the queue do in SQL, within the transaction of the writer.

Leases live in memory: they end with the process, and the next one to open the store finds by the
leased bit what to give back. Their tokens carry the epoch of the open, so that an old lease means
nothing to a new process.

What comes by the thousand is done in few statements, however many rows they are for: SQLite lets
go of the interpreter at every step, and a thread beside a busy event loop waits for it each time.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain

import apsw

from ulak.queue.item import Again, Body, Done, Lease, Message, Pending, Selection, Settlement
from ulak.queue.sqlite.avoided import TABLE as AVOIDED
from ulak.queue.sqlite.avoided import Avoided
from ulak.queue.sqlite.due import due, next_due
from ulak.queue.sqlite.folder import Folder
from ulak.queue.sqlite.rows import (
    AGAIN,
    AT_REST,
    BUSY_BITS,
    HELD_BIT,
    LEASED_BIT,
    MESSAGE,
    PENDING_BEFORE,
    WITH_BODY,
    Raw,
    Value,
    Values,
    condition,
    message_of,
    message_values,
    pending_of,
    waits_values,
)
from ulak.queue.sqlite.senders import Senders
from ulak.queue.store import RECEIPTS, by_recipient, goes_on

_EPOCH_SHIFT = 40  # bits for the leases of one epoch
_READY, _READY_LEASED, _HELD, _HELD_LEASED = 0, LEASED_BIT, HELD_BIT, HELD_BIT | LEASED_BIT

_AT_ONCE = 50  # rows in one statement; as many of them, for each table, stay prepared
_PLACES = "(message, n) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))"
_DONE = f"DELETE FROM pending WHERE {_PLACES}"
_BACK = f"UPDATE pending SET state = state & {HELD_BIT} WHERE {_PLACES}"


@dataclass(frozen=True, slots=True)
class Putting:
    """What one `put` asks for. `seq` is the number of the message, of its file too."""

    seq: int
    message: Message
    pending: tuple[Pending, ...]
    lease: bool
    settle: tuple[Lease, Sequence[Settlement]] | None


@dataclass(frozen=True, slots=True)
class _Held:
    """An open lease: the number of its message, and its recipients' places in it.

    `settled` are those of the places that an earlier settle has dealt with.
    """

    seq: int
    places: tuple[int, ...]
    settled: frozenset[int] = frozenset()


class Work:
    """The verbs over one connection, and the leases that are open."""

    def __init__(self, connection: apsw.Connection, folder: Folder) -> None:
        self.connection = connection
        self._folder = folder
        self._held: dict[int, _Held] = {}
        # What to undo in memory when the transaction does not commit.
        self._given: list[int] = []
        self._ended: list[tuple[int, _Held]] = []
        # Messages with files that may have lost their last recipient in this transaction.
        self._touched: set[int] = set()
        # Messages with files that were refused, and may be there all the same after a crash.
        self._abandoned: set[int] = set()
        self._avoided = Avoided(connection)
        self._senders = Senders(connection)
        self._token = self._begin_epoch() << _EPOCH_SHIFT
        folder.sweep(self._exists)

    def _begin_epoch(self) -> int:
        with self.connection:
            self.connection.execute("UPDATE store SET epoch = epoch + 1")
            self.connection.execute(
                f"UPDATE pending SET state = state & {HELD_BIT} "
                f"WHERE state IN ({_READY_LEASED}, {_HELD_LEASED})"
            )
        return int(self._rows("SELECT epoch FROM store")[0][0])

    def go_on_with(self, connection: apsw.Connection) -> None:
        """Use another connection from now on."""
        self.connection = connection
        self._avoided = Avoided(connection)

    def last_seq(self) -> int:
        """Give the highest number of a message; 0 where there are none."""
        return int(self._rows("SELECT max(seq) FROM message")[0][0] or 0)

    def probe(self) -> None:
        """Write something and have it on disk; raises where that is not possible."""
        with self.connection:
            self.connection.execute("UPDATE store SET epoch = epoch")

    def count_on(self) -> bool:
        """Count some more of whose mail was there before us; whether there is more to count."""
        return self._senders.count_on(self.connection)

    def shrink(self, spare: int, pages: int) -> bool:
        """Give some pages that are free back to the disk, down to `spare`; whether there were."""
        if self._rows("PRAGMA freelist_count")[0][0] <= spare:
            return False
        self._rows(f"PRAGMA incremental_vacuum({pages})")
        return True

    # -- transactions -----------------------------------------------------------------------

    def begin(self) -> None:
        """Begin a transaction; nobody else may write until it ends."""
        self.connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Have it on disk; then nothing of it can be undone."""
        self.connection.execute("COMMIT")
        self._given.clear()
        self._ended.clear()
        self._senders.commit()

    def rollback(self) -> None:
        """Make it never have happened, in memory too."""
        for token in self._given:
            self._held.pop(token, None)
        for token, held in reversed(self._ended):  # one lease may have been settled twice
            self._held[token] = held
        self._given.clear()
        self._ended.clear()
        self._touched.clear()
        self._senders.rollback()
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")
            self._avoided.rolled_back()

    def remove_files(self) -> None:
        """After a commit: remove the files of messages that are gone and in nobody's hands."""
        if not self._touched and not self._abandoned:
            return
        in_hand = {held.seq for held in self._held.values()}
        for seq in self._touched | self._abandoned:
            if seq not in in_hand and not self._exists(seq):
                self._folder.remove(seq)
        self._touched.clear()
        self._abandoned.clear()

    def abandon(self, seq: int) -> None:
        """Have the file of a refused message removed when it is certain that it is refused."""
        self._abandoned.add(seq)

    def _exists(self, seq: int) -> bool:
        return bool(self._rows("SELECT 1 FROM message WHERE seq = ?", (seq,)))

    def _rows(self, statement: str, values: Values = ()) -> list[Raw]:
        return self.connection.execute(statement, values).fetchall()

    # -- the two verbs that come by the thousand --------------------------------------------

    def put(self, puts: Sequence[Putting]) -> list[Lease | None]:
        """Take messages over."""
        messages: list[Values] = []
        bodies: list[Values] = []
        recipients: list[Values] = []
        receipts: list[Values] = []
        leases: list[Lease | None] = []
        for each in puts:
            if each.settle is not None and not self.settle([each.settle])[0]:
                leases.append(None)
                self._touched.add(each.seq)  # it may have come with a file
                continue
            seq, message, pending = each.seq, each.message, each.pending
            messages.append(message_values(seq, message, pending))
            if message.body.data is not None:
                bodies.append((seq, message.body.data))
            if (receipt := message.receipt) is not None:
                when = message.received
                receipts.append((receipt.key, receipt.digest, receipt.answer, when))
            lane = self._senders.enter(message, len(pending))
            leased: list[int] = []
            for n, one in enumerate(pending):
                state = AT_REST[one.state]
                if each.lease and state == _READY and one.due <= message.received:
                    state = _READY_LEASED
                    leased.append(n)
                recipients.append(
                    (
                        seq,
                        n,
                        one.recipient,
                        one.domain,
                        state,
                        one.due,
                        one.attempts,
                        one.cause,
                        one.reply,
                        one.host,
                        one.warned,
                        lane,
                        one.source,
                    )
                )
            leases.append(self._fresh(each, leased) if leased else None)
        self._insert("message", messages)
        self._insert("body", bodies)
        self._insert("pending", recipients)
        if receipts:
            self._keep(receipts)
        return leases

    def _keep(self, receipts: list[Values]) -> None:
        """Keep receipts, and let go of those whose time is over."""
        (*_, last) = receipts[-1]
        self.connection.execute("DELETE FROM receipt WHERE time <= ? - ?", (last, RECEIPTS))
        self._insert("receipt", receipts)

    def _insert(self, table: str, rows: list[Values]) -> None:
        """Insert rows, many at a time."""
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            self.connection.execute(
                _insertion(table, len(some[0]), len(some)), tuple(chain.from_iterable(some))
            )

    def _fresh(self, each: Putting, leased: list[int]) -> Lease:
        message = each.message
        if message.receipt is not None:
            message = replace(message, receipt=None)
        if message.body.path is not None:
            body = Body(message.body.size, path=self._folder.body(each.seq))
            message = replace(message, body=body)
        pending = each.pending
        if len(leased) != len(pending):
            pending = tuple(pending[n] for n in leased)
        return self._give(each.seq, tuple(leased), message, pending)

    def settle(self, settles: Sequence[tuple[Lease, Sequence[Settlement]]]) -> list[bool]:
        """Record what became of leases; whether each was still open."""
        done: list[tuple[int, int]] = []
        again: list[Values] = []
        back: list[Values] = []
        senders: list[str] = []  # of those that are done
        known: list[bool] = []
        for lease, outcomes in settles:
            what = by_recipient(lease, outcomes)
            held = self._held.pop(lease.token, None)
            known.append(held is not None)
            if held is None:
                continue
            self._ended.append((lease.token, held))
            seq = held.seq
            if lease.message.body.path is not None:
                self._touched.add(seq)
            still = goes_on(outcomes)
            settled = held.settled
            for n, one in zip(held.places, lease.pending, strict=True):
                if n in settled:
                    continue
                match what.get(one.recipient):
                    case None if still:
                        continue
                    case None:
                        back.append((seq, n))
                    case Again(pending):
                        again.append((*waits_values(pending), seq, n))
                    case Done():
                        done.append((seq, n))
                        senders.append(lease.message.envelope.sender)
                if still:
                    settled |= {n}
            if still:
                self._held[lease.token] = _Held(seq, held.places, settled)
        if again:
            self.connection.executemany(AGAIN, again)
        if back:
            self.connection.execute(_BACK, (json.dumps(back),))
        if done:
            self._senders.leave(self.connection, done, senders)
            self.connection.execute(_DONE, (json.dumps(done),))
        return known

    def _give(
        self, seq: int, places: tuple[int, ...], message: Message, pending: tuple[Pending, ...]
    ) -> Lease:
        self._token += 1
        self._held[self._token] = _Held(seq, places)
        self._given.append(self._token)
        return Lease(message, pending, self._token)

    # -- the other verbs --------------------------------------------------------------------

    def lease(self, now: float, limit: int, avoid: Collection[str]) -> list[Lease]:
        """Lease what is due, in the order of `lanes`."""
        wanted, values = f"+state = {_READY} AND due <= ?", tuple[Value, ...]((now,))
        if avoid:
            self._avoided.set(avoid)
            wanted += f" AND domain NOT IN (SELECT domain FROM {AVOIDED})"
        chosen = due(self.connection, now, limit, avoid=bool(avoid))
        return [self._lease_message(seq, wanted, values) for seq in chosen]

    def take(self, which: Selection, limit: int) -> list[Lease]:
        """Lease what is selected and not leased, oldest message first."""
        wanted, values = condition(which)
        wanted = f"+state & {BUSY_BITS} = 0 AND {wanted}"
        chosen = self._rows(
            f"SELECT DISTINCT message FROM pending WHERE {wanted} ORDER BY message LIMIT ?",
            (*values, max(limit, 0)),
        )
        return [self._lease_message(seq, wanted, values) for (seq,) in chosen]

    def _lease_message(self, seq: int, wanted: str, values: Values) -> Lease:
        """Lease those recipients of one message that fit."""
        rows = self._rows(
            f"UPDATE pending SET state = state | {LEASED_BIT} WHERE message = ? AND {wanted} "
            f"RETURNING n, {PENDING_BEFORE}",
            (seq, *values),
        )
        rows.sort()
        pending = tuple(pending_of(row[1:]) for row in rows)
        found = self._rows(f"SELECT {MESSAGE} FROM {WITH_BODY} WHERE m.seq = ?", (seq,))
        message = message_of(found[0], pending[0].recipient, self._folder.bodies)
        return self._give(seq, tuple(row[0] for row in rows), message, pending)

    def next_due(self, avoid: Collection[str], after: float) -> float | None:
        """When the next ready recipient is due."""
        if avoid:
            self._avoided.set(avoid)
        return next_due(self.connection, after, avoid=bool(avoid))

    def retry(self, which: Selection, now: float) -> int:
        """Make ready recipients due."""
        return self._change(which, _READY, "due = min(due, ?)", (now,))

    def hold(self, which: Selection) -> int:
        """Hold ready recipients."""
        return self._change(which, _READY, f"state = {_HELD}", ())

    def release(self, which: Selection, now: float) -> int:
        """Make held recipients ready and due."""
        return self._change(which, _HELD, f"state = {_READY}, due = min(due, ?)", (now,))

    def _change(self, which: Selection, before: int, change: str, values: Values) -> int:
        wanted, wants = condition(which)
        self.connection.execute(
            f"UPDATE pending SET {change} WHERE +state = {before} AND {wanted}",
            (*values, *wants),
        )
        return self.connection.changes()

    def drop(self, which: Selection) -> int:
        """Remove recipients."""
        wanted, values = condition(which)
        in_files = self._rows(
            f"SELECT DISTINCT message FROM pending WHERE {wanted} "
            "AND NOT EXISTS (SELECT 1 FROM body WHERE seq = message)",
            values,
        )
        self._touched.update(seq for (seq,) in in_files)
        self._senders.drop(self.connection, wanted, values)
        self._senders.dropped = self._senders.dropped or bool(self._held)
        self.connection.execute(f"DELETE FROM pending WHERE {wanted}", values)
        return self.connection.changes()


@cache
def _insertion(table: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"INSERT INTO {table} VALUES {', '.join([row] * rows)}"
