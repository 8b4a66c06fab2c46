"""Tenants are held to so many messages an hour and a day."""

from __future__ import annotations

import asyncio

from ulak.delivery.source.quota import Count, Quotas
from ulak.delivery.source.tenants import Tenant
from ulak.delivery.source.warmup import DAY
from ulak.delivery.telling import moment
from ulak.replies import catalog
from ulak.replies.reply import Reply

_HOUR = 3600.0
_ASKED = 0.02  # seconds until the next look while the ledger is asked
_LOOKS = 500


class Limiting:
    """Counts what tenants send."""

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    async def __call__(self, tenant: Tenant, now: float) -> tuple[Reply, float] | None:
        """Count one message more; or say why, and until when, it has to wait."""
        counts = [
            (_count(tenant, span, now), limit)
            for span, limit in ((_HOUR, tenant.per_hour), (DAY, tenant.per_day))
            if limit
        ]
        for _ in range(_LOOKS):
            left = [self._quotas.left(count, limit, now) for count, limit in counts]
            if all(left):
                for count, _limit in counts:
                    self._quotas.take(count)
                return None
            if False in left:
                # Of the spans that are used up, the one that is over last.
                ends = [(c.end, n) for (c, n), some in zip(counts, left, strict=True) if not some]
                until, limit = max(ends)
                return _wait(tenant, limit, float(until))
            await asyncio.sleep(_ASKED)
        return _wait(tenant, min(limit for _, limit in counts), now + _HOUR / 60)


def tenant_count(tenant: Tenant) -> str:
    """Name what is counted for a tenant."""
    return f"tenant:{tenant.name}"


def _count(tenant: Tenant, span: float, now: float) -> Count:
    start = int(now // span * span)
    return Count(tenant_count(tenant), "", start, start + int(span))


def _wait(tenant: Tenant, limit: int, until: float) -> tuple[Reply, float]:
    reply = catalog.TENANT_LIMIT.reply(tenant=tenant.name, limit=limit, until=moment(until))
    return reply, until
