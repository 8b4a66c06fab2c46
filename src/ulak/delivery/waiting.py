"""Mail that waits without an attempt: nothing is sent to its site, or not from here today."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from ulak.delivery.concluding import Concluding
from ulak.delivery.line import Job, Round
from ulak.delivery.settled import Settled
from ulak.delivery.settling import Settling
from ulak.delivery.site.grant import Wait, Why
from ulak.delivery.site.suspension import Suspension
from ulak.delivery.sourcing import Sources
from ulak.delivery.telling import moment
from ulak.queue.item import Again, Lease, Pending
from ulak.replies import catalog
from ulak.replies.reply import Reply


class Waiting:
    """Puts jobs back into the store."""

    def __init__(
        self,
        settling: Settling,
        concluding: Concluding,
        clock: Callable[[], float],
        sure: Callable[[Lease], Awaitable[bool]] | None,
    ) -> None:
        self._settling = settling
        self._concluding = concluding
        self._clock = clock
        self._sure = sure

    async def instead(self, job: Job, sources: Sources | None) -> bool:
        """Settle a job for which nothing is to be attempted now; whether that was so."""
        message = job.round.lease.message
        if self._sure is not None and not await self._sure(job.round.lease):
            await self._concluding.conclude(job.round, (), ())  # others have it
            return True
        if message.envelope.wishes.deliver_by is not None:
            settled = self._settling.without_attempt(message, job.pending)
            if settled is not None:
                await self._settle(job, settled)
                return True
        # Those that were tried before have been counted.
        if sources is None or job.pending[0].attempts:
            return False
        wait = await sources.wait(message, self._clock())
        if wait is not None:
            await self._until(job, *wait)
        return wait is not None

    async def back(
        self, jobs: Sequence[Job], wait: Wait | None = None, suspension: Suspension | None = None
    ) -> bool:
        """Give jobs of one site back as they were; with `wait` they are due when it is over.

        Whether the time of some was over, or their senders were to be told that they are late:
        there may be more of them in the store.
        """
        more = False
        for job in jobs:
            if wait is None:
                more = await self.unattempted(job.round, job.pending, suspension) or more
            elif wait.why is Why.WARMING:
                reply = catalog.SOURCE_WARMING.reply(until=moment(wait.until))
                await self._until(job, reply, wait.until)
            else:
                later = [_due(each, wait.until) for each in job.pending]
                await self._concluding.conclude(job.round, later, ())
        return more

    async def unattempted(
        self, around: Round, pending: Sequence[Pending], suspension: Suspension | None
    ) -> bool:
        """Give recipients back who are not sent to; whether there was more to do than that."""
        try:
            settled = self._settling.without_site(around.lease.message, pending, suspension)
        except Exception as error:  # noqa: BLE001 -- whatever it was, the mail waits
            again = self._settling.mend(pending, error, ())
            await self._concluding.conclude(around, again, ())
            return False
        if settled is None:
            await self._concluding.conclude(around, (), ())
            return False
        await self._concluding.tell(around, settled)
        return True

    async def _until(self, job: Job, reply: Reply, due: float) -> None:
        """Have a job wait for a reason that its sender and the operator can read."""
        message = job.round.lease.message
        await self._settle(job, self._settling.wait(message, job.pending, reply, due))

    async def _settle(self, job: Job, settled: Settled) -> None:
        await self._concluding.tell(job.round, settled)


def _due(pending: Pending, until: float) -> Again:
    return Again(replace(pending, due=until))
