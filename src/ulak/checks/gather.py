"""How several questions are asked: one after the other, or as the caller's event loop can.

A pure room knows no event loop. `asyncio.gather` fits `Gather`; without one, a check waits for
each answer before it asks the next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Gather(Protocol):
    """Waits for all of several things, and gives what came of them in their order."""

    def __call__(self, *waiting: Awaitable[T]) -> Awaitable[Sequence[T]]:
        """Wait."""


async def one_by_one(*waiting: Awaitable[T]) -> Sequence[T]:
    """Wait for each in turn."""
    return [await one for one in waiting]
