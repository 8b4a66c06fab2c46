"""A diagnosis as the pages show it: badges, reasons, what to publish, and where to read on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import MappingProxyType

from ulak.checks.reason import Reason
from ulak.diagnose.diagnosis import Advice, Check, Diagnosis
from ulak.diagnose.reply import Confirmation, Verdict
from ulak.diagnose.words import say, word
from ulak.replies.texts import safe
from ulak.web import words
from ulak.web.tools.runs import Seen

_TONES = MappingProxyType({"critical": "bad", "warning": "warn", "note": "info", "good": "good"})
_OF_GOOD = MappingProxyType({True: "good", False: "bad", None: "info"})
_OF_VERDICT = MappingProxyType(
    {
        Verdict.CONFIRMED: "bad",
        Verdict.NOT_CONFIRMED: "good",
        Verdict.COULD_NOT_ASK: "warn",
        Verdict.UNKNOWABLE: "info",
        Verdict.NEEDLESS: "info",
    }
)
_LISTS = ("dnsbl", "allowlist")
_MANY = 2  # lists that say the same are named together
_CODE = re.compile(r"[2-5](?:[0-9]{2}|\.[0-9]{1,3}\.[0-9]{1,3})")
_LONGEST = 2_000
_FIELDS = ("ip", "helo", "mail_from", "from_domain", "domain", "selector")  # of the pages


@dataclass(frozen=True, slots=True)
class Row:
    """One check, or several lists of which there is nothing to tell one by one.

    Those are the `subjects`, each with what hinders it. `tone` is a class of the style sheet;
    `severity` and `verdict` are words, or ""; `page` is the path of the entry to read on, or "".
    """

    check: str
    subject: str
    result: str
    tone: str
    severity: str = ""
    verdict: str = ""
    verdict_tone: str = ""
    reasons: tuple[str, ...] = ()
    drawing: str = ""
    page: str = ""
    subjects: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do; `record` is to be published as it stands."""

    text: str
    record: str = ""
    link: str = ""
    page: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """All that came of it."""

    tone: str
    verdict: tuple[str, ...]
    sources: tuple[str, ...]
    rows: tuple[Row, ...]
    steps: tuple[Step, ...]
    reply: str
    cause: str


def shown(result: Diagnosis | Confirmation, language: str) -> Shown:
    """Put a diagnosis into words."""
    if isinstance(result, Confirmation):
        made, tone = result.diagnosis, _OF_VERDICT[result.verdict]
        seen = list(map(Seen, made.checks, result.verdicts))
    else:
        made, tone = result, _tone(result)
        seen = list(map(Seen, made.checks))
    return Shown(
        tone=tone,
        verdict=tuple(one.text(language) for one in made.verdict),
        sources=tuple(_sources(made, language)),
        rows=tuple(_rows(seen, language)),
        steps=tuple(_step(one, language) for one in made.advice),
        reply="" if made.reply is None else str(made.reply),
        cause="" if made.reply is None else made.reply.cause,
    )


def _tone(made: Diagnosis) -> str:
    """Say how bad it is: whether mail is refused, or may be."""
    if made.good:
        return "good"
    refused = made.reply is not None and not str(made.reply.code).startswith("2")
    wrong = {check.severity for check in made.checks if check.good is False}
    mild = wrong <= {"warning"} or (made.what == "message" and "critical" not in wrong)
    return "warn" if mild and not refused else "bad"


def row(seen: Seen, language: str) -> Row:
    """Put one check into words."""
    check, verdict = seen.check, seen.verdict
    return Row(
        check=word(language, f"check.{check.check}", check.check.upper()),
        subject=safe(check.subject, _LONGEST),
        result=_result(check, language),
        tone=_TONES.get(check.severity) or _OF_GOOD[check.good],
        severity=say(language, f"severity.{check.severity}") if check.severity else "",
        verdict="" if verdict is None else str(verdict),
        verdict_tone="" if verdict is None else _OF_VERDICT[verdict],
        reasons=(
            *(_reason(reason, language) for reason in check.reasons),
            *(sentence.text(language) for sentence in check.means),
        ),
        drawing="\n".join(safe(line, _LONGEST) for line in check.drawing),
        page=page_of(check.reference),
    )


def page_of(reference: str) -> str:
    """Give the path of what is written about a code or a cause."""
    if not reference:
        return ""
    return f"/codes/{reference}" if _CODE.fullmatch(reference) else f"/causes/{reference}"


def _result(check: Check, language: str) -> str:
    plain = word(language, f"result.{check.result}", check.result)
    return word(language, f"result.{check.check}-{check.result}", plain)


def _rows(seen: Iterable[Seen], language: str) -> Iterable[Row]:
    """Give a row for each check, and one for all lists that say nothing of their own."""
    alike: dict[tuple[str, str], list[Seen]] = {}
    for one in seen:
        if _plain(one.check):
            alike.setdefault((one.check.check, one.check.result), []).append(one)
    done: set[tuple[str, str]] = set()
    for one in seen:
        key = one.check.check, one.check.result
        those = alike.get(key, [])
        if one not in those or len(those) < _MANY:
            yield row(one, language)
        elif key not in done:
            done.add(key)
            first = row(one, language)
            subjects = tuple(_subject(each.check, language) for each in those)
            yield Row(first.check, "", first.result, first.tone, subjects=subjects)


def brief(seen: Seen, language: str) -> Row:
    """Put one check into words for who watches: of most lists, its result alone."""
    made = row(seen, language)
    return replace(made, reasons=()) if _plain(seen.check) else made


def _plain(check: Check) -> bool:
    """Whether this is one of the many lists that say nothing of their own."""
    return check.check in _LISTS and not check.severity and not check.means


def _subject(check: Check, language: str) -> tuple[str, str]:
    hinders = check.good is None and bool(check.reasons)
    return safe(check.subject, _LONGEST), check.reasons[0].text(language) if hinders else ""


def _sources(made: Diagnosis, language: str) -> Iterable[str]:
    for source in made.sources:
        where = say(language, f"source.{source.where or 'nowhere'}")
        name = source.what if source.where else f"{source.what}-unknown"
        yield say(language, f"source.{name}", {"value": source.value or "<>", "where": where})


def _reason(reason: Reason, language: str) -> str:
    name = f"tools.step.{reason.key}"
    if not words.has(language, name):
        return reason.text(language)
    facts = {key: safe(fact) for key, fact in reason.facts.items()}
    return words.say(language, name, **facts, options=_fields(facts.get("option", ""), language))


def _step(one: Advice, language: str) -> Step:
    name = f"tools.step.{one.name}"
    if words.has(language, name):
        options = _fields(one.facts.get("options", ""), language)
        where = words.say(language, "tools.given.title")
        text = words.say(language, name, **{**one.facts, "options": options, "where": where})
    else:
        text = say(language, f"do.{one.name}", one.facts)
    link = one.link if one.link.startswith("https://") else ""
    return Step(text, _literal(one.record), link, page_of(one.reference))


def _fields(options: str, language: str) -> str:
    """Give options of the command line (`--ip, --helo`) as the names of the fields for them."""
    names = [option.removeprefix("--").replace("-", "_") for option in options.split(", ")]
    return ", ".join(
        words.say(language, f"tools.given.{name}") for name in names if name in _FIELDS
    )


def _literal(record: str) -> str:
    """Give a record as it is, but for what would not be seen in it or turn it around."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in record)
