"""One of those who work on a queue: how the others know that it lives, and what it does for all.

A node has an epoch, which is in each of its leases, and a row that says until when it is believed
to live. It renews that six times in the time of a lease, which is the same for all and stands in
`store`. Who finds a row whose time is over takes it away, and with it all leases of that epoch:
these recipients are ready again, or held. A node that was only asleep finds its row gone and
begins a new epoch; its old leases settle nothing, and nothing new is begun with them.

Time is the database's. Who has not seen the database for a while lets the others come back first.
"""

from __future__ import annotations

import asyncio
import contextlib
import operator
import time
from collections.abc import Callable

import psycopg

from ulak.database.connecting import Connection
from ulak.queue.postgres import schema
from ulak.queue.postgres.bodies import Bodies
from ulak.queue.postgres.hands import Hands
from ulak.queue.postgres.keeping import empty, moved, turned
from ulak.queue.postgres.link import Link, Way
from ulak.queue.postgres.rows import EPOCH_SHIFT
from ulak.queue.postgres.senders import Senders
from ulak.queue.postgres.trouble import LostError, UndurableError
from ulak.queue.sql import postgres as sql
from ulak.queue.store import RECEIPTS, StorageError

_BEATS = 6  # in the time of a lease
_GRACE = 0.5  # of that time: what others have to come back in when the database does
_AGAIN = 0.5  # seconds

PROOF = "SELECT 1 / count(*) FROM (SELECT 1 FROM node WHERE epoch = %s FOR KEY SHARE) one"
# Nobody is born where what its version needs was taken away; and nothing is, meanwhile.
_BORN = (
    "INSERT INTO node (epoch, name, version, until) "
    "SELECT nextval('epoch'), %s, %s, now() + make_interval(secs => lease) "
    "FROM store WHERE ended <= %s FOR KEY SHARE "
    "RETURNING epoch, (SELECT young FROM store), (SELECT lease FROM store)"
)
_LIVES = (
    "UPDATE node SET until = now() + make_interval(secs => lease) FROM store WHERE epoch = %s "
    "RETURNING young, lease"
)
_DEAD = "DELETE FROM node WHERE epoch <> %s AND (name = %s OR until < now() AND %s) RETURNING epoch"
_GIVEN_BACK = f"UPDATE pending SET token = 0 WHERE token >> {EPOCH_SHIFT} = ANY(%s) AND token <> 0"
_ITS_OWN = f"UPDATE pending SET token = 0 WHERE seq = ANY(%s) AND token >> {EPOCH_SHIFT} = %s"
_NEVER_GIVEN = "UPDATE pending SET token = 0 WHERE token BETWEEN %s AND %s"
_NOT_WANTED = (
    "WITH gone AS (DELETE FROM pending WHERE seq = ANY(%s) AND (token = 0 OR token >> "
    f"{EPOCH_SHIFT} = %s)) DELETE FROM message m WHERE seq = ANY(%s) AND NOT EXISTS "
    f"(SELECT 1 FROM pending p WHERE p.seq = m.seq AND token <> 0 AND token >> {EPOCH_SHIFT} <> %s)"
)
_OLD_RECEIPTS = (
    "DELETE FROM receipt WHERE key IN (SELECT key FROM receipt "
    "WHERE time <= extract(epoch FROM now()) - %s LIMIT 1000 FOR UPDATE SKIP LOCKED)"
)

_TROUBLE = (StorageError, LostError, UndurableError, psycopg.Error)


