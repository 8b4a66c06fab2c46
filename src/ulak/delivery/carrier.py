"""What every way of handing mail on can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ulak.delivery.outcome import Outcome
from ulak.delivery.target import Target
from ulak.queue.item import Message


class Carrier(Protocol):
    """Takes one message to one target."""

    async def carry(
        self, message: Message, recipients: Sequence[str], target: Target
    ) -> list[Outcome]:
        """Make one attempt; give one outcome for each recipient, in any order. Never raises."""

    async def close(self) -> None:
        """End open connections politely."""
