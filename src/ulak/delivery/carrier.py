"""What every way of handing mail on can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ulak.delivery.outcome import Outcome
from ulak.delivery.site.grant import ANYWHERE, Grant
from ulak.delivery.target import Target
from ulak.queue.item import Message


class Carrier(Protocol):
    """Takes one message to one target."""

    async def carry(
        self,
        message: Message,
        recipients: Sequence[str],
        target: Target,
        grant: Grant = ANYWHERE,
    ) -> list[Outcome]:
        """Make one attempt; give one outcome for each recipient, in any order. Never raises.

        `grant` is what the site has said: from which source.
        """

    async def close(self) -> None:
        """End open connections politely."""
