"""The delivery worker: takes what is due, has it carried, and settles what came of it.

How a message goes. A lease comes in, by `accepted` straight from the session that has just put
it, or by `run` from the store. Its recipients are grouped by target into jobs, jobs wait in
their target's line (`ready`), and runners, one for each attempt that may be under way, take the
next job in turn, have it carried, and settle it in the store before they take another. So at a
crash no more messages can be in doubt than attempts were under way.

Nothing is lost on any way out: what is not settled is given back, what cannot be settled is
tried to be settled until it can, and an error inside becomes a deferral with an incident id.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from dataclasses import replace

from ulak.delivery import conclusion
from ulak.delivery.concluding import Concluding
from ulak.delivery.directions import Directions
from ulak.delivery.heard import Heard
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.parts import Parts
from ulak.delivery.ready import Job, Ready, Round
from ulak.delivery.reporting import Reporting, Signed
from ulak.delivery.settling import Settling
from ulak.delivery.standing import Stand, stands
from ulak.delivery.target import Target
from ulak.queue.item import Again, Lease, Message, Pending, Selection, Settlement
from ulak.queue.store import StorageError

_BATCH = 200  # messages leased at a time
_IDLE = 50  # runners that stay for the next job
# In seconds:
_LONGEST_SLEEP = 60.0  # without a look at the store; a clock may jump
_SHORTEST_SLEEP = 0.02  # between two looks at it
_RECHECK = 5.0  # until the next look where all that is due is for full lines
_PUT_BY = 1.0  # until a message that was not wanted at once is sure to be in the store
_BACKOFF = (0.25, 30.0)  # after a store that failed: the first and the longest wait


class Worker:
    """One process's part in delivery. Paused, it leaves all in the queue."""

    def __init__(self, parts: Parts, *, paused: bool = False) -> None:
        self._paused = paused
        self._parts = parts
        self._store = parts.store
        self._ready = Ready(parts.limits)
        self._heard = Heard(parts.clock)
        self._directions = Directions(
            parts.route, parts.resolver, parts.clock, parts.incident, parts.limits.recipients
        )
        self._settling = Settling(
            parts.journal, parts.retry, parts.clock, parts.chance, parts.incident, parts.readers
        )
        self._reporting = Reporting(
            parts.office,
            parts.journal,
            parts.explain,
            parts.clock,
            parts.new_id,
            parts.readers,
            Signed(parts.sign, parts.incident),
        )
        self._concluding = Concluding(
            parts.store,
            self._reporting,
            parts.incident,
            self.wants,
            self._reported,
            self._concluded,
        )
        self._waking = asyncio.Event()
        self._behind = False  # whether the store has more for us than there was room for
        self._later: asyncio.TimerHandle | None = None
        self._planned = 0.0  # when the store is looked at next, in seconds since the epoch
        self._stopping = False
        self._running: asyncio.Task[None] | None = None
        self._runners: set[asyncio.Task[None]] = set()
        self._idle: list[asyncio.Future[None]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    # -- the fast way -----------------------------------------------------------------------

    def wants(self, domains: Iterable[str]) -> bool:
        """Whether a message to these domains may be put with a lease and handed to `accepted`.

        If not, it lies in the store until there is room for it.
        """
        if self._paused or self._stopping:
            return False
        if self._ready.room() and all(map(self._has_room, domains)):
            return True
        self._behind = True
        if self._later is None:
            # It is not in the store yet. When it is, this may be the last that is heard of it.
            self._later = asyncio.get_running_loop().call_later(_PUT_BY, self._look)
        return False

    def _has_room(self, domain: str) -> bool:
        target = self._directions.known(domain)
        if target is not None:
            return not self._ready.full(target.key)
        asked, limits = self._directions.asked, self._parts.limits
        return asked[domain] < limits.waiting and len(self._tasks) * 4 < limits.messages

    def _look(self) -> None:
        self._later = None
        self.wake()

    def accepted(self, lease: Lease) -> None:
        """Begin with a message that has just been put; returns at once."""
        around = Round(lease)
        self._ready.hold(around)
        if self._stopping:
            self._spawn(self._give_back(around))
            return
        pending = lease.pending
        if len(pending) == 1:
            target = self._directions.known(pending[0].domain)
            if target is not None and target.refusal is None:
                self._add(Job(around, target, pending))
                return
        self._spread(around)

    def _spread(self, around: Round) -> None:
        """Make jobs of a lease: those whose way is known now, the others when it is found."""
        known: list[tuple[Pending, Target]] = []
        unknown: list[Pending] = []
        for each in around.lease.pending:
            target = self._directions.known(each.domain)
            if target is None:
                unknown.append(each)
            else:
                known.append((each, target))
        jobs = self._directions.jobs(around, known)
        around.share(len(jobs) + bool(unknown))
        for job in jobs:
            self._add(job)
        if unknown:
            self._spawn(self._find(around, unknown))

    async def _find(self, around: Round, unknown: Sequence[Pending]) -> None:
        """Look up the targets of recipients, then make their jobs."""
        domains = list(dict.fromkeys(each.domain for each in unknown))
        targets = await asyncio.gather(*(self._directions.find(domain) for domain in domains))
        by_domain = dict(zip(domains, targets, strict=True))
        jobs = self._directions.jobs(around, [(each, by_domain[each.domain]) for each in unknown])
        around.share(around.open - 1 + len(jobs))
        for job in jobs:
            self._add(job)

    def _add(self, job: Job) -> None:
        """Let a job wait for its turn, and see that a runner comes for it."""
        self._ready.add(job)
        if not self._ready:
            return
        if self._idle:
            self._idle.pop().set_result(None)
        elif len(self._runners) < self._parts.limits.total:
            runner = asyncio.get_running_loop().create_task(self._run_jobs())
            self._runners.add(runner)
            runner.add_done_callback(self._runners.discard)

    # -- runners ----------------------------------------------------------------------------

    async def _run_jobs(self) -> None:
        """Do the next job, and so on; wait where there is none."""
        ready = self._ready
        while not self._stopping:
            job = ready.take()
            if job is None:
                if len(self._idle) >= _IDLE:
                    return
                waiting = asyncio.get_running_loop().create_future()
                self._idle.append(waiting)
                await waiting
                continue
            try:
                await self._do(job)
            except Exception as error:  # noqa: BLE001 -- whatever it was, the mail waits
                await self._mend(job.round, job.pending, error)
            finally:
                if ready.end(job) and self._behind:
                    self._waking.set()

    async def _do(self, job: Job) -> None:
        """Carry a job and settle what came of it, before anything else is carried in its place."""
        around = job.round
        message = around.lease.message
        if message.envelope.wishes.deliver_by is not None:
            settled = self._settling.without_attempt(message, job.pending)
            if settled is not None:
                reports = await self._reporting.of(message, settled)
                await self._concluding.conclude(around, settled.settlements, reports)
                return
        outcomes = await self._carry(job, message)
        self._heard.note(job.target, [each.domain for each in job.pending], outcomes)
        try:
            settled = self._settling.settle(message, job.pending, outcomes, job.target.way)
            reports = await self._reporting.of(message, settled)
        except Exception as error:  # noqa: BLE001 -- what is delivered must not come again
            done = {each.recipient for each in outcomes if each.result is Result.DELIVERED}
            await self._mend(around, job.pending, error, done)
        else:
            await self._concluding.conclude(around, settled.settlements, reports)

    async def _carry(self, job: Job, message: Message) -> Sequence[Outcome]:
        target, recipients = job.target, [each.recipient for each in job.pending]
        expanded: Sequence[Outcome] = ()
        if message.envelope.asked:
            expanded, recipients = conclusion.expanded(message.envelope, recipients)
            if not recipients:
                return expanded
        if target.refusal is not None:
            template = conclusion.refusal(target)
        else:
            try:
                carrier = self._parts.carriers[target.way]
                outcomes = await carrier.carry(message, recipients, target)
            except Exception as error:  # noqa: BLE001 -- whatever it was, the mail waits
                template = conclusion.broken(self._parts.incident(error))
            else:
                return [*expanded, *outcomes] if expanded else outcomes
        return [*expanded, *(replace(template, recipient=each) for each in recipients)]

    async def _mend(
        self,
        around: Round,
        pending: Sequence[Pending],
        error: Exception,
        done: Collection[str] = (),
    ) -> None:
        """Put off the recipients that are not done, where deciding about them has failed."""
        await self._concluding.conclude(around, self._settling.mend(pending, error, done), ())

    def _concluded(self, around: Round, settlements: Sequence[Settlement], *, last: bool) -> None:
        """See what is to be done next, where a job has been settled in the store."""
        for each in settlements:
            if isinstance(each, Again) and each.pending.due < self._planned:
                self._waking.set()  # sooner than anything that the last look has found
        if last:
            self._ready.let_go(around)
            if self._behind and self._ready.spacious():
                self._waking.set()

    def _reported(self, lease: Lease | None) -> None:
        """Go on with a report that is queued: it is leased already, or waits."""
        self.wake() if lease is None else self.accepted(lease)

    async def _give_back(self, around: Round) -> None:
        """Let the store have a lease back as it was, with whoever is not settled."""
        try:
            await self._store.settle(around.lease, ())
        except StorageError as error:  # then the next to open the store finds it
            self._parts.incident(error)
        self._ready.let_go(around)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- the store --------------------------------------------------------------------------

    async def run(self) -> None:
        """Work on what is due in the store, until `stop`."""
        self._running = asyncio.current_task()
        wait, longest = _BACKOFF
        while not self._stopping:
            self._waking.clear()
            self._planned = math.inf
            try:
                pause = await self._fill()
            except StorageError as error:
                self._parts.incident(error)
                pause, wait = wait, min(wait * 2, longest)
            else:
                wait = _BACKOFF[0]
            self._planned = self._parts.clock() + pause
            # Whoever wakes us often gets one look at the store for all.
            await asyncio.sleep(min(pause, _SHORTEST_SLEEP))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause - _SHORTEST_SLEEP):
                    await self._waking.wait()

    async def _fill(self) -> float:
        """Lease what is due as far as there is room; how long nothing more will be, in seconds."""
        if self._paused:
            return _LONGEST_SLEEP
        limits = self._parts.limits
        # A quarter of the room is left to mail that comes in now: a backlog must not delay it.
        while (room := min(self._ready.room() - limits.messages // 4, _BATCH)) > 0:
            self._behind = False
            now = self._parts.clock()
            asked = self._directions.asked
            avoid = {*self._ready.crowded(), *(d for d in asked if asked[d] >= limits.waiting)}
            leases = await self._store.lease(now, room, avoid)
            for lease in leases:
                self.accepted(lease)
            if len(leases) < room:
                break
        else:
            self._behind = True
            return _LONGEST_SLEEP
        due = await self._store.next_due()
        if due is None:
            return _LONGEST_SLEEP
        if due <= now:  # for targets whose lines are full
            self._behind = True
            return _RECHECK
        return min(due - now, _LONGEST_SLEEP)

    def wake(self) -> None:
        """Look at the store soon: something in it may be due."""
        if self._ready.room():
            self._waking.set()
        else:
            self._behind = True

    def later(self, due: float) -> None:
        """Note that something was put that is due at this time."""
        if due < self._planned:
            self._waking.set()

    @property
    def attempts(self) -> int:
        """How many attempts are under way."""
        return self._ready.active

    def stands(self) -> list[Stand]:
        """Tell where mail goes just now, and what became of the last attempts."""
        return stands(self._ready, self._heard)

    def pause(self) -> None:
        """Take nothing more; what is leased already is still delivered."""
        self._paused = True

    def resume(self) -> None:
        """Deliver again."""
        self._paused = False
        self.wake()

    async def bounce(
        self, which: Selection, tell: Callable[[Lease], None] = lambda _lease: None
    ) -> int:
        """Return the selected recipients' mail to its senders; how many there were.

        `tell` is told of each lease before. Raises StorageError where the store cannot say what
        is selected.
        """
        # The reports that are queued meanwhile are not meant: they would end unread.
        ids = tuple(dict.fromkeys([row.id for row in await self._store.list(which)]))
        count = 0
        for start in range(0, len(ids), _BATCH):
            batch = replace(which, ids=ids[start : start + _BATCH])
            leases = await self._store.take(batch, _BATCH)
            for lease in leases:
                tell(lease)
            count += sum(await asyncio.gather(*map(self._bounce, leases)))
        return count

    async def _bounce(self, lease: Lease) -> int:
        """Return one message to its sender; for how many recipients."""
        around = Round(lease)
        self._ready.hold(around)
        try:
            settled = self._settling.drop(lease.message, lease.pending)
            reports = await self._reporting.of(lease.message, settled)
        except Exception as error:  # noqa: BLE001 -- whatever it was, the mail waits
            await self._mend(around, lease.pending, error)
            return 0
        await self._concluding.conclude(around, settled.settlements, reports)
        return len(lease.pending)

    async def stop(self, grace: float) -> None:
        """Let attempts under way end for so many seconds; give all else back; close carriers."""
        self._stopping = True
        self._waking.set()
        if self._later is not None:
            self._later.cancel()
        while self._idle:
            self._idle.pop().set_result(None)
        self._ready.clear()
        for task in list(self._tasks):
            task.cancel()
        await self._directions.close()
        under_way = {*self._runners, *({self._running} if self._running else ())}
        if under_way:
            await asyncio.wait(under_way, timeout=grace)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, *self._tasks, return_exceptions=True)
        await asyncio.gather(*(self._give_back(around) for around in list(self._ready.rounds)))
        await asyncio.gather(*(carrier.close() for carrier in set(self._parts.carriers.values())))
