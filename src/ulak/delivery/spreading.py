"""From a lease to its jobs: recipients by target, whose way is known now or found first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence

from ulak.delivery.directions import Directions
from ulak.delivery.line import Job, Round
from ulak.delivery.target import Target
from ulak.queue.item import Pending


class Spreading:
    """Makes jobs. `add` takes each of them, `spawn` has something done that waits."""

    def __init__(
        self,
        directions: Directions,
        add: Callable[[Job], None],
        spawn: Callable[[Coroutine[None, None, None]], None],
    ) -> None:
        self._directions = directions
        self._add = add
        self._spawn = spawn

    def spread(self, around: Round) -> None:
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
