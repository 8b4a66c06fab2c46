"""From the store into memory, and back: what is due is leased as far as there is room for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from ulak.delivery.directions import Directions
from ulak.delivery.line import Round
from ulak.delivery.parts import Parts
from ulak.delivery.ready import Ready
from ulak.queue.item import Lease
from ulak.queue.store import StorageError

_BATCH = 200  # messages leased at a time, at most


class Filling:
    """Leases what is due; `accepted` is given each lease."""

    def __init__(
        self,
        parts: Parts,
        ready: Ready,
        directions: Directions,
        accepted: Callable[[Lease], None],
    ) -> None:
        self._store = parts.store
        self._clock = parts.clock
        self._incident = parts.incident
        self._most = parts.limits.waiting
        self._ready = ready
        self._memory = ready.memory
        self._directions = directions
        self._accepted = accepted

    def may_ask(self, room: int) -> int:
        """How many may wait until it is known where mail for their domain goes."""
        return min(self._most, max(self._memory.share(room), 1))

    async def fill(self) -> set[str] | None:
        """Lease as much as there is room for. Raises StorageError.

        Give the domains for which there may be more, or None where there may be for any: the room
        has ended, or it is not known yet how much of it those hold who have just come.
        """
        memory = self._memory
        counts, octets = Counter[str](), Counter[str]()  # what has come by now, by domain
        while (room := memory.room_for_stored()) > 0:
            most, largest = self.may_ask(room), memory.octets_share(stored=True)
            crowded = set(self._ready.crowded())
            new = {
                *(name for name, count in self._directions.asked.items() if count >= most),
                *(name for name in counts if counts[name] >= most or octets[name] >= largest),
            }
            # Not more than one line may hold: these may all be for one.
            batch = min(max(memory.share(room), 1), _BATCH)
            leases = await self._store.lease(self._clock(), batch, crowded | new)
            for lease in leases:
                size = len(lease.message.body.data or b"")
                for name in {each.domain for each in lease.pending}:
                    counts[name] += 1
                    octets[name] += size
                self._accepted(lease)
            if len(leases) < batch:
                if new - crowded:
                    break
                return crowded
        self._ready.note_full()
        return None

    async def give_back(self, around: Round) -> None:
        """Let the store have a lease back as it was, with whoever is not settled."""
        around.kept = None  # whoever has failed fails again, and is told of then
        try:
            await self._store.settle(around.lease, ())
        except StorageError as error:  # then the next to open the store finds it
            self._incident(error)
        self._memory.let_go(around)
