"""Work that holds the event loop takes turns with everything else on it.

A handshake is a third of a millisecond of arithmetic and more. When hundreds of clients come at
once, the loop would do all of it before it looks at anybody else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

_AT_ONCE = 4  # pieces of work in one turn of the loop


class Turns:
    """Does a few pieces of work in each turn of the loop, in the order in which they came."""

    __slots__ = ("_done", "_most", "_turning", "_waiting")

    def __init__(self, most: int = _AT_ONCE) -> None:
        self._most = most
        self._done = 0
        self._turning = False
        self._waiting: deque[Callable[[], None]] = deque()

    def take(self, work: Callable[[], None]) -> None:
        """Do a piece of work now if this turn has room for it, else in a later one."""
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn)
        if self._done < self._most and not self._waiting:
            self._done += 1
            work()
        else:
            self._waiting.append(work)

    def _turn(self) -> None:
        waiting = self._waiting
        self._turning = bool(waiting)
        if not waiting:
            self._done = 0
            return
        asyncio.get_running_loop().call_soon(self._turn)
        self._done = min(self._most, len(waiting))
        for _ in range(self._done):
            waiting.popleft()()
