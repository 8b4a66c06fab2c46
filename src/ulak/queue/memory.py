"""A queue in memory: for tests, for the lab, and for those who may lose what waits.

It is also the plainest telling of what the verbs mean; the contract tests hold the other stores
to it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from ulak.mail.envelope import domain_of
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
)
from ulak.queue.lanes import Crowd, turns
from ulak.queue.store import (
    RECEIPTS,
    StorageError,
    at_rest,
    by_recipient,
    goes_on,
    rank,
    refuse_nonsense,
)

Leases: TypeAlias = list[Lease]  # `list` is a verb further down


@dataclass(slots=True)
class _Place:
    """One recipient: as it stands, and under which lease (0 for none)."""

    pending: Pending
    token: int = 0


@dataclass(slots=True)
class _Queued:
    message: Message
    places: dict[str, _Place]
    level: int  # how far back it stands (`lanes`)

    @property
    def sender(self) -> str:
        return domain_of(self.message.envelope.sender)


class MemoryStore:
    """Keeps messages as long as the process lives; implements `QueueStore`."""

    def __init__(self) -> None:
        self._queued: dict[str, _Queued] = {}  # by id, oldest first
        self._receipts: dict[str, tuple[Receipt, float]] = {}
        self._crowd = Crowd()
        self._token = 0
        self._leased: dict[int, Lease] = {}
        self._closed = False

    async def put(
        self,
        message: Message,
        pending: Sequence[Pending],
        *,
        lease: bool = False,
        settle: tuple[Lease, Sequence[Settlement]] | None = None,
    ) -> Lease | None:
        """Take a message over."""
        self._refuse_closed()
        refuse_nonsense(pending)
        if message.id in self._queued:
            text = f"message {message.id} is queued already"
            raise ValueError(text)
        receipt = message.receipt
        if receipt is not None:
            self._forget_receipts(message.received)
            if receipt.key in self._receipts:
                text = f"a message was taken under the key {receipt.key} already"
                raise ValueError(text)
        if settle is not None:
            by_recipient(*settle)
            if settle[0].token not in self._leased:
                return None
            self._settle(*settle)
        places = {each.recipient: _Place(at_rest(each)) for each in pending}
        if receipt is not None:
            self._receipts[receipt.key] = receipt, message.received
            message = replace(message, receipt=None)
        level = self._crowd.enter(domain_of(message.envelope.sender), len(places))
        queued = self._queued[message.id] = _Queued(message, places, level)
        if not lease:
            return None
        return self._lease(queued, lambda each: _due(each, message.received))

    async def lease(self, now: float, limit: int, avoid: Collection[str] = ()) -> list[Lease]:
        """Take messages with recipients that are due, level by level in turn and by rank."""
        self._refuse_closed()

        def wanted(place: _Place) -> bool:
            return _due(place, now) and place.pending.domain not in avoid

        levels: dict[int, list[tuple[float, _Queued]]] = {}
        for queued in self._queued.values():
            # Most of what waits is not due: that is asked first.
            dues = [
                each.pending.due
                for each in queued.places.values()
                if each.pending.due <= now and wanted(each)
            ]
            if dues:
                priority = queued.message.envelope.wishes.priority
                levels.setdefault(queued.level, []).append((rank(min(dues), priority), queued))
        for waiting in levels.values():
            waiting.sort(key=lambda each: each[0])
        in_turn = turns({level: iter(waiting) for level, waiting in levels.items()})
        return self._lease_all((queued for _, queued in in_turn), wanted, limit)

    async def take(self, which: Selection, limit: int, *, bodiless: bool = False) -> list[Lease]:
        """Lease what is selected and not leased."""
        del bodiless  # its bodies are where it is itself
        self._refuse_closed()
        chosen = {id(place) for _, place in self._selected(which) if not place.token}
        return self._lease_all(self._queued.values(), lambda each: id(each) in chosen, limit)

    async def settle(self, lease: Lease, outcomes: Sequence[Settlement]) -> None:
        """Record what became of a lease."""
        self._refuse_closed()
        self._settle(lease, outcomes)

    async def read(self, message_id: str) -> Message | None:
        """Give a message."""
        self._refuse_closed()
        queued = self._queued.get(message_id)
        return None if queued is None else queued.message

    async def receipt(self, key: str) -> Receipt | None:
        """Give the receipt of a key."""
        self._refuse_closed()
        found = self._receipts.get(key)
        return None if found is None else found[0]

    def _forget_receipts(self, now: float) -> None:
        kept = self._receipts.items()
        self._receipts = {key: one for key, one in kept if one[1] > now - RECEIPTS}

    async def next_due(self, avoid: Collection[str] = (), after: float = -math.inf) -> float | None:
        """When the next ready recipient is due."""
        self._refuse_closed()
        return min(
            (
                place.pending.due
                for queued in self._queued.values()
                for place in queued.places.values()
                if not place.token
                and place.pending.state is State.READY
                and place.pending.due > after
                and place.pending.domain not in avoid
            ),
            default=None,
        )

    async def next_deadline(self, after: float) -> float | None:
        """Give the earliest time later than this by which a sender wants something."""
        self._refuse_closed()
        wishes = (queued.message.envelope.wishes.deliver_by for queued in self._queued.values())
        return min((by.until for by in wishes if by is not None and by.until > after), default=None)

    async def retry(self, which: Selection, now: float) -> int:
        """Make ready recipients due."""
        return self._change(which, State.READY, now, State.READY)

    async def hold(self, which: Selection) -> int:
        """Hold ready recipients."""
        return self._change(which, State.READY, None, State.HELD)

    async def release(self, which: Selection, now: float) -> int:
        """Make held recipients ready and due."""
        return self._change(which, State.HELD, now, State.READY)

    async def drop(self, which: Selection) -> int:
        """Remove recipients."""
        self._refuse_closed()
        found = list(self._selected(which))
        for queued, place in found:
            self._finish(queued, place.pending.recipient)
        return len(found)

    async def count(self) -> Counts:
        """Count what there is."""
        self._refuse_closed()
        states = Counter(row.pending.state for row in self._rows())
        return Counts(len(self._queued), {state: states[state] for state in State})

    async def list(self, which: Selection) -> Iterator[Row]:
        """List recipients."""
        self._refuse_closed()
        return iter([row for row in self._rows() if which.matches(row)])

    async def close(self) -> None:
        """Let go of everything."""
        self._closed = True

    # -- within -----------------------------------------------------------------------------

    def _refuse_closed(self) -> None:
        if self._closed:
            message = "The queue is closed."
            raise StorageError(message)

    def _rows(self) -> Iterator[Row]:
        for queued in self._queued.values():
            for place in queued.places.values():
                yield _row(queued, place)

    def _selected(self, which: Selection) -> Iterator[tuple[_Queued, _Place]]:
        for queued in self._queued.values():
            for place in queued.places.values():
                if which.matches(_row(queued, place)):
                    yield queued, place

    def _lease_all(
        self, queue: Iterable[_Queued], wanted: Callable[[_Place], bool], limit: int
    ) -> Leases:
        leases: Leases = []
        for queued in queue:
            if len(leases) >= limit:
                break
            lease = self._lease(queued, wanted)
            if lease is not None:
                leases.append(lease)
        return leases

    def _lease(self, queued: _Queued, wanted: Callable[[_Place], bool]) -> Lease | None:
        places = [each for each in queued.places.values() if wanted(each)]
        if not places:
            return None
        self._token += 1
        for place in places:
            place.token = self._token
        lease = Lease(queued.message, tuple(each.pending for each in places), self._token)
        self._leased[lease.token] = lease
        return lease

    def _settle(self, lease: Lease, outcomes: Sequence[Settlement]) -> None:
        what = by_recipient(lease, outcomes)
        if self._leased.pop(lease.token, None) is None:
            return
        still = goes_on(outcomes)
        if still:
            self._leased[lease.token] = lease
        queued = self._queued.get(lease.message.id)
        if queued is None:
            self._forget(lease.message)
            return
        for place in [each for each in queued.places.values() if each.token == lease.token]:
            outcome = what.get(place.pending.recipient)
            if outcome is None and still:
                continue
            place.token = 0
            match outcome:
                case None:
                    pass
                case Again(pending):
                    place.pending = at_rest(pending)
                case Done(recipient):
                    self._finish(queued, recipient)

    def _finish(self, queued: _Queued, recipient: str) -> None:
        del queued.places[recipient]
        self._crowd.leave(queued.sender, 1)
        if not queued.places:
            del self._queued[queued.message.id]
            self._forget(queued.message)

    def _forget(self, message: Message) -> None:
        """Remove the file of a message that nobody works on."""
        path = message.body.path
        if path is not None and all(
            lease.message.id != message.id for lease in self._leased.values()
        ):
            path.unlink(missing_ok=True)

    def _change(self, which: Selection, before: State, now: float | None, after: State) -> int:
        self._refuse_closed()
        count = 0
        for _, place in self._selected(which):
            each = place.pending
            if each.state is before and not place.token:
                due = each.due if now is None else min(each.due, now)
                place.pending = replace(each, state=after, due=due)
                count += 1
        return count


def _due(place: _Place, now: float) -> bool:
    each = place.pending
    return each.state is State.READY and not place.token and each.due <= now


def _row(queued: _Queued, place: _Place) -> Row:
    message, pending = queued.message, place.pending
    if place.token:
        pending = replace(pending, state=State.LEASED)
    envelope = message.envelope
    return Row(
        message.id,
        envelope.sender,
        message.body.size,
        message.received,
        pending,
        envelope.wishes,
    )
