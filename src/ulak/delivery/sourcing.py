"""From which sources the jobs for a site may go, and how long they wait in memory for one."""

from __future__ import annotations

import math
from typing import Protocol

from ulak.delivery.line import Job
from ulak.delivery.site.grant import Grant, Wait, Why
from ulak.delivery.site.site import Site
from ulak.delivery.target import Target
from ulak.queue.item import Message
from ulak.replies.reply import Reply

ONLY = ("",)  # where none is configured
SPAN = 60.0  # seconds for which jobs are kept where their site is slow
_PATIENCE = 5.0  # seconds that jobs wait in memory for their site; longer, and they are given back


class Sources(Protocol):
    """From where messages may go."""

    @property
    def names(self) -> tuple[str, ...]:
        """Name all sources."""

    def __call__(self, message: Message, target: Target, last: str) -> tuple[str, ...]:
        """Name those for a message, best first; `last` is that of the attempt before."""

    def facts(self, message: Message, grant: Grant, last: str) -> dict[str, str]:
        """Tell from which one an attempt was made, and why."""

    async def wait(self, message: Message, now: float) -> tuple[Reply, float] | None:
        """Say why and until when a message has to wait for its tenant, None for nothing."""


def is_long(wait: Wait, now: float) -> bool:
    """Whether a wait is too long for jobs to stay in memory."""
    patience = _PATIENCE if wait.why is Why.SUSPENDED else SPAN
    return wait.until != math.inf and wait.until - now > patience


def chosen(sources: Sources | None, site: Site | None, job: Job, now: float) -> tuple[str, ...]:
    """Name the sources for a job: the last one alone, unless it has to wait for long.

    A server that has put a message off waits to see it again from the same address.
    """
    if sources is None:
        return ONLY
    last = job.pending[0].source
    names = sources(job.round.lease.message, job.target, last)
    if last and names[0] == last and len(names) > 1:
        wait = None if site is None else site.wait(names[:1], now)
        if wait is None or not is_long(wait, now):
            return names[:1]
    return names


def open_for_others(
    sources: Sources | None, site: Site, these: tuple[str, ...], now: float
) -> bool:
    """Whether a site where `these` have to wait for long takes mail from other sources."""
    if sources is None or len(sources.names) <= len(these):
        return False
    wait = site.wait(sources.names, now)
    return wait is None or not is_long(wait, now)
