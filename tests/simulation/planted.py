"""Bugs planted in the real code for the length of a year, to see which laws find them.

Each is one line that somebody could get wrong, or forget. `python -m tests.simulation --planted`
tells how many seeds each of them needs until a law is broken.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ulak.delivery import conclusion
from ulak.delivery.acting import Acting
from ulak.delivery.advice import NO_ADVICE
from ulak.delivery.concluding import Concluding
from ulak.delivery.line import Job
from ulak.delivery.memory import Memory
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.pool import Pool
from ulak.delivery.ready import Ready
from ulak.delivery.reporting import Reporting
from ulak.delivery.settling import Settling
from ulak.delivery.site.probe import Probe
from ulak.delivery.site.share import Member
from ulak.delivery.site.terms import Terms
from ulak.delivery.site.window import Window
from ulak.delivery.worker import Worker
from ulak.queue.item import Again, Done, State
from ulak.queue.lanes import Crowd
from ulak.queue.memory import MemoryStore
from ulak.queue.retry import Retry

from .ledger import Broken
from .year import simulate

Patch = tuple[object, str, object]


def _lost_settle() -> list[Patch]:
    """What one settle in thirty says of a delivery never reaches the store."""
    before, count = MemoryStore.settle, iter(range(10**9))

    async def settle(self: MemoryStore, lease: Any, outcomes: Sequence[Any]) -> None:
        await before(self, lease, () if next(count) % 30 == 29 else outcomes)

    return [(MemoryStore, "settle", settle)]


def _double_lease() -> list[Patch]:
    """What is leased is given out again when it has been due for a quarter of an hour."""

    def due(place: Any, now: float) -> bool:
        each = place.pending
        free = not place.token or each.due < now - 900
        return bool(free and each.state is State.READY and each.due <= now)

    return [("ulak.queue.memory", "_due", due)]


def _lease_kept() -> list[Patch]:
    """A runner that falls keeps its lease: nobody settles what an attempt left undecided."""
    before, count = Concluding.tell, iter(range(10**9))

    async def tell(self: Concluding, around: Any, settled: Any) -> None:
        if next(count) % 40 != 39:
            await before(self, around, settled)

    return [(Concluding, "tell", tell)]


def _unreported() -> list[Patch]:
    """A failure is settled without its report."""

    async def of(_self: Reporting, _message: Any, _settled: Any) -> list[Any]:
        return []

    return [(Reporting, "of", of)]


def _for_good() -> list[Patch]:
    """What a server says at RCPT is final, whatever its first digit."""
    before = conclusion.refused

    def refused(*given: Any) -> Outcome:
        return replace(before(*given), result=Result.FAILED)

    return [(conclusion, "refused", refused)]


def _forgotten() -> list[Patch]:
    """A deferral counts as done where the session broke off."""
    before = Settling.settle

    def settle(self: Settling, message: Any, pending: Any, outcomes: Any, *more: Any) -> Any:
        settled = before(self, message, pending, outcomes, *more)
        lost = {each.recipient for each in outcomes if each.cause == "connection-lost"}
        settled.settlements = [
            Done(each.pending.recipient)
            if isinstance(each, Again) and each.pending.recipient in lost
            else each
            for each in settled.settlements
        ]
        return settled

    return [(Settling, "settle", settle)]


def _restless() -> list[Patch]:
    """Waits do not grow."""
    return [(Retry, "wait", lambda _self, _attempts, chance: 180.0 + chance)]


def _endless() -> list[Patch]:
    """Nobody is ever given up."""

    def next_attempt(self: Retry, _since: float, attempts: int, now: float, *more: float) -> float:
        return now + self.wait(attempts, more[0])

    return [(Retry, "next_attempt", next_attempt)]


def _impatient() -> list[Patch]:
    """Mail is given up after twelve attempts."""
    before = Retry.next_attempt

    def next_attempt(self: Retry, received: float, attempts: int, *more: Any) -> float | None:
        return None if attempts >= 12 else before(self, received, attempts, *more)

    return [(Retry, "next_attempt", next_attempt)]


def _no_limit() -> list[Patch]:
    """An attempt that ends is counted out twice."""

    def end(self: Window) -> None:
        self.active = max(self.active - 2, 0)

    return [(Window, "end", end)]


def _no_turns() -> list[Patch]:
    """All jobs stand in the line of the first: a slow site holds up the rest."""
    before = Job.__init__

    def init(self: Job, around: Any, target: Any, pending: Any) -> None:
        before(self, around, replace(target, key="all"), pending)

    return [(Job, "__init__", init)]


def _no_room() -> list[Patch]:
    """Nobody asks whether there is room."""
    return [
        (Memory, "room", lambda _self: 1000),
        (Memory, "room_for_stored", lambda _self: 1000),
        (Ready, "full", lambda *_given: False),
    ]


def _asleep() -> list[Patch]:
    """A recipient that is due soon wakes nobody."""
    return [(Worker, "_concluded", _concluded_asleep)]


def _concluded_asleep(self: Worker, around: Any, settlements: Any, *, last: bool) -> None:
    del settlements
    if last:
        self._ready.memory.let_go(around)


def _stuck() -> list[Patch]:
    """A line that waits for its site is not looked at again when an attempt there ends."""
    before = Ready.end

    def end(self: Ready, job: Job) -> bool:
        assert job.line is not None
        waiting = [each for each in self._by_site[job.line.site.name] if each.parked]
        for line in waiting:
            line.listed = True
        try:
            return before(self, job)
        finally:
            for line in waiting:
                line.listed = False

    return [(Ready, "end", end)]


def _no_suspension() -> list[Patch]:
    """Nothing that a site says stops us."""
    return [(Acting, "note", lambda *_given: NO_ADVICE)]


def _waits_for_ever() -> list[Patch]:
    """Mail for a site to which nothing is sent has no end."""
    return [(Settling, "without_site", lambda *_given: None)]


def _two_in_one() -> list[Patch]:
    """The pool lends a connection, and keeps it for the next one too."""

    def take(self: Pool, key: Any) -> Any:
        waiting = self._idle.get(key)
        return waiting[-1] if waiting else None

    return [(Pool, "take", take)]


def _idle_free() -> list[Patch]:
    """Connections that wait for the next message are not counted."""
    return [(Terms, "lasting", property(lambda _self: 1_000_000))]


def _no_parts() -> list[Patch]:
    """Each of several workers takes the whole limit for its own."""
    return [
        (Member, "part", lambda _self, limit, _place=None: limit),
        (Member, "rest", lambda _self, _limit: 0),
    ]


def _each_for_itself() -> list[Patch]:
    """Each of several workers probes for itself."""
    return [(Probe, "may", lambda _self: True)]


def _no_lanes() -> list[Patch]:
    """How much a sender has in the store counts for nothing."""
    return [(Crowd, "enter", lambda *_given: 0)]


PLANTED: dict[str, Callable[[], list[Patch]]] = {
    "lost-settle": _lost_settle,
    "double-lease": _double_lease,
    "lease-kept": _lease_kept,
    "unreported": _unreported,
    "for-good": _for_good,
    "forgotten": _forgotten,
    "restless": _restless,
    "endless": _endless,
    "impatient": _impatient,
    "no-limit": _no_limit,
    "no-turns": _no_turns,
    "no-room": _no_room,
    "asleep": _asleep,
    "stuck": _stuck,
    "no-suspension": _no_suspension,
    "waits-for-ever": _waits_for_ever,
    "two-in-one": _two_in_one,
    "idle-free": _idle_free,
    "no-parts": _no_parts,
    "each-for-itself": _each_for_itself,
    "no-lanes": _no_lanes,
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Have one of the bugs in the code."""
    patches = [
        (importlib.import_module(where) if isinstance(where, str) else where, attribute, new)
        for where, attribute, new in PLANTED[name]()
    ]
    before = [(where, attribute, getattr(where, attribute)) for where, attribute, _ in patches]
    for where, attribute, new in patches:
        setattr(where, attribute, new)
    try:
        yield
    finally:
        for where, attribute, old in before:
            setattr(where, attribute, old)


def needed(name: str, most: int, first: int = 0) -> tuple[int, list[Broken]]:
    """The first seed whose year shows the bug, and what it broke; -1 where none does."""
    for seed in range(first, most):
        with planted(name):
            broken = simulate(seed)[1]
        if broken:
            return seed, broken
    return -1, []
