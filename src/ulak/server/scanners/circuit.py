"""When a scanner that has failed is asked again: soon, but not by every message that waits.

After a few failures in a row it is left alone, so that mail need not wait for what will not
come. When the rest is over one message tries; the next rest is longer if that fails, too.
"""

from __future__ import annotations

from collections.abc import Callable

PATIENCE = 3  # failures in a row
_FIRST, _LONGEST = 1.0, 30.0  # seconds of rest


class Circuit:
    """Knows whether a scanner is worth asking; `clock` gives seconds that only go forward."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = 0.0
        self._trying = False
        self.failures = 0  # in a row

    def enter(self) -> bool:
        """Whether the scanner is to be asked now. Whoever may ask says how it went."""
        if self.failures < PATIENCE:
            return True
        if self._trying or self._clock() < self._until:
            return False
        self._trying = True
        return True

    def answered(self) -> None:
        """Note that it has answered."""
        self.failures = 0
        self._trying = False

    def failed(self) -> None:
        """Note that it has not."""
        self.failures += 1
        self._trying = False
        if self.failures >= PATIENCE:
            rest = min(_FIRST * 2 ** min(self.failures - PATIENCE, 10), _LONGEST)
            self._until = self._clock() + rest

    def left(self) -> None:
        """Note that nobody knows how it went: the question was given up."""
        self._trying = False
