"""Settles in SQL: a row is touched only where it has the token of the lease still."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import psycopg

from ulak.database.connecting import Connection
from ulak.queue.item import Lease, Settlement
from ulak.queue.postgres.hands import Change, Hands
from ulak.queue.postgres.link import Link
from ulak.queue.postgres.rows import PENDING_RECORD, Raw, written
from ulak.queue.postgres.senders import Senders
from ulak.queue.postgres.trouble import storage_error

Settle = tuple[Lease, Sequence[Settlement]]
Gone: TypeAlias = psycopg.AsyncCursor[Raw] | None

_OF = "p.seq = o.seq AND p.n = o.n AND p.token = o.token"
_PLACES = "json_to_recordset(%s) AS o(seq BIGINT, n INTEGER, token BIGINT)"
_LOCK = "SELECT 1 FROM message WHERE seq = ANY(%s) ORDER BY seq FOR UPDATE"
_AGAIN = (
    "UPDATE pending p SET domain = o.domain, held = o.held, token = 0, due = o.due, "
    "attempts = o.attempts, cause = o.cause, reply = o.reply, host = o.host, warned = o.warned, "
    f"source = o.source FROM json_to_recordset(%s) AS o({PENDING_RECORD}) WHERE {_OF}"
)
_BACK = f"UPDATE pending p SET token = 0 FROM {_PLACES} WHERE {_OF}"
_DONE = f"DELETE FROM pending p USING {_PLACES} WHERE {_OF} RETURNING p.seq"
_GONE = (
    "DELETE FROM message m WHERE m.seq = ANY(%s) "
    "AND NOT EXISTS (SELECT 1 FROM pending p WHERE p.seq = m.seq)"
)
# Both at once, where the messages had no other recipients: a transaction of its own.
_LAST = (
    f"WITH done AS ({_DONE}), gone AS (DELETE FROM message m USING done WHERE m.seq = done.seq) "
    "SELECT seq FROM done"
)


async def changed(connection: Connection, change: Change) -> Gone:
    """Make a change, within a transaction or a pipeline.

    What it gives tells, when that is over, for each recipient that has gone its message's number.
    """
    gone: Gone = None
    if change.shared:  # two who finish the last two at once would each leave it to the other
        await connection.execute(_LOCK, (sorted(change.shared),))
    if change.again:
        await connection.execute(_AGAIN, (written(change.again),))
    if change.back:
        await connection.execute(_BACK, (written(change.back),))
    if change.done:
        gone = await connection.execute(_DONE, (written(change.done),))
        await connection.execute(_GONE, (sorted({each["seq"] for each in change.done}),))
    return gone


async def left(senders: Senders, change: Change, gone: Gone) -> None:
    """Note whose mail has gone."""
    if gone is not None:
        senders.leave(change.senders[row[0]] for row in await gone.fetchall())


class Settler:
    """Does batches of settles on a connection of its own."""

    def __init__(self, link: Link, hands: Hands, senders: Senders) -> None:
        self._link = link
        self._hands = hands
        self._senders = senders

    async def carry_out(self, batch: Sequence[Settle]) -> Sequence[object]:
        """Settle; each is answered by the messages whose files it may have made needless."""
        change = Change()
        for lease, outcomes in batch:
            self._hands.settle(lease, outcomes, change)
        try:
            if not change.empty:
                await self._done(change)
        except Exception as error:  # noqa: BLE001 -- whatever it is, those who wait must hear of it
            told = storage_error(error)
            if isinstance(told, ValueError) and len(batch) > 1:
                half = len(batch) // 2
                return [
                    *await self.carry_out(batch[:half]),
                    *await self.carry_out(batch[half:]),
                ]
            return [told] * len(batch)
        self._hands.note(change)
        return [change.filed] * len(batch)

    async def _done(self, change: Change) -> None:
        plain = not (change.again or change.back or change.shared)

        async def step(connection: Connection) -> None:
            if plain:
                gone: Gone = await connection.execute(_LAST, (written(change.done),))
            else:
                async with connection.pipeline():
                    await connection.execute("BEGIN")
                    gone = await changed(connection, change)
                    await connection.execute("COMMIT")
            await left(self._senders, change, gone)

        # Doing it twice does nothing more: the tokens are not there any more.
        await self._link.do(step, twice=True)
