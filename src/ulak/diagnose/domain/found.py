"""What looking at one subject of a domain gives: its checks, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from ulak.checks.asking import not_answered
from ulak.diagnose.diagnosis import Advice, Check
from ulak.dns.records import Answer


@dataclass(frozen=True, slots=True)
class Found:
    """The checks that were made, in order, and what their owner can do."""

    checks: tuple[Check, ...]
    advice: tuple[Advice, ...] = ()


def found(check: Check, *advice: Advice) -> Found:
    """Give one check with its advice."""
    return Found((check,), advice)


def unknown(check: str, subject: str, answer: Answer) -> Found:
    """Say that DNS did not answer: nothing is known, and nothing is missing."""
    made = Check(check, subject, "temperror", good=False, reasons=(not_answered(answer),))
    return found(made, Advice("try-later"))
