"""What is leased and waits for its turn: who is next, and when there is room for more.

Jobs wait in one line for each site (and choice of sources). Lines take turns: a job from one, then
from the next (round robin); within a line senders do (`line`). A line stands in the ring only while
its site lets an attempt begin (`site`): one whose site says to wait is parked, until an attempt
there ends or until the time that it said. Where that is long, its jobs are given back to the store.
So a destination that takes everything slowly, or nothing, delays nobody but itself, and since its
line is bounded it cannot fill the memory either: what is over stays in the store until its line
is half empty. Nor can many lines together: see `memory`.

Mail of higher priority (RFC 6710 §5.1) goes before others in its line, and its line comes before
others; but whoever has let enough of it pass goes before it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from ulak.delivery.line import Job, Line
from ulak.delivery.memory import Memory
from ulak.delivery.shut import Shut
from ulak.delivery.site.grant import Grant, Wait, Why
from ulak.delivery.site.sites import Sites
from ulak.delivery.sourcing import SPAN, Sources, chosen, is_long, open_for_others
from ulak.delivery.target import Target, Way
from ulak.mail.envelope import domain_of

_IN_A_ROW = 4  # turns of lines with prior jobs, before one of the others
_AHEAD = 10  # jobs in a line for each attempt that its site lets be under way


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is worked on at once.

    `target` and `total` bound attempts under way, `messages` and `octets` what is leased and in
    memory, `waiting` how many jobs of one site are in it. `recipients` is how many of one
    message go in one attempt.
    """

    target: int = 20
    total: int = 500
    messages: int = 2000
    octets: int = 64_000_000
    waiting: int = 200
    recipients: int = 100


@dataclass(frozen=True, slots=True)
class Stretch:
    """How the jobs for one site stand, for those who watch."""

    key: str
    way: str
    domains: tuple[str, ...]
    active: int
    waiting: int


