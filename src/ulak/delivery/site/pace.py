"""How fast: so many attempts in so much time, learned or configured (GCRA).

The generic cell rate algorithm keeps one number, the theoretical time of the next attempt:

    may begin at:  next - burst * interval
    begin:         next = max(next, now) + interval

So an even stream goes at once, a burst of up to `burst` too, and what comes faster waits.

What is learned: a site that says "too fast" had let so many through in the last minute; three
quarters of that is the pace from now on. Where it names its limit ("100 messages per hour") that
is the pace. Every quiet quarter of an hour lets a learned pace be a quarter faster, until it is as
fast as mail has never gone there: then it is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass

_SPAN = 60.0  # seconds over which is counted what a site lets through
_QUIET = 900.0
_FASTER = 1.25
_CAREFUL = 0.75
_SLOWEST, _QUICKEST = 600.0, 0.01  # seconds between two attempts, as it is learned
_SLOWEST_TOLD = 86_400.0  # and where the site names its limit: one in a day


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in so many seconds."""

    count: float
    seconds: float

    @property
    def interval(self) -> float:
        """Seconds between two."""
        return self.seconds / self.count


class Pace:
    """The pace to one site from one source. All times are seconds of one clock."""

    __slots__ = (
        "_before",
        "_count",
        "_next",
        "_span",
        "burst",
        "configured",
        "interval",
        "learned",
    )

    def __init__(self, configured: Rate | None = None) -> None:
        self._configure(configured)
        self.interval = self.configured
        self.learned = 0.0  # when the pace was learned; 0.0 where none is
        self._next = 0.0
        self._span = 0.0  # when the present span of counting began
        self._count = 0  # of those let through in it
        self._before = 0  # in the one before

    def _configure(self, configured: Rate | None) -> None:
        self.configured = configured.interval if configured is not None else 0.0
        self.burst = max(configured.count / 10, 1.0) if configured is not None else 1.0

    def divide(self, configured: Rate | None, wider: float) -> None:
        """Have another part of a rate that is shared: pauses are so many times as long."""
        self._configure(configured)
        if self.learned:
            self.interval = max(self.interval * wider, self.configured)
        else:
            self.interval = self.configured

    def at(self, now: float) -> float:
        """Say from when on the next attempt may begin; not after `now`: at once."""
        interval = self.interval
        if not interval:
            return 0.0
        if self._next > now + (self.burst + 1) * max(interval, 1.0):
            self._next = now  # the clock was set back
        return self._next - (self.burst - 1) * interval

    def begin(self, now: float) -> None:
        """Count an attempt in."""
        if self.interval:
            self._next = max(self._next, now) + self.interval

    def well(self, now: float) -> None:
        """Note that something was let through."""
        if now - self._span >= _SPAN or now < self._span:
            self._before = self._count if now - self._span < 2 * _SPAN else 0
            self._span, self._count = now, 0
        self._count += 1
        if self.learned and now - self.learned >= _QUIET:
            self._hurry(now)

    def _hurry(self, now: float) -> None:
        interval = self.interval / _FASTER
        if interval <= max(self.configured, _QUICKEST):
            self.interval, self.learned = self.configured, 0.0
        else:
            self.interval, self.learned = interval, now

    def slower(self, now: float, told: Rate | None = None) -> None:
        """Learn from a site that says that it went too fast; `told` is the limit that it names."""
        slowest = _SLOWEST
        if told is not None:
            interval, slowest = told.interval, _SLOWEST_TOLD
        else:
            seen = max(self._count, self._before) if now - self._span < 2 * _SPAN else 0
            usual = _SPAN / (seen * _CAREFUL) if seen else 1.0
            interval = max(usual, self.interval / _CAREFUL if self.learned else 0.0)
        self.learn(min(max(interval, self.configured, _QUICKEST), slowest), now)

    def forget(self) -> bool:
        """Go back to what is configured; whether anything else was learned."""
        known, self.learned = bool(self.learned), 0.0
        self.interval, self._next = self.configured, 0.0
        return known

    def learn(self, interval: float, since: float) -> None:
        """Take a pace over as learned."""
        self.interval, self.learned = interval, since
        self._next = max(self._next, since)
