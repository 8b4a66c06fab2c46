"""What waits for one connection: batches, one after the other, each answered when it is durable.

Nobody's own task does a verb: who is cancelled while waiting takes nothing down with him, and what
he would have got can be given back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from ulak.queue.postgres.trouble import storage_error
from ulak.queue.store import StorageError

T = TypeVar("T")


class Waiting(Generic[T]):
    """One thing to do, who waits for it, and how much it weighs."""

    __slots__ = ("future", "weight", "what")

    def __init__(self, what: T, future: asyncio.Future[Any], weight: int) -> None:
        self.what = what
        self.future = future
        self.weight = weight


class Lane(Generic[T]):
    """Gathers what comes while a batch is under way.

    `carry_out` does a batch: it answers each of it, by a result or by the exception to raise.
    `most` and `heaviest` bound a batch. `unwanted` gets results that nobody waits for any more.
    """

    def __init__(
        self,
        carry_out: Callable[[Sequence[T]], Awaitable[Sequence[object]]],
        most: int,
        heaviest: int,
        unwanted: Callable[[object], None],
    ) -> None:
        self._carry_out = carry_out
        self._most = most
        self._heaviest = heaviest
        self._unwanted = unwanted
        self._waiting: deque[Waiting[T]] = deque()
        self._task: asyncio.Task[None] | None = None
        self.closed = False

    def submit(self, what: T, weight: int = 0) -> asyncio.Future[Any]:
        """Have something done; its future tells when it is durable."""
        if self.closed:
            message = "The queue is closed."
            raise StorageError(message)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(Waiting(what, future, weight))
        if self._task is None:
            self._task = loop.create_task(self._work())
        return future

    async def close(self) -> None:
        """Finish what waits; nothing more is taken."""
        self.closed = True
        while self._task is not None:
            await self._task

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._next()
        finally:
            self._task = None

    async def _next(self) -> None:
        batch: list[Waiting[T]] = []
        weight = 0
        while self._waiting and len(batch) < self._most and weight < self._heaviest:
            batch.append(self._waiting.popleft())
            weight += batch[-1].weight
        try:
            answers = await self._carry_out([each.what for each in batch])
        except Exception as error:  # noqa: BLE001 -- whatever it is, those who wait must hear of it
            answers = [storage_error(error)] * len(batch)
        for each, answer in zip(batch, answers, strict=True):
            if each.future.done():  # cancelled: nobody will work on what it was to get
                self._unwanted(answer)
            elif isinstance(answer, Exception):
                each.future.set_exception(answer)
            else:
                each.future.set_result(answer)
