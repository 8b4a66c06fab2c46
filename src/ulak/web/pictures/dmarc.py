"""The walk of DMARC: the names that were asked, one label less each time, and what holds.

Below it stand, for a message, the domains that vouch for it, and whether they are the author's
(RFC 9989 §4.10, §4.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ulak.checks.dmarc.walk import targets
from ulak.checks.reason import Reason
from ulak.diagnose.diagnosis import Check, Diagnosis
from ulak.diagnose.words import word
from ulak.web.pictures.measure import SMALL, WIDTH, width, wrapped
from ulak.web.pictures.steps import BETWEEN, LINE, Line, written
from ulak.web.pictures.svg import Picture, Sheet, element
from ulak.web.pictures.words import isolated, say

_RAIL, _TEXT = 12, 34  # pixels from the side where lines begin
_MOST_VOUCHERS = 12
_LONGEST_NAME = 253
_STATES = {
    "dmarc.found": "found",
    "dmarc.no-record-there": "absent",
    "dmarc.several": "several",
    "dmarc.misspelt": "misspelt",
    "dns.failed": "failed",
}
_TONES = {
    "found": "accent", "absent": "muted", "several": "bad", "misspelt": "bad", "failed": "warn",
    "unasked": "muted",
}  # fmt: skip
_VOUCHED = {
    "dmarc.same": ("same", "good"),
    "dmarc.aligned": ("aligned", "good"),
    "dmarc.not-the-same": ("not-the-same", "bad"),
    "dmarc.elsewhere": ("elsewhere", "bad"),
    "dmarc.not-aligned": ("elsewhere", "bad"),
    "dmarc.alignment-unknown": ("unknown", "warn"),
    "dmarc.not-proven-now": ("unknown", "warn"),
    "dmarc.spf-no-pass": ("no-pass", "bad"),
    "dmarc.dkim-no-pass": ("no-pass", "bad"),
    "dmarc.dkim-no-signature": ("no-signature", "muted"),
}
_SEVERE = {"critical": "bad", "warning": "warn", "note": "warn", "good": "good"}
_RESULTS = {
    "pass": "good", "published": "good", "none": "warn", "temperror": "warn", "fail": "bad",
    "permerror": "bad",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One name, without `_dmarc.`; `state` is a key of `_TONES`, `record` what stands there."""

    domain: str
    state: str
    record: str = ""


@dataclass(frozen=True, slots=True)
class Voucher:
    """Who vouches for a message, and whether that counts: `state` names a text."""

    method: str
    domain: str
    state: str
    tone: str


@dataclass(frozen=True, slots=True)
class Walk:
    """What is drawn. `holds` is the domain whose record applies, `asks` what that asks for.

    `why` is said to those who do not see it; a page has it among the reasons of the check.
    """

    domain: str
    steps: tuple[Step, ...]
    result: str
    holds: str = ""
    organizational: str = ""
    asks: str = ""
    vouchers: tuple[Voucher, ...] = ()
    why: tuple[Reason, ...] = ()
    tone: str = "warn"


def dmarc_walk(diagnosis: Diagnosis, language: str) -> Picture | None:
    """Draw the walk of a diagnosis of a domain or a message; None where none was made."""
    for check in diagnosis.checks:
        if check.check == "dmarc" and check.subject:
            found = walk(check)
            return drawn(found, language) if found.steps else None
    return None


def walk(check: Check) -> Walk:
    """Take the walk from a check of DMARC."""
    domain, facts = check.subject, check.facts
    states: dict[str, tuple[str, str]] = {}
    organizational, why = facts.get("organizational_domain", ""), []
    for reason in check.reasons:
        name = reason.facts.get("name", "")
        if (state := _STATES.get(reason.key)) and name.startswith("_dmarc."):
            states.setdefault(name.removeprefix("_dmarc."), (state, reason.facts.get("record", "")))
        elif (
            reason.key.startswith("dmarc.organizational-") and reason.facts.get("domain") == domain
        ):
            organizational = organizational or reason.facts.get("organizational", "")
            why.append(reason)
        elif reason.key in ("dmarc.pass", "dmarc.fail", "dmarc.unsure", "dmarc.no-record"):
            why.append(reason)
    names = targets(domain[:_LONGEST_NAME]) if states else ()
    steps = tuple(Step(name, *states.get(name, ("unasked", ""))) for name in names)
    return Walk(
        domain,
        steps,
        check.result,
        facts.get("record_domain", ""),
        organizational,
        facts.get("policy", "") if facts.get("record_domain") else "",
        tuple(_vouchers(check.reasons)),
        tuple(why),
        _SEVERE.get(check.severity) or _RESULTS.get(check.result, "warn"),
    )


