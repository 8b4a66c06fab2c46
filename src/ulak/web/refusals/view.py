"""What the page shows of a refusal, in words of a language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ulak.diagnose import words
from ulak.diagnose.diagnosis import Check
from ulak.diagnose.reply import Confirmation, Verdict, plan_of
from ulak.journal.refusal import Look, Seen
from ulak.replies import catalog, texts
from ulak.replies.texts import safe

# What a check of the recipient's side asks about is not told, and so not asked.
_NOT_ASKED = frozenset({"mx", "recipient-mx"})
_OF_GOOD = {True: "good", False: "bad", None: "info"}
_OF_VERDICT = {
    Verdict.CONFIRMED: "bad",
    Verdict.NOT_CONFIRMED: "good",
    Verdict.COULD_NOT_ASK: "warn",
}
# Which checks of those that are made when a message comes decide about a cause, by its plan.
_DECIDING = {
    "arc": ("arc",),
    "dkim": ("dkim",),
    "dmarc": ("dmarc", "spf", "dkim"),
    "helo": ("helo",),
    "home-name": ("iprev",),
    "iprev": ("iprev",),
    "spf": ("spf",),
}
# Steps that tell of what we ask with, and not of the sender.
_OURS = ("reply.needs", "spf.asked-sender")
# Facts that stand beside the sentences; others are in them.
_ROWS = ("ip", "client", "tls", "sender_domain", "domain", "zone", "reason")


@dataclass(frozen=True, slots=True)
class Row:
    """One piece of evidence: the name of its label, and what it is."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Made:
    """One check: what was checked, of what, what came of it, and every step of it."""

    title: str
    subject: str
    result: str
    tone: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do, and what is to be published for it."""

    text: str
    record: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A refusal as it is shown. `checkable`: whether a check could tell anything, as it says.

    `looks` have decided, or may have; `beside` was seen, and did not decide.
    """

    id: str
    cause: str
    codes: tuple[str, ...]
    title: str
    means: str
    moment: str
    minute: str
    rows: tuple[Row, ...]
    looks: tuple[Made, ...]
    beside: tuple[Made, ...]
    steps: tuple[str, ...]
    checkable: str


@dataclass(frozen=True, slots=True)
class Now:
    """What the checks say now. `verdict` names its sentence."""

    verdict: str
    tone: str
    checks: tuple[Made, ...]
    steps: tuple[Step, ...]


def view(seen: Seen, language: str) -> View:
    """Put a refusal into words. A cause that this version does not know has none of its own."""
    try:
        text = texts.cause(seen.cause, language).with_facts(seen.facts)
        title, means, steps = text.title, text.means, text.fix_sender
    except KeyError:
        title = means = ""
        steps = ()
    when = datetime.fromtimestamp(seen.time, UTC)
    facts = {**seen.facts, "sender_domain": seen.sender_domain or ""}
    rows = [Row(name, safe(facts[name])) for name in _ROWS if facts.get(name)]
    if facts["sender_domain"] == facts.get("domain"):
        rows = [row for row in rows if row.label != "domain"]
    decided = deciding(seen.cause)
    looks = [(look.check in decided, _look(look, language)) for look in seen.looks]
    return View(
        id=seen.id,
        cause=seen.cause,
        codes=tuple(code for code in (str(seen.code or ""), seen.enhanced) if code),
        title=title,
        means=means,
        moment=when.strftime("%Y-%m-%dT%H:%MZ"),
        minute=when.strftime("%Y-%m-%d %H:%M UTC"),
        rows=tuple(rows),
        looks=tuple(made for deciding, made in looks if deciding),
        beside=tuple(made for deciding, made in looks if not deciding),
        steps=steps,
        checkable=checkable(seen),
    )


def deciding(cause: str) -> frozenset[str]:
    """Name the checks that decide about a cause when a message comes."""
    if cause == catalog.SEVERAL_CHECKS_FAILED.name:
        return frozenset(name for names in _DECIDING.values() for name in names)
    kinds = plan_of(cause).checks
    return frozenset(name for kind in kinds for name in _DECIDING.get(kind, ()))


def _look(look: Look, language: str) -> Made:
    facts = look.facts
    return Made(
        _title(look.check, language),
        safe(facts.get("domain") or facts.get("ip") or facts.get("client") or ""),
        _result(look.check, look.result, language),
        {"pass": "good", "fail": "bad", "permerror": "bad"}.get(look.result, "info"),
        tuple(reason.text(language) for reason in look.reasons),
    )


def checkable(seen: Seen) -> str:
    """Say whether checks could tell anything now: `yes`, `no`, or `needless`."""
    plan = plan_of(seen.cause)
    if plan.verdict is Verdict.NEEDLESS:
        return "needless"
    return "yes" if seen.facts.get("ip") and kinds_of(seen.cause) else "no"


def kinds_of(cause: str) -> frozenset[str]:
    """Name the checks that can be made for a cause with what a page may know."""
    plan = plan_of(cause)
    return frozenset((*plan.checks, *plan.instead)) - _NOT_ASKED


def now(made: Confirmation, language: str) -> Now:
    """Put into words what the checks say."""
    checks = [
        Made(
            _title(check.check, language),
            safe(check.subject),
            _result(check.check, check.result, language),
            _OF_GOOD[check.good],
            steps_of(check, language),
        )
        for check in made.diagnosis.checks
    ]
    steps = [
        Step(words.say(language, f"do.{one.name}", one.facts), one.record, one.link)
        for one in made.diagnosis.advice
        if one.name not in ("reply-give", "ask-server")  # for who sits at the command line
    ]
    return Now(
        str(made.verdict), _OF_VERDICT.get(made.verdict, "info"), tuple(checks), tuple(steps)
    )


def steps_of(check: Check, language: str) -> tuple[str, ...]:
    """Say what a check did and what it means, without what is ours alone."""
    told = [reason.text(language) for reason in check.reasons if reason.key not in _OURS]
    return (*told, *(sentence.text(language) for sentence in check.means))


def _title(check: str, language: str) -> str:
    return words.word(language, f"check.{check}", check.upper())


def _result(check: str, result: str, language: str) -> str:
    known = words.word(language, f"result.{result}", result)
    return words.word(language, f"result.{check}-{result}", known)
