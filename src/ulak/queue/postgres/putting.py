"""Puts in SQL: many messages in one transaction, each refused for its own reasons alone.

When a connection goes while a commit is under way, nobody knows whether the messages are there.
They are asked for by their numbers over a new connection; those that are not there are put again.
The number is a primary key: where the old transaction is still about to commit, the new one waits
for its end. Where nobody can be asked, the sender is told that the message was not taken. If it
is there in spite of that it is removed as soon as the database is back, and if the same store is
asked to put it again, it is that one and no second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from psycopg import errors

from ulak.database.connecting import Connection
from ulak.queue.item import Body, Lease, Message, Pending, Settlement, State
from ulak.queue.postgres.bodies import OCTETS, Bodies, insert_file, insert_octets
from ulak.queue.postgres.bucket import IN_BUCKET, Kept
from ulak.queue.postgres.hands import Change, Hands, Held
from ulak.queue.postgres.link import Link
from ulak.queue.postgres.node import PROOF, Node
from ulak.queue.postgres.rows import (
    MESSAGE_RECORD,
    PENDING_RECORD,
    columns,
    message_record,
    pending_record,
    written,
)
from ulak.queue.postgres.senders import Senders
from ulak.queue.postgres.settling import changed, left
from ulak.queue.postgres.trouble import FencedError, LostError, UndurableError, storage_error
from ulak.queue.store import RECEIPTS, StorageAwayError, StorageError, by_recipient

_MESSAGES = (
    f"INSERT INTO message ({columns(MESSAGE_RECORD)}) "
    f"SELECT * FROM json_to_recordset(%s) AS o({MESSAGE_RECORD})"
)
_PENDING = (
    f"INSERT INTO pending ({columns(PENDING_RECORD)}) "
    f"SELECT * FROM json_to_recordset(%s) AS o({PENDING_RECORD})"
)
# All of a plain batch in one statement, which is a transaction of its own: one exchange with the
# database and nothing around it.
_ALONE = f"""
WITH messages AS ({_MESSAGES}), recipients AS ({_PENDING}), bodies AS ({OCTETS})
"""
_PLAIN = f"{_ALONE} SELECT 1"
_PLAIN_LEASED = f"{_ALONE} {PROOF}"
_OBJECTS = (
    "INSERT INTO object (seq, key, digest) "
    "SELECT * FROM unnest(%s::BIGINT[], %s::TEXT[], %b::BYTEA[]) "
    "ON CONFLICT (seq) DO UPDATE SET key = excluded.key, digest = excluded.digest, going = NULL"
)
_OLD_RECEIPTS = "DELETE FROM receipt WHERE key = ANY(%s) AND time <= %s"
_RECEIPTS = (
    "INSERT INTO receipt (key, digest, answer, time) SELECT * FROM json_to_recordset(%s) "
    "AS o(key TEXT, digest TEXT, answer TEXT, time DOUBLE PRECISION)"
)


@dataclass(slots=True, eq=False)
class Putting:
    """One put. `lane`: see `lanes`. `token` is that of its lease, 0 where nothing of it is leased.

    `kept`: its body is in the bucket. `doubtful`: it may be there already.
    """

    seq: int
    message: Message
    pending: tuple[Pending, ...]
    lease: bool
    settle: tuple[Lease, Sequence[Settlement]] | None
    lane: int
    token: int = 0
    kept: Kept | None = None
    doubtful: bool = False

    @property
    def origin(self) -> Path | None:
        """Where its body was spooled."""
        return self.message.body.path

    @property
    def plain(self) -> bool:
        """Whether it writes a message and its body, and nothing else."""
        message = self.message
        there = message.body.data is not None and self.kept is None
        return there and message.receipt is None and self.settle is None

    @property
    def streamed(self) -> bool:
        """Whether its octets come from a file into the database."""
        return self.origin is not None and self.kept is None

    @property
    def leased(self) -> tuple[int, ...]:
        """Give the places of the recipients that it leases."""
        if not self.lease:
            return ()
        now = self.message.received
        return tuple(
            n
            for n, one in enumerate(self.pending)
            if one.state is not State.HELD and one.due <= now
        )


class Putter:
    """Does batches of puts on a connection of its own."""

    def __init__(
        self, link: Link, hands: Hands, node: Node, bodies: Bodies, senders: Senders
    ) -> None:
        self._link = link
        self._hands = hands
        self._node = node
        self._bodies = bodies
        self._senders = senders
        self._doubtful: dict[str, Putting] = {}  # by the message's id

    def putting(
        self,
        message: Message,
        pending: tuple[Pending, ...],
        *,
        lease: bool,
        settle: tuple[Lease, Sequence[Settlement]] | None,
        number: int = 0,
        kept: Kept | None = None,
    ) -> Putting:
        """Make what a put asks for; one whose outcome is not known is the same again.

        `number` is what `kept`, its body in the bucket, was put under.
        """
        if settle is not None:
            by_recipient(*settle)
        lane = self._senders.enter(message, len(pending))
        doubtful = self._doubtful.pop(message.id, None)
        if doubtful is not None:
            self._node.wanted_again(doubtful.seq)
            seq, token = doubtful.seq, doubtful.token
            return Putting(seq, message, pending, lease, settle, lane, token, kept, doubtful=True)
        seq = number or self._hands.numbers()
        return Putting(seq, message, pending, lease, settle, lane, kept=kept)

    async def carry_out(self, batch: Sequence[Putting]) -> Sequence[object]:
        """Put; each is answered by its lease, None, or the exception to raise."""
        answers: dict[int, object] = {}
        together = [one for one in batch if one.settle is None and not one.streamed]
        for some in (
            [one for one in together if one.kept is None],
            [one for one in together if one.kept is not None],  # these prove their epoch
        ):
            if some:
                await self._put(some, answers)
        for one in batch:
            if one.seq not in answers:
                await self._put([one], answers)
        return [answers[one.seq] for one in batch]

    async def _put(
        self, batch: Sequence[Putting], answers: dict[int, object], *, again: bool = False
    ) -> None:
        try:
            batch = await self._not_there(batch, answers, probing=again)
            if batch:
                await self._insert(batch, answers, probing=again)
        except LostError as lost:
            for one in batch:
                one.doubtful = True
            if again or lost.hung:
                self._refuse(batch, answers, lost)
            else:
                await self._put(batch, answers, again=True)
        except UndurableError as error:
            for one in batch:
                one.doubtful = True
            self._refuse(batch, answers, error)
        except FencedError as error:
            if again:
                self._refuse(batch, answers, error)
            else:
                await self._node.begin_again()
                await self._put(batch, answers, again=True)
        except StorageError as error:
            self._refuse(batch, answers, error)
        except Exception as error:  # noqa: BLE001 -- whatever it is, those who wait must hear of it
            if len(batch) == 1:
                if batch[0].doubtful and isinstance(error, errors.UniqueViolation) and not again:
                    await self._put(batch, answers, again=True)  # the old one was at it still
                    return
                self._refuse(batch, answers, error)
                return
            half = len(batch) // 2
            await self._put(batch[:half], answers, again=again)
            await self._put(batch[half:], answers, again=again)

    def _refuse(
        self, batch: Sequence[Putting], answers: dict[int, object], error: Exception
    ) -> None:
        for one in batch:
            told = storage_error(error)
            answers[one.seq] = told
            self._not_put(one)
            if one.doubtful:
                if isinstance(told, StorageAwayError):  # this time; it may be there from before
                    answers[one.seq] = StorageError(str(told))
                self._doubtful[one.message.id] = one
                if one.settle is None:  # a report that is there has settled what it reports
                    self._node.unwanted(one.seq)
                while len(self._doubtful) > _MOST_DOUBTFUL:
                    del self._doubtful[next(iter(self._doubtful))]

    async def _not_there(
        self, batch: Sequence[Putting], answers: dict[int, object], *, probing: bool
    ) -> Sequence[Putting]:
        """Answer those that are there already; give the others."""
        doubtful = [one for one in batch if one.doubtful]
        if not doubtful:
            return batch
        seqs = [one.seq for one in doubtful]

        async def step(connection: Connection) -> tuple[set[int], set[int]]:
            async with connection.transaction():
                await self._node.touch(connection)  # when this is durable, so is all before it
                found = await connection.execute(
                    "SELECT m.seq, EXISTS (SELECT 1 FROM pending p WHERE p.seq = m.seq "
                    "AND p.token = o.token) FROM unnest(%s::BIGINT[], %s::BIGINT[]) "
                    "AS o(seq, token) JOIN message m USING (seq)",
                    (seqs, [one.token for one in doubtful]),
                )
                rows = await found.fetchall()
            return {seq for seq, _ in rows}, {seq for seq, leased in rows if leased}

        there, leased = await self._link.do(step, probing=probing)
        for one in doubtful:
            if one.seq in there:
                one.doubtful = False
                ours = one.seq in leased and self._hands.ours(one.token)
                answers[one.seq] = self._taken(one) if ours else None
        return [one for one in batch if one.seq not in there]

    async def _insert(
        self, batch: Sequence[Putting], answers: dict[int, object], *, probing: bool
    ) -> None:
        for one in batch:
            one.token = self._hands.numbers() if one.leased else 0
        change = Change()
        put = True

        async def step(connection: Connection) -> None:
            nonlocal put, change
            change = Change()
            if (settle := batch[0].settle) is None:
                if all(one.plain for one in batch):
                    await self._plain_rows(connection, batch)
                elif not batch[0].streamed:
                    async with connection.pipeline():
                        await connection.execute("BEGIN")
                        await self.rows(connection, batch)
                        await connection.execute("COMMIT")
                else:
                    async with connection.transaction():
                        await self.rows(connection, batch)
                return
            put = self._hands.settle(*settle, change)
            if put:
                async with connection.transaction():
                    await self._node.prove(connection)
                    gone = await changed(connection, change)
                    await self.rows(connection, batch)
                await left(self._senders, change, gone)

        size = sum(one.message.body.size for one in batch if one.kept is None)
        try:
            await self._link.do(step, probing=probing, more=size / _LEAST_RATE)
        except errors.DivisionByZero as error:
            raise FencedError from error
        if not put:  # somebody else reports
            self._bodies.discard(batch[0].origin)
            answers[batch[0].seq] = None
            self._not_put(batch[0])
            return
        self._hands.note(change)
        await self._bodies.forget(change.filed)
        for one in batch:
            answers[one.seq] = self._taken(one)

    async def _plain_rows(self, connection: Connection, batch: Sequence[Putting]) -> None:
        """Write a batch that has nothing but messages and bodies in memory, and commit it."""
        slot = self._node.young
        messages, recipients = _records(batch, slot)
        octets = {one.seq: one.message.body.data or b"" for one in batch}
        values: list[Any] = [
            *(written(messages), written(recipients)),
            *(slot, list(octets), list(octets.values())),
        ]
        if any(one.token for one in batch):
            await connection.execute(_PLAIN_LEASED, [*values, self._node.epoch])
        else:
            await connection.execute(_PLAIN, values)

    async def rows(self, connection: Connection, batch: Sequence[Putting]) -> None:
        """Write messages, within a transaction or a pipeline."""
        slot = self._node.young
        messages, recipients = _records(batch, slot)
        if any(one.token for one in batch):
            await self._node.prove(connection)
        kept = {one.seq: one.kept for one in batch if one.kept is not None}
        for epoch in {each.epoch for each in kept.values()}:
            await self._node.prove(connection, epoch)  # else an object may be swept (`sweeping`)
        await connection.execute(_MESSAGES, (written(messages),))
        await connection.execute(_PENDING, (written(recipients),))
        if kept:
            keys, digests = [each.key for each in kept.values()], [e.digest for e in kept.values()]
            await connection.execute(_OBJECTS, (list(kept), keys, digests))
        octets = {
            one.seq: one.message.body.data
            for one in batch
            if one.kept is None and one.message.body.data is not None
        }
        if octets:
            await insert_octets(connection, slot, octets)
        receipts: list[dict[str, Any]] = [
            {
                "key": receipt.key,
                "digest": receipt.digest,
                "answer": receipt.answer,
                "time": one.message.received,
            }
            for one in batch
            if (receipt := one.message.receipt) is not None
        ]
        if receipts:
            keys = [each["key"] for each in receipts]
            await connection.execute(_OLD_RECEIPTS, (keys, receipts[-1]["time"] - RECEIPTS))
            await connection.execute(_RECEIPTS, (written(receipts),))
        for one in batch:
            if one.kept is None and one.origin is not None:
                await insert_file(connection, slot, one.seq, one.origin)

    def _not_put(self, one: Putting) -> None:
        """Note that a message did not come."""
        self._senders.leave([one.message.envelope.sender] * len(one.pending))

    def _taken(self, one: Putting) -> Lease | None:
        """Do what is left when a message is there; give the lease that was asked for."""
        origin, leased = one.origin, one.leased
        if not leased:
            self._bodies.discard(origin)
            return None
        message = one.message
        if message.receipt is not None:
            message = replace(message, receipt=None)
        if origin is not None:
            path = self._bodies.keep(one.seq, origin)
            message = replace(message, body=Body(message.body.size, path=path))
        pending = one.pending
        alone = len(pending) == 1 and message.envelope.recipients == (pending[0].recipient,)
        if len(leased) != len(pending):
            pending = tuple(pending[n] for n in leased)
        return self._hands.give(one.token, Held(one.seq, leased, alone), message, pending)


def _records(
    batch: Sequence[Putting], slot: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give the rows of messages and those of their recipients."""
    messages: list[dict[str, Any]] = []
    recipients: list[dict[str, Any]] = []
    for one in batch:
        where = slot if one.kept is None else IN_BUCKET
        messages.append(message_record(one.seq, one.message, one.pending, where))
        leased = frozenset(one.leased)
        recipients += [
            pending_record(one.seq, n, each, one.token if n in leased else 0, one.lane)
            for n, each in enumerate(one.pending)
        ]
    return messages, recipients


_MOST_DOUBTFUL = 10_000
_LEAST_RATE = 5_000_000.0  # octets a second that a body may take its time for
