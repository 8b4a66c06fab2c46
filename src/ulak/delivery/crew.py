"""Runners: as many as there are attempts under way, and some that wait for the next job.

There are no more of them than `total`, but an attempt that takes very long does not count, up to
four times as many in all: servers that accept connections and say nothing keep no mail from others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

_IDLE = 50  # runners that stay for the next job
_MOST = 4  # times the total, with all that take long
LONG = 10.0  # seconds after which an attempt does not count


class Crew:
    """The runners of a worker. `work` is what one does; `later` is told when to `call` again.

    Times are seconds of the loop.
    """

    def __init__(
        self,
        total: int,
        work: Callable[[], Coroutine[None, None, None]],
        later: Callable[[float], None],
    ) -> None:
        self._total = total
        self._work = work
        self._later = later
        self._idle: list[asyncio.Future[None]] = []
        self._begun: dict[object, float] = {}  # when attempts began, the oldest first
        self._stopped = False
        self.tasks: set[asyncio.Task[None]] = set()

    def call(self) -> None:
        """Have a runner come for a job that may start."""
        if self._idle:
            self._idle.pop().set_result(None)
        elif len(self.tasks) < self._total or self._room():
            runner = asyncio.get_running_loop().create_task(self._work())
            self.tasks.add(runner)
            runner.add_done_callback(self.tasks.discard)

    def _room(self) -> bool:
        """Whether so many take long that there may be more; else that is looked at again."""
        now, most = asyncio.get_running_loop().time(), _MOST * self._total
        long = 0
        for begun in self._begun.values():
            if now - begun < LONG:
                self._later(LONG - (now - begun))
                break
            long += 1
        return len(self.tasks) - long < self._total and len(self.tasks) < most

    def over(self) -> bool:
        """Whether a runner that has done its job is one too many."""
        return len(self.tasks) > self._total and not self._room_for_one()

    def _room_for_one(self) -> bool:
        now = asyncio.get_running_loop().time()
        long = sum(1 for begun in self._begun.values() if now - begun >= LONG)
        return len(self.tasks) - long <= self._total

    async def rest(self) -> bool:
        """Wait until there may be a job; whether to look for it, or to leave."""
        if len(self._idle) >= _IDLE or self._stopped:
            return False
        waiting = asyncio.get_running_loop().create_future()
        self._idle.append(waiting)
        await waiting
        return True

    def begin(self, job: object) -> float:
        """Note that an attempt begins; give the time."""
        now = asyncio.get_running_loop().time()
        self._begun[job] = now
        return now

    def end(self, job: object) -> None:
        """Note that an attempt has ended."""
        self._begun.pop(job, None)

    def stop(self) -> None:
        """Wake all who wait: there will be no more jobs."""
        self._stopped = True
        while self._idle:
            self._idle.pop().set_result(None)