class Ready:
    """All lines, and the ring of those whose turn can come.

    `clock` gives seconds since the epoch; `sources` the names of the sources for a message;
    `alarm` is told when to call `tick`; `back` is given the jobs of a site that is shut for long,
    and `later` those that have to wait although others for the site need not.
    """

    def __init__(
        self,
        limits: Limits,
        sites: Sites,
        clock: Callable[[], float],
        *,
        sources: Sources | None = None,
        alarm: Callable[[float], None] = lambda _until: None,
        back: Callable[[Sequence[Job]], None] = lambda _jobs: None,
        later: Callable[[Sequence[Job], Wait], None] = lambda _jobs, _wait: None,
    ) -> None:
        self._limits = limits
        self._sites = sites
        self._clock = clock
        self._sources = sources
        self._alarm = alarm
        self._back = back
        self._later = later
        self._lines: dict[tuple[str, tuple[str, ...]], Line] = {}
        self._by_site: dict[str, list[Line]] = {}
        self._ring: deque[Line] = deque()
        self._prior: deque[Line] = deque()  # those that come before the ring
        self._in_a_row = 0  # turns that they have had
        self._timed: list[tuple[float, int, str]] = []  # sites that are looked at again, and when
        self._numbers = 0
        self.shut = Shut()
        self.memory = Memory(limits.messages, limits.octets)

    def __bool__(self) -> bool:
        """Whether a job may start now."""
        return bool(self._ring or self._prior)

    # -- what lines may hold ----------------------------------------------------------------

    def full(self, site: str, sender: str | None = None) -> bool:
        """Whether the line of a site takes no more.

        While it does not, a sender may still come whose domain has less than a quarter of it:
        nobody keeps others out.
        """
        if site in self.shut:
            return True
        lines = self._by_site.get(site)
        if not lines:
            return False
        memory = self.memory
        share, octets = math.inf, math.inf
        if not memory.ample():
            share, octets = memory.share(memory.room()), memory.octets_share(stored=False)
        for line in lines:
            waiting, cap = len(line.jobs), line.cap
            if waiting + line.active >= share or line.octets >= octets:
                continue
            if waiting < cap or (
                sender is not None and waiting < 2 * cap and line.of(domain_of(sender)) * 4 < cap
            ):
                return False
        return True

    def _measure(self, line: Line) -> None:
        """Say how many jobs may wait in a line, by how many its site takes."""
        line.sized = line.terms[0].window.size
        room = line.site.room(line.sources, SPAN)
        line.cap = min(self._limits.waiting, max(int(room * _AHEAD), _AHEAD))
        if len(line.jobs) >= line.cap:
            line.filled = True

    def _stuffed(self) -> Iterator[Line]:
        """Give the lines that take no more from the store."""
        share = self.memory.share(self.memory.room_for_stored())
        octets = self.memory.octets_share(stored=True)
        for line in self._lines.values():
            waiting = len(line.jobs)
            full = waiting and waiting >= line.cap
            if full or waiting + line.active >= share or line.octets >= octets:
                yield line

    def crowded(self) -> Iterator[str]:
        """Give the domains for which nothing is to be leased from the store."""
        for line in self._stuffed():
            line.filled = True
            yield from line.domains
        yield from self.shut.avoided()

    def note_full(self) -> None:
        """Note that there is more in the store than there is room for."""
        self.memory.note_full(sum(len(line.jobs) + line.active for line in self._stuffed()))

    @property
    def busy(self) -> bool:
        """Whether there is any job."""
        return bool(self._lines)

    @property
    def active(self) -> int:
        """How many jobs are under way."""
        return sum(line.active for line in self._lines.values())

    def lines(self) -> list[Stretch]:
        """Tell of every site how its jobs stand."""
        return [
            Stretch(key, line.way.value, tuple(line.domains), line.active, len(line))
            for (key, _), line in self._lines.items()
        ]

    # -- turns ------------------------------------------------------------------------------

    def add(self, job: Job) -> None:
        """Put a job into the line of its site."""
        target = job.target
        name = target.site or target.key
        if name in self.shut:
            self.shut.note(name, {pending.domain for pending in job.pending})
            self._back([job])
            return
        sources = chosen(self._sources, self._sites.known(name), job, self._clock())
        line = self._lines.get((name, sources))
        if line is None:
            line = self._fresh(name, target, sources)
        elif len(line.jobs) >= line.cap and not self.memory.room_for_stored():
            # Until it was looked up nobody knew that it is for this line, too.
            line.domains.update([pending.domain for pending in job.pending])
            line.filled = True
            self._back([job])
            return
        line.add(job)
        if len(line.jobs) >= line.cap:
            line.filled = True
        line.domains.update([pending.domain for pending in job.pending])
        if line.listed:
            if job.prior and line.first(job) and line in self._ring:
                self._ring.remove(line)
                self._prior.append(line)
        elif not line.parked:
            self._list(line)

    def _fresh(self, name: str, target: Target, sources: tuple[str, ...]) -> Line:
        learns = target.way in (Way.SMTP, Way.LMTP) and target.refusal is None
        site = self._sites.of(name, [host.name for host in target.hosts], learns=learns)
        site.lines += 1
        line = self._lines[name, sources] = Line(target.way, site, sources)
        self._by_site.setdefault(name, []).append(line)
        self._measure(line)
        return line

    def _list(self, line: Line) -> None:
        """Let the turn come to a line that has jobs, unless its site has it wait."""
        wait = line.wait(self._clock())
        if wait is not None:
            self._park(line, wait)
            return
        line.listed = True
        (self._prior if line.prior else self._ring).append(line)

    def take(self) -> Job | None:
        """Give the next job, with its grant, or None when nothing may start now."""
        while True:
            if self._prior and (self._in_a_row < _IN_A_ROW or not self._ring):
                line = self._prior.popleft()
                self._in_a_row += 1
            elif self._ring:
                line = self._ring.popleft()
                self._in_a_row = 0
            else:
                return None
            line.listed = False
            granted = line.begin(self._clock())
            if isinstance(granted, Grant):
                break
            self._park(line, granted)
        if granted.instead is not None:
            self._ask(line)  # for a source that it stands in for
        job = line.take()
        job.grant = granted
        line.active += 1
        if line.jobs:
            self._list(line)
        return job

    def end(self, job: Job) -> bool:
        """Note that a job has ended; whether its line was full and is half empty now.

        The site knows already (`Terms`); lines that have waited for that are looked at again.
        """
        line = job.line
        assert line is not None  # noqa: S101 -- it was taken
        line.active -= 1
        line.octets -= job.round.octets
        site = line.site
        site.terms[job.grant.source].window.end()
        lines = self._by_site[site.name]
        for each in (line,) if len(lines) == 1 else tuple(lines):
            if not each.listed:
                each.parked = False
                if each.jobs:
                    self._list(each)
                elif site.suspended:
                    self._shun(each)
        if not line.jobs and not line.active:
            self._drop(line)
        terms = line.terms[0]
        if line.sized != terms.window.size or terms.pace.interval or len(line.terms) > 1:
            self._measure(line)
        if line.filled and len(line.jobs) * 2 <= self._may_wait(line):
            line.filled = False
            return True
        return False

    def _may_wait(self, line: Line) -> int:
        """How many jobs from the store may wait in a line; -1 where it takes none."""
        share = self.memory.share(self.memory.room_for_stored())
        if line.octets >= self.memory.octets_share(stored=True):
            return -1
        return min(line.cap, share - line.active) if share > line.active else -1

    def _shun(self, line: Line) -> None:
        """Have a line without jobs wait, so that none come."""
        wait = line.site.wait(line.sources, self._clock())
        if wait is not None and (line.active or wait.until != math.inf):
            self._park(line, wait)

    def _drop(self, line: Line) -> None:
        name = line.site.name
        if self._lines.pop((name, line.sources), None) is None:
            return
        line.parked = False
        line.site.lines -= 1
        lines = self._by_site[name]
        lines.remove(line)
        if not lines:
            del self._by_site[name]

    # -- waiting ----------------------------------------------------------------------------

    def _park(self, line: Line, wait: Wait) -> None:
        """Have a line wait for its site."""
        line.parked = True
        line.listed = False
        until = wait.until
        if until == math.inf:
            self._ask(line)
            return
        self._numbers += 1
        heappush(self._timed, (until, self._numbers, line.site.name))
        self._alarm(until)
        now = self._clock()
        if is_long(wait, now):
            open_ = open_for_others(self._sources, line.site, line.sources, now)
            if open_ or wait.why is Why.WARMING:
                self._clear_for_others(line, wait)
            else:
                self._close(line, until)

    def _ask(self, line: Line) -> None:
        if any(terms.asking for terms in line.terms):
            self._sites.want(line.site)

    def _clear_for_others(self, line: Line, wait: Wait) -> None:
        """Take the jobs out of a line that waits alone: its site is open for other sources."""
        jobs = line.clear()
        if not line.active:
            self._drop(line)
        kept: list[Job] = []
        for job in jobs:
            names = chosen(self._sources, line.site, job, self._clock())
            if names == line.sources:
                kept.append(job)
            else:
                self.add(job)
        if kept:
            self._later(kept, wait)

    def _close(self, line: Line, until: float) -> None:
        """Shut a site: its jobs are given back, and nothing is leased for its domains."""
        name = line.site.name
        self.shut.close(name, until, line.domains)
        jobs = line.clear()
        if jobs:
            self._back(jobs)
        if not line.active:
            self._drop(line)

    def tick(self) -> bool:
        """Look again at the lines and sites whose time has come; whether one is shut no longer."""
        now = self._clock()
        timed = self._timed
        opened = False
        while timed and timed[0][0] <= now:
            _, _, name = heappop(timed)
            if self.shut.over(name, now):
                opened = self.open(name) or opened
        if timed:
            self._alarm(timed[0][0])
        return opened

    def open(self, name: str) -> bool:
        """Look again at the lines of a site; whether it had been shut."""
        shut = self.shut.open(name)
        for each in list(self._by_site.get(name, ())):
            if each and not each.listed:
                each.parked = False
                self._list(each)
        return shut

    def clear(self) -> list[Job]:
        """Give every job that has not started; none is left."""
        jobs = [job for line in self._lines.values() for job in line.clear()]
        self._ring.clear()
        self._prior.clear()
        self._timed.clear()
        return jobs

    def empty(self) -> list[Job]:
        """Give every job that has not started, and go on: others may come later."""
        jobs: list[Job] = []
        for line in list(self._lines.values()):
            jobs += line.clear()
            if not line.active:
                self._drop(line)
        self._ring.clear()
        self._prior.clear()
        return jobs