class Node:
    """This node: its row, its beat, and the news that it listens to."""

    def __init__(self, name: str, way: Way, hands: Hands, news: Callable[[], None]) -> None:
        self._name = name
        self._way = way
        self._hands = hands
        self._news = news
        self._link = Link(way, f"{name} node")
        self._tasks: list[asyncio.Task[None]] = []
        self._back_since = 0.0
        self._unwanted: set[int] = set()
        self._never_given: list[tuple[int, int]] = []
        self._births = asyncio.Lock()
        self._doubts = asyncio.Lock()
        self._lease = 60.0
        self._sure_until = _clocks()
        self.epoch = 0
        self.young = 0
        self.bodies: Bodies | None = None
        self.senders: Senders | None = None
        way.probe_by(self.beat)

    # -- being born, living, and dying ------------------------------------------------------

    async def begin(self, *, patient: bool) -> None:
        """Prepare the tables and take a place among the nodes. Raises StorageError.

        `patient`: where the database is away, later.
        """
        try:
            await self._come()
        except StorageError:
            if not (patient and self._way.open):
                raise
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._live()), loop.create_task(self._listen())]

    async def _come(self) -> None:
        async def step(connection: Connection) -> None:
            await schema.prepare(connection, self._way.schema)

        await self._link.do(step, probing=True, more=60.0)
        await self._be_born()

    async def begin_again(self) -> None:
        """Begin a new epoch: the others have given our leases to somebody else."""
        async with self._births:
            if not await self._link.do(self._alive, probing=True, twice=True):
                await self._be_born()

    async def _be_born(self) -> None:
        async def step(connection: Connection) -> tuple[int, int, float]:
            async with connection.transaction():
                born = await connection.execute(_BORN, (self._name, sql.VERSION, sql.VERSION))
                row = await born.fetchone()
                if row is None:
                    schema.refuse_newer((await schema.versions(connection))[1])
                assert row is not None  # noqa: S101 -- it has just been put there
                # One of the same name is who we were before: it does not have to be waited for.
                await self._take_over(connection, row[0], others=False)
            return row[0], row[1], row[2]

        begun = _clocks()
        self.epoch, self.young, self._lease = await self._link.do(step, probing=True)
        self._note_alive(begun)
        self._hands.begin(self.epoch)
        self._back_since = asyncio.get_running_loop().time()

    async def close(self) -> None:
        """Give back what we have leased, and go."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        seqs = sorted(self._hands.seqs)

        async def step(connection: Connection) -> None:
            async with connection.transaction():
                await connection.execute(_ITS_OWN, (seqs, self.epoch))
                await connection.execute("DELETE FROM node WHERE epoch = %s", (self.epoch,))
                await self.tell(connection)  # and what was given back before, too

        # Else the others find out by themselves.
        with contextlib.suppress(*_TROUBLE):
            await self._link.do(step)
        await self._link.close()

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(self._beat)
            if self._way.open:
                continue  # the probe beats
            with contextlib.suppress(*_TROUBLE):
                await self.beat()
                await self._keep_house()

    async def beat(self) -> None:
        """Say that we live, and clean up what an interruption has left; all of it durable."""
        was_away = self._way.open
        if not self.epoch:
            await self._come()
        elif not await self._link.do(self._alive, probing=True, twice=True):
            await self.begin_again()
        if was_away:
            self._back_since = asyncio.get_running_loop().time()
            self._news()
        await self._clean()

    async def _alive(self, connection: Connection) -> bool:
        begun = _clocks()
        row = await (await connection.execute(_LIVES, (self.epoch,))).fetchone()
        if row is not None:
            self.young, self._lease = row
            self._note_alive(begun)
        return row is not None

    @property
    def _beat(self) -> float:
        return self._lease / _BEATS

    def _note_alive(self, begun: tuple[float, float]) -> None:
        monotonic, wall = begun
        self._sure_until = monotonic + self._lease, wall + self._lease

    @property
    def _in_doubt(self) -> bool:
        # A machine that was asleep may have stood still by one clock and not by the other.
        return self._way.open or any(map(operator.gt, _clocks(), self._sure_until))

    async def sure(self) -> None:
        """Wait until it is known what we have leased still: not while the database is away."""
        if not self._in_doubt:
            return
        async with self._doubts:
            while self._in_doubt:
                if not self._way.open:
                    with contextlib.suppress(*_TROUBLE):
                        await self.beat()
                        continue
                await asyncio.sleep(_AGAIN)

    # -- what others ask within their transactions ------------------------------------------

    async def prove(self, connection: Connection, epoch: int = 0) -> None:
        """Fail (with a division by zero) where our epoch is over; else keep it until the commit.

        `epoch`: one that was ours, where it is another.
        """
        await connection.execute(PROOF, (epoch or self.epoch,))

    async def touch(self, connection: Connection) -> None:
        """Change something that nobody minds, so that there is something to commit."""
        await connection.execute("UPDATE node SET until = until WHERE epoch = %s", (self.epoch,))

    async def tell(self, connection: Connection) -> None:
        """Wake the other nodes when the transaction commits: something may be due."""
        await connection.execute("SELECT pg_notify(%s, '')", (self._channel,))

    @property
    def _channel(self) -> str:
        return f"ulak queue {self._way.schema}"

    # -- what an interruption has left ------------------------------------------------------

    def unwanted(self, seq: int) -> None:
        """Note a message that was refused and may be there all the same; it is looked for soon."""
        self._unwanted.add(seq)
        self._way.lost()

    def wanted_again(self, seq: int) -> None:
        """Note that it is about to be put again."""
        self._unwanted.discard(seq)

    def never_given(self, first: int, count: int) -> None:
        """Note tokens that rows may have though nobody got the leases."""
        self._never_given.append((first, first + count - 1))

    async def _clean(self) -> None:
        if not self._unwanted and not self._never_given:
            return
        seqs, tokens = sorted(self._unwanted), list(self._never_given)

        async def step(connection: Connection) -> None:
            async with connection.transaction():
                if seqs:
                    values = (seqs, self.epoch, seqs, self.epoch)
                    await connection.execute(_NOT_WANTED, values)
                for first, last in tokens:
                    await connection.execute(_NEVER_GIVEN, (first, last))

        await self._link.do(step, probing=True, twice=True)
        self._unwanted.difference_update(seqs)
        self._never_given = self._never_given[len(tokens) :]

    # -- what one node does for all ---------------------------------------------------------

    async def _keep_house(self) -> None:
        """Take over from the dead, forget old receipts, and empty parts of bodies."""
        since_back = asyncio.get_running_loop().time() - self._back_since
        settled = since_back > self._lease * _GRACE

        async def bury(connection: Connection) -> None:
            async with connection.transaction():
                await self._take_over(connection, self.epoch, others=settled)

        await self._link.do(bury)
        await self._link.do(schema.finish)
        await self._link.do(lambda connection: connection.execute(_OLD_RECEIPTS, (RECEIPTS,)))
        await self._link.do(turned)
        while await self._link.do(moved):
            pass
        await self._link.do(empty)
        if self.bodies is not None:
            await self.bodies.look()
        if self.senders is not None:
            await self.senders.count()

    async def _take_over(self, connection: Connection, epoch: int, *, others: bool) -> None:
        dead = await connection.execute(_DEAD, (epoch, self._name, others))
        epochs = [row[0] for row in await dead.fetchall()]
        if epochs:
            await connection.execute(_GIVEN_BACK, (epochs,))
            await self.tell(connection)

    # -- news -------------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Hear of what is due at once; who hears nothing looks when it is time."""
        while True:
            with contextlib.suppress(StorageError, psycopg.Error):
                connection = await self._way.connect(f"{self._name} news")
                async with connection:
                    await connection.execute(
                        psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(self._channel))
                    )
                    async for _ in connection.notifies():
                        self._news()
            await asyncio.sleep(self._beat)


def _clocks() -> tuple[float, float]:
    return time.monotonic(), time.time()
