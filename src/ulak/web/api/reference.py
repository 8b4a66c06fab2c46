"""What anybody may ask: what codes, causes and replies mean."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Any

from ulak.language import LANGUAGES
from ulak.replies.bounces import bounce
from ulak.replies.catalog import CATALOG
from ulak.replies.compare import compare
from ulak.replies.explain import explain, explain_parsed
from ulak.replies.reference import reference
from ulak.replies.sides import UnknownReplyError, side
from ulak.web.api.operation import Call, Content, Operation, Parameter
from ulak.web.api.problem import Problem
from ulak.web.api.schemas import STRING

LANG = Parameter("lang", {"type": "string", "enum": list(LANGUAGES), "default": "en"})
_CODE = {"type": "string", "minLength": 1, "maxLength": 200}
_REPLY = {"type": "string", "minLength": 1, "maxLength": 8000}
_MOST = 2_000_000  # octets of a bounce
_LONGEST = 100_000  # characters of a reply

TEXT, JSON, MAIL = "text/plain", "application/json", "message/rfc822"


async def _reference(call: Call) -> dict[str, Any]:
    return _all(call.language)


@lru_cache(len(LANGUAGES))
def _all(language: str) -> dict[str, Any]:
    return reference(language).to_json()


async def _code(call: Call) -> dict[str, Any]:
    return _side(call.values["code"], call.language)


async def _cause(call: Call) -> dict[str, Any]:
    name = call.values["name"]
    if name not in CATALOG:
        raise Problem(404, "unknown-code", code=name)
    return _side(name, call.language)


def _side(text: str, language: str) -> dict[str, Any]:
    try:
        return side(text, language).to_json()
    except UnknownReplyError:
        raise Problem(404, "unknown-code", code=text) from None


async def _compare(call: Call) -> dict[str, Any]:
    try:
        return compare(call.values["a"], call.values["b"], call.language).to_json()
    except UnknownReplyError:
        both = f"{call.values['a']} / {call.values['b']}"
        raise Problem(404, "unknown-code", code=both) from None


async def _explain(call: Call) -> dict[str, Any]:
    return explain(call.values["reply"], call.language).to_json()


async def _explain_all(call: Call) -> dict[str, Any]:
    """Explain what a body holds: replies in JSON, one in a text, or all that a bounce reports."""
    match call.kind:
        case "message/rfc822":
            told = await asyncio.to_thread(_of_bounce, call.body, call.language)
        case "application/json":
            given = call.json(_REPLIES)
            replies = [*given.get("replies", ()), *([given["reply"]] if "reply" in given else ())]
            told = [explain(text, call.language).to_json() for text in replies]
        case _:
            text = call.body.decode("utf-8", "replace").strip()
            if not 0 < len(text) <= _LONGEST:
                raise Problem(400, "body-wrong")
            told = [explain(text, call.language).to_json()]
    return {"explanations": told}


def _of_bounce(octets: bytes, language: str) -> list[dict[str, Any]]:
    found = bounce(octets)
    if not found.failures:
        raise Problem(422, "no-bounce")
    return [
        {
            "recipient": one.recipient,
            "action": str(one.action),
            "source": str(one.source),
            "remote_mta": one.remote_mta,
            **explain_parsed(one.reply, one.quoted, language, cause=one.cause).to_json(),
        }
        for one in found.failures
    ]


_REPLIES = {
    "type": "object",
    "properties": {
        "reply": _REPLY,
        "replies": {"type": "array", "items": _REPLY, "minItems": 1, "maxItems": 100},
    },
    "minProperties": 1,
    "additionalProperties": False,
}
_TEXT = {"type": "string", "pattern": r"\S", "maxLength": _LONGEST}

OPERATIONS = (
    Operation("codes", "GET", "/codes", _reference, "Reference", parameters=(LANG,)),
    Operation(
        "code", "GET", "/codes/{code}", _code, "Side",
        parameters=(Parameter("code", _CODE, "path", required=True), LANG),
    ),
    Operation(
        "cause", "GET", "/causes/{name}", _cause, "Side",
        parameters=(Parameter("name", _CODE, "path", required=True), LANG),
    ),
    Operation(
        "compare", "GET", "/compare/{a}/{b}", _compare, "Comparison",
        parameters=(
            Parameter("a", _CODE, "path", required=True),
            Parameter("b", _CODE, "path", required=True),
            LANG,
        ),
    ),
    Operation(
        "explain", "GET", "/explain", _explain, "Explanation",
        parameters=(Parameter("reply", _REPLY, required=True), LANG),
    ),
    Operation(
        "explain-all", "POST", "/explain", _explain_all, "Explanations", problems=(413, 415, 422),
        parameters=(LANG,),
        body=Content({TEXT: _TEXT, JSON: _REPLIES, MAIL: STRING}, _MOST),
    ),
)  # fmt: skip
