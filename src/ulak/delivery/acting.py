"""From what came of an attempt to what the site and the message have to expect.

The rules (`site.rules`) say what follows from a cause. What concerns the site is done to its terms
at once; what is left for the message is advice for `settling`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ulak.delivery.advice import NO_ADVICE, Advice
from ulak.delivery.line import Job
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.site.pace import Rate
from ulak.delivery.site.rules import OF_SITES, Act, Rule, Rules
from ulak.delivery.site.site import Site
from ulak.delivery.site.sites import Sites
from ulak.delivery.site.suspension import Suspension
from ulak.delivery.site.terms import Sign, Terms, Turn

_PERIODS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0}


@dataclass(frozen=True, slots=True)
class News:
    """That the terms of a source at a site have changed, for the operator.

    `suspension` is what holds now, or what is over; None where only the window is smaller.
    """

    turn: Turn
    site: str
    source: str
    suspension: Suspension | None
    outcome: Outcome | None = None


class Acting:
    """Acts on causes. `clock` gives seconds since the epoch; `news` is told what has changed."""

    def __init__(
        self,
        sites: Sites,
        rules: Rules,
        clock: Callable[[], float],
        news: Callable[[News], None],
    ) -> None:
        self._sites = sites
        self._rules = rules
        self._clock = clock
        self._news = news

    def note(self, job: Job, outcomes: Sequence[Outcome], begun: float, took: float) -> Advice:
        """Learn from what came of a job that began then, and took so many seconds."""
        line = job.line
        if line is None or not line.site.learns:
            return NO_ADVICE
        site = line.site
        terms = site.terms[job.grant.source]
        if len(outcomes) == 1 and outcomes[0].result is Result.DELIVERED:
            was = terms.suspension
            if terms.well(self._clock(), took) is not None:
                self._tell(site, terms, Turn.RESUMED, was)
            return NO_ADVICE
        return self._judge(site, terms, outcomes, begun, took)

    def resume(self, site: Site) -> bool:
        """Begin anew with a site, as an operator wants it; whether it changes anything."""
        changed = False
        for terms in site:
            was = terms.suspension
            slow = terms.pace.forget()
            if terms.resume(self._clock()) is not None:
                self._tell(site, terms, Turn.RESUMED, was)
            elif slow:
                terms.changed = self._clock()
                self._sites.touch(site.name, terms)
            changed = changed or slow or was is not None
        return changed

    def _judge(
        self, site: Site, terms: Terms, outcomes: Sequence[Outcome], begun: float, took: float
    ) -> Advice:
        now = self._clock()
        rules: dict[tuple[str, str], Rule] = {}
        worst: Outcome | None = None
        good = False
        for outcome in outcomes:
            if outcome.result is Result.DELIVERED:
                good = True
                continue
            cause, pattern = key = outcome.cause, outcome.pattern
            rule = rules.get(key)
            if rule is None:
                rule = self._rules.find(cause, site.name, site.provider, pattern)
                rules[key] = rule
            if rule.act in OF_SITES:
                worst = outcome
            elif outcome.remote:
                good = True
        if terms.gate is not None and not any(map(_counts, outcomes)):
            terms.gate.back(now)
        was = terms.suspension
        turn: Turn | None = None
        if worst is not None and not (good and rules[worst.cause, worst.pattern].act is Act.PROBE):
            turn = terms.badly(now, begun, _sign(rules[worst.cause, worst.pattern], worst))
        elif good:
            turn = terms.well(now, took)
        if turn is not None:
            self._tell(site, terms, turn, was, worst)
        return Advice(site.name, terms.source, rules, terms.suspension)

    def _tell(
        self,
        site: Site,
        terms: Terms,
        turn: Turn,
        was: Suspension | None,
        outcome: Outcome | None = None,
    ) -> None:
        terms.changed = self._clock()
        self._sites.touch(site.name, terms)
        about = was if turn is Turn.RESUMED else terms.suspension
        self._news(News(turn, site.name, terms.source, about, outcome))


def _counts(outcome: Outcome) -> bool:
    """Whether the site has seen a message: it took it, or refused it for good."""
    failed = outcome.result is Result.FAILED and outcome.remote
    return failed or outcome.result is Result.DELIVERED


def _sign(rule: Rule, outcome: Outcome) -> Sign:
    facts = outcome.facts
    told = facts.get("retry_after", "")
    return Sign(
        rule,
        outcome.cause,
        outcome.reply,
        outcome.host,
        float(told) if told else 0.0,
        _rate(facts.get("limit", ""), facts.get("per", "")),
    )


def _rate(limit: str, per: str) -> Rate | None:
    """Read the limit that a reply names: so many messages in so much time."""
    count, _, unit = limit.partition(" ")
    seconds = _PERIODS.get(per)
    if seconds is None or unit not in ("messages", "") or not int(count or "0"):
        return None
    return Rate(float(count), seconds)
