"""A message handed to a program of the operator's, recipient by recipient, so many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from ulak.delivery.outcome import Outcome
from ulak.delivery.site.grant import ANYWHERE, Grant
from ulak.delivery.target import Target
from ulak.queue.item import Message


class Handler(Protocol):
    """What takes mail, `at_once` recipients side by side."""

    @property
    def at_once(self) -> int:
        """How many."""


H = TypeVar("H", bound=Handler)


class HandlerCarrier(Generic[H]):
    """Hands mail to the handlers that are known by the keys of their targets."""

    def __init__(self, handlers: Mapping[str, H]) -> None:
        self._handlers = handlers
        self._turns = {key: asyncio.Semaphore(one.at_once) for key, one in handlers.items()}

    async def carry(
        self,
        message: Message,
        recipients: Sequence[str],
        target: Target,
        grant: Grant = ANYWHERE,
    ) -> list[Outcome]:
        """Hand the message over for each recipient."""
        del grant
        handler, turns = self._handlers[target.key], self._turns[target.key]
        return await asyncio.gather(
            *(self._carry(message, each, handler, turns) for each in recipients)
        )

    async def _carry(
        self, message: Message, recipient: str, handler: H, turns: asyncio.Semaphore
    ) -> Outcome:
        """Hand it over for one, when it is its turn."""
        raise NotImplementedError

    async def close(self) -> None:
        """Have nothing open."""
