"""The shapes of what the API takes and answers (JSON Schema 2020-12), as OpenAPI has them.

They are those of the commands' `--json`. An object may get further members; none goes away.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ulak.queue.item import State
from ulak.replies.catalog import Action

STRING = {"type": "string"}
TEXTS = {"type": "array", "items": STRING}
NUMBER = {"type": "number"}
INTEGER = {"type": "integer"}
BOOLEAN = {"type": "boolean"}
FACTS = {"type": "object", "additionalProperties": STRING}
PERMANENCE = ("permanent", "temporary", "success", "unclear")
DECIDED = ("text", "provider", "enhanced", "code", "none")
VERBS = ("retry", "hold", "release", "drop", "bounce")


def ref(name: str) -> dict[str, str]:
    """Refer to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Allow null beside a simple type."""
    return {**schema, "type": [schema["type"], "null"]}


def array(items: Mapping[str, Any]) -> dict[str, Any]:
    """Make a list."""
    return {"type": "array", "items": items}


def enum(*values: str) -> dict[str, Any]:
    """Make a closed set of words."""
    return {"type": "string", "enum": list(values)}


def obj(optional: Mapping[str, Any] | None = None, /, **members: Any) -> dict[str, Any]:  # noqa: ANN401 -- schemas
    """Make an object with these members, all there; `optional` ones may be missing."""
    return {
        "type": "object",
        "properties": {**members, **(optional or {})},
        "required": list(members),
    }


_CODE = obj(
    code=INTEGER, standing=STRING, name=STRING, means=STRING, answers=TEXTS, in_practice=TEXTS,
    sections=STRING, **{"class": INTEGER},
)  # fmt: skip
_ENHANCED = obj(
    code=STRING, classes=array({}), classes_in_practice=array({}), title=STRING, means=STRING,
    basic_codes=array(INTEGER), answers=TEXTS, in_practice=TEXTS, causes=TEXTS, sections=STRING,
)  # fmt: skip
_CAUSE = obj(
    name=STRING, family=STRING, title=STRING, codes=array(INTEGER), detail=or_null(STRING),
    permanence=enum(*PERMANENCE), sender_action=enum(*Action), sections=STRING, words=STRING,
)  # fmt: skip
_EXPLANATION = obj(
    {
        "recipient": STRING, "action": STRING, "source": STRING, "remote_mta": STRING,
    },
    input=STRING,
    reply=obj(code=or_null(INTEGER), enhanced=or_null(STRING), text=STRING),
    cause=or_null(STRING), family=STRING, permanence=enum(*PERMANENCE),
    decided_by=enum(*DECIDED), rule=or_null(STRING), provider=or_null(STRING), facts=FACTS,
    title=STRING, means=STRING, seen_when=STRING,
    fix=array(obj(who=enum("sender", "operator"), step=STRING, link=or_null(STRING))),
    sender_action=enum(*Action), links=TEXTS, checks=array({"type": "object"}),
)  # fmt: skip
_DIAGNOSIS = obj(
    what=STRING, subject=STRING, good=BOOLEAN, verdict=STRING, language=STRING,
    reply=or_null(STRING), cause=or_null(STRING), sources={"type": "object"},
    checks=array(
        obj(
            check=STRING, subject=STRING, result=STRING, good=or_null(BOOLEAN),
            severity=or_null(STRING), reference=or_null(STRING), facts=FACTS, drawing=TEXTS,
            reasons=array(obj(key=STRING, facts=FACTS, text=STRING)), means=TEXTS,
            tree=array(
                obj(depth=INTEGER, term=STRING, lookups=INTEGER, void=INTEGER, lost=BOOLEAN)
            ),
        )
    ),
    hops=array(
        obj(
            sender=or_null(STRING), ip=or_null(STRING), receiver=or_null(STRING),
            protocol=or_null(STRING), time=or_null(NUMBER),
        )
    ),
    steps=array(
        obj(
            name=STRING, step=STRING, record=or_null(STRING), link=or_null(STRING),
            reference=or_null(STRING),
        )
    ),
)  # fmt: skip
_RECIPIENT = obj(
    id=STRING, received=NUMBER, size=INTEGER, sender=STRING, recipient=STRING, domain=STRING,
    state=enum(*State), due=NUMBER, attempts=INTEGER, cause=STRING, reply=STRING, host=STRING,
    wishes={"type": "object"},
)  # fmt: skip

SCHEMAS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "Problem": obj(type=STRING, title=STRING, status=INTEGER, detail=STRING),
        "Code": _CODE,
        "EnhancedCode": _ENHANCED,
        "Cause": _CAUSE,
        "Reference": obj(
            codes=array(ref("Code")),
            enhanced=array(ref("EnhancedCode")),
            causes=array(ref("Cause")),
        ),
        "Side": {"type": "object"},
        "Comparison": {"type": "object"},
        "Explanation": _EXPLANATION,
        "Explanations": obj(explanations=array(ref("Explanation"))),
        "Diagnosis": _DIAGNOSIS,
        "Recipient": _RECIPIENT,
        "Queue": obj(recipients=array(ref("Recipient")), total=INTEGER, offset=INTEGER),
        "Done": obj(verb=enum(*VERBS), count=INTEGER),
        "Now": obj(
            time=NUMBER, workers=INTEGER, expected=INTEGER, started=NUMBER, connections=INTEGER,
            transfers=INTEGER, attempts=INTEGER, outgoing=INTEGER, paused=BOOLEAN,
            counted={"type": "object", "additionalProperties": INTEGER}, messages=INTEGER,
            queued={"type": "object", "additionalProperties": INTEGER}, due=INTEGER,
            oldest=or_null(NUMBER),
        ),
        "Figures": obj(
            span=STRING, begin=INTEGER, step=INTEGER,
            series=array(obj(kind=STRING, cause=STRING, counts=array(INTEGER))),
        ),
        "Sessions": obj(sessions=array({"type": "object"}), total=INTEGER),
        "Destinations": obj(destinations=array({"type": "object"}), total=INTEGER),
        "Story": {"type": "object"},
    }
)  # fmt: skip
