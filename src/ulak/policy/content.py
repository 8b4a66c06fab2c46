"""What follows from what scanners found in a message: it is refused, put off, put apart, or marked.

Of several scanners the most severe word counts. A finding that says nothing (the scanner is down,
the message too large for it) has actions of its own, so that nothing is taken in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ulak.checks.reason import because, packed
from ulak.checks.scanner import Finding, Result
from ulak.journal.entry import Entry, Kind
from ulak.mail.message import raw_fields
from ulak.replies import catalog
from ulak.replies.reply import Reply

_MOST_TESTS = 40
_LONGEST_LINE = 76
_MOST_STARS = 50
_OURS = (b"x-spam-", b"x-virus-")
_SCORED = (Result.CLEAN, Result.GREYLIST, Result.SUSPECT, Result.SPAM)
_UNSAID = "its content scored too high"
_UNSAID_LATER = "the spam filter wants to see it again"


class Action(StrEnum):
    """What follows, from the mildest to the most severe."""

    NONE = "none"
    MARK = "mark"
    QUARANTINE = "quarantine"
    DEFER = "defer"
    REFUSE = "refuse"


_SEVERITY = {action: place for place, action in enumerate(Action)}
_CAUSES = {
    Result.VIRUS: catalog.VIRUS_FOUND,
    Result.FAILED: catalog.SCAN_FAILED,
    Result.TOO_LARGE: catalog.TOO_LARGE_TO_SCAN,
}


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores from which on a message is marked, put apart or refused; None: never for that."""

    mark: float | None = None
    quarantine: float | None = None
    refuse: float | None = None

    def __bool__(self) -> bool:
        return any(limit is not None for limit in (self.mark, self.quarantine, self.refuse))

    def of(self, score: float) -> tuple[Action, float | None]:
        """Give what follows from a score, and from which score on it does."""
        limits = (
            (Action.REFUSE, self.refuse),
            (Action.QUARANTINE, self.quarantine),
            (Action.MARK, self.mark),
        )
        for action, limit in limits:
            if limit is not None and score >= limit:
                return action, limit
        return Action.NONE, None


@dataclass(frozen=True, slots=True)
class Rules:
    """What follows from what one scanner finds.

    `later` is for what rspamd itself wants put off. Where there are `scores`, they decide about
    what rspamd has scored, and not what it recommends for that score.
    """

    spam: Action = Action.REFUSE
    suspect: Action = Action.MARK
    virus: Action = Action.REFUSE
    greylist: Action = Action.NONE
    later: Action = Action.DEFER
    failed: Action = Action.DEFER
    too_large: Action = Action.NONE
    scores: Scores = Scores()

    def judge(self, finding: Finding) -> tuple[Action, Finding]:
        """Say what follows from one finding, with the reason for it where it is not plain."""
        if self.scores and finding.result in _SCORED and not _forced(finding):
            assert finding.score is not None  # noqa: S101 -- as `_forced` has seen
            action, limit = self.scores.of(finding.score)
            if limit is None:
                return action, finding
            score, bound = f"{finding.score:.2f}", f"{limit:.2f}"
            reason = because("scanner.threshold", score=score, limit=bound)
            return action, replace(finding, reasons=(*finding.reasons, reason))
        match finding.result:
            case Result.CLEAN:
                action = Action.NONE
            case Result.QUARANTINE:
                action = Action.QUARANTINE
            case Result.SPAM:
                action = self.spam
            case Result.SUSPECT:
                action = self.suspect
            case Result.VIRUS:
                action = self.virus
            case Result.GREYLIST:
                action = self.greylist
            case Result.LATER:
                action = self.later
            case Result.FAILED:
                action = self.failed
            case Result.TOO_LARGE:
                action = self.too_large
        return action, finding


