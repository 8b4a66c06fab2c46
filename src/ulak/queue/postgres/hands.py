"""The leases that this node holds, and what settling them means for rows.

The tokens of a node are its epoch and a count. Who was held for dead begins a new epoch, and what
it had leased is not there any more: its settles mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ulak.queue.item import Again, Done, Lease, Message, Pending, Settlement
from ulak.queue.postgres.rows import EPOCH_SHIFT, pending_record
from ulak.queue.store import at_rest, by_recipient, goes_on


@dataclass(frozen=True, slots=True)
class Held:
    """An open lease: its message's number, and its recipients' places in it.

    `settled` are those of the places that an earlier settle has dealt with. `alone`: the message
    has no other recipient.
    """

    seq: int
    places: tuple[int, ...]
    alone: bool
    settled: frozenset[int] = frozenset()


@dataclass(slots=True)
class Change:
    """What settles do to rows. A row is changed only where it has the token."""

    done: list[dict[str, Any]] = field(default_factory=list)
    again: list[dict[str, Any]] = field(default_factory=list)
    back: list[dict[str, Any]] = field(default_factory=list)
    shared: set[int] = field(default_factory=set)  # messages with others beside those done
    filed: set[int] = field(default_factory=set)  # messages whose files may not be needed now
    senders: dict[int, str] = field(default_factory=dict)  # of messages with recipients done
    after: dict[int, Held | None] = field(default_factory=dict)  # leases, by token; None: ended

    @property
    def empty(self) -> bool:
        """Whether no row changes."""
        return not (self.done or self.again or self.back)


class Hands:
    """Open leases by token."""

    def __init__(self) -> None:
        self._held: dict[int, Held] = {}
        self._base = 0
        self._count = 0

    def begin(self, epoch: int) -> None:
        """Begin an epoch: what was held is not ours any more."""
        self._held.clear()
        self._base = epoch << EPOCH_SHIFT

    def numbers(self, count: int = 1) -> int:
        """Reserve so many numbers for messages or leases; the first of them."""
        first = self._base + self._count + 1
        self._count += count
        return first

    def ours(self, token: int) -> bool:
        """Whether a token is of this epoch."""
        return token >> EPOCH_SHIFT == self._base >> EPOCH_SHIFT

    def give(
        self,
        token: int,
        held: Held,
        message: Message,
        pending: Sequence[Pending],
    ) -> Lease:
        """Open a lease."""
        self._held[token] = held
        return Lease(message, tuple(pending), token)

    def holds(self, token: int) -> bool:
        """Whether a lease is open."""
        return token in self._held

    def seq(self, token: int) -> int:
        """Give the number of the message of an open lease; 0 where it is not open."""
        held = self._held.get(token)
        return 0 if held is None else held.seq

    def let_go(self, tokens: Iterable[int]) -> None:
        """Note that leases have ended whose messages are gone."""
        for token in tokens:
            self._held.pop(token, None)

    @property
    def seqs(self) -> set[int]:
        """Give the messages in hand."""
        return {held.seq for held in self._held.values()}

    def settle(self, lease: Lease, outcomes: Sequence[Settlement], change: Change) -> bool:
        """Add a settle to a change; whether the lease is still open."""
        token = lease.token
        held = change.after.get(token) if token in change.after else self._held.get(token)
        if held is None:
            return False
        what = by_recipient(lease, outcomes)
        seq, settled, still = held.seq, held.settled, goes_on(outcomes)
        if lease.message.body.path is not None:
            change.filed.add(seq)
        for n, one in zip(held.places, lease.pending, strict=True):
            if n in settled:
                continue
            match what.get(one.recipient):
                case None if still:
                    continue
                case None:
                    change.back.append({"seq": seq, "n": n, "token": token})
                case Again(pending):
                    change.again.append(pending_record(seq, n, at_rest(pending), token))
                case Done():
                    change.done.append({"seq": seq, "n": n, "token": token})
                    change.senders[seq] = lease.message.envelope.sender
                    if not held.alone:
                        change.shared.add(seq)
            if still:
                settled |= {n}
        change.after[token] = Held(seq, held.places, held.alone, settled) if still else None
        return True

    def note(self, change: Change) -> None:
        """Note that a change is durable."""
        for token, held in change.after.items():
            if held is None:
                self._held.pop(token, None)
            elif token in self._held:
                self._held[token] = held
