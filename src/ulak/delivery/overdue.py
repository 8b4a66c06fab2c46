"""Mail whose time is over while nothing is sent to its site, however much is due before it.

What is looked at with each probe (`waiting`) is what has been due longest, and that need not be
the oldest: who was tried lately is due later than younger mail that never was. So once in an hour
the store is asked for what is old enough to be given up, by its age.
"""

from __future__ import annotations

from collections.abc import Callable

from ulak.delivery.parts import Parts
from ulak.delivery.ready import Ready
from ulak.queue.item import Lease, Selection, State

_EVERY = 3600.0  # seconds between two looks
_SOON = 60.0  # where there was more than there was room for
_BATCH = 200  # messages leased at a time


class Overdue:
    """Leases mail for shut sites whose time may be over; `accepted` is given each lease."""

    def __init__(self, parts: Parts, ready: Ready, accepted: Callable[[Lease], None]) -> None:
        self._store = parts.store
        self._clock = parts.clock
        self._retry = parts.retry
        self._ready = ready
        self._accepted = accepted
        self._next = 0.0

    async def look(self) -> None:
        """Look whether there is any, if it is time to. Raises StorageError."""
        now = self._clock()
        if now < self._next <= now + _EVERY:  # else the clock was set back
            return
        self._next = now + _EVERY
        shut = self._ready.shut.lately()
        if not shut:
            return
        old = Selection(state=State.READY, before=now - self._retry.give_up_after)
        rows = await self._store.list(old)
        ids = list(dict.fromkeys(row.id for row in rows if row.pending.domain in shut))
        for start in range(0, len(ids), _BATCH):
            batch, room = tuple(ids[start : start + _BATCH]), self._ready.memory.room()
            some = Selection(ids=batch, domains=tuple(shut), state=State.READY)
            for lease in await self._store.take(some, min(room, _BATCH)):
                self._accepted(lease)
            if room < len(batch):
                self._next = now + _SOON
                return
