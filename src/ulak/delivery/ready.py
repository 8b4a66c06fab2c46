"""What is leased and waits for its turn: who is next, and when there is room for more.

Jobs wait in one line for each target. Lines take turns: a job from one, then from the next
(round robin), and never more from one line at a time than its limit. So a destination that takes
everything slowly delays nobody but itself, and since its line is bounded it cannot fill the
memory either: what is over stays in the store until its line is half empty.

Mail of higher priority (RFC 6710 §5.1) goes before others in its line, and its line comes before
others; but whoever has let enough of it pass goes before it. Mail without a priority, nearly all
there is, is put at the end of its line as if there were no other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from ulak.delivery.target import Target, Way
from ulak.queue.item import Lease, Pending

_STEP = 50  # jobs in its line that one comes before for each step of its priority
_IN_A_ROW = 4  # turns of lines with prior jobs, before one of the others


class Round:
    """One lease while it is worked on.

    `open` counts the jobs made of it, or still to be made, that are not settled; with more than
    one it is `shared`, and they settle one after the other under `lock`, so that the last one
    closes the lease. `octets` is what its message takes in memory.
    """

    __slots__ = ("lease", "lock", "octets", "open")

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.open = 1
        self.lock: asyncio.Lock | None = None
        body = lease.message.body
        self.octets = 0 if body.data is None else len(body.data)

    def share(self, jobs: int) -> None:
        """Note that there will be so many jobs."""
        self.open = jobs
        if jobs > 1 and self.lock is None:
            self.lock = asyncio.Lock()


class Job:
    """Recipients of one message that go to one target in one attempt.

    `rank` is its order in its line, lowest first; `prior`: its line comes before others.
    """

    __slots__ = ("pending", "prior", "rank", "round", "target")

    def __init__(self, around: Round, target: Target, pending: tuple[Pending, ...]) -> None:
        self.round = around
        self.target = target
        self.pending = pending
        self.prior = False
        self.rank = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is worked on at once.

    `target` and `total` bound attempts under way, `messages` and `octets` what is leased and in
    memory, `waiting` how many jobs of one target are in it. `recipients` is how many of one
    message go in one attempt.
    """

    target: int = 20
    total: int = 500
    messages: int = 2000
    octets: int = 64_000_000
    waiting: int = 200
    recipients: int = 100


@dataclass(frozen=True, slots=True)
class Line:
    """How the jobs for one target stand, for those who watch."""

    key: str
    way: str
    domains: tuple[str, ...]
    active: int
    waiting: int


class _Line:
    """The jobs for one target: those that wait, and how many are under way."""

    __slots__ = ("active", "count", "domains", "filled", "jobs", "listed", "way")

    def __init__(self, way: Way) -> None:
        self.way = way
        self.jobs: deque[Job] = deque()
        self.count = 0  # of all that ever came
        self.active = 0
        self.listed = False  # whether it stands in the ring
        self.filled = False  # whether it has been full since it was last half empty
        self.domains: set[str] = set()

    def add(self, job: Job) -> None:
        """Put a job where it belongs: at the end, but for what has priority."""
        self.count += 1
        priority = job.round.lease.message.envelope.wishes.priority
        job.prior = priority > 0
        job.rank = self.count - priority * _STEP
        jobs = self.jobs
        if not jobs or jobs[-1].rank <= job.rank:
            jobs.append(job)
            return
        place = len(jobs) - 1
        while place and jobs[place - 1].rank > job.rank:
            place -= 1
        jobs.insert(place, job)


class Ready:
    """All lines, and the ring of those whose turn can come."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lines: dict[str, _Line] = {}
        self._ring: deque[_Line] = deque()
        self._prior: deque[_Line] = deque()  # those that come before the ring
        self._in_a_row = 0  # turns that they have had
        self.octets = 0
        self.rounds: set[Round] = set()

    def __bool__(self) -> bool:
        """Whether a job may start now."""
        return bool(self._ring or self._prior)

    # -- what is held -----------------------------------------------------------------------

    def hold(self, around: Round) -> None:
        """Count a lease in."""
        self.rounds.add(around)
        self.octets += around.octets

    def let_go(self, around: Round) -> None:
        """Count a lease out."""
        self.rounds.discard(around)
        self.octets -= around.octets

    def room(self) -> int:
        """How many more messages may be leased."""
        if self.octets >= self._limits.octets:
            return 0
        return max(self._limits.messages - len(self.rounds), 0)

    def spacious(self) -> bool:
        """Whether so much has ended that it pays to look for more."""
        limits = self._limits
        return len(self.rounds) * 2 <= limits.messages and self.octets * 2 <= limits.octets

    def full(self, key: str) -> bool:
        """Whether the line of a target takes no more."""
        line = self._lines.get(key)
        return line is not None and len(line.jobs) >= self._limits.waiting

    def crowded(self) -> Iterator[str]:
        """Give the domains whose lines take no more."""
        for line in self._lines.values():
            if len(line.jobs) >= self._limits.waiting:
                yield from line.domains

    @property
    def active(self) -> int:
        """How many jobs are under way."""
        return sum(line.active for line in self._lines.values())

    def lines(self) -> list[Line]:
        """Tell of every target how its jobs stand."""
        return [
            Line(key, line.way.value, tuple(line.domains), line.active, len(line.jobs))
            for key, line in self._lines.items()
        ]

    # -- turns ------------------------------------------------------------------------------

    def add(self, job: Job) -> None:
        """Put a job into its target's line."""
        key = job.target.key
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line(job.target.way)
        line.add(job)
        if len(line.jobs) >= self._limits.waiting:
            line.filled = True
        line.domains.update([pending.domain for pending in job.pending])
        if line.listed:
            if job.prior and line.jobs[0] is job and line in self._ring:
                self._ring.remove(line)
                self._prior.append(line)
        elif line.active < self._limits.target:
            self._list(line)

    def _list(self, line: _Line) -> None:
        """Let the turn come to a line that has jobs."""
        line.listed = True
        (self._prior if line.jobs[0].prior else self._ring).append(line)

    def take(self) -> Job | None:
        """Give the next job, or None when nothing may start now."""
        if self._prior and (self._in_a_row < _IN_A_ROW or not self._ring):
            line = self._prior.popleft()
            self._in_a_row += 1
        elif self._ring:
            line = self._ring.popleft()
            self._in_a_row = 0
        else:
            return None
        job = line.jobs.popleft()
        line.active += 1
        if line.jobs and line.active < self._limits.target:
            self._list(line)
        else:
            line.listed = False
        return job

    def end(self, job: Job) -> bool:
        """Note that a job has ended; whether its line was full and is half empty now."""
        key = job.target.key
        line = self._lines[key]
        line.active -= 1
        if line.jobs:
            if not line.listed:
                self._list(line)
        elif not line.active:
            del self._lines[key]
        if line.filled and len(line.jobs) * 2 <= self._limits.waiting:
            line.filled = False
            return True
        return False

    def clear(self) -> list[Job]:
        """Give every job that has not started; none is left."""
        jobs = [job for line in self._lines.values() for job in line.jobs]
        for line in self._lines.values():
            line.jobs.clear()
            line.listed = False
        self._ring.clear()
        self._prior.clear()
        return jobs
