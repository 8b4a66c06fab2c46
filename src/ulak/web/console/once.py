"""What is done once, however often a browser sends it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

_MOST = 1000  # deeds that are remembered


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a deed: a verb, and for how many recipients it was done."""

    verb: str
    count: int


Key = tuple[str, str]  # whose, and the token of the page that it was confirmed on


@dataclass(slots=True)
class Once:
    """Remembers deeds by the token of the page that they were confirmed on."""

    _done: dict[Key, asyncio.Task[Result]] = field(default_factory=dict)

    async def do(self, account: str, token: str, work: Callable[[], Awaitable[Result]]) -> Result:
        """Do something, or give what came of it if it is done or being done already.

        It goes on when the browser goes away. What fails may be tried again.
        """
        key = (account, token)
        task = self._done.get(key)
        if task is None:
            task = asyncio.ensure_future(_kept(work))
            self._done[key] = task
            task.add_done_callback(lambda ended: self._ended(key, ended))
        return await asyncio.shield(task)

    def result(self, account: str, token: str) -> Result | None:
        """Give what came of a deed of an account; None for what is not known."""
        task = self._done.get((account, token))
        return task.result() if task is not None and task.done() else None

    def _ended(self, key: Key, task: asyncio.Task[Result]) -> None:
        if task.cancelled() or task.exception() is not None:
            self._done.pop(key, None)
        while len(self._done) > _MOST:
            del self._done[next(iter(self._done))]


async def _kept(work: Callable[[], Awaitable[Result]]) -> Result:
    return await work()
