"""The shapes of what the API takes and answers (JSON Schema 2020-12), as OpenAPI has them.

They are those of the commands' `--json`. An object may get further members; none goes away.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ulak.diagnose.reply import Verdict
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

_REASONS = array(obj(key=STRING, facts=FACTS, text=STRING))
_REFUSAL = obj(
    id=STRING, time=NUMBER, cause=STRING,
    reply=obj(code=or_null(INTEGER), enhanced=or_null(STRING)),
    title=STRING, means=STRING, facts=FACTS, sender_domain=or_null(STRING),
    checks=array(
        obj(check=STRING, result=STRING, decided=BOOLEAN, facts=FACTS, reasons=_REASONS)
    ),
    fix=array(obj(who=enum("sender"), step=STRING, link=or_null(STRING))),
    checkable=enum("yes", "no", "needless"),
)  # fmt: skip
_MISSING = obj(silent=TEXTS, away=BOOLEAN)
_NOW = obj(
    id=STRING, verdict=enum(*Verdict),
    checks=array(
        obj(check=STRING, subject=STRING, result=STRING, good=or_null(BOOLEAN), steps=TEXTS)
    ),
    steps=array(obj(step=STRING, record=or_null(STRING), link=or_null(STRING))),
)  # fmt: skip
_PERIOD = {
    "kind": enum("dmarc", "tls"), "organization": STRING, "report_id": STRING, "begin": INTEGER,
    "end": INTEGER,
}  # fmt: skip
_KEPT = obj(
    number=INTEGER, **_PERIOD, domain=STRING, messages=INTEGER, passed=INTEGER, received=NUMBER,
    source=STRING,
)  # fmt: skip
_DMARC = obj(
    **{**_PERIOD, "kind": enum("dmarc")}, email=STRING, contact=STRING, errors=TEXTS,
    generator=STRING,
    published=obj(
        domain=STRING, p=STRING, sp=STRING, np=STRING, adkim=STRING, aspf=STRING, fo=STRING,
        testing=STRING, discovery=STRING, percent=STRING,
    ),
    rows=array(
        obj(
            ip=STRING, count=INTEGER, disposition=STRING, dkim=STRING, spf=STRING,
            from_domain=STRING, envelope_from=or_null(STRING), envelope_to=STRING,
            notes=array(obj(why=STRING, comment=STRING)),
            signatures=array(obj(domain=STRING, selector=STRING, result=STRING, comment=STRING)),
            senders=array(obj(domain=STRING, result=STRING, comment=STRING)),
        )
    ),
)  # fmt: skip
_TLS = obj(
    **{**_PERIOD, "kind": enum("tls")}, contact=STRING,
    policies=array(
        obj(
            kind=STRING, domain=STRING, succeeded=INTEGER, failed=INTEGER, hosts=TEXTS,
            failures=array(
                obj(
                    kind=STRING, sessions=INTEGER, sending_ip=STRING, receiving_host=STRING,
                    receiving_ip=STRING, comment=STRING,
                )
            ),
        )
    ),
)  # fmt: skip

_SUPPRESSED = obj(
    address=STRING, cause=STRING, reply=STRING, message=or_null(STRING), since=NUMBER,
    until=or_null(NUMBER), **{"for": or_null(STRING)},
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
            oldest=or_null(NUMBER), members=TEXTS, missing=_MISSING,
        ),
        "Figures": obj(
            span=STRING, begin=INTEGER, step=INTEGER,
            series=array(obj(kind=STRING, cause=STRING, counts=array(INTEGER))), missing=_MISSING,
        ),
        "Sessions": obj(sessions=array({"type": "object"}), total=INTEGER, missing=_MISSING),
        "Destinations": obj(
            destinations=array({"type": "object"}), total=INTEGER, missing=_MISSING
        ),
        "Story": {"type": "object"},
        "Taken": obj(
            id=STRING, message_id=STRING, again=BOOLEAN,
            recipients=array(
                obj(
                    {"cause": STRING, "reply": STRING},
                    recipient=STRING, state=enum("accepted", "refused"),
                )
            ),
        ),
        "Suppressed": _SUPPRESSED,
        "Events": STRING,
        "Suppressions": obj(addresses=array(ref("Suppressed")), total=INTEGER, offset=INTEGER),
        "Removed": obj(address=STRING, count=INTEGER),
        "Refusal": _REFUSAL,
        "RefusalNow": _NOW,
        "Kept": _KEPT,
        "Reports": obj(reports=array(ref("Kept"))),
        "Parcels": obj(
            parcels=array(
                obj(
                    id=STRING, report_id=STRING, domain=STRING, uri=STRING, address=STRING,
                    size=or_null(INTEGER),
                    state=enum("asking", "ready", "held", "sent", "dropped"), due=NUMBER,
                    tries=INTEGER, why=STRING, changed=NUMBER, kind=enum("dmarc", "tls"),
                )
            )
        ),
        "Sources": obj(
            reports=INTEGER,
            sources=array(
                obj(
                    ip=STRING, messages=INTEGER, passed=INTEGER, dkim=INTEGER, spf=INTEGER,
                    refused=INTEGER, advice=STRING, named=TEXTS,
                    domains={"type": "object", "additionalProperties": INTEGER},
                )
            ),
        ),
        "DmarcReport": _DMARC,
        "TlsReport": _TLS,
        "Report": {"oneOf": [ref("DmarcReport"), ref("TlsReport")]},
    }
)  # fmt: skip
