"""What the workers of a machine tell each other of sites, and what outlives them.

It is read now and then and written when something changes: what was said last holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ulak.delivery.site.share import Asked, Place, granted
from ulak.delivery.site.suspension import Suspension

__all__ = ["Kept", "Place", "Shared", "SharedError", "SharedInMemory"]


class SharedError(Exception):
    """The file could not be read or written; workers go on with what they know, by themselves."""

    def __init__(self, file: str, problem: str) -> None:
        self.problem = problem
        super().__init__(
            f"What is known of destinations is in {file}, but: {problem}. Until that is over each "
            "worker keeps to its own part of limits, and probes for itself."
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one source at one site. Times are in seconds since the epoch.

    `changed` is when it was learned; `window` how many attempts at a time; `interval` and
    `learned` are those of a pace.
    """

    site: str
    source: str
    changed: float
    window: float
    interval: float = 0.0
    learned: float = 0.0
    suspension: Suspension | None = None


class Shared(Protocol):
    """Where it is kept. All verbs wait for the disk, and raise SharedError."""

    async def read(self, since: float) -> Sequence[Kept]:
        """Give what has changed since then."""

    async def write(self, kept: Sequence[Kept]) -> None:
        """Keep these, but those of which something newer is there."""

    async def claim(self, place: Place, slots: int, holder: int, now: float, until: float) -> bool:
        """Take one of so many slots when it is the holder's turn, or keep it; whether so."""

    async def release(self, place: Place, holder: int) -> None:
        """Give back the slot that a worker has."""


class SharedInMemory:
    """Follows `Shared`, for workers in one process."""

    def __init__(self) -> None:
        self._kept: dict[Place, Kept] = {}
        self._slots: dict[Place, dict[int, Asked]] = {}

    async def read(self, since: float) -> Sequence[Kept]:
        """Give what has changed since then."""
        return [kept for kept in self._kept.values() if kept.changed >= since]

    async def write(self, kept: Sequence[Kept]) -> None:
        """Keep these."""
        for each in kept:
            known = self._kept.get((each.site, each.source))
            if known is None or known.changed <= each.changed:
                self._kept[each.site, each.source] = each

    async def claim(self, place: Place, slots: int, holder: int, now: float, until: float) -> bool:
        """Take a slot."""
        asked = self._slots.setdefault(place, {})
        own = asked.get(holder, Asked(now, now))
        asked[holder] = own = replace(own, last=now)
        if not granted(asked, holder, slots, now):
            return False
        asked[holder] = replace(own, until=until)
        return True

    async def release(self, place: Place, holder: int) -> None:
        """Give a slot back."""
        self._slots.get(place, {}).pop(holder, None)
