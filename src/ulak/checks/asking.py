"""What every check says of an answer that did not come."""

from __future__ import annotations

from ulak.checks.reason import Reason, because
from ulak.dns.records import Answer


def not_answered(answer: Answer) -> Reason:
    """Say that nothing is known: the question has to be asked again later."""
    problem = f"{answer.status} ({answer.detail})" if answer.detail else str(answer.status)
    return because("dns.failed", name=answer.name, kind=answer.kind, problem=problem)


def without_servers(reason: Reason) -> Reason:
    """Say to a stranger that DNS did not answer, but not which name server of ours said what."""
    if reason.key != "dns.failed":
        return reason
    status, _, _ = reason.facts.get("problem", "").partition(" (")
    return Reason(reason.key, {**reason.facts, "problem": status})
