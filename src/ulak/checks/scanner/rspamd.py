"""What rspamd is asked at /checkv2, and what it answers: JSON with a score and an action.

rspamd is one's own program, but it repeats what strangers wrote, and it is not the only thing
that may stand behind an address: everything is bounded, and what is no answer is told as such.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ulak.checks.reason import Reason, because
from ulak.checks.scanner.finding import Added, Asked, Finding, Result, Symbol, failed, line

KIND = "rspamd"
LONGEST = 1_048_576  # octets of an answer

_MOST_SYMBOLS = 100
_MOST_TOLD = 15  # symbols that get a sentence
_MOST_OPTIONS = 5
_MOST_FIELDS = 20
_MOST_RECIPIENTS = 100
_LONGEST_TOLD = 1000
_LONGEST_NAME = 80
_LONGEST_OPTION = 80
_LONGEST_VALUE = 900  # of a header field: with its name it is one line (RFC 5322 §2.1.1)
_LONGEST_SAID = 200
_LARGEST = 1e6  # a score
_FIELD = re.compile(r"[Xx]-[A-Za-z0-9-]{1,70}")
_ACTIONS: Mapping[str, Result] = MappingProxyType(
    {
        "no action": Result.CLEAN,
        "greylist": Result.GREYLIST,
        "add header": Result.SUSPECT,
        "rewrite subject": Result.SUSPECT,
        "soft reject": Result.LATER,
        "quarantine": Result.QUARANTINE,
        "reject": Result.SPAM,
        "discard": Result.SPAM,  # mail is never thrown away in silence
    }
)


class _WrongError(Exception):
    """The answer has not the form that it has to have."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


def question(asked: Asked, password: str = "") -> list[tuple[str, str]]:
    """Give the header fields of the request that tell rspamd of the envelope."""
    # An empty From is the null reverse-path; without the field rspamd would know of none.
    told = [("From", asked.sender or "<>"), ("Queue-Id", asked.id)]
    told += [("Rcpt", recipient) for recipient in asked.recipients[:_MOST_RECIPIENTS]]
    told += [("IP", asked.ip), ("Helo", asked.helo), ("Hostname", asked.hostname)]
    told += [("User", asked.user), ("Password", password)]
    return [(name, shown) for name, value in told if (shown := line(value, _LONGEST_TOLD))]


def read(body: bytes, *, scanner: str) -> Finding:
    """Read the JSON of an answer."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        said = line(body[:_LONGEST_SAID].decode("utf-8", "replace"), _LONGEST_SAID)
        return failed(scanner, KIND, because("scanner.not-json", scanner=scanner, said=said))
    try:
        return _finding(answer, scanner)
    except _WrongError as error:
        return failed(scanner, KIND, error.reason)


def refused(status: int, body: bytes, *, scanner: str) -> Finding:
    """Read an answer of another HTTP status than 200."""
    said = line(body[: 4 * _LONGEST_SAID].decode("utf-8", "replace"), _LONGEST_SAID)
    reason = because("scanner.http-status", scanner=scanner, status=status, said=said)
    return failed(scanner, KIND, reason)


def _finding(answer: object, scanner: str) -> Finding:
    if not isinstance(answer, dict):
        raise _WrongError(because("scanner.lacks", scanner=scanner, name="action"))
    score = _number(answer, "score", scanner)
    required = _number(answer, "required_score", scanner)
    action = answer.get("action")
    if not isinstance(action, str):
        raise _WrongError(because("scanner.lacks", scanner=scanner, name="action"))
    result = _ACTIONS.get(action)
    if result is None:
        raise _WrongError(because("scanner.action-unknown", scanner=scanner, action=action))
    symbols = _symbols(answer.get("symbols"))
    message = _message(answer.get("messages"))
    add, remove = _fields(answer.get("milter"))
    scored = because(
        "scanner.scored",
        scanner=scanner,
        score=f"{score:.2f}",
        required=f"{required:.2f}",
        action=action,
    )
    reasons = [scored]
    if message:
        reasons.append(because("scanner.said", scanner=scanner, said=message))
    reasons += [
        because(
            "scanner.symbol",
            symbol=symbol.name,
            score=f"{symbol.score:+.2f}",
            options=", ".join(symbol.options),
        )
        for symbol in symbols[:_MOST_TOLD]
    ]
    if len(symbols) > _MOST_TOLD:
        reasons.append(because("scanner.more-symbols", count=len(symbols) - _MOST_TOLD))
    return Finding(
        scanner,
        KIND,
        result,
        score=score,
        required=required,
        action=action,
        symbols=symbols,
        message=message,
        add=add,
        remove=remove,
        reasons=tuple(reasons),
    )


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return -_LARGEST <= value <= _LARGEST  # nan is in no bounds


def _number(answer: Mapping[str, Any], name: str, scanner: str) -> float:
    value = answer.get(name)
    # Where no action has a threshold, rspamd has nothing to require: null, or nan before.
    if name == "required_score" and (value is None or _is_nan(value)):
        return 0.0
    if not _is_number(value):
        raise _WrongError(because("scanner.lacks", scanner=scanner, name=name))
    return float(answer[name])


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _symbols(given: object) -> tuple[Symbol, ...]:
    """Give the symbols, those that count most first."""
    if not isinstance(given, dict):
        return ()
    found: list[Symbol] = []
    for name, symbol in given.items():
        if not isinstance(symbol, dict) or not _is_number(symbol.get("score")):
            continue
        options = symbol.get("options")
        texts = [o for o in options if isinstance(o, str)] if isinstance(options, list) else []
        shown = tuple(line(text, _LONGEST_OPTION) for text in texts[:_MOST_OPTIONS])
        found.append(Symbol(line(name, _LONGEST_NAME), float(symbol["score"]), shown))
    found.sort(key=lambda symbol: (-abs(symbol.score), symbol.name))
    return tuple(found[:_MOST_SYMBOLS])


def _message(given: object) -> str:
    """Give what rspamd would have the sender told."""
    said = given.get("smtp_message") if isinstance(given, dict) else None
    return line(said, _LONGEST_SAID) if isinstance(said, str) else ""


def _fields(given: object) -> tuple[tuple[Added, ...], tuple[str, ...]]:
    """Give the header fields that rspamd wants added and removed: only those that begin with X-.

    Others would change what a message says of itself, and break its signatures.
    """
    if not isinstance(given, dict):
        return (), ()
    added: list[Added] = []
    for name, value in _items(given.get("add_headers")):
        for one in value if isinstance(value, list) else [value]:
            text = one.get("value") if isinstance(one, dict) else one
            if isinstance(text, str) and _FIELD.fullmatch(name):
                added.append(Added(name, line(text, _LONGEST_VALUE)))
            if len(added) == _MOST_FIELDS:
                break
    removed = [name.lower() for name, _ in _items(given.get("remove_headers"))]
    return tuple(added[:_MOST_FIELDS]), tuple(n for n in removed if _FIELD.fullmatch(n))


def _items(given: object) -> list[tuple[str, Any]]:
    return list(given.items())[:_MOST_FIELDS] if isinstance(given, dict) else []
