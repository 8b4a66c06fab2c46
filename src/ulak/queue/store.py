"""The verbs of a queue. Every verb is a whole transaction: there is no half-step to crash in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from ulak.queue.item import Counts, Lease, Message, Pending, Row, Selection, Settlement


class StorageError(Exception):
    """The store could not do durably what it was asked. Nothing of it has happened."""


class StorageFullError(StorageError):
    """The disk is full."""


class QueueStore(Protocol):
    """What the server and the delivery worker ask of a queue.

    All awaitable verbs return only when what they did is durable. They raise StorageError (the
    caller answers 451 or 452) and then nothing has happened.
    """

    async def put(
        self,
        message: Message,
        pending: Sequence[Pending],
        *,
        lease: bool = False,
        settle: tuple[Lease, Sequence[Settlement]] | None = None,
    ) -> Lease | None:
        """Take a message over, durably.

        With `lease` the recipients that are ready and due are leased to the caller in the same
        transaction and returned, so that a delivery can start without reading the body back.
        With `settle` another lease is settled in the same transaction (a report and the failure
        that it reports).
        """

    async def lease(self, now: float, limit: int, avoid: Collection[str] = ()) -> list[Lease]:
        """Take up to `limit` messages with recipients that are due, longest due first.

        Recipients in the domains to `avoid` stay where they are.
        """

    async def take(self, which: Selection, limit: int) -> list[Lease]:
        """Lease the selected recipients that are ready (due or not) or held, for an operator."""

    async def settle(self, lease: Lease, outcomes: Sequence[Settlement]) -> None:
        """Record what became of a lease; recipients not named are ready again at once.

        The message goes with its last recipient. A stale token changes nothing.
        """

    async def read(self, message_id: str) -> Message | None:
        """Give a queued message with its body."""

    async def next_due(self) -> float | None:
        """When the next ready recipient is due, in seconds since the epoch; None for never."""

    async def retry(self, which: Selection, now: float) -> int:
        """Make the selected ready recipients due now; how many there were."""

    async def hold(self, which: Selection) -> int:
        """Hold the selected recipients that are not leased; how many there were."""

    async def release(self, which: Selection, now: float) -> int:
        """Make the selected held recipients ready and due; how many there were."""

    async def drop(self, which: Selection) -> int:
        """Remove the selected recipients without a report; how many there were."""

    async def count(self) -> Counts:
        """Count what there is."""

    async def list(self, which: Selection) -> Iterator[Row]:
        """List the selected recipients, oldest message first."""

    async def close(self) -> None:
        """Finish what was asked, then let go of the store."""
