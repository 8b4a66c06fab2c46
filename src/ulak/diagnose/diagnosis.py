"""What a diagnosis is: checks with their reasons, a verdict, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from ulak.checks.reason import Reason
from ulak.checks.spf.survey import Branch
from ulak.diagnose.words import say
from ulak.mail.received import Hop
from ulak.replies.reply import Reply

SEVERITIES = ("critical", "warning", "note", "good")
"""How much a check matters: mail is refused, mail may be, something to know, nothing to worry."""


class Found(Protocol):
    """What every finding of a check has."""

    @property
    def result(self) -> str:
        """The word of RFC 8601, or of the check."""

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """How it came about."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check that was made of `subject` (a name, an address, a signature …).

    `good` is None where nothing speaks for or against. `facts` are in words that do not change.
    `severity` is one of `SEVERITIES` or "" where `good` says enough; `reference` is a cause or a
    code that `ulak codes` has a page for, or "". `drawing` are lines to be shown as they are, and
    `tree` what those of SPF are drawn of; `means` says what the result means.
    """

    check: str
    subject: str
    result: str
    good: bool | None
    reasons: tuple[Reason, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    severity: str = ""
    reference: str = ""
    drawing: tuple[str, ...] = ()
    means: tuple[Sentence, ...] = ()
    tree: tuple[Branch, ...] = ()


Ended = Callable[[Check], None]
"""Hears of every check as soon as it has ended, for those who watch; the diagnosis has all."""


def unheard(check: Check) -> None:
    """Let nobody hear of a check before the diagnosis is made."""
    del check


@dataclass(frozen=True, slots=True)
class Advice:
    """Something to do: the name of its text, and the line of DNS to publish where there is one.

    `link` is a page where it is done; `reference` a cause or a code that `ulak codes` has.
    """

    name: str
    facts: Mapping[str, str] = field(default_factory=dict)
    record: str = ""
    link: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where something about a message was taken from: `option`, `received`, `return-path`, ``."""

    what: str
    value: str
    where: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of the verdict: the name of its text and its facts, or a reason."""

    name: str
    facts: Mapping[str, str] = field(default_factory=dict)
    reason: Reason | None = None

    def text(self, language: str) -> str:
        """Give it in a language."""
        if self.reason is not None:
            return self.reason.text(language)
        return say(language, f"verdict.{self.name}", self.facts)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that came of it. `what` is `ip`, `domain`, `message` or `spf`; `reply` Ulak's answer.

    `hops` is the way of a message as its Received fields have it, the first hop first.
    """

    what: str
    subject: str
    verdict: tuple[Sentence, ...]
    checks: tuple[Check, ...]
    advice: tuple[Advice, ...] = ()
    sources: tuple[Source, ...] = ()
    reply: Reply | None = None
    hops: tuple[Hop, ...] = ()

    @property
    def good(self) -> bool:
        """Whether there is nothing to worry about."""
        refused = self.reply is not None and not str(self.reply.code).startswith("2")
        return not refused and all(check.good is not False for check in self.checks)


def of(
    check: str, subject: str, finding: Found, *, good: Iterable[str] = ("pass",),
    bad: Iterable[str] = (), severity: str = "", reference: str = "", **facts: object,
) -> Check:  # fmt: skip
    """Make a check of a finding; `good` and `bad` are results."""
    result = str(finding.result)
    well = True if result in set(good) else False if result in set(bad) else None
    known = {name: str(value) for name, value in facts.items() if value not in ("", None, ())}
    return Check(check, subject, result, well, finding.reasons, known, severity, reference)


def unique(advice: Sequence[Advice]) -> tuple[Advice, ...]:
    """Leave out what was advised before."""
    seen: dict[tuple[str, str, str, str], Advice] = {}
    for one in advice:
        seen.setdefault((one.name, repr(sorted(one.facts.items())), one.record, one.link), one)
    return tuple(seen.values())


def to_dict(diagnosis: Diagnosis, language: str) -> dict[str, Any]:
    """Give what `ulak check` prints with --json (docs/check.md)."""
    reply = diagnosis.reply
    return {
        "what": diagnosis.what,
        "subject": diagnosis.subject,
        "good": diagnosis.good,
        "verdict": " ".join(sentence.text(language) for sentence in diagnosis.verdict),
        "language": language,
        "reply": None if reply is None else str(reply),
        "cause": None if reply is None else reply.cause,
        "sources": {
            source.what: {"value": source.value, "from": source.where or None}
            for source in diagnosis.sources
        },
        "checks": [
            {
                "check": check.check,
                "subject": check.subject,
                "result": check.result,
                "good": check.good,
                "severity": check.severity or None,
                "reference": check.reference or None,
                "facts": dict(check.facts),
                "drawing": list(check.drawing),
                "tree": [asdict(branch) for branch in check.tree],
                "reasons": [
                    {
                        "key": reason.key,
                        "facts": dict(reason.facts),
                        "text": reason.text(language),
                    }
                    for reason in check.reasons
                ],
                "means": [sentence.text(language) for sentence in check.means],
            }
            for check in diagnosis.checks
        ],
        "hops": [
            {
                "sender": hop.sender or None,
                "ip": hop.ip or None,
                "receiver": hop.receiver or None,
                "protocol": hop.protocol or None,
                "time": hop.time,
            }
            for hop in diagnosis.hops
        ],
        "steps": [
            {
                "name": step.name,
                "step": say(language, f"do.{step.name}", step.facts),
                "record": step.record or None,
                "link": step.link or None,
                "reference": step.reference or None,
            }
            for step in diagnosis.advice
        ],
    }
