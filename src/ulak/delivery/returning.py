"""Mail that an operator sends back to its senders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from ulak.delivery.concluding import Concluding
from ulak.delivery.line import Round
from ulak.delivery.reporting import Reporting
from ulak.delivery.settling import Settling
from ulak.queue.item import Lease, Selection
from ulak.queue.store import QueueStore

_BATCH = 200  # messages leased at a time


class Returning:
    """Returns mail. `hold` is told of each lease before anything is done to it."""

    def __init__(
        self,
        store: QueueStore,
        settling: Settling,
        reporting: Reporting,
        concluding: Concluding,
        hold: Callable[[Round], None],
    ) -> None:
        self._store = store
        self._settling = settling
        self._reporting = reporting
        self._concluding = concluding
        self._hold = hold

    async def bounce(self, which: Selection, tell: Callable[[Lease], None]) -> int:
        """Return the selected recipients' mail; how many there were.

        `tell` is told of each lease before. Raises StorageError where the store cannot say what
        is selected.
        """
        # The reports that are queued meanwhile are not meant: they would end unread.
        ids = tuple(dict.fromkeys([row.id for row in await self._store.list(which)]))
        count = 0
        for start in range(0, len(ids), _BATCH):
            batch = replace(which, ids=ids[start : start + _BATCH])
            leases = await self._store.take(batch, _BATCH, bodiless=True)
            for lease in leases:
                tell(lease)
            count += sum(await asyncio.gather(*map(self._one, leases)))
        return count

    async def _one(self, lease: Lease) -> int:
        """Return one message to its sender; for how many recipients."""
        around = Round(lease)
        self._hold(around)
        try:
            settled = self._settling.drop(lease.message, lease.pending)
            reports = await self._reporting.of(lease.message, settled)
        except Exception as error:  # noqa: BLE001 -- whatever it was, the mail waits
            again = self._settling.mend(lease.pending, error, ())
            await self._concluding.conclude(around, again, ())
            return 0
        await self._concluding.conclude(around, settled.settlements, reports)
        return len(lease.pending)
