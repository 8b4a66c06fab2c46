"""What looking at one subject of a domain gives: its checks, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ulak.checks.asking import not_answered
from ulak.checks.reason import Reason
from ulak.diagnose.diagnosis import Advice, Check
from ulak.dns.records import Answer

_GOOD = {"critical": False, "warning": False, "note": None, "good": True}


@dataclass(frozen=True, slots=True)
class Found:
    """The checks that were made, in order, and what their owner can do."""

    checks: tuple[Check, ...]
    advice: tuple[Advice, ...] = ()


def found(check: Check, *advice: Advice) -> Found:
    """Give one check with its advice."""
    return Found((check,), advice)


def made(
    check: str, subject: str, result: str, severity: str, reasons: Iterable[Reason],
    facts: Mapping[str, str] | None = None, reference: str = "", drawing: tuple[str, ...] = (),
) -> Check:  # fmt: skip
    """Make a check; its severity says whether it is well."""
    known = {name: value for name, value in (facts or {}).items() if value}
    return Check(
        check, subject, str(result), _GOOD[severity], tuple(reasons), known, severity,
        "" if severity == "good" else reference, drawing,
    )  # fmt: skip


def unknown(check: str, subject: str, answer: Answer, severity: str = "warning") -> Found:
    """Say that DNS did not answer: nothing is known, and nothing is missing."""
    reasons = (not_answered(answer),)
    one = made(check, subject, "temperror", severity, reasons, reference="dns-failure")
    return found(one, Advice("try-later"))
