"""What a source that is warming up may still send to a site today.

It is a term of the site (`delivery.site.terms`): where nothing is left, the turn passes on to the
next source of the pool, and where no source has anything left the mail waits until tomorrow.
"""

from __future__ import annotations

from ulak.delivery.site.grant import Wait, Why
from ulak.delivery.source.quota import Count, Quotas
from ulak.delivery.source.source import Source
from ulak.delivery.source.warmup import DAY, Plan, day_of, end_of


class Allowance:
    """What one source may send to one site."""

    __slots__ = ("_count", "_plan", "_quotas", "_what", "_where")

    def __init__(self, plan: Plan, quotas: Quotas, what: str, where: str) -> None:
        self._plan = plan
        self._quotas = quotas
        self._what = what
        self._where = where if plan.per_site else ""
        self._count: Count | None = None  # that of the last look; None where there is no limit

    def wait(self, now: float) -> Wait | None:
        """Say what an attempt has to wait for, None for nothing."""
        day = day_of(now)
        limit = self._plan.limit(day)
        if limit is None:
            self._count = None
            return None
        if limit == 0:
            return Wait(end_of(day), Why.WARMING)
        start = int(day * DAY)
        count = self._count
        if count is None or count.start != start:
            count = self._count = Count(self._what, self._where, start, int(end_of(day)))
        left = self._quotas.left(count, limit, now)
        if left:
            return None
        until = self._quotas.again(count, now) if left is None else end_of(day)
        return Wait(until, Why.WARMING)

    def begin(self, now: float) -> None:
        """Count an attempt in that `wait` has let begin."""
        del now
        if self._count is not None:
            self._quotas.take(self._count)

    def back(self, now: float) -> None:
        """Count the last one out again: nothing was sent."""
        del now
        if self._count is not None:
            self._quotas.back(self._count)


def source_count(source: Source) -> str:
    """Name what is counted for a source."""
    return f"source:{source.name}"
