"""The reply in one event of a log in JSON (KumoMTA, and services that tell of bounces by web hook).

What an event is called differs; what the fields of a reply are called differs little.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ulak.replies.logs import Quoted

# The names, without their hyphens and underlines and in small letters, that hold a reply's words;
# the surest first.
_WORDS = (
    "diagnosticcode", "smtpresponse", "response", "content", "reason", "diagnostic", "diag",
    "details", "detail", "stat", "error", "message", "msg", "description", "text",
)  # fmt: skip
_CODES = ("code", "smtpcode", "responsecode", "statuscode", "errorcode")
_STATUS = ("enhancedcode", "enhancedstatuscode", "status", "dsn", "enhanced", "dsnstatus")
# How many values of an event are looked at.
_MOST = 2_000


def find(text: str) -> Quoted | None:
    """Find the reply in an event; None where the text is no JSON object or has none."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return None
    best: tuple[int, int, Quoted] | None = None
    for number, group in enumerate(_objects(event)):
        quoted = _reply_of(group)
        if quoted is None:
            continue
        rank, reply = quoted
        if best is None or (rank, number) < best[:2]:
            best = rank, number, reply
    return best[2] if best is not None else None


def _objects(event: object) -> Iterator[dict[str, Any]]:
    """Give the objects of an event, the outer ones first."""
    level, seen = [event], 0
    while level and seen < _MOST:
        below: list[object] = []
        for value in level:
            seen += 1
            if isinstance(value, dict):
                yield {
                    str(k).replace("_", "").replace("-", "").lower(): v for k, v in value.items()
                }
                below += value.values()
            elif isinstance(value, list):
                below += value
        level = below[:_MOST]


def _reply_of(group: dict[str, Any]) -> tuple[int, Quoted] | None:
    """Give the reply in one object, and how sure it is; the smaller the surer."""
    words = next((w for w in _WORDS if isinstance(group.get(w), str) and group[w]), None)
    if words is None:
        return None
    code = next((c for k in _CODES if (c := _code(group.get(k))) is not None), None)
    status = next((s for k in _STATUS if (s := _enhanced(group.get(k)))), "")
    said: str = group[words]
    around = " ".join(v for k, v in group.items() if isinstance(v, str) and k != words)
    if code is not None and not said.lstrip().startswith(code):
        said = f"{code} {status} {said}" if status else f"{code} {said}"
    rank = _WORDS.index(words) - (100 if code or status else 0)
    return rank, Quoted(said, around, status)


def _code(value: object) -> str | None:
    text = str(value) if isinstance(value, int) else value
    if isinstance(text, str) and text.isascii() and text.isdigit() and 200 <= int(text[:4]) <= 599:  # noqa: PLR2004 -- the codes of SMTP
        return text
    return None


def _enhanced(value: object) -> str:
    """Give an enhanced code, be it written or, as KumoMTA has it, in three numbers."""
    if isinstance(value, dict):
        parts = [value.get(name) for name in ("class", "subject", "detail")]
        if all(isinstance(part, int) and 0 <= part < 1000 for part in parts):  # noqa: PLR2004 -- RFC 3463 §2
            return ".".join(map(str, parts))
        return ""
    if not isinstance(value, str):
        return ""
    first = value.split(" ", 1)[0]
    numbers = first.split(".")
    sound = len(numbers) == 3 and all(n.isascii() and n.isdigit() and len(n) < 4 for n in numbers)  # noqa: PLR2004 -- as above
    return first if sound else ""
