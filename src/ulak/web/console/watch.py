"""Who watches the server: however many there are, it is looked at once for all of them.

Every two seconds a sample is taken as long as somebody watches, and what is shown of it is written
once for each language. A viewer costs no more than sending it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from ulak.web.console.ports import Now, Operation

EVERY = 2.0  # seconds between two samples
_RING = 150  # samples that are remembered: five minutes
_RATE = 10.0  # seconds over which a rate is taken, at least
_KEYS = 200  # things that are shown at once
_ASK_AFTER = 15.0  # seconds after which it is asked whether a viewer may still look

Make = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Sample:
    """How the server was at a moment, and what has come before, oldest first."""

    number: int
    now: Now
    before: tuple[Now, ...] = ()

    def rate(self, kind: str) -> float | None:
        """Give how many of a kind there are a second just now, None where that is not known."""
        now = self.now
        older = [b for b in self.before if now.time - b.time >= _RATE and _same(b, now)]
        if not older:
            older = [b for b in self.before[:1] if now.time > b.time and _same(b, now)]
        return _between(older[-1], now, kind) if older else None

    def course(self, kind: str) -> tuple[float | None, ...]:
        """Give how that went since it has been watched, sample by sample."""
        points = (*self.before, self.now)
        pairs = pairwise(points)
        return tuple(_between(a, b, kind) if _same(a, b) else None for a, b in pairs)


def _same(one: Now, other: Now) -> bool:
    """Whether the same workers answered: one that began anew counts from nothing."""
    return (one.started, one.workers) == (other.started, other.workers)


def _between(one: Now, other: Now, kind: str) -> float | None:
    seconds = other.time - one.time
    if seconds <= 0:
        return None
    return max(_count(other, kind) - _count(one, kind), 0) / seconds


def _count(now: Now, kind: str) -> int:
    counted = now.counted.items()
    return sum(n for name, n in counted if name == kind or name.startswith(f"{kind} "))


@dataclass(slots=True)
class _Shown:
    text: str = ""
    until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class Watch:
    """The samples of one server, and what was written of the last one.

    `clock` gives seconds that only go forward, `pause` waits for so many seconds.
    """

    clock: Callable[[], float] = field(default=lambda: asyncio.get_running_loop().time())
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    _sample: Sample | None = None
    _taken: float = 0.0
    _ring: deque[Now] = field(default_factory=lambda: deque(maxlen=_RING))
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _shown: dict[Hashable, _Shown] = field(default_factory=dict)

    async def sample(self, operation: Operation) -> Sample:
        """Give the last sample, or a new one where that is too old."""
        async with self._lock:
            sample = self._sample
            if sample is not None and self.clock() - self._taken < EVERY * 0.9:
                return sample
            now = await operation.now()
            self._taken = self.clock()
            if sample is not None and now is sample.now:
                return sample
            number = 1 if sample is None else sample.number + 1
            if sample is not None and now.time - sample.now.time > _RATE * 3:
                self._ring.clear()  # nobody has watched for a while
            self._sample = sample = Sample(number, now, tuple(self._ring))
            self._ring.append(now)
            return sample

    async def shown(self, key: Hashable, make: Make, lasts: float = EVERY) -> str:
        """Give what is shown under a key, made once for all who look, and again when it is old."""
        shown = self._shown.get(key)
        if shown is None:
            if len(self._shown) >= _KEYS:
                self._shown.clear()
            shown = self._shown[key] = _Shown()
        async with shown.lock:
            if not shown.text or self.clock() >= shown.until:
                shown.text = await make()
                shown.until = self.clock() + lasts * 0.9
            return shown.text

    async def follow(
        self,
        parts: Mapping[str, Make],
        still: Callable[[], Awaitable[bool]],
    ) -> AsyncIterator[str]:
        """Give events for one viewer until `still` says that the visit is over.

        `parts` give what is shown, by the names of events; what has not changed is not sent.
        """
        sent: dict[str, str] = {}
        asked = self.clock()
        while True:
            for name, make in parts.items():
                text = await make()
                if sent.get(name) != text:
                    sent[name] = text
                    yield event(name, text)
            await self.pause(EVERY)
            if self.clock() - asked >= _ASK_AFTER:
                asked = self.clock()
                if not await still():
                    return


def event(name: str, data: str) -> str:
    """Write an event as a browser reads it (HTML, server-sent events)."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines())
    return f"event: {name}\n{lines}\n"
