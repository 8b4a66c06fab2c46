"""Telling the store what came of a job, until it knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol

from ulak.delivery.ready import Round
from ulak.delivery.reporting import Report, Reporting
from ulak.queue.item import Done, Lease, Settlement, Still
from ulak.queue.store import QueueStore, StorageError

_BACKOFF = (0.25, 30.0)  # seconds after a store that failed: the first and the longest wait


class Concluded(Protocol):
    """Who is told that a job has been settled."""

    def __call__(self, around: Round, settlements: Sequence[Settlement], *, last: bool) -> None:
        """Take note; `last`: its lease is over."""


class Concluding:
    """Settles jobs, each report in the very step that settles what it tells of.

    `wants` says whether a report to these domains may come with a lease, and `reported` is given
    that lease, or None for a report that waits in the store.
    """

    def __init__(
        self,
        store: QueueStore,
        reporting: Reporting,
        incident: Callable[[BaseException], str],
        wants: Callable[[Collection[str]], bool],
        reported: Callable[[Lease | None], None],
        concluded: Concluded,
    ) -> None:
        self._store = store
        self._reporting = reporting
        self._incident = incident
        self._wants = wants
        self._reported = reported
        self._concluded = concluded

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
    first = [each for each in left if _who(each) not in told]
    for report in reports:
        its = {fate.recipient for fate in report.fates}
        yield report, [*first, *(each for each in left if _who(each) in its)]
        first = []


def _who(settlement: Settlement) -> str:
    match settlement:
        case Still():
            return ""
        case Done(recipient):
            return recipient
        case _:
            return settlement.pending.recipient
