"""The suppression list: who stands there, and to change it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from ulak.suppression.suppressed import (
    Suppressed,
    SuppressionError,
    Suppressions,
    key_of,
    whose_of,
)
from ulak.suppression.told import as_json, deed
from ulak.web.api.operation import Call, Content, Operation, Parameter
from ulak.web.api.ports import Ports
from ulak.web.api.problem import Problem
from ulak.web.api.reference import JSON

T = TypeVar("T")
_DAY = 86_400.0
_ADDRESS = {"type": "string", "minLength": 3, "maxLength": 320}
_WORD = {"type": "string", "maxLength": 255}
_ENTRY = {
    "type": "object",
    "properties": {
        "address": _ADDRESS,
        "for": _WORD,
        "days": {"type": "number", "minimum": 0.01, "maximum": 36_500},
        "note": {"type": "string", "maxLength": 500},
    },
    "required": ["address"],
    "additionalProperties": False,
}
_MOST = 10_000  # octets


def operations(store: Suppressions, ports: Ports) -> tuple[Operation, ...]:
    """Give the operations on a list."""

    async def list_(call: Call) -> dict[str, Any]:
        offset, limit, address = (call.values[name] for name in ("offset", "limit", "address"))
        now = ports.clock()
        if address:
            key = _key(address)
            found = [one for one in await _asked(lambda: store.every(key)) if not one.ended(now)]
            total = len(found)
            found = found[offset : offset + limit]
        else:
            domain = whose_of(f"@{call.values['domain'] or ''}")
            found, total = await _asked(lambda: store.list(now, domain, offset, limit))
        return {"addresses": list(map(as_json, found)), "total": total, "offset": offset}

    async def add(call: Call) -> dict[str, Any]:
        given, now = call.json(_ENTRY), ports.clock()
        until = now + given["days"] * _DAY if "days" in given else 0.0
        one = Suppressed(
            _key(given["address"]),
            whose_of(f"@{given.get('for', '')}"),
            reply=given.get("note", ""),
            since=now,
            until=until,
        )
        await _asked(lambda: store.add(one))
        await _note(ports, call, "suppress", one.address, one.whose)
        return as_json(one)

    async def remove(call: Call) -> dict[str, Any]:
        key, whose = _key(call.values["address"]), call.values["for"]
        only = None if whose is None else whose_of(f"@{whose}")
        count = await _asked(lambda: store.remove(key, only))
        if count:
            await _note(ports, call, "unsuppress", key, only or "")
        return {"address": key, "count": count}

    limit = Parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100})
    offset = Parameter(
        "offset", {"type": "integer", "minimum": 0, "maximum": 10_000_000, "default": 0}
    )
    return (
        Operation(
            "suppressions", "GET", "/suppressions", list_, "Suppressions", "suppression:read",
            (Parameter("address", _ADDRESS), Parameter("domain", _WORD), offset, limit),
            problems=(503,),
        ),
        Operation(
            "suppress", "POST", "/suppressions", add, "Suppressed", "suppression:write",
            body=Content({JSON: _ENTRY}, _MOST), problems=(413, 415, 503),
        ),
        Operation(
            "unsuppress", "DELETE", "/suppressions", remove, "Removed", "suppression:write",
            (Parameter("address", _ADDRESS, required=True), Parameter("for", _WORD)),
            problems=(503,),
        ),
    )  # fmt: skip


async def _note(ports: Ports, call: Call, verb: str, address: str, whose: str) -> None:
    if ports.server is not None:
        await ports.server.note(verb, call.by, deed(address, whose))


def _key(address: str) -> str:
    key = key_of(address)
    if key is None:
        raise Problem(400, "parameter-wrong", name="address")
    return key


async def _asked(question: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(question)
    except SuppressionError as error:
        raise Problem(503, "storage", {"retry-after": "10"}) from error
