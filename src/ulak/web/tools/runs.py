"""Checks under way: how many at once, for whom, who watches, and when they are given up.

A run begins when the first watcher comes, and is cancelled when the last one has left before its
end. Whoever asks the same within a minute is given what is there already.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from ulak.diagnose.diagnosis import Check, Diagnosis
from ulak.diagnose.reply import Confirmation, Verdict
from ulak.web.site import Incident

AT_ONCE = 6
WAITING = 24
PER_VISITOR = 3
PATIENCE = 60.0  # seconds that a run may wait for its place, and then that it may take
KEPT = 60.0  # seconds for which what came of it is given to others, too
UNSEEN = 300.0  # seconds that a run waits for its first watcher
_MOST = 200
_MOST_OCTETS = 64_000_000  # of what all runs hold


@dataclass(frozen=True, slots=True)
class Seen:
    """One check that has ended, and for a reply what it says of it."""

    check: Check
    verdict: Verdict | None = None


Tell = Callable[[Seen], None]
Result = Diagnosis | Confirmation
Make = Callable[[Tell], Awaitable[Result]]


class BusyError(Exception):
    """So much is being checked that nothing more is begun; `theirs`: for this visitor."""

    def __init__(self, *, theirs: bool) -> None:
        super().__init__()
        self.theirs = theirs


@dataclass(slots=True, eq=False)
class Run:
    """One diagnosis.

    `problem` is `too-late`, `busy`, `failed` or `left` where nothing came of it.
    """

    id: str
    key: str
    visitor: str
    make: Make
    octets: int
    until: float
    seen: list[Seen] = field(default_factory=list)
    result: Result | None = None
    problem: str = ""
    incident: str = ""
    watchers: int = 0
    task: asyncio.Task[None] | None = None
    begun: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return self.result is not None or bool(self.problem)

    def notify(self) -> None:
        """Wake all watchers."""
        self.changed.set()
        self.changed = asyncio.Event()


class Runs:
    """All runs of one process."""

    def __init__(
        self,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        incident: Incident,
        *,
        at_once: int = AT_ONCE,
        waiting: int = WAITING,
        per_visitor: int = PER_VISITOR,
        patience: float = PATIENCE,
    ) -> None:
        self._clock, self._new_id, self._incident = clock, new_id, incident
        self._most_under_way = at_once + waiting
        self._per_visitor, self._patience = per_visitor, patience
        self._places = asyncio.Semaphore(at_once)
        self._by_key: OrderedDict[str, Run] = OrderedDict()
        self._by_id: dict[str, Run] = {}

    def known(self, key: str) -> Run | None:
        """Give the run that answers the same, where there is one."""
        self._sweep()
        return self._by_key.get(key)

    def find(self, identifier: str) -> Run | None:
        """Give a run by its id."""
        self._sweep()
        return self._by_id.get(identifier)

    def enter(self, key: str, visitor: str, make: Make, *, octets: int = 0) -> Run:
        """Give the run of this key, made anew where there is none.

        `octets` are what it holds until its end.
        """
        if (run := self.known(key)) is not None:
            return run
        run = Run(self._new_id(), key, visitor, make, octets, self._clock() + UNSEEN)
        self._by_key[key] = self._by_id[run.id] = run
        self._make_room()
        return run

    async def watch(
        self, run: Run, after: int = 0
    ) -> AsyncGenerator[tuple[int, Seen | None], None]:
        """Give what has ended, from number `after` on, and None for what else has changed.

        It ends with the run. Who leaves early has to close it (`aclose`). Raises BusyError where
        the run would have to begin and may not.
        """
        if run.task is None and not run.done:
            self._begin(run)
        run.watchers += 1
        number = after
        try:
            while True:
                changed = run.changed
                while number < len(run.seen):
                    number += 1
                    yield number, run.seen[number - 1]
                if run.done:
                    return
                await changed.wait()
                yield number, None
        finally:
            run.watchers -= 1
            if not run.watchers and not run.done and run.task is not None:
                run.task.cancel()
                run.problem = "left"
                self._forget(run)

    def _begin(self, run: Run) -> None:
        under_way = [one for one in self._by_id.values() if one.task is not None and not one.done]
        if sum(one.visitor == run.visitor for one in under_way) >= self._per_visitor:
            raise BusyError(theirs=True)
        if len(under_way) >= self._most_under_way:
            raise BusyError(theirs=False)
        run.task = asyncio.create_task(self._work(run))

    async def finished(self, run: Run) -> Run:
        """Wait for the end of a run."""
        async with aclosing(self.watch(run)) as watching:
            async for _ in watching:
                pass
        return run

    async def _work(self, run: Run) -> None:
        def tell(seen: Seen) -> None:
            run.seen.append(seen)
            run.notify()

        try:
            async with asyncio.timeout(self._patience) as waiting, self._places:
                run.begun = True
                waiting.reschedule(asyncio.get_running_loop().time() + self._patience)
                run.notify()
                run.result = await run.make(tell)
        except TimeoutError:
            run.problem = "too-late" if run.begun else "busy"
        except Exception as error:  # noqa: BLE001 -- it is noted, and its watchers get the id
            run.problem, run.incident = "failed", self._incident(error)
        finally:
            run.until = self._clock() + KEPT
            run.octets = 0
            run.make = _nothing
            run.notify()

    def _sweep(self) -> None:
        now = self._clock()
        for run in [run for run in self._by_id.values() if run.until <= now]:
            if run.task is None or run.done:
                self._forget(run)

    def _make_room(self) -> None:
        """Forget the oldest that are not under way, where there are too many or too large ones."""
        for run in list(self._by_key.values()):
            held = sum(one.octets for one in self._by_id.values())
            if len(self._by_id) <= _MOST and held <= _MOST_OCTETS:
                return
            if run.task is None or run.done:
                self._forget(run)

    def _forget(self, run: Run) -> None:
        self._by_id.pop(run.id, None)
        if self._by_key.get(run.key) is run:
            del self._by_key[run.key]


async def _nothing(_: Tell) -> Result:
    raise AssertionError
