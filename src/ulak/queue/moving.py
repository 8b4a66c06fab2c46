"""Mail that goes from one store to another, whole, and is never in both for who delivers.

A message belongs to one of the two stores at any moment, and one transaction changes that:

    depart   source: lease a batch, so that nobody works on it here
    arrive   target: keep it durably, in a state that nobody leases; the source has it still
    leave    source: remove it, and note that it has gone there: now it is the target's
    confirm  target: what the source notes is mail as any other; what else came is removed
    forget   source: the note is of no more use

Whoever is interrupted, by a kill as well, begins the next time with the last two: a batch that had
not left is the source's still, and its copy is removed; one that had left is confirmed. So nothing
is there twice or missing, however often this is done, and either store may be worked on in between.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol
from zlib import crc32

from ulak.queue.item import Lease, Receipt
from ulak.queue.store import StorageError

MOST = 200  # messages in a batch
MOST_OCTETS = 8_000_000  # of their bodies, but for a message that is larger by itself


@dataclass(frozen=True, slots=True)
class Departure:
    """A message with all of its recipients, leased to go elsewhere.

    `number` orders those of one store; `lane` is where its recipients stand (`queue.lanes`).
    """

    number: int
    lease: Lease
    lane: int

    @property
    def id(self) -> str:
        """Give the message's id."""
        return self.lease.message.id


class End(Protocol):
    """A store as one end of a move. All verbs are durable, and raise StorageError as others do."""

    async def identity(self) -> str:
        """Give what tells this store from all others, for ever."""

    async def depart(self, after: int, limit: int, octets: int) -> list[Departure]:
        """Lease messages that nobody works on, in order, from after a number on.

        No more than `limit`, and no more than `octets` in bodies but for the first.
        """

    async def arrive(self, origin: str, departures: Sequence[Departure]) -> set[str]:
        """Keep messages that another store has still; nobody leases them.

        Gives the ids of those that were here already, which are left as they are. What of a body
        lies in a file is copied. Raises ValueError where one of them cannot be kept here.
        """

    async def leave(self, target: str, leases: Sequence[Lease]) -> None:
        """Remove messages that are at the target, and note that; stale leases change nothing."""

    async def left(self, target: str) -> list[str]:
        """Give the ids of the messages that have left for there."""

    async def confirm(self, origin: str, ids: Collection[str]) -> None:
        """Make those that have left their origin mail as any other; remove what else came from it.

        Those that are confirmed already are left as they are.
        """

    async def forget(self, target: str, ids: Collection[str]) -> None:
        """Forget that messages have left for there."""

    async def receipts(self, after: str, limit: int) -> list[tuple[Receipt, float]]:
        """Give receipts and since when they are kept, by their keys, from after one on."""

    async def keep(self, receipts: Sequence[tuple[Receipt, float]]) -> None:
        """Keep those receipts whose keys are not here."""

    async def settle(self, lease: Lease) -> None:
        """Give a lease back."""


@dataclass(slots=True)
class Moved:
    """What a move has done so far.

    `known` were at the target before, and only taken out of the source; `refused` are the ids of
    messages that the target cannot keep.
    """

    messages: int = 0
    recipients: int = 0
    octets: int = 0
    known: int = 0
    refused: list[str] = field(default_factory=list)


class Mover:
    """Moves what one store has to others, of which each message has one by its id.

    `noted` gets the ids of each batch when it is moved; where it was interrupted, once more.
    `moved` is where to count on.
    """

    def __init__(
        self,
        source: End,
        targets: Sequence[End],
        noted: Callable[[Collection[str]], None],
        moved: Moved | None = None,
    ) -> None:
        self._source = source
        self._targets = targets
        self._noted = noted
        self._names: list[tuple[str, str]] = []
        self._last = -1
        self.moved = Moved() if moved is None else moved

    async def begin(self) -> None:
        """Finish what was interrupted, and take receipts along. Raises StorageError."""
        name = await self._source.identity()
        self._names = [(name, await target.identity()) for target in self._targets]
        for n in range(len(self._targets)):
            await self._decide(n)
        after = ""
        while receipts := await self._source.receipts(after, MOST):
            for target in self._targets:
                await target.keep(receipts)
            after = receipts[-1][0].key

    async def go_on(self) -> bool:
        """Move a batch; whether there was any. Raises StorageError: nothing of it is lost."""
        batch = await self._source.depart(self._last, MOST, MOST_OCTETS)
        if not batch:
            return False
        self._last = batch[-1].number
        parts: list[list[Departure]] = [[] for _ in self._targets]
        for each in batch:
            parts[crc32(each.id.encode()) % len(parts)].append(each)
        waiting = {each.id: each for each in batch}
        try:
            for n, part in enumerate(parts):
                if part:
                    await self._hand_over(n, part)
                for each in part:
                    del waiting[each.id]
        finally:
            for each in waiting.values():
                await self._give_back(each)
        return True

    async def _hand_over(self, n: int, part: Sequence[Departure]) -> None:
        _, name = self._names[n]
        there, kept = await self._arrived(n, part)
        await self._source.leave(name, [each.lease for each in kept])
        left = await self._decide(n)
        for each in kept:
            if each.id in left:
                self.moved.messages += 1
                self.moved.recipients += len(each.lease.pending)
                self.moved.octets += each.lease.message.body.size
                self.moved.known += each.id in there

    async def _arrived(
        self, n: int, part: Sequence[Departure]
    ) -> tuple[Collection[str], Sequence[Departure]]:
        """Bring messages to a target; those that were there before, and all that are there now."""
        origin, _ = self._names[n]
        try:
            return await self._targets[n].arrive(origin, part), part
        except ValueError:
            if len(part) == 1:
                self.moved.refused.append(part[0].id)
                await self._give_back(part[0])
                return (), ()
        half = len(part) // 2
        there, kept = await self._arrived(n, part[:half])
        more, others = await self._arrived(n, part[half:])
        return {*there, *more}, [*kept, *others]

    async def _decide(self, n: int) -> Collection[str]:
        """Have the target confirm what has left the source for it; the ids."""
        origin, name = self._names[n]
        left = frozenset(await self._source.left(name))
        await self._targets[n].confirm(origin, left)
        if left:
            self._noted(left)
            await self._source.forget(name, left)
        return left

    async def _give_back(self, departure: Departure) -> None:
        with suppress(StorageError):  # then the store gives it back when it is opened, or closed
            await self._source.settle(departure.lease)
