"""Entries on their way from one member to another, as JSON. Pure.

What comes from another member may be of another version, or not be an entry at all: what is known
is taken, cut to what an entry may be, and the rest is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ulak.journal.chunks import LONGEST
from ulak.journal.entry import Entry, Kind
from ulak.journal.trace import Found

MEMBER = "member"  # the fact that says at which member an entry was written

_KINDS = {kind.value: kind for kind in Kind}
_IDS = ("cause", "session", "message", "incident")
_LONGEST_ID = 1_000  # characters
_FACTS, _LINES = 200, 1_000
_PLACE = 8  # numbers


def carried(found: Found) -> dict[str, object]:
    """Write an entry and where it lies; what it does not have is left out."""
    entry = found.entry
    row: dict[str, object] = {"time": entry.time, "kind": str(entry.kind)}
    row |= {name: value for name in _IDS if (value := getattr(entry, name))}
    if entry.facts:
        row["facts"] = {str(name): str(value) for name, value in entry.facts.items()}
    if entry.dialogue:
        row["dialogue"] = list(entry.dialogue)
    return {**row, "place": list(found.place)}


def taken(rows: object, member: str) -> list[Found]:
    """Read what a member has told; what is no entry is left out."""
    if not isinstance(rows, list):
        return []
    return [found for row in rows if isinstance(row, dict) and (found := _taken(row, member))]


def at(found: Found, member: str) -> Found:
    """Say at which member an entry was written."""
    entry = found.entry
    return Found(found.place, replace(entry, facts={**entry.facts, MEMBER: member}))


def _taken(row: Mapping[str, Any], member: str) -> Found | None:
    kind, time, place = _KINDS.get(str(row.get("kind"))), row.get("time"), row.get("place")
    numbers = isinstance(place, list) and all(type(number) is int for number in place[:_PLACE])
    if kind is None or type(time) not in (int, float) or not numbers:
        return None
    facts, dialogue = row.get("facts"), row.get("dialogue")
    cause, session, message, incident = (_text(row.get(name), _LONGEST_ID) for name in _IDS)
    entry = Entry(
        float(str(time)),
        kind,
        cause,
        session,
        message,
        incident,
        facts=_facts(facts.items() if isinstance(facts, dict) else ()),
        dialogue=tuple(
            _text(line, LONGEST)
            for line in (dialogue[:_LINES] if isinstance(dialogue, list) else ())
        ),
    )
    return at(Found(tuple((place or [])[:_PLACE]), entry), member)


def _facts(items: Iterable[tuple[object, object]]) -> dict[str, str]:
    told = [(name, value) for name, value in items if isinstance(value, str)]
    return {_text(name, _LONGEST_ID): _text(value, LONGEST) for name, value in told[:_FACTS]}


def _text(value: object, longest: int) -> str:
    return value[:longest] if isinstance(value, str) else ""
