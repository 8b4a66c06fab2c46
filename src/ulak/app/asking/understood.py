"""What workers of another server told, as far as this version understands it.

Another version may tell more, less, or something else. Each row is tried by itself: one that
cannot be read, or that says what this version has no words for, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from ulak.app import asked
from ulak.checks.dnsbl import Blocklist
from ulak.delivery.outcome import Result
from ulak.delivery.site.suspension import Reason
from ulak.queue.depth import Depth
from ulak.queue.item import Counts
from ulak.smtp.states import State
from ulak.web.console.ports import Said, Session

Row = Mapping[str, Any]

_NOTHING = Depth(Counts(0, {}), 0, None, {}, {})
_LAST = 253_402_300_799.0  # the last second of the year 9999
_MOST = 1 << 53  # of anything
_TIMES = frozenset({"apart", "time", "since", "until", "started", "resting"})
_STAGES = frozenset(state.name.lower() for state in State)
_WAYS = frozenset({"smtp", "lmtp", "maildir"})
_RESULTS = frozenset(map(str, Result))
_REASONS = frozenset(map(str, Reason))
_TROUBLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def understood(verb: str, answer: Row) -> Row | None:
    """Give the answer of a worker with what can be read of it; None where that is nothing."""
    try:
        name, read = _ROWS.get(verb, ("", None))
        if read is None:
            _sound(answer)
            _all(int, *answer["counted"].values())
            asked.now([answer], _NOTHING, 0.0, 0)
            return answer
        rows = [good for row in answer[name] if (good := _tried(read, row)) is not None]
        total = answer.get("total")
        limit = answer.get("limit")
        return {
            **answer,
            name: rows,
            "total": total if type(total) is int and 0 <= total < _MOST else len(rows),
            "limit": limit if type(limit) is int and 0 <= limit < _MOST else 0,
        }
    except _TROUBLE:
        return None


def _tried(read: Callable[[Row], Row], row: Row) -> Row | None:
    try:
        _sound(row)
        return read(row)
    except _TROUBLE:
        return None


def _sound(value: object, name: str = "") -> None:
    """Raise ValueError for a number, or a time, that there cannot be."""
    match value:
        case dict():
            for key, part in value.items():
                _sound(part, key)
        case list():
            for part in value:
                _sound(part, name)
        case bool() | str() | None:
            return
        case int() | float():
            if not 0 <= value <= (_LAST if name in _TIMES else _MOST):
                raise ValueError(name)


def _session(row: Row) -> Row:
    known = {field.name for field in fields(Session)} - {"member"}
    made = Session(**{name: value for name, value in row.items() if name in known})
    texts = (
        made.id,
        made.ip,
        made.listener,
        made.client,
        made.tls,
        made.account,
        made.sender or "",
    )
    _all(str, *texts)
    _all(int, made.accepted, made.refused, made.recipients, made.octets)
    _all((int, float), made.since)
    _known(made.stage, _STAGES)
    return {name: value for name, value in row.items() if name in known}


def _destination(row: Row) -> Row:
    whole = {"destinations": [row], "total": 1, "limit": 1}
    (made,) = asked.destinations([whole], [], _NOTHING, 1).shown
    _all(str, made.key, *made.domains)
    _known(made.way, _WAYS)
    if made.last is None:
        return row
    known = {field.name for field in fields(Said)}
    last = {name: value for name, value in row["last"].items() if name in known}
    _known(made.last.result, _RESULTS)
    _all(str, made.last.cause, made.last.reply, made.last.host, made.last.tls)
    _all((int, float), made.last.time)
    _all(str, *made.last.policy.values())
    return {**row, "last": last}


def _site(row: Row) -> Row:
    terms = asked.terms([{"sites": [row]}])
    for of_site in terms.values():
        for one in of_site:
            _all(str, row["site"], one.source)
            _all(int, row["waiting"], row.get("sharers", 0))
            _all((int, float), row.get("apart", 0.0))
            _all(str, *row["domains"])
            if one.stopped is not None:
                _known(one.stopped.why, _REASONS)
                stopped = one.stopped
                _all(str, stopped.rule, stopped.cause, stopped.reply, stopped.host)
                _all((int, float), stopped.since, stopped.until)
                _all(int, stopped.times)
    return row


def _zone(row: Row) -> Row:
    asked.zones([{"zones": [row]}], [Blocklist(row["zone"])])
    return row


def _all(kind: type | tuple[type, ...], *values: object) -> None:
    if not all(isinstance(value, kind) and not isinstance(value, bool) for value in values):
        raise TypeError(kind)


def _known(value: str, names: frozenset[str]) -> None:
    if value not in names:
        raise ValueError(value)


_ROWS: Mapping[str, tuple[str, Callable[[Row], Row]]] = MappingProxyType(
    {
        "sessions": ("sessions", _session),
        "destinations": ("destinations", _destination),
        "sites": ("sites", _site),
        "blocklists": ("zones", _zone),
    }
)
