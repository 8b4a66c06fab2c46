"""What keeps the records of triplets and the counts of networks, for all workers or servers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from ulak.clients.greylist import Record
from ulak.clients.reputation import Counts

MOST = 1_000_000  # of each that are kept: who draws senders by lot fills no disk


class ClientsError(Exception):
    """The store cannot be asked or written at present; says why."""


class Known(NamedTuple):
    """What a store knows of what it was asked for."""

    records: Mapping[bytes, Record]
    counts: Mapping[str, Counts]


NOTHING = Known({}, {})


class Store(Protocol):
    """The verbs. Each raises ClientsError where it cannot be done."""

    async def read(self, triplets: Collection[bytes], networks: Collection[str]) -> Known:
        """Give what is known of triplets, by their keys, and of networks."""

    async def write(
        self, records: Mapping[bytes, Record], counts: Mapping[str, Counts], half_life: float
    ) -> None:
        """Join records with those that are there, and add counts to them."""

    async def forget(self, now: float, older: float) -> bool:
        """Forget some of what no longer holds; whether there is more to forget.

        Counts go that have not changed for `older` seconds, and of what is too many the part
        that would hold for the shortest time.
        """

    async def close(self) -> None:
        """Let go of it."""
