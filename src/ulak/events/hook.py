"""One webhook: where events go, and how long is waited after one that was not taken. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ulak.events.event import Wanted

ALL = Wanted()
AT_ONCE = 50  # events in one request
KEPT = 3 * 86_400.0  # seconds: what is older is given up
_FIRST, _LONGEST = 5.0, 3_600.0  # seconds between attempts
_GONE = 410  # RFC 9110 §15.5.11
_BUSY = (429, 503)


@dataclass(frozen=True, slots=True)
class Hook:
    """One receiver. `url` is its name, too. `private`: it may be in a private network, or in clear.

    `timeout` is in seconds.
    """

    url: str
    secret: bytes
    wanted: Wanted = ALL
    private: bool = False
    timeout: float = 15.0


@dataclass(frozen=True, slots=True)
class Answered:
    """What a receiver said: a status, or 0 and the problem.

    `after`: for how many seconds it wants us to wait.
    """

    status: int = 0
    problem: str = ""
    after: float = 0.0

    @property
    def taken(self) -> bool:
        """Whether it has taken what it was sent."""
        return 200 <= self.status < 300  # noqa: PLR2004 -- RFC 9110 §15.3

    @property
    def gone(self) -> bool:
        """Whether it wants nothing any more."""
        return self.status == _GONE

    @property
    def told(self) -> str:
        """Say what the problem is."""
        return self.problem or f"HTTP {self.status}"


class Send(Protocol):
    """Sends a body to a receiver. Never raises but when cancelled."""

    async def __call__(self, hook: Hook, body: bytes, fields: dict[str, str]) -> Answered:
        """Send it, with these fields."""


def pause(failures: int, answered: Answered, chance: float) -> float:
    """Say for how many seconds to wait after so many failures in a row.

    `chance` is a number from 0 to below 1: many servers must not come back at the same moment.
    """
    wait = min(_FIRST * 2.0 ** min(failures - 1, 20), _LONGEST)
    wait *= 0.75 + chance / 2
    if answered.status in _BUSY and answered.after:
        wait = max(wait, min(answered.after, _LONGEST))
    return wait
