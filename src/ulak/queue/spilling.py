"""A queue elsewhere, and a place here for what comes while it cannot be reached.

The verbs are those of the queue elsewhere. Where that is away, and a message was certainly not
begun there, `put` keeps it here instead: as durable as the disk of this machine, and no more.
Nobody leases what is here. As soon as the other queue is back it is moved there as
`ulak.queue.moving` does it, so it is in one place at a time, whoever is killed when, and never
delivered from both.

A message of which it is not known whether it is there is refused, as it is without such a place: it
may be delivered from there already.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Protocol, runtime_checkable

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
from ulak.queue.moving import End, Mover
from ulak.queue.store import QueueStore, StorageAwayError, StorageError

_PAUSE = 1.0  # seconds between two looks whether the other queue is back
_ALL = Selection(everything=True)


@runtime_checkable
class Elsewhere(QueueStore, Protocol):
    """A queue that others work on, too."""

    on_news: Callable[[], None]

    @property
    def end(self) -> End:
        """Give it as one end of a move."""

    @property
    def incoming(self) -> Path:
        """Where to spool a message that may be put as a file."""

    async def sure(self, lease: Lease) -> bool:
        """Whether a lease is ours still."""

    async def tell(self) -> None:
        """Wake the others: something may be due."""


class Here(QueueStore, Protocol):
    """A store on this machine."""

    @property
    def end(self) -> End:
        """Give it as one end of a move."""


class Turn(Enum):
    """What becomes of spilling; it is told with how many messages are spilled, or were."""

    BEGUN = "begun"  # the first message since the other queue is away
    ENDED = "ended"  # the other queue is back
    REPLAYED = "replayed"  # so many are there now


class SpillingStore:
    """A queue elsewhere with stores here, the first of which takes what comes; `open` begins.

    Not `accepting`, it only moves what is here. No more than `most` octets of bodies are kept here.
    """

    def __init__(
        self,
        elsewhere: Elsewhere,
        here: Sequence[Here],
        *,
        accepting: bool,
        most: int,
        told: Callable[[Turn, int], None],
    ) -> None:
        self.elsewhere = elsewhere
        self.here = here
        self._accepting = accepting
        self._most = most
        self._told = told
        self._octets = 0
        self._messages = 0
        self._coming = self._came = 0  # messages, to be kept here
        self._spilling = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Count what is here, and begin to move it. Raises StorageError."""
        self._messages, self._octets = await self._counted()
        self._spilling = bool(self._messages)
        self._wake.set()
        self._task = asyncio.get_running_loop().create_task(self._replay())

    @property
    def spilled(self) -> tuple[int, int]:
        """Tell how many messages are here, and how many octets their bodies have."""
        return self._messages, self._octets

    async def _counted(self) -> tuple[int, int]:
        messages = octets = 0
        for store in self.here:
            last = ""
            for row in await store.list(_ALL):
                if row.id != last:
                    octets += row.size
                    messages += 1
                    last = row.id
        return messages, octets

    @property
    def incoming(self) -> Path:
        """Where to spool a message that may be put as a file."""
        return self.elsewhere.incoming

    @property
    def on_news(self) -> Callable[[], None]:
        """Give what is called when others have made something due."""
        return self.elsewhere.on_news

    @on_news.setter
    def on_news(self, called: Callable[[], None]) -> None:
        self.elsewhere.on_news = called

    async def put(
        self,
        message: Message,
        pending: Sequence[Pending],
        *,
        lease: bool = False,
        settle: tuple[Lease, Sequence[Settlement]] | None = None,
    ) -> Lease | None:
        """Take a message over, there or here; nobody gets a lease of what is here."""
        try:
            return await self.elsewhere.put(message, pending, lease=lease, settle=settle)
        except StorageAwayError:
            size = message.body.size
            if settle is not None or not self._accepting or self._octets + size > self._most:
                raise
        self._octets += size
        self._coming += 1
        try:
            await self.here[0].put(message, pending)
        except BaseException:
            self._octets -= size
            raise
        finally:
            self._coming -= 1
            self._came += 1
        self._messages += 1
        if not self._spilling:
            self._spilling = True
            self._told(Turn.BEGUN, self._messages)
        self._wake.set()
        return None

    async def _replay(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            moved = 0
            try:
                for store in self.here:
                    moved += await self._replay_from(store)
                await self._count_again()
            except StorageError:
                self._wake.set()
                await asyncio.sleep(_PAUSE)
            if moved:
                self._told(Turn.REPLAYED, moved)
                self.elsewhere.on_news()

    async def _replay_from(self, store: Here) -> int:
        """Move what is in one store; how many messages. Raises StorageError where it is away."""
        mover = Mover(store.end, [self.elsewhere.end], _nothing)
        done = mover.moved
        await mover.begin()
        if self._spilling:
            self._spilling = False
            self._told(Turn.ENDED, self._messages)
        more = True
        while more:
            octets, messages = done.octets, done.messages
            try:
                more = await mover.go_on()
            finally:
                self._octets -= done.octets - octets
                self._messages -= done.messages - messages
        return done.messages

    async def _count_again(self) -> None:
        """Look what is left: an operator may have dropped some, and a move may have been cut off.

        Where a message comes meanwhile, the next time will do: it has woken us.
        """
        came = self._came
        found = await self._counted()
        if came == self._came and not self._coming:
            self._messages, self._octets = found

    async def lease(self, now: float, limit: int, avoid: Collection[str] = ()) -> list[Lease]:
        """Take messages with recipients that are due."""
        return await self.elsewhere.lease(now, limit, avoid)

    async def take(self, which: Selection, limit: int, *, bodiless: bool = False) -> list[Lease]:
        """Lease what is selected and not leased."""
        return await self.elsewhere.take(which, limit, bodiless=bodiless)

    async def settle(self, lease: Lease, outcomes: Sequence[Settlement]) -> None:
        """Record what became of a lease."""
        await self.elsewhere.settle(lease, outcomes)

    async def sure(self, lease: Lease) -> bool:
        """Whether a lease is ours still."""
        return await self.elsewhere.sure(lease)

    async def tell(self) -> None:
        """Wake the others: something may be due."""
        await self.elsewhere.tell()

    async def read(self, message_id: str) -> Message | None:
        """Give a message with its body, wherever it is."""
        for store in self.here:
            found = await store.read(message_id)
            if found is not None:
                return found
        return await self.elsewhere.read(message_id)

    async def receipt(self, key: str) -> Receipt | None:
        """Give the receipt of a key, wherever it is."""
        for store in self.here:
            found = await store.receipt(key)
            if found is not None:
                return found
        return await self.elsewhere.receipt(key)

    async def next_due(self, avoid: Collection[str] = (), after: float = -math.inf) -> float | None:
        """When the next ready recipient is due."""
        return await self.elsewhere.next_due(avoid, after)

    async def next_deadline(self, after: float) -> float | None:
        """Give the earliest time later than this by which a sender wants something."""
        return await self.elsewhere.next_deadline(after)

    async def retry(self, which: Selection, now: float) -> int:
        """Make ready recipients due."""
        return await self.elsewhere.retry(which, now)

    async def hold(self, which: Selection) -> int:
        """Hold ready recipients."""
        return await self.elsewhere.hold(which)

    async def release(self, which: Selection, now: float) -> int:
        """Make held recipients ready and due."""
        return await self.elsewhere.release(which, now)

    async def drop(self, which: Selection) -> int:
        """Remove recipients."""
        return await self.elsewhere.drop(which)

    async def count(self) -> Counts:
        """Count what there is."""
        return await self.elsewhere.count()

    async def list(self, which: Selection) -> Iterator[Row]:
        """List recipients."""
        return await self.elsewhere.list(which)

    async def close(self) -> None:
        """Finish what was asked, then let go of all stores."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.elsewhere.close()
        for store in self.here:
            await store.close()


def _nothing(_: Collection[str]) -> None:
    """Note nothing: a move of our own making is no deed of an operator."""
