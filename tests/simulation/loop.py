"""An event loop whose time is the simulation's: when nothing is left to do, it is later.

It has no sockets: `create_connection` leads into the simulated network. What threads do (SQLite's
writer) takes no time: while a verb of the store is under way (`busy`), the clock stands still.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

BEGINNING = 1_767_225_600.0  # 1 January 2026, 00:00 UTC
_FINEST = 1e-5  # seconds: two timers that are nearer to each other than this fire together


_LOOK = 100_000  # turns of the loop


class StandstillError(BaseException):
    """Something is done again and again and no time passes."""


class Network(Protocol):
    """Where connections lead."""

    async def connect(
        self, make: Callable[[], asyncio.Protocol], host: str, port: int, source: str
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        """Open a connection, or raise OSError."""


class _Selector(selectors.DefaultSelector):
    """Waits by putting the loop's clock forward."""

    loop: SimulatedLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        loop = self.loop
        if loop.busy:
            # Ready callbacks first; else only a thread can bring something.
            return super().select(0 if timeout == 0 else 5)
        if timeout is None:
            return super().select(5)
        if timeout > 0:
            loop.now += timeout
        loop.turns += 1
        if loop.turns % _LOOK == 0:
            # Somebody goes round in circles: in so many turns a minute has to pass.
            if loop.now < loop.seen + 60:
                message = f"time stands still at {loop.now:.3f} s"
                raise StandstillError(message)
            loop.seen = loop.now
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        selector = _Selector()
        super().__init__(selector)
        self._clock_resolution = _FINEST  # the loop asks it how exact its clock is
        self.now = 0.0
        self.busy = 0
        self.turns = 0
        self.seen = -60.0
        self.network: Network | None = None
        selector.loop = self

    def time(self) -> float:
        return self.now

    def clock(self) -> float:
        """The time of day, in seconds since the epoch."""
        return BEGINNING + self.now

    async def create_connection(  # type: ignore[override]  # what the carrier asks of it
        self,
        make: Callable[[], asyncio.Protocol],
        host: str,
        port: int,
        *,
        local_addr: tuple[str, int] | None = None,
        **_other: object,
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        assert self.network is not None
        source = local_addr[0] if local_addr else ""
        return await self.network.connect(make, host, port, source)


def simulated() -> SimulatedLoop:
    """The running loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedLoop)
    return loop


async def in_no_time(work: Awaitable[T]) -> T:
    """Wait for what a thread does, while the clock stands still."""
    loop = simulated()
    loop.busy += 1
    try:
        return await work
    finally:
        loop.busy -= 1


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end in simulated time."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(main)
