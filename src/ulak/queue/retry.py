"""When a deferred recipient is tried again, and when trying ends (RFC 5321 §4.5.4.1).

Pure: the clock and chance are arguments, so a week of retries runs in a test in no time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


@dataclass(frozen=True, slots=True)
class Retry:
    """How patient the queue is. All times in seconds.

    After the first failure it waits `first`, then `factor` times as long each time, and never
    longer than `longest`; each wait is longer by chance, by a part of itself up to `jitter`, so
    that what failed together does not come back together.

    §4.5.4.1 wants at least 30 minutes between two attempts "in general", and fewer "when the
    client can determine the reason". The first waits are shorter here because the most common
    reason is greylisting, which lets a second attempt through after a few minutes; from the fourth
    on they are what it asks for, and they end in one attempt "every two or three hours".
    """

    first: float = 5 * _MINUTE
    factor: float = 2.0
    longest: float = 3 * _HOUR
    jitter: float = 0.2
    give_up_after: float = 5 * _DAY
    warn_after: float = 4 * _HOUR
    least_attempts: int = 4  # before giving up, however old the message seems

    def __post_init__(self) -> None:
        if not (
            0 < self.first <= self.longest < math.inf
            and 1 <= self.factor < math.inf
            and 0 <= self.jitter < math.inf
            and self.give_up_after > 0
        ):
            message = f"no schedule can be made of {self}"
            raise ValueError(message)

    def wait(self, attempts: int, chance: float) -> float:
        """How long to wait after so many attempts (1 or more); `chance` is from 0 to below 1."""
        return self._plain_wait(attempts) * (1 + self.jitter * chance)

    def next_attempt(
        self, received: float, attempts: int, now: float, chance: float, wait: float = 0.0
    ) -> float | None:
        """When to try again after `attempts` attempts, the last of them just now; None: give up.

        `wait` is how long to wait where something else than the number of attempts says so. The
        last attempt comes at the very end, however long the waits have become.

        Clocks jump. One that jumped ahead, or a server that was off for a week, makes a message
        look old that was hardly tried: it is given up only after a few attempts. One that was set
        back makes it look as if it came in the future: then the waits that lie behind it tell
        its age.
        """
        age = now - received
        if age < 0:
            age = self._waited(attempts)
        wait = wait or self.wait(attempts, chance)
        if self.over(received, attempts, now):
            return None
        left = self.give_up_after - age
        if left <= 0:
            return now + wait
        return now + min(wait, max(left, self.first))

    def over(self, received: float, attempts: int, now: float) -> bool:
        """Whether no further attempt is made after so many."""
        age = now - received if now >= received else self._waited(attempts)
        return age >= self.give_up_after and attempts >= self.least_attempts

    def late(self, received: float, now: float) -> bool:
        """Whether the sender is to be told that the message is still under way."""
        return now - received >= self.warn_after

    def _plain_wait(self, attempts: int) -> float:
        """Give the wait without its jitter."""
        steps = max(attempts - 1, 0)
        if steps >= self._steps():  # and no power that would overflow
            return self.longest
        return min(self.first * self.factor**steps, self.longest)

    def _steps(self) -> float:
        """After how many steps the longest wait is reached; infinite where it never is."""
        if self.first == self.longest:
            return 0
        if self.factor == 1:
            return math.inf
        return math.log(self.longest / self.first) / math.log(self.factor)

    def _waited(self, attempts: int) -> float:
        """Give the sum of the waits between so many attempts, without their jitter."""
        total = 0.0
        for attempt in range(1, attempts):
            total += self._plain_wait(attempt)
            if total >= self.give_up_after:
                break
        return total
