"""Objects that nobody needs any more: removed from the bucket, and never one that a row names.

A message that goes leaves its row in `object`: that is how its object is found and deleted, and
after it the row. An object that no row names was left by a put that did not come to its end. Such
ones are looked for in the listing of the bucket, a page at a time. One is removed when

- it is there for a day, by our clock; and
- no row names it, as was asked after the listing; and
- none can come: the epoch that its key has is over, or it is ours and the put is over. A put
  proves that epoch in the transaction of its row (`Node.prove`), which its burial waits for; so
  who sees that the epoch is over sees all rows that it will ever have. For our own, the row of our
  node is locked for a moment, which waits for the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence

import psycopg

from ulak.database.connecting import Connection
from ulak.queue.postgres.bucket import Bucket, epoch_of
from ulak.queue.postgres.link import Link, Way
from ulak.queue.postgres.node import Node
from ulak.queue.postgres.objects import BucketError, Listed
from ulak.queue.postgres.trouble import LostError, UndurableError
from ulak.queue.store import StorageError

_PAUSE = 10.0  # seconds between two looks
_LEISURE = 50.0  # times as long as a look takes is the pause before the next
_MOST = 1000  # objects deleted at once
_PATIENCE = 120  # seconds after which another node deletes what one was about to
_PAGES = 20  # of the listing, in one look
_ROUND = 6 * 3600  # seconds between two rounds through the listing
_NEXT = 60  # seconds between two looks of one round
_SAFE = 86_400.0  # seconds: younger objects are left alone

_GOING = (
    "UPDATE object SET going = now() WHERE seq IN (SELECT o.seq FROM object o "
    "WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.seq = o.seq) "
    "AND (o.going IS NULL OR o.going < now() - make_interval(secs => %s)) "
    "LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING seq, key"
)
_GONE = (
    "DELETE FROM object o USING unnest(%s::BIGINT[], %s::TEXT[]) AS gone(seq, key) "
    "WHERE o.seq = gone.seq AND o.key = gone.key"
)
_TURN = (
    "UPDATE sweep SET due = now() + make_interval(secs => %s) WHERE due <= now() RETURNING place"
)
_PLACE = "UPDATE sweep SET place = %s, due = now() + make_interval(secs => %s)"
_OURS = "SELECT 1 FROM node WHERE epoch = %s FOR UPDATE"
_NEEDED = "SELECT key FROM object WHERE key = ANY(%s)"
_ALIVE = "SELECT epoch FROM node WHERE epoch = ANY(%s)"


class Sweeping:
    """What a node does to keep the bucket in shape, on a connection of its own."""

    def __init__(
        self,
        way: Way,
        node: Node,
        bucket: Bucket,
        name: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._link = Link(way, f"{name} bucket", scan=True)
        self._node = node
        self._bucket = bucket
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look from time to time."""
        self._task = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._link.close()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        pause = _PAUSE
        while True:
            await asyncio.sleep(pause)
            began = loop.time()
            with contextlib.suppress(
                BucketError, StorageError, LostError, UndurableError, psycopg.Error
            ):
                await self.delete()
                await self.look()
            pause = max(_PAUSE, _LEISURE * (loop.time() - began))

    async def delete(self) -> int:
        """Delete the objects of messages that are gone; how many there were."""
        count = 0
        while some := await self._going():
            await self._bucket.objects.delete([key for _, key in some])
            seqs, keys = [seq for seq, _ in some], [key for _, key in some]

            async def gone(connection: Connection, s: object = seqs, k: object = keys) -> None:
                await connection.execute(_GONE, (s, k))

            await self._link.do(gone, twice=True)
            count += len(some)
            if len(some) < _MOST:
                break
        return count

    async def _going(self) -> Sequence[tuple[int, str]]:
        async def step(connection: Connection) -> Sequence[tuple[int, str]]:
            found = await connection.execute(_GOING, (_PATIENCE, _MOST))
            return [(row[0], row[1]) for row in await found.fetchall()]

        return await self._link.do(step, twice=True)

    async def look(self) -> int:
        """Remove what no row names, where it is our turn; how many there were."""

        async def turn(connection: Connection) -> str | None:
            row = await (await connection.execute(_TURN, (_NEXT,))).fetchone()
            return None if row is None else str(row[0])

        place = await self._link.do(turn)
        if place is None:
            return 0
        home = await self._bucket.home(self._link)
        count = 0
        for _ in range(_PAGES):
            page = await self._bucket.objects.list(home, place)
            if not page:
                place = ""
                break
            count += await self.orphans(page)
            place = page[-1].key
        pause = _NEXT if place else _ROUND

        async def on(connection: Connection) -> None:
            await connection.execute(_PLACE, (place, pause))

        await self._link.do(on, twice=True)
        return count

    async def orphans(self, page: Sequence[Listed]) -> int:
        """Remove of these objects those that no row names and none will name; how many."""
        oldest = self._clock() - _SAFE
        ours = self._node.epoch
        under_way = frozenset(self._bucket.under_way)  # before the rows are looked at
        epochs = {
            one.key: epoch
            for one in page
            if one.since < oldest and (epoch := epoch_of(one.key)) is not None
        }
        if not epochs:
            return 0

        async def step(connection: Connection) -> tuple[set[str], set[int]]:
            async with connection.transaction():
                # Who lives now may yet write rows that the next question does not see.
                alive = await connection.execute(_ALIVE, (sorted(set(epochs.values())),))
                living = {row[0] for row in await alive.fetchall()}
                if ours in living:
                    await connection.execute(_OURS, (ours,))
                    living.discard(ours)
                needed = await connection.execute(_NEEDED, (sorted(epochs),))
                return {row[0] for row in await needed.fetchall()}, living

        needed, alive = await self._link.do(step)
        orphans = [
            key
            for key, epoch in epochs.items()
            if key not in needed and epoch not in alive and key not in under_way
        ]
        if orphans:
            await self._bucket.objects.delete(orphans)
        return len(orphans)