def _forced(finding: Finding) -> bool:
    """Whether a rule of rspamd has decided and not the score, as its own scanner of viruses does.

    clamd has no score.
    """
    if finding.score is None or finding.required is None:
        return True
    return finding.result is Result.SPAM and finding.score < finding.required


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all findings together come to.

    `reply` refuses or puts off; `quarantine` is the cause for which the message is put apart,
    `""` for none. `top` are the fields that go above the message, each with its CRLF; fields
    named in `gone`, in lower case, are taken out, and so is all that `cleaned` knows as ours.
    """

    findings: tuple[Finding, ...]
    action: Action
    reply: Reply | None = None
    quarantine: str = ""
    top: bytes = b""
    gone: frozenset[bytes] = frozenset()

    def entries(self, time: float, session: str, message: str) -> list[Entry]:
        """Give what the journal is to know of each scanner."""
        return [
            Entry(time, Kind.CHECKED, "", session, message, facts=_facts(finding))
            for finding in self.findings
        ]


def judge(found: Sequence[tuple[Finding, Rules]], *, size: int) -> Verdict:
    """Judge a message of so many octets by what its scanners found."""
    judged = [rules.judge(finding) for finding, rules in found]
    findings = tuple(finding for _, finding in judged)
    if not judged:
        return Verdict((), Action.NONE)
    action, decisive = max(judged, key=lambda one: _SEVERITY[one[0]])
    if action in (Action.REFUSE, Action.DEFER):
        return Verdict(findings, action, _reply(action, decisive, size))
    quarantine = _cause(decisive).name if action is Action.QUARANTINE else ""
    marked = any(one is not Action.NONE and _spam(finding) for one, finding in judged)
    added = [
        (each.name, each.value)
        for finding in findings
        for each in finding.add
        if not each.name.lower().encode("ascii").startswith(_OURS)  # these are written here
    ]
    gone = {name.encode("ascii") for finding in findings for name in finding.remove}
    gone |= {name.lower().encode("ascii") for name, _ in added}
    fields = [*_fields(findings, marked=marked), *(f"{name}: {value}" for name, value in added)]
    top = "".join(f"{field}\r\n" for field in fields).encode("ascii", "replace")
    return Verdict(findings, action, None, quarantine, top, frozenset(gone))


def cleaned(header: bytes, gone: frozenset[bytes]) -> bytes:
    """Give a header without the fields that only a scanner of ours may have written."""
    lower = header.lower()
    if not any(name in lower for name in (*_OURS, *gone)):
        return header
    return b"".join(
        raw for name, raw in raw_fields(header) if not name.startswith(_OURS) and name not in gone
    )


def _spam(finding: Finding) -> bool:
    """Whether a reader's filter is to take the message for spam where something follows at all."""
    return finding.kind == "rspamd" and finding.result.scanned


def _cause(finding: Finding) -> catalog.Cause:
    return _CAUSES.get(finding.result, catalog.SPAM_FOUND)


def _reply(action: Action, finding: Finding, size: int) -> Reply:
    match finding.result:
        case Result.FAILED:
            return catalog.SCAN_FAILED.reply()
        case Result.TOO_LARGE:
            return catalog.TOO_LARGE_TO_SCAN.reply(size=size)
        case Result.LATER | Result.GREYLIST if action is Action.DEFER:
            return catalog.PUT_OFF_BY_SCANNER.reply(said=finding.message or _UNSAID_LATER)
        case _ if action is Action.DEFER:
            return catalog.CONTENT_DEFERRED.reply()
        case Result.VIRUS:
            return catalog.VIRUS_FOUND.reply(signature=finding.signature)
        case _:
            return catalog.SPAM_FOUND.reply(said=finding.message or _UNSAID)


# -- fields ---------------------------------------------------------------------------------------


def _fields(findings: Iterable[Finding], *, marked: bool) -> list[str]:
    """Give the fields by the names that filters of readers know."""
    fields: list[str] = []
    for finding in findings:
        if finding.kind == "rspamd":
            fields += _of_spam(finding, marked=marked)
        else:
            fields.append(f"X-Virus-Scanned: {finding.scanner}")
            fields.append(f"X-Virus-Status: {_of_viruses(finding)}")
    return fields


def _of_spam(finding: Finding, *, marked: bool) -> list[str]:
    if finding.score is None or finding.required is None:
        return [f"X-Spam-Status: Unknown, {finding.scanner}={finding.result}"]
    said = "Yes" if marked else "No"
    head = f"X-Spam-Status: {said}, score={finding.score:.2f} required={finding.required:.2f}"
    tests = [f"{symbol.name}={symbol.score:.2f}" for symbol in finding.symbols[:_MOST_TESTS]]
    fields = [_folded(f"{head} tests=[", tests), f"X-Spam-Score: {finding.score:.2f}"]
    if (stars := min(int(finding.score), _MOST_STARS)) > 0:
        fields.append(f"X-Spam-Level: {'*' * stars}")
    if marked:
        fields.append("X-Spam-Flag: YES")
    return fields


def _of_viruses(finding: Finding) -> str:
    match finding.result:
        case Result.CLEAN:
            return "Clean"
        case Result.VIRUS:
            return f"Infected ({finding.signature})"
        case other:
            return f"Unknown ({other})"


def _folded(head: str, tests: Sequence[str]) -> str:
    """Put tests behind a field's beginning, on lines of a good length (RFC 5322 §2.1.1)."""
    lines, line = list[str](), head
    for place, test in enumerate(tests):
        text = test + (", " if place + 1 < len(tests) else "")
        if len(line) + len(text) > _LONGEST_LINE and line.strip():
            lines.append(line.rstrip(" "))
            line = "\t"
        line += text
    return "\r\n".join([*lines, f"{line}]"])


def _facts(finding: Finding) -> dict[str, str]:
    facts = {
        "check": finding.kind,
        "scanner": finding.scanner,
        "result": str(finding.result),
        "score": "" if finding.score is None else f"{finding.score:.2f}",
        "required": "" if finding.required is None else f"{finding.required:.2f}",
        "action": finding.action,
        "signature": finding.signature,
        "reasons": packed(finding.reasons),
    }
    return {name: value for name, value in facts.items() if value}
