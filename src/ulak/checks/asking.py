"""What every check says of an answer that did not come."""

from __future__ import annotations

from ulak.checks.reason import Reason, because
from ulak.dns.records import Answer


def not_answered(answer: Answer) -> Reason:
    """Say that nothing is known: the question has to be asked again later."""
    problem = f"{answer.status} ({answer.detail})" if answer.detail else str(answer.status)
    return because("dns.failed", name=answer.name, kind=answer.kind, problem=problem)
