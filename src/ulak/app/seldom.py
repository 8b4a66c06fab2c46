"""A value that many want and that costs something to have: made seldom, for all of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_LEAST = 0.5  # seconds for which a value is good enough
_MOST = 30.0  # seconds, where somebody was slow to answer
_PART = 50  # so many times as long as it took: at most a fiftieth of the time goes into it


class Seldom(Generic[T]):
    """Gives a value that is `least` seconds old at most, or older where it takes long to make.

    Whoever asks while it is being made waits for that one. What making raises, all of them get.
    """

    def __init__(self, make: Callable[[], Awaitable[T]], least: float = _LEAST) -> None:
        self._make = make
        self._least = least
        self._until = 0.0
        self._made: asyncio.Future[T] | None = None

    async def __call__(self) -> T:
        """Give the value."""
        now = asyncio.get_running_loop().time()
        made = self._made
        if made is None or (made.done() and (now >= self._until or _failed(made))):
            made = self._made = asyncio.ensure_future(self._timed())
        # Shielded: one who goes away takes it from none of the others.
        return await asyncio.shield(made)

    async def _timed(self) -> T:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        value = await self._make()
        taken = loop.time() - begun
        self._until = loop.time() + min(max(self._least, taken * _PART), _MOST)
        return value

    def forget(self) -> None:
        """Make it anew the next time: it has changed."""
        self._made = None


def _failed(made: asyncio.Future[T]) -> bool:
    return made.cancelled() or made.exception() is not None
