"""Bodies that lie in the bucket, for who has leased their messages: fetched, or seen to be away.

A message whose body cannot be had is given to nobody, but to who returns it to its sender. While
the bucket is away it waits, and no site hears of it; where the object is missing it is held, until
an operator has put the object back and releases it, has it returned, or drops it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ulak.queue.item import Again, Body, Lease, Message, Settlement, State
from ulak.queue.postgres.bucket import Bucket, Kept
from ulak.queue.postgres.objects import BucketError, MissingError
from ulak.queue.store import StorageError
from ulak.replies import catalog
from ulak.replies.reply import Reply

_AT_ONCE = 8  # bodies
_BUDGET = 10.0  # seconds that leases which could begin wait for one that cannot yet
_WAIT = (60.0, 900.0)  # seconds until a body is looked for again: at first, and at most
_SETTLE_AGAIN = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Apart:
    """A body in the bucket. `path`: where it is to lie; None: in memory."""

    size: int
    path: Path | None
    kept: Kept | None = None  # None: no row names it


@dataclass(frozen=True, slots=True)
class Unread:
    """A message that was put off, since its body could not be had. `due`: None, it is held."""

    lease: Lease
    reply: Reply
    due: float | None


class Fetching:
    """Fetches for leases. `settle` is the store's; `on_unread` hears of what was put off."""

    def __init__(
        self,
        bucket: Bucket | None,
        settle: Callable[[Lease, Sequence[Settlement]], Awaitable[None]],
    ) -> None:
        self.on_unread: Callable[[Unread], None] = lambda _unread: None
        self._bucket = bucket
        self._settle = settle
        self._limit = asyncio.Semaphore(_AT_ONCE)
        self._away_since: float | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def message(self, message: Message, apart: Apart) -> Message:
        """Give a message with its body. Raises BucketError, MissingError."""
        if apart.kept is None:
            raise MissingError
        if self._bucket is None:
            problem = "no bucket is configured"
            raise BucketError(problem)
        async with self._limit:
            if apart.path is not None and apart.path.is_file():
                return message
            octets = await self._bucket.fetch(apart.kept, apart.size, apart.path)
        self._away_since = None
        if octets is None:
            return message
        return replace(message, body=Body(apart.size, octets))

    async def filled(
        self,
        leases: Sequence[Lease],
        apart: Mapping[int, Apart],
        now: float | None,
        *,
        budget: float | None = None,
        bodiless: bool = False,
    ) -> list[Lease]:
        """Give the leases whose bodies are here; the others are settled.

        `now`: in seconds since the epoch; None: who cannot begin is given back as he was.
        `budget`: for how many seconds those that could begin wait for others. `bodiless`: all are
        waited for, and those whose bodies cannot be had are given, too, with the cause of that.
        """
        loop = asyncio.get_running_loop()
        tasks = {
            lease.token: loop.create_task(self.message(lease.message, apart[lease.token]))
            for lease in leases
            if lease.token in apart
        }
        try:
            patience = _BUDGET if budget is None else budget
            await _some(tasks.values(), None if bodiless else patience)
        except asyncio.CancelledError:
            for lease in leases:  # whoever waited is gone
                self._spawn(lease, ())
            raise
        finally:
            for task in tasks.values():
                task.cancel()
        ready: list[Lease] = []
        later: list[Awaitable[None]] = []
        for lease in leases:
            if lease.token not in tasks:
                ready.append(lease)
                continue
            task = tasks[lease.token]
            if not task.done() or task.cancelled():
                later.append(self._settled(lease, ()))
            elif (error := task.exception()) is None:
                ready.append(replace(lease, message=task.result()))
            elif bodiless:
                ready.append(_bodiless(lease, error, apart[lease.token]))
            elif isinstance(error, MissingError):
                later.append(self._held(lease, apart[lease.token]))
            else:
                later.append(self._put_off(lease, _problem(error), now))
        await asyncio.gather(*later)
        return ready

    async def _put_off(self, lease: Lease, problem: str, now: float | None) -> None:
        if now is None:
            await self._settled(lease, ())
            return
        time = asyncio.get_running_loop().time()
        if self._away_since is None:
            self._away_since = time
        first, longest = _WAIT
        due = now + min(max(first, time - self._away_since), longest)
        reply = catalog.BODY_AWAY.reply(problem=problem)
        await self._settled(
            lease,
            [
                Again(replace(each, due=due, cause=reply.cause, reply=str(reply), host=""))
                for each in lease.pending
            ],
        )
        self.on_unread(Unread(lease, reply, due))

    async def _held(self, lease: Lease, apart: Apart) -> None:
        reply = _lost(apart)
        await self._settled(
            lease,
            [
                Again(replace(e, state=State.HELD, cause=reply.cause, reply=str(reply), host=""))
                for e in lease.pending
            ],
        )
        self.on_unread(Unread(lease, reply, None))

    async def _settled(self, lease: Lease, outcomes: Sequence[Settlement]) -> None:
        try:
            await self._settle(lease, outcomes)
        except StorageError:  # the database is away: then when it is back
            self._spawn(lease, outcomes)

    def _spawn(self, lease: Lease, outcomes: Sequence[Settlement]) -> None:
        task = asyncio.get_running_loop().create_task(self._until_settled(lease, outcomes))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until_settled(self, lease: Lease, outcomes: Sequence[Settlement]) -> None:
        while True:
            try:
                await self._settle(lease, outcomes)
            except StorageError:
                await asyncio.sleep(_SETTLE_AGAIN)
            else:
                return

    async def close(self) -> None:
        """Let go; what is leased still is given back with the node."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _lost(apart: Apart) -> Reply:
    return catalog.BODY_LOST.reply(object="?" if apart.kept is None else apart.kept.key)


def _problem(error: BaseException) -> str:
    return error.problem if isinstance(error, BucketError) else type(error).__name__


def _bodiless(lease: Lease, error: BaseException, apart: Apart) -> Lease:
    """Give a lease whose body cannot be had; its recipients say why."""
    if isinstance(error, MissingError):
        reply = _lost(apart)
    else:
        reply = catalog.BODY_AWAY.reply(problem=_problem(error))
    return replace(
        lease,
        message=replace(lease.message, body=Body(apart.size, b"", lost=True)),
        pending=tuple(
            replace(each, cause=reply.cause, reply=str(reply), host="") for each in lease.pending
        ),
    )


async def _some(tasks: Collection[asyncio.Task[Message]], budget: float | None) -> None:
    """Wait until all have ended, or the time is over and one of them has."""
    if not tasks:
        return
    done, rest = await asyncio.wait(tasks, timeout=budget)
    if rest and not done:
        await asyncio.wait(rest, return_when=asyncio.FIRST_COMPLETED)
