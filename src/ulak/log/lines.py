"""One event as one line: JSON for machines, pretty for a terminal.

Whatever a fact holds, it can neither end the line nor colour it nor turn its reading direction:
every character that does not print is escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from functools import lru_cache

from ulak.log.events import Event, Level

_LONGEST = 2000  # characters of one fact
_LONGEST_TRACEBACK = 16_000
_LARGEST = 2**53  # what every reader of JSON takes as the same number (RFC 8259 §6)
_OWN = frozenset({"time", "level", "event"})
_PLAIN = re.compile(r"[^\s\"'=\\]+")
_COLOURS = {Level.DEBUG: "2", Level.INFO: "32", Level.WARNING: "33", Level.ERROR: "31"}
_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 -- one name for both uses


class Form(StrEnum):
    """How the lines of a log look."""

    JSON = "json"
    PRETTY = "pretty"


Render = Callable[[float, Level, Event, Mapping[str, object]], str]


def to_json(time: float, level: Level, event: Event, facts: Mapping[str, object]) -> str:
    """Make a JSON object: `time` (ISO 8601, UTC), `level`, `event`, then the facts by name."""
    line: dict[str, object] = {"time": _iso(time), "level": level.word, "event": event.word}
    for key, value in facts.items():
        name = f"fact-{key}" if key in _OWN else key
        # Nearly every fact is a short text: it costs no call.
        short = type(value) is str and len(value) <= _LONGEST
        line[name] = value if short else _json_value(key, value)
    return _printable(_encode(line), _json_escape)


def to_pretty(
    time: float,
    level: Level,
    event: Event,
    facts: Mapping[str, object],
    *,
    colour: bool = False,
) -> str:
    """Make a line for a person: time of day (UTC), level, event, facts as `name=value`."""
    word = f"{level.word:7}"
    name = f"{event.word:18}"
    if colour:
        word = f"\x1b[{_COLOURS[level]}m{word}\x1b[0m"
        name = f"\x1b[1m{name}\x1b[0m"
    parts = [_iso(time)[11:23], word, name]
    for key, value in facts.items():
        shown = _printable(_quoted(_text(key, value)), _pretty_escape)
        name = f"fact-{key}" if key in _OWN else key
        parts.append(f"{_printable(name, _pretty_escape)}={shown}")
    return " ".join(parts).rstrip()


def _iso(time: float) -> str:
    try:
        second = int(time // 1)
        return f"{_second(second)}{int((time - second) * 1000):03}Z"
    except (OverflowError, ValueError):  # a clock that says NaN or the year 10,000
        return f"{_second(0)}000Z"


@lru_cache(16)  # lines come many in a second
def _second(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S.")


def _json_value(key: str, value: object) -> object:
    if value is None or (isinstance(value, int) and -_LARGEST <= value <= _LARGEST):
        return value
    return _text(key, value)


def _text(key: str, value: object) -> str:
    try:
        text = value if isinstance(value, str) else str(value)
    except Exception:  # noqa: BLE001 -- a value that cannot say what it is loses only itself
        text = f"<{type(value).__name__}>"
    longest = _LONGEST_TRACEBACK if key == "traceback" else _LONGEST
    return text if len(text) <= longest else text[:longest] + "…"


def _quoted(text: str) -> str:
    if text.isprintable() and _PLAIN.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _printable(text: str, escape: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    return "".join(ch if ch.isprintable() else escape(ch) for ch in text)


def _json_escape(character: str) -> str:
    return json.dumps(character)[1:-1]


def _pretty_escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
