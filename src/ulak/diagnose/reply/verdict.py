"""What came of checking a reply: confirmed or not, by each check and in all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ulak.checks.reason import Reason, because
from ulak.diagnose.diagnosis import Advice, Check, Diagnosis, to_dict


class Verdict(StrEnum):
    """Whether what a reply says is so now."""

    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not-confirmed"
    UNKNOWABLE = "unknowable"  # from outside, by anybody
    COULD_NOT_ASK = "could-not-ask"  # DNS did not answer, or something has to be given first
    NEEDLESS = "needless"  # the reply says nothing that a check could tell


@dataclass(frozen=True, slots=True)
class Asked:
    """What one kind of check gave: each check with its verdict, what to do, and the verdict."""

    checks: tuple[tuple[Check, Verdict], ...]
    verdict: Verdict
    advice: tuple[Advice, ...] = ()


@dataclass(frozen=True, slots=True)
class Confirmation:
    """All that came of it. `verdicts` are those of the checks of `diagnosis`, in their order."""

    verdict: Verdict
    diagnosis: Diagnosis
    verdicts: tuple[Verdict, ...] = ()

    def to_json(self, language: str) -> dict[str, Any]:
        """Give what `ulak explain --check --json` has beside what a reply means."""
        told = to_dict(self.diagnosis, language)
        checks = [
            {**check, "verdict": str(verdict)}
            for check, verdict in zip(told["checks"], self.verdicts, strict=True)
        ]
        return {
            "checks": checks,
            "verdict": str(self.verdict),
            "verdict_text": told["verdict"],
            "sources": told["sources"],
            "steps": told["steps"],
        }


def asked(check: Check, verdict: Verdict, *advice: Advice) -> Asked:
    """Give one check with its verdict as what its kind gave."""
    return Asked(((check, verdict),), verdict, advice)


def missing(check: str, option: str) -> Asked:
    """Say what has to be given before a check can be made."""
    reason = because("reply.needs", option=option)
    return asked(Check(check, "", "not-asked", good=None, reasons=(reason,)), Verdict.COULD_NOT_ASK)


def meaning(verdict: Verdict) -> Reason:
    """Say what a check means for the reply."""
    match verdict:
        case Verdict.CONFIRMED:
            return because("reply.confirms")
        case Verdict.NOT_CONFIRMED:
            return because("reply.refutes")
        case Verdict.COULD_NOT_ASK:
            return because("reply.silent")
        case _:
            return because("reply.open")


def in_all(verdicts: Iterable[Verdict], *, every: bool) -> Verdict:
    """Conclude from several kinds: one confirms, or with `every` only all of them together.

    What could not be asked is never taken for an answer.
    """
    found = set(verdicts)
    yes, no = Verdict.CONFIRMED, Verdict.NOT_CONFIRMED
    order = (no, Verdict.COULD_NOT_ASK, Verdict.UNKNOWABLE, yes)
    if not every:
        order = (yes, Verdict.COULD_NOT_ASK, no, Verdict.UNKNOWABLE)
    return next((verdict for verdict in order if verdict in found), Verdict.UNKNOWABLE)
