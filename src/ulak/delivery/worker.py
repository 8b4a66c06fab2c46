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

from ulak.delivery.acting import Acting
from ulak.delivery.alarm import Alarm
from ulak.delivery.carrying import carried
from ulak.delivery.concluding import Concluding
from ulak.delivery.crew import Crew
from ulak.delivery.deadlines import Deadlines
from ulak.delivery.directions import directions_of
from ulak.delivery.filling import Filling
from ulak.delivery.heard import Heard
from ulak.delivery.line import Job, Round
from ulak.delivery.outcome import Result
from ulak.delivery.overdue import Overdue
from ulak.delivery.parts import Parts
from ulak.delivery.ready import Ready
from ulak.delivery.reporting import Reporting, Signed
from ulak.delivery.returning import Returning
from ulak.delivery.settling import Settling
from ulak.delivery.site.grant import Wait
from ulak.delivery.site.sites import Sites
from ulak.delivery.spreading import Spreading
from ulak.delivery.standing import Held, Stand, held, stands
from ulak.delivery.waiting import Waiting
from ulak.queue.item import Again, Lease, Pending, Selection, Settlement
from ulak.queue.store import StorageError

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
        self._alarm = Alarm(parts.clock, self._ring)
        known = parts.sites  # it may be empty
        self._sites = Sites.to(parts.limits.target) if known is None else known
        self._ready = Ready(
            parts.limits,
            self._sites,
            parts.clock,
            sources=parts.sources,
            alarm=self._alarm.at,
            back=self._put_back,
            later=self._put_back,
        )
        self._acting = Acting(self._sites, parts.rules, parts.clock, parts.news)
        self._heard = Heard(parts.clock)
        self._directions = directions_of(parts)
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
            parts.meet,
        )
        self._concluding = Concluding(
            parts.store,
            self._reporting,
            parts.incident,
            self.wants,
            self._reported,
            self._concluded,
            self._spawn,
            parts.clock,
        )
        self._concluding.before = parts.before
        self._waiting = Waiting(self._settling, self._concluding, parts.clock, parts.sure)
        self._memory = self._ready.memory
        self._overdue = Overdue(parts, self._ready, self.accepted)
        self._deadlines = Deadlines(parts, self._ready, self._sites, self._waiting, self._spawn)
        self._returning = Returning(
            parts.store, self._settling, self._reporting, self._concluding, self._memory.hold
        )
        self._spreading = Spreading(self._directions, self._add, self._spawn)
        self._filling = Filling(parts, self._ready, self._directions, self.accepted)
        self._waking = asyncio.Event()
        self._behind = False  # whether the store has more for us than was taken
        self._short = False  # whether that is for want of room, and not of lines that are full
        self._later: asyncio.TimerHandle | None = None
        self._planned = 0.0  # when the store is looked at next, in seconds since the epoch
        self._stopping = self._giving_back = False
        self._running: asyncio.Task[None] | None = None
        self._crew = Crew(parts.limits.total, self._run_jobs, self._soon)
        self._tasks: set[asyncio.Task[None]] = set()

    # -- the fast way -----------------------------------------------------------------------

    def wants(self, domains: Iterable[str], sender: str = "") -> bool:
        """Whether a message to these domains may be put with a lease and handed to `accepted`.

        If not, it lies in the store until there is room for it.
        """
        if self._paused or self._stopping:
            return False
        if self._memory.room() and all(self._has_room(domain, sender) for domain in domains):
            return True
        self._behind = True
        self._short = self._short or not self._memory.room()
        if self._later is None:
            # It is not in the store yet. When it is, this may be the last that is heard of it.
            self._later = asyncio.get_running_loop().call_later(_PUT_BY, self._look)
        return False

    def _has_room(self, domain: str, sender: str) -> bool:
        target = self._directions.known(domain)
        if target is not None:
            return not self._ready.full(target.site or target.key, sender)
        asked, limits = self._directions.asked, self._parts.limits
        may = self._filling.may_ask(self._memory.room())
        if asked[domain] < may and len(self._tasks) * 4 < limits.messages:
            return True
        self._short = True
        return False

    def _look(self) -> None:
        self._later = None
        self.wake()

    def accepted(self, lease: Lease) -> None:
        """Begin with a message that has just been put; returns at once."""
        around = Round(lease)
        self._memory.hold(around)
        if self._stopping:
            self._spawn(self._filling.give_back(around))
            return
        pending = lease.pending
        if len(pending) == 1:
            target = self._directions.known(pending[0].domain)
            if target is not None and target.refusal is None:
                self._add(Job(around, target, pending))
                return
        self._spreading.spread(around)

    def _add(self, job: Job) -> None:
        """Let a job wait for its turn, and see that a runner comes for it."""
        if self._giving_back:
            self._put_back([job])
            return
        self._ready.add(job)
        if self._ready:
            self._crew.call()

    # -- runners ----------------------------------------------------------------------------

    async def _run_jobs(self) -> None:
        """Do the next job, and so on; wait where there is none."""
        ready, crew = self._ready, self._crew
        while not (self._stopping or crew.over()):
            job = ready.take()
            if job is None:
                if not await crew.rest():
                    return
                continue
            if ready:  # a window has grown, or several lines were waited for
                crew.call()
            try:
                await self._do(job)
            except Exception as error:  # noqa: BLE001 -- whatever it was, the mail waits
                await self._mend(job.round, job.pending, error)
            finally:
                crew.end(job)
                # A look that is under way has still left out whom there is room for now.
                if ready.end(job) and (self._behind or self._planned == math.inf):
                    self._waking.set()

    async def _do(self, job: Job) -> None:
        """Carry a job and settle what came of it, before anything else is carried in its place."""
        around = job.round
        message = around.lease.message
        sources = self._parts.sources
        if await self._waiting.instead(job, sources):
            return
        begun, started = self._parts.clock(), self._crew.begin(job)
        outcomes = await carried(job, self._parts.carriers, self._parts.incident, sources)
        self._heard.note(job.target, [each.domain for each in job.pending], outcomes)
        try:
            took = asyncio.get_running_loop().time() - started
            advice = self._acting.note(job, outcomes, begun, took)
            settled = self._settling.settle(message, job.pending, outcomes, job.target.way, advice)
            await self._concluding.tell(around, settled)
        except Exception as error:  # noqa: BLE001 -- what is delivered must not come again
            done = {each.recipient for each in outcomes if each.result is Result.DELIVERED}
            await self._mend(around, job.pending, error, done)

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
            self._memory.let_go(around)
            if self._short and self._memory.spacious():
                self._waking.set()

    def _reported(self, lease: Lease | None) -> None:
        """Go on with a report that is queued: it is leased already, or waits."""
        self.wake() if lease is None else self.accepted(lease)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _soon(self, pause: float) -> None:
        self._alarm.at(self._parts.clock() + pause)

    # -- sites that wait --------------------------------------------------------------------

    def _ring(self) -> None:
        if self._ready.tick():
            self.wake()
        if self._ready:
            self._crew.call()

    def _put_back(self, jobs: Sequence[Job], wait: Wait | None = None) -> None:
        """Let jobs wait in the store while nothing is sent to their site: that is no attempt."""
        self._spawn(self._back(jobs, wait))

    async def _back(self, jobs: Sequence[Job], wait: Wait | None) -> None:
        name = jobs[0].target.site or jobs[0].target.key
        more = await self._waiting.back(jobs, wait, self._sites.suspension(name))
        if self._ready.shut.sweep(name, more=more):
            self._waking.set()

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
                deadline = math.inf if self._giving_back else await self._deadlines.look()
            except StorageError as error:
                self._parts.incident(error)
                pause, wait = wait, min(wait * 2, longest)
            else:
                wait = _BACKOFF[0]
                pause = min(pause, max(deadline - self._parts.clock(), 0.0))
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
        await self._overdue.look()
        self._behind = self._short = False
        now = self._parts.clock()
        avoid = await self._filling.fill()
        if avoid is None:
            self._behind = self._short = True
            return _RECHECK
        due = await self._store.next_due()
        if due is None:
            return _LONGEST_SLEEP
        longest = _LONGEST_SLEEP
        if due <= now:  # for sites whose lines are full, or that are shut
            self._behind = True
            if self._ready.busy:
                longest = _RECHECK
            due = await self._store.next_due(avoid, now)
        return longest if due is None else min(due - now, longest)

    def wake(self) -> None:
        """Look at the store soon: something in it may be due."""
        if self._memory.room():
            self._waking.set()
        else:
            self._behind = self._short = True

    def later(self, due: float) -> None:
        """Note that something was put that is due at this time."""
        if due < self._planned:
            self._waking.set()

    @property
    def attempts(self) -> int:
        """How many attempts are under way."""
        return self._ready.active

    @property
    def leased(self) -> int:
        """How many messages are leased."""
        return len(self._memory.rounds)

    def stands(self) -> list[Stand]:
        """Tell where mail goes just now, and what became of the last attempts."""
        return stands(self._ready, self._heard, self._sites)

    def held(self) -> list[Held]:
        """Tell on which terms mail goes to sites."""
        return held(self._ready, self._sites, self._parts.clock())

    def reopen(self, name: str) -> None:
        """Look again at a site that another worker says may be sent to, or that has more room."""
        if self._ready.open(name):
            self.wake()
        if self._ready:
            self._crew.call()

    def resume_site(self, name: str) -> bool:
        """End what has been learned of a site to its disadvantage; whether there was something."""
        site = self._sites.known(name)
        resumed = site is not None and self._acting.resume(site)
        self.reopen(name)
        return resumed

    def pause(self, *, giving_back: bool = False) -> None:
        """Take nothing more. What is leased is still delivered, or given back if not begun yet."""
        self._paused, self._giving_back = True, giving_back
        for job in self._ready.empty() if giving_back else ():
            self._put_back([job])

    def resume(self) -> None:
        """Deliver again."""
        self._paused = self._giving_back = False
        self.wake()

    async def bounce(
        self, which: Selection, tell: Callable[[Lease], None] = lambda _lease: None
    ) -> int:
        """Return the selected recipients' mail to its senders, as `Returning.bounce` says."""
        return await self._returning.bounce(which, tell)

    async def stop(self, grace: float) -> None:
        """Let attempts under way end for so many seconds; give all else back; close carriers."""
        self._stopping = True
        self._waking.set()
        self._alarm.stop()
        if self._later is not None:
            self._later.cancel()
        self._crew.stop()
        self._ready.clear()
        for task in list(self._tasks):
            task.cancel()
        await self._directions.close()
        under_way = {*self._crew.tasks, *({self._running} if self._running else ())}
        if under_way:
            await asyncio.wait(under_way, timeout=grace)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, *self._tasks, return_exceptions=True)
        await asyncio.gather(
            *(self._filling.give_back(around) for around in list(self._memory.rounds))
        )
        await asyncio.gather(*(carrier.close() for carrier in set(self._parts.carriers.values())))
