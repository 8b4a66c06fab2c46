"""The jobs for one site from one choice of sources: in which order they go.

Senders take turns: the jobs of each sender's domain are numbered on from where the line is, so
the first of a thousand messages is followed by that of another sender and not by the second. This
is fair queueing by virtual time:

    add:   base = max(line's time, last base of the sender) + 1
           rank = base - 50 * priority                       (RFC 6710: lowest first)
    take:  the job of the lowest rank; the line's time becomes its rank

So with one sender it is a plain queue, and who comes before others by priority comes before 50 of
them for each step of it, and not for ever.
"""

from __future__ import annotations

import asyncio
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from ulak.delivery.site.grant import ANYWHERE, Grant, Wait
from ulak.mail.envelope import domain_of

if TYPE_CHECKING:
    from ulak.delivery.settled import Settled
    from ulak.delivery.site.site import Site
    from ulak.delivery.target import Target, Way
    from ulak.queue.item import Lease, Pending

_STEP = 50  # jobs in its line that one comes before for each step of its priority
_SENDERS = 1000  # remembered in one line


class Round:
    """One lease while it is worked on.

    `open` counts the jobs made of it, or still to be made, that are not settled; with more than
    one it is `shared`, and they settle one after the other under `lock`, so that the last one
    closes the lease. `octets` is what its message takes in memory. `kept` is what its sender is
    told when the others are settled, too (`concluding`).
    """

    __slots__ = ("kept", "lease", "lock", "octets", "open")

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.open = 1
        self.lock: asyncio.Lock | None = None
        self.kept: Settled | None = None
        body = lease.message.body
        self.octets = 0 if body.data is None else len(body.data)

    def share(self, jobs: int) -> None:
        """Note that there will be so many jobs."""
        self.open = jobs
        if jobs > 1 and self.lock is None:
            self.lock = asyncio.Lock()


class Job:
    """Recipients of one message that go to one target in one attempt.

    `rank` is its order in its line, lowest first; `prior`: its line comes before others. `grant`
    is what its site has said when it began.
    """

    __slots__ = ("grant", "line", "pending", "prior", "rank", "round", "sender", "target")

    def __init__(self, around: Round, target: Target, pending: tuple[Pending, ...]) -> None:
        self.round = around
        self.target = target
        self.pending = pending
        self.sender = domain_of(around.lease.message.envelope.sender)
        self.prior = False
        self.rank = 0
        self.grant: Grant = ANYWHERE
        self.line: Line | None = None


class Line:
    """The jobs for one site: those that wait, and how many are under way."""

    __slots__ = (
        "_bases",
        "_count",
        "_senders",
        "_time",
        "active",
        "cap",
        "domains",
        "filled",
        "jobs",
        "listed",
        "octets",
        "parked",
        "site",
        "sized",
        "sources",
        "terms",
        "way",
    )

    def __init__(self, way: Way, site: Site, sources: tuple[str, ...]) -> None:
        self.way = way
        self.site = site
        self.sources = sources
        self.terms = tuple(site.of(source) for source in sources)
        self.cap = 0  # how many jobs may wait
        self.sized = 0.0  # the window that this is the cap for
        self.jobs: list[tuple[int, int, Job]] = []
        self._count = 0  # of all that ever came: between equals, who came first
        self._time = 0
        self._bases: dict[str, int] = {}
        self._senders: dict[str, int] = {}  # how many jobs of each wait
        self.active = 0
        self.octets = 0  # of all that wait or are under way
        self.listed = False  # whether it stands in the ring
        self.parked = False  # whether its site has told it to wait
        self.filled = False  # whether it has been full since it was last half empty
        self.domains: set[str] = set()

    def __len__(self) -> int:
        return len(self.jobs)

    def of(self, sender: str) -> int:
        """Say how many jobs of a sender's domain wait."""
        return self._senders.get(sender, 0)

    def wait(self, now: float) -> Wait | None:
        """Say what the next job has to wait for, None for nothing."""
        if len(self.terms) == 1:
            return self.terms[0].wait(now)
        return self.site.wait(self.sources, now)

    def begin(self, now: float) -> Grant | Wait:
        """Begin an attempt, or say when to ask again."""
        if len(self.terms) == 1:
            terms = self.terms[0]
            return terms.wait(now) or terms.begin(now)
        return self.site.begin(self.sources, now)

    @property
    def prior(self) -> bool:
        """Whether the next job goes before other lines'."""
        return self.jobs[0][2].prior

    def add(self, job: Job) -> None:
        """Put a job where it belongs."""
        self._count += 1
        sender = job.sender
        bases = self._bases
        base = max(self._time, bases.get(sender, 0)) + 1
        if len(bases) >= _SENDERS:
            bases.clear()
        bases[sender] = base
        self._senders[sender] = self._senders.get(sender, 0) + 1
        priority = job.round.lease.message.envelope.wishes.priority
        job.prior = priority > 0
        job.rank = base - priority * _STEP
        job.line = self
        self.octets += job.round.octets
        heappush(self.jobs, (job.rank, self._count, job))

    def first(self, job: Job) -> bool:
        """Whether a job is the next one."""
        return self.jobs[0][2] is job

    def take(self) -> Job:
        """Give the next job."""
        job = heappop(self.jobs)[2]
        # What comes before others by its priority does not put them back.
        self._time = max(self._time, min(job.rank, self._bases.get(job.sender, job.rank)))
        left = self._senders[job.sender] - 1
        if left:
            self._senders[job.sender] = left
        else:
            del self._senders[job.sender]
        return job

    def clear(self) -> list[Job]:
        """Give every job that waits; none is left."""
        jobs = [job for _, _, job in sorted(self.jobs, key=lambda each: each[:2])]
        self.octets -= sum(job.round.octets for job in jobs)
        self.jobs.clear()
        self._senders.clear()
        self.listed = False
        return jobs
