"""Why mail was refused, for whoever has the id: as much as the page tells, as long and as often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ulak.journal.refusal import Look, Seen
from ulak.replies.refusal import read_id
from ulak.replies.texts import safe
from ulak.web.api.operation import Call, Operation, Parameter
from ulak.web.api.problem import Problem
from ulak.web.api.reference import LANG
from ulak.web.refusals import Why
from ulak.web.refusals.view import View, deciding, now, steps_of, view

_ID = Parameter(
    "refusal", {"type": "string", "minLength": 1, "maxLength": 100}, "path", required=True
)
_WEIGHT = 5.0  # as many requests as one that only looks something up


def operations(why: Why) -> tuple[Operation, ...]:
    """Give the operations, which share the limits of the page."""

    async def refusal(call: Call) -> dict[str, Any]:
        seen = await _found(why, call)
        return _told(seen, view(seen, call.language), call.language)

    async def again(call: Call) -> dict[str, Any]:
        seen = await _found(why, call)
        if view(seen, call.language).checkable != "yes":
            raise Problem(422, "nothing-to-check")
        why.checks.count(call.request)
        made = await why.check(seen)
        if made is None:
            raise Problem(504, "too-late", {"retry-after": "60"})
        checks = [
            {
                "check": check.check,
                "subject": safe(check.subject),
                "result": check.result,
                "good": check.good,
                "steps": list(steps_of(check, call.language)),
            }
            for check in made.diagnosis.checks
        ]
        steps = [
            {"step": step.text, "record": step.record or None, "link": step.link or None}
            for step in now(made, call.language).steps
        ]
        return {"id": seen.id, "verdict": str(made.verdict), "checks": checks, "steps": steps}

    look = Operation(
        "why", "GET", "/why/{refusal}", refusal, "Refusal", fresh=True, parameters=(_ID, LANG)
    )
    check = Operation(
        "why-check", "POST", "/why/{refusal}/check", again, "RefusalNow", weight=_WEIGHT,
        fresh=True, parameters=(_ID, LANG), problems=(422, 504),
    )  # fmt: skip
    return (look,) if why.checks.never else (look, check)


async def _found(why: Why, call: Call) -> Seen:
    """Find a refusal. What is unknown, too old, or no id is one and the same Problem."""
    why.requests.count(call.request)
    identifier = read_id(call.values["refusal"])
    seen = await why.find(identifier) if identifier else None
    if seen is None:
        raise Problem(404, "unknown-refusal")
    return seen


def _told(seen: Seen, shown: View, language: str) -> dict[str, Any]:
    decided = deciding(seen.cause)
    return {
        "id": seen.id,
        "time": seen.time,
        "cause": seen.cause,
        "reply": {"code": seen.code or None, "enhanced": seen.enhanced or None},
        "title": shown.title,
        "means": shown.means,
        "facts": _facts(seen.facts),
        "sender_domain": None if seen.sender_domain is None else safe(seen.sender_domain),
        "checks": [_check(look, language, decided=look.check in decided) for look in seen.looks],
        "fix": [{"who": "sender", "step": step, "link": None} for step in shown.steps],
        "checkable": shown.checkable,
    }


def _check(look: Look, language: str, *, decided: bool) -> dict[str, Any]:
    return {
        "check": look.check,
        "result": look.result,
        "decided": decided,
        "facts": _facts(look.facts),
        "reasons": [
            {"key": reason.key, "facts": _facts(reason.facts), "text": reason.text(language)}
            for reason in look.reasons
        ],
    }


def _facts(facts: Mapping[str, str]) -> dict[str, str]:
    return {name: safe(str(value)) for name, value in facts.items()}