def _vouchers(reasons: Iterable[Reason]) -> list[Voucher]:
    """Say of each identifier what came of it; the last word on one counts."""
    found: dict[tuple[str, str], Voucher] = {}
    for reason in reasons:
        told = _VOUCHED.get(reason.key)
        if told is None:
            continue
        facts = reason.facts
        method = facts.get("method") or ("SPF" if ".spf-" in reason.key else "DKIM")
        domain = facts.get("domain", "")
        found[method, domain] = Voucher(method, domain, *told)
    return list(found.values())[:_MOST_VOUCHERS]


def drawn(found: Walk, language: str) -> Picture:
    """Draw a walk."""
    sheet = Sheet(language, "dmarc")
    sheet.height = 2.0
    told: list[str] = []
    result = word(
        language, f"result.dmarc-{found.result}",
        word(language, f"result.{found.result}", found.result),
    )  # fmt: skip
    title = say(language, "dmarc.title", domain=found.domain, result=result)
    sheet.mark(found.tone, _RAIL, sheet.height + 10)
    written(sheet, say(language, "dmarc.head", result=result), (), _TEXT)
    end = _names_end(found.steps)
    places = [_step(sheet, place, step, found, end) for place, step in enumerate(found.steps, 1)]
    told += [isolated(_told(step, found, language), language) for step in found.steps]
    if len(places) > 1:
        path = f"M{_RAIL} {places[0]:.0f}V{places[-1]:.0f}"
        sheet.shape(element("path", d=path, kind="rail"))
    if found.vouchers:
        written(sheet, say(language, "dmarc.vouchers"), (), 0)
        sheet.height -= BETWEEN - 4
        for voucher in found.vouchers:
            text = say(language, f"dmarc.{voucher.state}")
            sheet.mark(voucher.tone, _RAIL, sheet.height + 10)
            head = f"{voucher.method} {voucher.domain}".rstrip()
            for line in wrapped(head, WIDTH - _TEXT, SMALL, fixed=True):
                sheet.write(line, _TEXT, sheet.height + 14, "mono", title=head, protocol=True)
                sheet.height += LINE
            written(sheet, "", (Line(text),), _TEXT, most=2)
            told.append(isolated(f"{head}: {text}.", language))
    told += [isolated(reason.text(language), language) for reason in found.why]
    return sheet.done(isolated(title, language), " ".join(told))


def _names_end(steps: Sequence[Step]) -> float:
    """Give where all names end, so that their last labels stand below each other."""
    longest = max((width(step.domain, SMALL, fixed=True) for step in steps), default=0)
    return min(_TEXT + longest, WIDTH)


def _step(sheet: Sheet, place: int, step: Step, found: Walk, end: float) -> float:
    """Draw one name and what is there; give the height of its node."""
    language, tone = sheet.language, _TONES[step.state]
    holds = step.domain == found.holds and step.state == "found"
    y = sheet.height + 12
    if tone == "bad":
        node = element("rect", x=_RAIL - 10, y=y - 10, width=20, height=20, rx=3, kind="node bad")
    else:
        kind = "node good" if holds else f"node {tone}"
        node = element("circle", cx=_RAIL, cy=y, r=10, kind=kind)
    sheet.shape(node, above=True)
    sheet.middle(str(place), _RAIL, y + 4, "count")
    (shown,) = wrapped(step.domain, WIDTH - _TEXT, SMALL, lines=1, fixed=True)
    kind = "mono strong" if holds else "mono"
    sheet.write(shown, _TEXT, y + 4, kind, title=step.domain, protocol=True, until=end)
    sheet.height += 22
    lines = [Line(say(language, f"dmarc.{step.state}"), tone="" if tone == "accent" else tone)]
    if step.record:
        lines = [Line(step.record, protocol=True)]
    if holds:
        lines.append(Line(say(language, "dmarc.holds", policy=found.asks), tone="good"))
    if step.domain == found.organizational:
        lines.append(Line(say(language, "dmarc.organizational")))
    written(sheet, "", lines, _TEXT, most=2)
    return y


def _told(step: Step, found: Walk, language: str) -> str:
    """Tell of one name."""
    parts = [step.record or say(language, f"dmarc.{step.state}")]
    if step.domain == found.holds and step.state == "found":
        parts.append(say(language, "dmarc.holds", policy=found.asks))
    if step.domain == found.organizational:
        parts.append(say(language, "dmarc.organizational"))
    return f"_dmarc.{step.domain}: {'; '.join(parts)}."
