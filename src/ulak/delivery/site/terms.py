"""On which terms one source may send to one site: window, pace, suspension and share together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from ulak.delivery.site.grant import FULL, Gate, Grant, Wait, Why
from ulak.delivery.site.pace import Pace, Rate
from ulak.delivery.site.probe import Probe
from ulak.delivery.site.rules import OF_SITES, Act, Rule
from ulak.delivery.site.share import NOWHERE, SLICE, Member, Place, Sharer
from ulak.delivery.site.shared import Kept
from ulak.delivery.site.suspension import Reason, Suspension, suspend
from ulak.delivery.site.window import PATIENCE, Learning, Window

_LONGEST_TOLD = 86_400.0  # seconds: nobody makes us wait longer by a word
_ALONE = Member()
_CLOCK = 2 * _LONGEST_TOLD  # seconds that a suspension can last at most; beyond, a clock jumped


@dataclass(frozen=True, slots=True)
class Sign:
    """What an attempt that went wrong shows of a site.

    `told` is for how many seconds the site says to wait, 0.0 for nothing; `rate` the limit that
    it names.
    """

    rule: Rule
    cause: str
    reply: str = ""
    host: str = ""
    told: float = 0.0
    rate: Rate | None = None


class Turn(StrEnum):
    """How terms have changed."""

    SUSPENDED = "suspended"
    SLOWED = "slowed"
    RESUMED = "resumed"


class Terms:
    """The terms of one source at one site; follows `Claimant`.

    `share` is how much of its ceiling is this worker's now: its `part`, and more while it has a
    claim. `wanting`: an attempt waits only for that. `rate` is for all who share it. `probe` is
    there when one was wanted.
    """

    __slots__ = (
        "_failures",
        "_grant",
        "_last",
        "_over",
        "_place",
        "_probe",
        "_rate",
        "_rest",
        "_sharer",
        "changed",
        "claimed",
        "gate",
        "pace",
        "part",
        "probe",
        "share",
        "source",
        "suspension",
        "wanting",
        "window",
    )

    def __init__(
        self,
        source: str,
        learning: Learning,
        rate: Rate | None = None,
        *,
        learns: bool = True,
        gate: Gate | None = None,
        member: Sharer = _ALONE,
        place: Place = NOWHERE,
    ) -> None:
        self._sharer = member
        self._place = place
        self._rate = rate
        self.source = source
        self.gate = gate
        self.changed = 0.0  # when something was learned that others should know
        self.claimed = 0.0  # since when it has attempts beyond its part; 0.0: it has none
        self.wanting = False
        patience = PATIENCE if learns else math.inf
        self.window = Window(learning.first, learning.most, patience)
        self.pace = Pace(None if rate is None else member.rate(rate))
        self._rest = bool(member.rest(learning.most))  # whether there is anything to claim
        self.part = self.share = member.part(learning.most, place)
        self.suspension: Suspension | None = None
        self.probe: Probe | None = None
        self._last: Suspension | None = None  # the one before, which is over
        self._over = 0.0  # since when
        self._failures = 0  # attempts in a row that came to nothing
        self._grant = Grant(source, terms=self)
        self._probe = Grant(source, probe=True, terms=self)

    # -- beginning --------------------------------------------------------------------------

    def wait(self, now: float) -> Wait | None:
        """Say what an attempt has to wait for, None for nothing."""
        window = self.window
        if self.suspension is not None:
            wait = self._suspended(self.suspension, now)
            if wait is not None:
                return wait
        if window.active >= self.share:
            self.wanting = False
            if not self._rest or window.full(now):
                return FULL
            wait = self._timed(now)  # else what is claimed is given back, and wanted again at once
            self.wanting = wait is None
            return FULL if wait is None else wait
        if window.full(now):
            return FULL
        return self._timed(now)

    def _timed(self, now: float) -> Wait | None:
        if self.pace.interval:
            at = self.pace.at(now)
            if at > now:
                return Wait(at, Why.PACE)
        return None if self.gate is None else self.gate.wait(now)

    def _suspended(self, suspension: Suspension, now: float) -> Wait | None:
        """Say what the suspension has an attempt wait for; None where it may be the probe.

        The leave to probe comes before a place among the attempts: who has that waits for no leave.
        """
        if now < suspension.until:
            if suspension.until - now < _CLOCK:
                return Wait(suspension.until, Why.SUSPENDED)
            self.suspension = None
            return None
        if self.window.active:
            return FULL
        wait = self._timed(now)
        if wait is not None:
            return wait
        if self.probe is None:
            self.probe = Probe(self, self._place, self._sharer)
        if self.probe.may():
            return None
        self.wanting = False
        return FULL

    @property
    def asking(self) -> bool:
        """Whether attempts wait for what has to be claimed."""
        return self.wanting or (self.probe is not None and self.probe.wanting)

    def begin(self, now: float) -> Grant:
        """Count an attempt in that has to wait for nothing."""
        self.window.begin(now)
        self.pace.begin(now)
        if self.gate is not None:
            self.gate.begin(now)
        return self._grant if self.suspension is None else self._probe

    def lend(self) -> bool:
        """Count in a second connection of an attempt, if there is room; none where suspended."""
        window = self.window
        if self.suspension is not None or window.active >= min(self.share, int(window.size)):
            return False
        window.active += 1
        return True

    def back(self) -> None:
        """Count it out again."""
        self.window.active -= 1

    # -- learning from an attempt, which is counted out of the window when it is settled -------

    def well(self, now: float, took: float) -> Turn | None:
        """Learn from an attempt that went well: the site takes mail from here.

        What had begun before a site said no is no sign that it has changed its mind.
        """
        self._failures = 0
        self.window.well(now, took)
        self.pace.well(now)
        suspension = self.suspension
        if suspension is None:
            return None
        if suspension.reason is not Reason.DEAD and now - took <= suspension.since:
            return None
        return self.resume(now)

    def resume(self, now: float) -> Turn | None:
        """End a suspension."""
        if self.suspension is None:
            return None
        self._last, self._over = self.suspension, now
        self.suspension = None
        self._failures = 0
        self.window.size = 1.0
        self.window.quick = True
        return Turn.RESUMED

    def badly(self, now: float, begun: float, sign: Sign) -> Turn | None:
        """Learn from an attempt that a rule acts on; `begun` is when it began."""
        window, rule = self.window, sign.rule
        act = rule.act
        if act is Act.PROBE:
            self._failures += 1
            window.shrink(now, begun)
            probed = self.suspension is not None and begun >= self.suspension.until
            if self._failures < rule.after and not probed:
                return None
            return self._suspend(now, begun, sign)
        window.heard = now
        new = window.shrink(now, begun)
        if act is Act.FEWER and window.active > 1 and not sign.told:
            return Turn.SLOWED if new else None
        if act is Act.SLOW_DOWN and new:
            told = sign.rate
            if told is not None:
                told = Rate(told.count / self._sharer.spread, told.seconds)
            self.pace.slower(now, told)
        return self._suspend(now, begun, sign)

    def _suspend(self, now: float, begun: float, sign: Sign) -> Turn | None:
        """Suspend; an attempt from before that began tells nothing new of it."""
        before = self.suspension
        if before is not None and begun < before.until:
            return None
        last = self._last
        if before is None and last is not None and now - self._over < last.wait:
            before = last
        told = min(sign.told, _LONGEST_TOLD)
        wait = told or sign.rule.wait
        reason = OF_SITES.get(sign.rule.act, Reason.TOLD)
        made = Suspension(
            reason, sign.cause, sign.reply, sign.host, sign.rule.name, now, now + wait, wait
        )
        self.suspension = suspend(before, made, sign.rule.longest, exact=bool(told))
        self._failures = 0
        return Turn.SUSPENDED if reason is not Reason.TOLD else Turn.SLOWED

    # -- keeping ----------------------------------------------------------------------------

    def keep(self, site: str) -> Kept:
        """Give what others should know."""
        pace = self.pace
        interval = pace.interval / self._sharer.spread if pace.learned else 0.0
        return Kept(
            site,
            self.source,
            self.changed,
            self.window.size,
            interval,
            pace.learned,
            self.suspension,
        )

    def take(self, kept: Kept, now: float) -> bool:
        """Take over what another has learned later; whether attempts that wait look again."""
        if kept.changed <= self.changed:
            return False
        self.changed = kept.changed
        if kept.learned and now - kept.learned < _LONGEST_TOLD:
            interval = kept.interval * self._sharer.spread
            self.pace.learn(max(interval, self.pace.configured), kept.learned)
        elif self.pace.learned:
            self.pace.forget()
        was, self.suspension = self.suspension, kept.suspension
        if kept.suspension is not None:
            self.window.size = 1.0
            return self.probe is not None and self.probe.overtaken()
        if was is None:
            self.window.size = max(min(kept.window, self.window.ceiling), 1.0)
            return False
        self._last, self._over = was, now
        self.window.size, self.window.quick = 1.0, True
        return True

    # -- sharing ----------------------------------------------------------------------------

    @property
    def site(self) -> str:
        """Name the site."""
        return self._place[0]

    @property
    def limit(self) -> int:
        """Say how many attempts at a time there may be from all."""
        return int(self.window.ceiling)

    @property
    def size(self) -> int:
        """Say how many there may be."""
        return int(self.window.size)

    @property
    def active(self) -> int:
        """Say how many are under way."""
        return self.window.active

    def kept(self, _now: float) -> int:
        """Keep nothing that is not in use."""
        return 0

    def turn(self, now: float) -> bool:
        """Whether it has had its claim for as long as it may where others wait."""
        return bool(self.claimed) and now - self.claimed >= SLICE

    def done(self, now: float) -> bool:
        """Whether no attempt begins by its claim any more."""
        return not self.wanting or self.turn(now)

    def win(self, now: float, more: int = 1) -> bool:
        """Have one attempt at a time, or some, more than its part."""
        self.claimed = now
        self.share, self.wanting = self.part + more, False
        return True

    def divide(self, wider: float = 1.0) -> bool:
        """Take the part that is this worker's now; whether there is room for more by that.

        Pauses between attempts become so many times as long.
        """
        before, held = self.part, self.share - self.part
        self.part = self._sharer.part(int(self.window.ceiling), self._place)
        self.share = self.part + held
        if wider != 1.0:
            rate = self._rate
            self.pace.divide(None if rate is None else self._sharer.rate(rate), wider)
        probe = self.probe is not None and self.probe.divide()
        return self.part > before or wider < 1.0 or probe

    def lose(self) -> None:
        """Have no more than its part; what is under way ends."""
        self.claimed = 0.0
        self.share = self.part

    @property
    def learned(self) -> bool:
        """Whether there is something that it would be a pity to forget."""
        return self.suspension is not None or bool(self.pace.learned)

    @property
    def lasting(self) -> int:
        """How many connections may stay, between attempts too.

        What is claimed is given back, and connections stay by it only where they leave with it.
        """
        return min(int(self.window.size), self.share if self._sharer.sheds else self.part)

    @property
    def busy(self) -> bool:
        """Whether attempts are under way."""
        return bool(self.window.active)
