"""A queue in PostgreSQL: the verbs of `QueueStore` as an event loop calls them.

Each node has a connection for puts, one for settles, one for the verbs that change anything else,
and one for looking: what comes while one is busy is done together when it is free.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg import errors

from ulak.database.connecting import Connection
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
from ulak.queue.postgres.bodies import Bodies
from ulak.queue.postgres.bucket import Bucket
from ulak.queue.postgres.due import next_due
from ulak.queue.postgres.fetching import Apart, Fetching
from ulak.queue.postgres.hands import Hands
from ulak.queue.postgres.lane import Lane
from ulak.queue.postgres.leasing import Leasing, read_by_id
from ulak.queue.postgres.link import Link, Way
from ulak.queue.postgres.moving import PostgresEnd
from ulak.queue.postgres.node import Node
from ulak.queue.postgres.objects import BucketError, MissingError
from ulak.queue.postgres.operating import changed, counted, dropped, next_deadline, pages
from ulak.queue.postgres.putting import Putter, Putting
from ulak.queue.postgres.rows import row_of
from ulak.queue.postgres.senders import Senders
from ulak.queue.postgres.settling import Settle, Settler
from ulak.queue.postgres.sweeping import Sweeping
from ulak.queue.postgres.trouble import (
    AWAY,
    FencedError,
    LostError,
    UndurableError,
    storage_error,
)
from ulak.queue.store import StorageError, at_rest, by_recipient, refuse_nonsense

T = TypeVar("T")
Leases: TypeAlias = list[Lease]  # `list` is a verb further down

_MOST = 500  # puts or settles in one transaction
_MOST_OCTETS = 16_000_000  # of bodies in one transaction

Ask: TypeAlias = Callable[[], Awaitable[Any]]


class PostgresStore:
    """One node of the queue in a database; implements `QueueStore`. `open_store` makes one.

    `on_news` is called when another node says that something may be due, or the database is back.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        name: str,
        schema: str = "ulak",
        bucket: Bucket | None = None,
    ) -> None:
        self.on_news: Callable[[], None] = lambda: None
        self._way = Way(url, schema)
        self._hands = Hands()
        self._node = Node(name, self._way, self._hands, self._news)
        self._links = {
            what: Link(
                self._way,
                f"{name} {what}",
                scan=what in ("asks", "looks"),
                by_keys=what in ("puts", "settles"),
            )
            for what in ("puts", "settles", "leases", "asks", "looks")
        }
        self._bodies = Bodies(folder, self._links["looks"], lambda: self._hands.seqs)
        self._node.bodies = self._bodies
        self._senders = self._node.senders = Senders(self._links["looks"])
        self._putter = Putter(
            self._links["puts"], self._hands, self._node, self._bodies, self._senders
        )
        self._settler = Settler(self._links["settles"], self._hands, self._senders)
        self._puts: Lane[Putting] = Lane(self._carry_out, _MOST, _MOST_OCTETS, self._give_back)
        self._settles: Lane[Settle] = Lane(self._settler.carry_out, _MOST, _MOST, self._give_back)
        self._asks: Lane[Ask] = Lane(_one, 1, 1, self._give_back)
        self._looks: Lane[Ask] = Lane(_one, 1, 1, self._give_back)
        self.bucket = bucket
        self.fetching = Fetching(bucket, self.settle)
        self._unread: dict[int, Apart] = {}  # by the tokens of leases
        self._sweeping = None if bucket is None else Sweeping(self._way, self._node, bucket, name)
        self._closed = False
        self.end = PostgresEnd(
            *(self._hands, self._node, self._bodies, self._putter, self._settler),
            *(self._links["puts"], self.fetching, bucket),
        )

    async def open(self, *, patient: bool) -> None:
        """Take a place among the nodes; `patient`: as soon as the database is there."""
        self._bodies.sweep()
        try:
            await self._node.begin(patient=patient)
            if self._node.epoch:
                await self._senders.count_some()
        except (LostError, UndurableError, psycopg.Error) as error:
            raise storage_error(error) from error
        if self._sweeping is not None:
            self._sweeping.begin()

    @property
    def incoming(self) -> Path:
        """Where to spool a message that may be put as a file."""
        return self._bodies.incoming

    async def put(
        self,
        message: Message,
        pending: Sequence[Pending],
        *,
        lease: bool = False,
        settle: tuple[Lease, Sequence[Settlement]] | None = None,
    ) -> Lease | None:
        """Take a message over, durably."""
        refuse_nonsense(pending)
        rest = tuple(map(at_rest, pending))
        if self.bucket is not None and message.body.size > self.bucket.larger_than:
            return await self._put_apart(self.bucket, message, rest, lease=lease, settle=settle)
        putting = self._putter.putting(message, rest, lease=lease, settle=settle)
        result: Lease | None = await self._puts.submit(putting, message.body.size)
        return result

    async def _put_apart(
        self,
        bucket: Bucket,
        message: Message,
        rest: tuple[Pending, ...],
        *,
        lease: bool,
        settle: tuple[Lease, Sequence[Settlement]] | None,
    ) -> Lease | None:
        """Put a message whose body goes into the bucket: before the row that says so."""
        if self._closed:
            closed = "The queue is closed."
            raise StorageError(closed)
        if self._way.open:
            raise StorageError(AWAY)
        try:
            home = await bucket.home(self._links["looks"])
        except (LostError, UndurableError, psycopg.Error) as error:
            raise storage_error(error) from error
        number = self._hands.numbers()
        kept = await bucket.put(number, message.body, home)
        putting = self._putter.putting(
            message, rest, lease=lease, settle=settle, number=number, kept=kept
        )
        size = message.body.size if kept is None else 0
        result: Lease | None = await self._puts.submit(putting, size)
        return result

    async def _carry_out(self, batch: Sequence[Putting]) -> Sequence[object]:
        answers: Sequence[object] | None = None
        try:
            answers = await self._putter.carry_out(batch)
        finally:
            if self.bucket is not None:
                for n, one in enumerate(batch):
                    if one.kept is not None:
                        refused = answers is not None and isinstance(answers[n], Exception)
                        self.bucket.ended(one.kept.key, wanted=not refused or one.doubtful)
        return answers

    async def lease(self, now: float, limit: int, avoid: Collection[str] = ()) -> list[Lease]:
        """Take messages with recipients that are due, level by level in turn and by rank."""
        leases = await self._lease(limit, lambda one: partial(one.due, now=now, avoid=avoid))
        return await self._filled(leases, now) if self._unread else leases

    async def take(self, which: Selection, limit: int, *, bodiless: bool = False) -> list[Lease]:
        """Lease what is selected and not leased."""
        leases = await self._lease(limit, lambda one: partial(one.selected, which=which))
        return await self._filled(leases, bodiless=bodiless) if self._unread else leases

    async def _filled(
        self, leases: Sequence[Lease], now: float | None = None, *, bodiless: bool = False
    ) -> Leases:
        """Have the bodies of leases here."""
        tokens = [lease.token for lease in leases if lease.token in self._unread]
        apart = {token: self._unread.pop(token) for token in tokens}
        return await self.fetching.filled(leases, apart, now, bodiless=bodiless)

    async def _lease(
        self, limit: int, how: Callable[[Leasing], Callable[[Connection], Awaitable[None]]]
    ) -> Leases:
        async def ask() -> Leases:
            for last in (False, True):
                leasing = Leasing(self._hands, self._node, self._bodies, limit)
                try:
                    await self._links["leases"].do(how(leasing), probing=last)
                except errors.DivisionByZero as error:
                    if last:
                        raise FencedError from error
                    await self._node.begin_again()
                except LostError as lost:
                    leasing.never_given()
                    if last or lost.hung:
                        raise
                except UndurableError:
                    leasing.never_given()
                    raise
                else:
                    return leasing.given(self._unread)
            raise AssertionError  # the second try has returned or raised

        leases: Leases = await self._asks.submit(ask)
        return leases

    async def settle(self, lease: Lease, outcomes: Sequence[Settlement]) -> None:
        """Record what became of a lease."""
        by_recipient(lease, outcomes)
        filed = await self._settles.submit((lease, outcomes))
        if filed:
            await self._bodies.forget(filed)

    async def sure(self, lease: Lease) -> bool:
        """Whether a lease is ours still; while the database is away that is waited for."""
        await self._node.sure()
        return self._hands.holds(lease.token)

    async def read(self, message_id: str) -> Message | None:
        """Give a message with its body."""
        found = await self._look(lambda c: read_by_id(c, self._bodies, message_id))
        if found is None:
            return None
        message, apart = found
        if apart is None:
            return message
        try:
            return await self.fetching.message(message, apart)
        except BucketError as error:
            problem = f"The bucket of large bodies cannot be read: {error.problem}."
            raise StorageError(problem) from error
        except MissingError as error:
            problem = "The body of this message is not in the bucket any more, or was changed."
            raise StorageError(problem) from error

    async def receipt(self, key: str) -> Receipt | None:
        """Give the receipt of a key."""

        async def step(connection: Connection) -> Receipt | None:
            found = await connection.execute(
                "SELECT key, digest, answer FROM receipt WHERE key = %s", (key,)
            )
            row = await found.fetchone()
            return None if row is None else Receipt(*row)

        return await self._look(step)

    async def next_due(self, avoid: Collection[str] = (), after: float = -math.inf) -> float | None:
        """When the next ready recipient is due."""
        return await self._ask("leases", partial(next_due, avoid=avoid, after=after))

    async def next_deadline(self, after: float) -> float | None:
        """Give the earliest time later than this by which a sender wants something."""
        return await self._look(partial(next_deadline, after=after))

    async def retry(self, which: Selection, now: float) -> int:
        """Make ready recipients due."""
        return await self._ask(
            "asks", partial(changed, node=self._node, which=which, verb="retry", now=now)
        )

    async def hold(self, which: Selection) -> int:
        """Hold ready recipients."""
        return await self._ask("asks", partial(changed, node=self._node, which=which, verb="hold"))

    async def release(self, which: Selection, now: float) -> int:
        """Make held recipients ready and due."""
        return await self._ask(
            "asks", partial(changed, node=self._node, which=which, verb="release", now=now)
        )

    async def drop(self, which: Selection) -> int:
        """Remove recipients."""
        senders = await self._ask("asks", partial(dropped, which=which))
        self._senders.leave(senders)
        await self._bodies.look()
        return len(senders)

    async def count(self) -> Counts:
        """Count what there is."""
        return await self._look(counted)

    async def list(self, which: Selection) -> Iterator[Row]:
        """List recipients."""
        rows = await self._look(partial(pages, which=which))
        return map(row_of, rows)

    async def tell(self) -> None:
        """Have the other nodes look: something may be due that they do not know of."""
        await self._ask("asks", self._node.tell)

    async def close(self) -> None:
        """Finish what was asked, then let go of the store."""
        if self._closed:
            return
        self._closed = True
        if self._sweeping is not None:
            await self._sweeping.close()
        await self.fetching.close()
        for lane in (self._puts, self._asks, self._looks, self._settles):
            await lane.close()
        if self.bucket is not None:
            await self.bucket.close()
        await self._way.close()  # first: a probe would open a connection again
        await self._node.close()
        for link in self._links.values():
            await link.close()

    def _news(self) -> None:
        self.on_news()

    # -- how to ask -------------------------------------------------------------------------

    async def _ask(self, link: str, step: Callable[[Connection], Awaitable[T]]) -> T:
        """Have a verb done after those that were asked before."""
        result: T = await self._asks.submit(lambda: self._links[link].do(step, twice=True))
        return result

    async def _look(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        """Have a verb done that changes nothing, beside the others."""
        result: T = await self._looks.submit(lambda: self._links["looks"].do(step, twice=True))
        return result

    def _give_back(self, result: object) -> None:
        """Give back what nobody waits for any more."""
        for lease in result if isinstance(result, list) else [result]:
            if isinstance(lease, Lease):
                self._unread.pop(lease.token, None)
                with contextlib.suppress(StorageError):
                    self._settles.submit((lease, ()))


async def _one(batch: Sequence[Ask]) -> Sequence[object]:
    (ask,) = batch
    try:
        return [await ask()]
    except Exception as error:  # noqa: BLE001 -- whatever it is, who waits must hear of it
        return [storage_error(error)]


async def open_store(
    url: str,
    folder: Path,
    name: str,
    schema: str = "ulak",
    *,
    patient: bool = False,
    bucket: Bucket | None = None,
) -> PostgresStore:
    """Open the queue in a database as one of its nodes; StorageError says why that cannot be.

    `folder` is for the files of this node, and `name` tells it from all others: who comes with
    the name of one that has died takes over from it at once. `patient`: a database that is away
    is waited for in the background, and till then every verb raises StorageError. `bucket`: where
    large bodies go.
    """
    store = PostgresStore(url, folder, name, schema, bucket)
    try:
        await store.open(patient=patient)
    except BaseException:
        await store.close()
        raise
    return store
