"""What a message has to expect of its site after an attempt, and when it is tried again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.site.rules import NOTHING, Act, Rule
from ulak.delivery.site.suspension import Suspension
from ulak.queue.retry import Retry

_AFTER = 30.0  # seconds until the next attempt where a site only has fewer at a time
_MARGIN = 5.0  # seconds over the time that a greylisting server says
_SPREAD = 30.0  # seconds over which those are spread that wait for one site
_MINUTES = re.compile("[0-9]{1,6}")
_LONGEST_TOLD = 86_400.0  # seconds: nobody makes us wait longer by a word


@dataclass(frozen=True, slots=True)
class Advice:
    """By cause and pattern, the rule that is acted on; until when nothing is sent to the site."""

    site: str = ""
    source: str = ""
    rules: Mapping[tuple[str, str], Rule] = field(default_factory=dict)
    suspension: Suspension | None = None

    def rule(self, outcome: Outcome) -> Rule:
        """Give the rule for an outcome."""
        return self.rules.get((outcome.cause, outcome.pattern), NOTHING)

    def judged(self, outcome: Outcome) -> Outcome:
        """Give an outcome as the rules have it: with what was decided about it as facts."""
        rule = self.rules.get((outcome.cause, outcome.pattern))
        if rule is None or outcome.result is Result.DELIVERED:
            return outcome
        if rule.act is Act.NONE or (rule.act is Act.RETRY and not rule.wait):
            return outcome
        facts = {**outcome.facts, "site": self.site, "rule": rule.name}
        if self.suspension is not None:
            facts["site-until"] = str(int(self.suspension.until))
        if rule.act is Act.BOUNCE:
            return replace(outcome, result=Result.FAILED, facts=facts)
        return replace(outcome, facts=facts)

    def next_attempt(
        self,
        retry: Retry,
        outcome: Outcome,
        received: float,
        attempts: int,
        now: float,
        chance: float,
    ) -> float | None:
        """When to try again after `attempts` attempts; None: give up (`Retry.next_attempt`)."""
        rule = self.rule(outcome)
        wait = 0.0
        match rule.act:
            case Act.FEWER | Act.SLOW_DOWN | Act.SUSPEND:
                # The site is at fault: the message goes as soon as the site takes mail again.
                until = now if self.suspension is None else self.suspension.until
                wait = max(until - now, _AFTER) + _SPREAD * chance
            case Act.SOON:
                told = _told(outcome.facts)
                if told:
                    wait = min(told, _LONGEST_TOLD) + _MARGIN + _SPREAD * chance
            case Act.RETRY if rule.wait:
                retry = _longer(retry, rule)
            case _:
                pass
        return retry.next_attempt(received, attempts, now, chance, wait)


def _told(facts: Mapping[str, str]) -> float:
    """Give the seconds that a server has said to wait; 0 for none. Ulak itself says minutes."""
    if facts.get("retry_after"):
        return float(facts["retry_after"])
    minutes = facts.get("minutes", "")
    return 60.0 * int(minutes) if _MINUTES.fullmatch(minutes) else 0.0


def _longer(retry: Retry, rule: Rule) -> Retry:
    longest = max(rule.longest, rule.wait)
    return replace(retry, first=rule.wait, longest=longest)


NO_ADVICE = Advice()
