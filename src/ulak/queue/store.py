"""The verbs of a queue. Every verb is a whole transaction: there is no half-step to crash in."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from ulak.queue.item import (
    Again,
    Counts,
    Done,
    Lease,
    Message,
    Pending,
    Receipt,
    Row,
    Selection,
    Settlement,
    State,
    Still,
)

_STEP = 3600.0  # seconds
RECEIPTS = 86_400.0  # seconds for which they are kept


class StorageError(Exception):
    """The store could not do durably what it was asked. Nothing of it has happened."""


class StorageFullError(StorageError):
    """The disk is full."""


class StorageAwayError(StorageError):
    """Where the queue lies cannot be reached, and nothing has been begun there."""


class StoreBusyError(StorageError):
    """Another process has the store open for writing; `pid` says which, None where unknown."""

    def __init__(self, where: str, pid: int | None) -> None:
        self.pid = pid
        who = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"The queue in {where} is in use by {who}; only one may write to it.")


class StoreVersionError(StorageError):
    """The store was written by a newer Ulak, or the SQLite library is too old to be trusted."""


class QueueStore(Protocol):
    """What the server and the delivery worker ask of a queue.

    All awaitable verbs return only when what they did is durable. They raise StorageError (the
    caller answers 451 or 452) and then nothing has happened. A caller that is cancelled while it
    waits does not learn whether it has; a lease that it would have got is given back.
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

        With `lease` the recipients that are ready and due when the message was received are
        leased to the caller in the same transaction and returned, so that a delivery can start
        without reading the body back; None where there are none. With `settle` another lease is
        settled in the same transaction (a report and the failure that it reports); where its
        token is stale somebody else reports, and nothing happens at all.

        When it raises StorageError a file body may be gone, or be where it was.

        Raises ValueError for an id that is queued already, or a receipt whose key is there, for no
        recipient, and for one recipient twice.
        """

    async def lease(self, now: float, limit: int, avoid: Collection[str] = ()) -> list[Lease]:
        """Take up to `limit` messages with recipients that are due: senders in turn, then by rank.

        Each message has a level, which says how much of its sender's mail was there when it was
        put (`lanes`): 0 where the recipients in the queue, in whatever state, whose sender is of
        the same domain were fewer than 32 (roughly: somewhat more may be counted, never fewer but
        for some seconds after a start). Levels take turns as `lanes.turns` has it, anew with each
        call; within a level messages come in the order of their `rank`. So a sender with a million
        messages precedes nobody whose mail waits beside it.

        Recipients in the domains to `avoid` stay where they are. The recipients in a lease are
        as they were before it (ready, or held for `take`).
        """

    async def take(self, which: Selection, limit: int, *, bodiless: bool = False) -> list[Lease]:
        """Lease the selected recipients that are ready (due or not) or held, for an operator.

        Oldest message first. With `bodiless` they are leased, too, whose bodies cannot be had
        (`Body.lost`); their recipients have the cause of that. Else such mail is given to nobody.
        """

    async def settle(self, lease: Lease, outcomes: Sequence[Settlement]) -> None:
        """Record what became of a lease; recipients not named are again as they were before it.

        With `Still` among the outcomes they stay leased instead, and the lease can be settled
        again: what has been delivered is never put at risk by who takes longer.

        The message goes with its last recipient. A stale token changes nothing; a recipient that
        was dropped meanwhile does not come back. Raises ValueError for an outcome of a recipient
        that is not in the lease.
        """

    async def read(self, message_id: str) -> Message | None:
        """Give a queued message with its body."""

    async def receipt(self, key: str) -> Receipt | None:
        """Give the receipt that a message brought under a key, a day long."""

    async def next_due(self, avoid: Collection[str] = (), after: float = -math.inf) -> float | None:
        """When the next ready recipient is due, in seconds since the epoch; None for never.

        Of those whose domain is none to `avoid`, and who are due later than `after`.
        """

    async def next_deadline(self, after: float) -> float | None:
        """Give the earliest time by which a sender wants something in the queue (RFC 2852).

        Of those later than `after`, in seconds since the epoch; None for none.
        """

    async def retry(self, which: Selection, now: float) -> int:
        """Make the selected ready recipients due now; how many there were."""

    async def hold(self, which: Selection) -> int:
        """Hold the selected recipients that are ready; how many there were."""

    async def release(self, which: Selection, now: float) -> int:
        """Make the selected held recipients ready and due; how many there were."""

    async def drop(self, which: Selection) -> int:
        """Remove the selected recipients without a report; how many there were.

        This includes leased ones: an attempt under way may still deliver.
        """

    async def count(self) -> Counts:
        """Count what there is."""

    async def list(self, which: Selection) -> Iterator[Row]:
        """List the selected recipients, oldest message first."""

    async def close(self) -> None:
        """Finish what was asked, then let go of the store. Every verb raises StorageError after."""


def rank(due: float, priority: int) -> float:
    """Give what orders leases, lowest first: who has been due longest, unless one is prior.

    A message of higher priority (RFC 6710 §5.1) goes before those below it, but not for ever: a
    step of priority counts for as much as an hour of waiting.
    """
    return due - priority * _STEP


def refuse_nonsense(pending: Sequence[Pending]) -> None:
    """Raise ValueError for recipients that no message can have."""
    if len(pending) == 1:
        return
    if not pending:
        message = "a message needs a recipient"
        raise ValueError(message)
    if len({each.recipient for each in pending}) != len(pending):
        message = "a recipient stands twice in one message"
        raise ValueError(message)


def at_rest(pending: Pending) -> Pending:
    """Give the recipient as it waits: who holds no lease is not leased."""
    return replace(pending, state=State.READY) if pending.state is State.LEASED else pending


def by_recipient(lease: Lease, outcomes: Iterable[Settlement]) -> dict[str, Done | Again]:
    """Sort outcomes to their recipients; ValueError for one that the lease does not have."""
    sorted_out: dict[str, Done | Again] = {}
    known = {each.recipient for each in lease.pending}
    for outcome in outcomes:
        if isinstance(outcome, Still):
            continue
        who = outcome.recipient if isinstance(outcome, Done) else outcome.pending.recipient
        if who not in known:
            message = f"an outcome for a recipient that is not in the lease: {who!r}"
            raise ValueError(message)
        sorted_out[who] = outcome
    return sorted_out


def goes_on(outcomes: Iterable[Settlement]) -> bool:
    """Whether the lease stays open for the recipients that are not named."""
    return any(isinstance(outcome, Still) for outcome in outcomes)
