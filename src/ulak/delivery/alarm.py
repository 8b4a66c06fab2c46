"""One timer for the earliest of many times of day."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

_LONGEST = 60.0  # seconds: a clock may jump
_LATE = 0.001  # seconds after the time: a loop and a clock may differ by as much


class Alarm:
    """Calls `ring` at the earliest time that it was told since it rang last, or a little sooner.

    `clock` and all times are in seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float], ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None
        self._time = math.inf
        self._stopped = False

    def at(self, time: float) -> None:
        """Ring at this time, too."""
        if time >= self._time or self._stopped:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._time = time
        pause = min(max(time - self._clock(), 0.0), _LONGEST) + _LATE
        self._timer = asyncio.get_running_loop().call_later(pause, self._now)

    def _now(self) -> None:
        self._timer, self._time = None, math.inf
        self._ring()

    def stop(self) -> None:
        """Ring no more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
