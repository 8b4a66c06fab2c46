"""A store in memory: for one process, and as the measure of the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ulak.clients.greylist import Record, joined
from ulak.clients.reputation import Counts, added
from ulak.clients.store import MOST, Known


class MemoryStore:
    """Follows `clients.store.Store`."""

    def __init__(self, most: int = MOST) -> None:
        self.records: dict[bytes, Record] = {}
        self.counts: dict[str, Counts] = {}
        self._most = most

    async def read(self, triplets: Collection[bytes], networks: Collection[str]) -> Known:
        """Give what is known."""
        return Known(
            {key: self.records[key] for key in triplets if key in self.records},
            {network: self.counts[network] for network in networks if network in self.counts},
        )

    async def write(
        self, records: Mapping[bytes, Record], counts: Mapping[str, Counts], half_life: float
    ) -> None:
        """Join and add."""
        for key, record in records.items():
            found = self.records.get(key)
            self.records[key] = record if found is None else joined(found, record)
        for network, more in counts.items():
            self.counts[network] = added(self.counts.get(network, Counts()), more, half_life)

    async def forget(self, now: float, older: float) -> bool:
        """Forget all at once."""
        keep = sorted(self.records.items(), key=lambda pair: pair[1].until)[-self._most :]
        self.records = {key: record for key, record in keep if record.until >= now}
        seen = sorted(self.counts.items(), key=lambda pair: pair[1].at)[-self._most :]
        self.counts = {network: one for network, one in seen if one.at >= now - older}
        return False

    async def close(self) -> None:
        """Have nothing to let go of."""
