"""A queue in PostgreSQL as one end of a move (`ulak.queue.moving`): other nodes go on beside it.

What arrives has a token that is no node's, so that nobody leases it and no burial gives it back.
Large bodies go into the bucket where there is one, as those of any put: each object is there before
the row that names it. What an interruption leaves there is swept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import psycopg
from psycopg import errors

from ulak.database.connecting import Connection
from ulak.queue.item import Again, Lease, Message, Receipt, Settlement, State
from ulak.queue.moving import Departure
from ulak.queue.postgres.bodies import Bodies
from ulak.queue.postgres.bucket import Bucket, Kept
from ulak.queue.postgres.fetching import Apart, Fetching
from ulak.queue.postgres.hands import Hands
from ulak.queue.postgres.leasing import Leasing
from ulak.queue.postgres.link import Link, Step
from ulak.queue.postgres.node import Node
from ulak.queue.postgres.putting import Putter, Putting
from ulak.queue.postgres.rows import Raw
from ulak.queue.postgres.settling import Settler
from ulak.queue.postgres.trouble import FencedError, LostError, UndurableError, storage_error
from ulak.queue.store import StorageError
from ulak.replies import catalog

T = TypeVar("T")

ARRIVING = 1  # the token: of the epoch 0, which is nobody's
_LARGE = 120.0  # seconds that a batch with large bodies may take
_AT_ONCE = 4  # bodies on their way into the bucket

_KNOWN = """
SELECT m.id, EXISTS (SELECT 1 FROM arriving a WHERE a.seq = m.seq)
FROM message m WHERE m.id = ANY(%s)
"""
_ARRIVING = "INSERT INTO arriving (seq, origin) SELECT unnest(%s::BIGINT[]), %s"
_LEFT = """
WITH gone AS (
    DELETE FROM pending p USING unnest(%s::BIGINT[], %s::BIGINT[]) AS o(seq, token)
    WHERE p.seq = o.seq AND p.token = o.token RETURNING p.seq
)
INSERT INTO departed (target, id)
SELECT DISTINCT %s, m.id FROM gone JOIN message m USING (seq) ON CONFLICT DO NOTHING
"""
_GONE = (
    "DELETE FROM message m WHERE m.seq = ANY(%s) "
    "AND NOT EXISTS (SELECT 1 FROM pending p WHERE p.seq = m.seq)"
)
_CONFIRMED = f"""
WITH ours AS (
    DELETE FROM arriving a USING message m
    WHERE a.origin = %s AND m.seq = a.seq AND m.id = ANY(%s) RETURNING a.seq
)
UPDATE pending p SET token = 0 FROM ours WHERE p.seq = ours.seq AND p.token = {ARRIVING}
"""
_REMOVED = f"""
WITH others AS (
    DELETE FROM arriving WHERE origin = %s RETURNING seq
), gone AS (
    DELETE FROM pending p USING others WHERE p.seq = others.seq AND p.token = {ARRIVING}
)
DELETE FROM message m USING others WHERE m.seq = others.seq
"""
_FORGET = "DELETE FROM departed WHERE target = %s AND id = ANY(%s)"
_RECEIPTS = "SELECT key, digest, answer, time FROM receipt WHERE key > %s ORDER BY key LIMIT %s"
_KEEP = """
INSERT INTO receipt (key, digest, answer, time)
SELECT * FROM unnest(%s::TEXT[], %s::TEXT[], %s::TEXT[], %s::FLOAT8[])
ON CONFLICT DO NOTHING
"""


@dataclass(slots=True, eq=False)
class _Arrival(Putting):
    """A put of which every recipient has the token, whether due or not."""

    @property
    def leased(self) -> tuple[int, ...]:
        """Give the places of all recipients."""
        return tuple(range(len(self.pending)))


class PostgresEnd:
    """One node of the queue in a database; implements `ulak.queue.moving.End`."""

    def __init__(
        self,
        hands: Hands,
        node: Node,
        bodies: Bodies,
        putter: Putter,
        settler: Settler,
        link: Link,
        fetching: Fetching,
        bucket: Bucket | None,
    ) -> None:
        self._hands = hands
        self._node = node
        self._bodies = bodies
        self._putter = putter
        self._settler = settler
        self._link = link
        self._fetching = fetching
        self._bucket = bucket

    async def identity(self) -> str:
        """Give what tells this queue from all others."""
        ((identity,),) = await self._rows("SELECT identity FROM store", ())
        return str(identity)

    async def depart(self, after: int, limit: int, octets: int) -> list[Departure]:
        """Lease whole messages, in order; those whose bodies are lost stay."""
        while True:
            found, last = await self._depart(after, limit, octets)
            if found or last == after:
                return found
            after = last

    async def _depart(self, after: int, limit: int, octets: int) -> tuple[list[Departure], int]:
        leasing = Leasing(self._hands, self._node, self._bodies, limit)
        try:
            lanes = await self._do(partial(leasing.whole, after=after, octets=octets), more=_LARGE)
        except BaseException:
            leasing.never_given()
            raise
        unread: dict[int, Apart] = {}
        leases = await self._whole(leasing.given(unread), unread)
        placed = ((lease, *lanes[lease.message.id]) for lease in leases)
        last = max((seq for seq, _ in lanes.values()), default=after)
        return [Departure(seq, lease, lane) for lease, seq, lane in placed], last

    async def _whole(self, leases: list[Lease], unread: dict[int, Apart]) -> list[Lease]:
        """Have the bodies here that lie in the bucket. Those that are lost are held, and stay."""
        if not unread:
            return leases
        filled = await self._fetching.filled(leases, unread, None, bodiless=True)
        ready = [lease for lease in filled if not lease.message.body.lost]
        bare = [lease for lease in filled if lease.message.body.lost]
        lost = [lease for lease in bare if lease.pending[0].cause == catalog.BODY_LOST.name]
        for lease in lost:
            await self._settle(lease, [Again(replace(e, state=State.HELD)) for e in lease.pending])
        if len(lost) < len(bare):
            for lease in filled:
                if lease not in lost:
                    await self.settle(lease)
            message = "The bucket cannot be read, where the texts of large messages lie."
            raise StorageError(message)
        return ready

    async def arrive(self, origin: str, departures: Sequence[Departure]) -> set[str]:
        """Keep messages that another store has still."""
        known: set[str] = set()
        apart = await self._put_apart([each.lease.message for each in departures])

        async def step(connection: Connection) -> None:
            known.clear()
            async with connection.transaction():
                found = await connection.execute(_KNOWN, ([each.id for each in departures],))
                for identifier, coming in await found.fetchall():
                    if coming:
                        message = "a message comes from two stores at once"
                        raise ValueError(message)
                    known.add(identifier)
                arrivals = [self._arrival(e, apart) for e in departures if e.id not in known]
                if arrivals:
                    await connection.execute(_ARRIVING, ([each.seq for each in arrivals], origin))
                    await self._putter.rows(connection, arrivals)

        named: Collection[str] = apart  # where nobody knows: what no row names is swept
        try:
            await self._do(step, more=_LARGE)
            named = apart.keys() - known
        except ValueError:
            named = ()
            raise
        finally:
            self._ended(apart, named)
        return known

    def _arrival(self, departure: Departure, apart: Mapping[str, tuple[int, Kept]]) -> _Arrival:
        message, pending = departure.lease.message, departure.lease.pending
        seq, kept = apart.get(departure.id) or (self._hands.numbers(), None)
        return _Arrival(
            *(seq, message, pending),
            lease=True,
            settle=None,
            lane=departure.lane,
            token=ARRIVING,
            kept=kept,
        )

    async def _put_apart(self, messages: Sequence[Message]) -> dict[str, tuple[int, Kept]]:
        """Put large bodies into the bucket, before the rows that name them; those that it took.

        Gives their numbers, by the ids of their messages. Raises StorageError.
        """
        bucket = self._bucket
        large = [m for m in messages if bucket is not None and m.body.size > bucket.larger_than]
        if bucket is None or not large:
            return {}
        there = {row[0] for row in await self._rows(_KNOWN, ([each.id for each in large],))}
        try:
            home = await bucket.home(self._link)
        except (LostError, UndurableError, psycopg.Error) as error:
            raise storage_error(error) from error
        limit = asyncio.Semaphore(_AT_ONCE)
        apart: dict[str, tuple[int, Kept]] = {}

        async def put(message: Message) -> None:
            number = self._hands.numbers()
            async with limit:
                kept = await bucket.put(number, message.body, home)
            if kept is not None:
                apart[message.id] = number, kept

        tasks = [asyncio.ensure_future(put(each)) for each in large if each.id not in there]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._ended(apart, ())
            raise
        return apart

    def _ended(self, apart: Mapping[str, tuple[int, Kept]], named: Collection[str]) -> None:
        """Note that bodies were put, and which of them rows name now."""
        for identifier, (_, kept) in apart.items():
            if self._bucket is not None:
                self._bucket.ended(kept.key, wanted=identifier in named)

    async def leave(self, target: str, leases: Sequence[Lease]) -> None:
        """Remove what has gone there, and note it."""
        held = [(self._hands.seq(lease.token), lease.token) for lease in leases]
        seqs = [seq for seq, _ in held if seq]
        tokens = [token for seq, token in held if seq]

        async def step(connection: Connection) -> None:
            async with connection.transaction():
                await connection.execute(_LEFT, (seqs, tokens, target))
                await connection.execute(_GONE, (seqs,))

        await self._do(step, twice=True)
        self._hands.let_go(tokens)
        await self._bodies.look()

    async def left(self, target: str) -> list[str]:
        """Give what is noted."""
        rows = await self._rows("SELECT id FROM departed WHERE target = %s", (target,))
        return [identifier for (identifier,) in rows]

    async def confirm(self, origin: str, ids: Collection[str]) -> None:
        """Let go of those that are ours now, and remove the others from there."""

        async def step(connection: Connection) -> None:
            async with connection.transaction():
                if ids:
                    await connection.execute(_CONFIRMED, (origin, [*ids]))
                    await self._node.tell(connection)
                await connection.execute(_REMOVED, (origin,))

        await self._do(step, twice=True)

    async def forget(self, target: str, ids: Collection[str]) -> None:
        """Forget what is noted."""

        async def step(connection: Connection) -> None:
            await connection.execute(_FORGET, (target, [*ids]))

        await self._do(step, twice=True)

    async def receipts(self, after: str, limit: int) -> list[tuple[Receipt, float]]:
        """Give receipts by their keys."""
        rows = await self._rows(_RECEIPTS, (after, limit))
        return [(Receipt(*row[:3]), row[3]) for row in rows]

    async def keep(self, receipts: Sequence[tuple[Receipt, float]]) -> None:
        """Keep receipts that are not here."""
        columns = [(one.key, one.digest, one.answer, time) for one, time in receipts]

        async def step(connection: Connection) -> None:
            await connection.execute(_KEEP, [list(column) for column in zip(*columns, strict=True)])

        await self._do(step, twice=True)

    async def settle(self, lease: Lease) -> None:
        """Give a lease back."""
        await self._settle(lease, ())

    async def _settle(self, lease: Lease, outcomes: Sequence[Settlement]) -> None:
        (answer,) = await self._settler.carry_out([(lease, outcomes)])
        if isinstance(answer, Exception):
            raise answer

    # -- how to ask -------------------------------------------------------------------------

    async def _rows(self, statement: str, values: Sequence[object]) -> list[Raw]:
        async def step(connection: Connection) -> list[Raw]:
            return await (await connection.execute(statement, values)).fetchall()

        return await self._do(step, twice=True)

    async def _do(self, step: Step[T], *, more: float = 0.0, twice: bool = False) -> T:
        try:
            return await self._link.do(step, more=more, twice=twice)
        except errors.DivisionByZero as error:  # the next try is one of a new epoch
            await self._begin_again()
            raise storage_error(FencedError()) from error
        except (LostError, UndurableError, psycopg.Error, OSError) as error:
            raise storage_error(error) from error

    async def _begin_again(self) -> None:
        try:
            await self._node.begin_again()
        except (LostError, UndurableError, psycopg.Error) as error:
            raise storage_error(error) from error
