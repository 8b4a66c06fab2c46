"""Telling the store what came of a job, until it knows; and the sender, in few reports.

What fails of one message, or is late, is told in one report: the recipients of which it is to tell
stay leased until all jobs of their round are settled, for a minute at most. So there is nothing to
remember that a crash could lose: who is leased then is tried again, fails again, and is told of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from ulak.bounce.notice import Action
from ulak.delivery.line import Round
from ulak.delivery.reporting import Report, Reporting
from ulak.delivery.settled import Settled, who
from ulak.queue.item import Again, Lease, Settlement, Still
from ulak.queue.store import QueueStore, StorageError

_GATHERED = (Action.FAILED, Action.DELAYED)  # what is told in one report
_GATHERED_FOR = 60.0  # seconds at most
_MENDED_AFTER = 900.0  # seconds until the next attempt after an error inside
_BACKOFF = (0.25, 30.0)  # seconds after a store that failed: the first and the longest wait


class Concluded(Protocol):
    """Who is told that a job has been settled."""

    def __call__(self, around: Round, settlements: Sequence[Settlement], *, last: bool) -> None:
        """Take note; `last`: its lease is over."""


class Concluding:
    """Settles jobs, each report in the very step that settles what it tells of.

    `wants` says whether a report to these domains may come with a lease, and `reported` is given
    that lease, or None for a report that waits in the store. `before` is waited for before
    the store is told.
    """

    def __init__(
        self,
        store: QueueStore,
        reporting: Reporting,
        incident: Callable[[BaseException], str],
        wants: Callable[[Collection[str]], bool],
        reported: Callable[[Lease | None], None],
        concluded: Concluded,
        spawn: Callable[[Coroutine[None, None, None]], None],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._reporting = reporting
        self._incident = incident
        self._wants = wants
        self._reported = reported
        self._concluded = concluded
        self._spawn = spawn
        self._clock = clock
        self.before: Callable[[], Awaitable[None]] | None = None

    async def tell(self, around: Round, settled: Settled) -> None:
        """Settle one job of a round and tell its sender what there is to be told."""
        if around.lock is None:
            await self._finish(around, settled)
            return
        async with around.lock:
            if around.open > 1:
                self._keep(around, settled.part(_GATHERED))
            await self._finish(around, settled)

    async def _finish(self, around: Round, settled: Settled) -> None:
        kept = around.kept if around.open == 1 else None
        if kept is not None:
            settled.join(kept)
        reports = await self._reporting.of(around.lease.message, settled)
        if kept is not None:
            around.kept = None
        await self._conclude(around, settled.settlements, reports)

    def _keep(self, around: Round, some: Settled) -> None:
        if not some.fates:
            return
        if around.kept is None:
            around.kept = some
            asyncio.get_running_loop().call_later(_GATHERED_FOR, self._time_is_up, around)
        else:
            around.kept.join(some)

    def _time_is_up(self, around: Round) -> None:
        if around.kept is not None:
            self._spawn(self._flush(around))

    async def _flush(self, around: Round) -> None:
        """Tell what was kept: other jobs of the round take too long."""
        assert around.lock is not None  # noqa: S101 -- nothing is kept where there is one job
        async with around.lock:
            settlements, reports = await self._told_at_last(around)
            if not reports:
                await self._tell(around.lease, [*settlements, Still()], None)
            for report, its in _steps(settlements, reports):
                await self._tell(around.lease, [*its, Still()], report)
            self._concluded(around, settlements, last=False)

    async def _told_at_last(self, around: Round) -> tuple[list[Settlement], list[Report]]:
        """Write the reports of what was kept."""
        kept, around.kept = around.kept, None
        if kept is None:
            return [], []
        try:
            reports = await self._reporting.of(around.lease.message, kept)
        except Exception as error:  # noqa: BLE001 -- whatever it was, they are tried and told later
            self._incident(error)
            names = {fate.recipient for fates in kept.fates.values() for fate in fates}
            due = self._clock() + _MENDED_AFTER
            waiting = [each for each in around.lease.pending if each.recipient in names]
            return [Again(replace(each, due=due)) for each in waiting], []
        return kept.settlements, reports

    async def conclude(
        self, around: Round, settlements: Sequence[Settlement], reports: Sequence[Report]
    ) -> None:
        """Settle one job of a round; the jobs of a round do that one after the other."""
        if around.lock is None:
            await self._conclude(around, settlements, reports)
            return
        async with around.lock:
            await self._conclude(around, settlements, reports)

    async def _conclude(
        self, around: Round, settlements: Sequence[Settlement], reports: Sequence[Report]
    ) -> None:
        lease = around.lease
        last = around.open == 1
        if last and around.kept is not None:  # what came last has failed inside
            more, others = await self._told_at_last(around)
            settlements, reports = [*settlements, *more], [*reports, *others]
        if not reports:
            await self._tell(lease, settlements if last else [*settlements, Still()], None)
        else:
            steps = list(_steps(settlements, reports))
            for report, its in steps:
                over = last and report is steps[-1][0]
                await self._tell(lease, its if over else [*its, Still()], report)
        around.open -= 1
        self._concluded(around, settlements, last=last)

    async def _tell(
        self, lease: Lease, settlements: Sequence[Settlement], report: Report | None
    ) -> None:
        """Tell the store, as often as it takes: what has been delivered must not come again."""
        if self.before is not None:
            await self.before()
        wait, longest = _BACKOFF
        while True:
            try:
                if report is None:
                    await self._store.settle(lease, settlements)
                    return
                fresh = await self._store.put(
                    report.message,
                    report.pending,
                    lease=self._wants({each.domain for each in report.pending}),
                    settle=(lease, settlements),
                )
            except StorageError as error:
                self._incident(error)
            else:
                self._reporting.note(lease.message, report)
                self._reported(fresh)
                return
            await asyncio.sleep(wait)
            wait = min(wait * 2, longest)


def _steps(
    settlements: Sequence[Settlement], reports: Sequence[Report]
) -> Iterator[tuple[Report, list[Settlement]]]:
    """Part the settlements by the report that tells of them; who is in none comes first.

    Those are mostly delivered, and what has been delivered must be noted before all else.
    """
    left = list(settlements)
    told = {fate.recipient for report in reports for fate in report.fates}
    first = [each for each in left if who(each) not in told]
    for report in reports:
        its = {fate.recipient for fate in report.fates}
        yield report, [*first, *(each for each in left if who(each) in its)]
        first = []
