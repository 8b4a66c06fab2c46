"""The wishes of a message as text, for databases: JSON of what differs from no wish at all.

What a store keeps is read back by this version and later ones: a name that stands here once
keeps its meaning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ulak.mail.envelope import (
    NO_WISHES,
    NOTHING_ASKED,
    DeliverBy,
    Envelope,
    RecipientWishes,
    Wishes,
)

_PLAIN = (
    *("ret", "envid", "require_tls", "priority", "hold_until", "hold", "auth"),
    "quarantine",
)


def kept(envelope: Envelope) -> tuple[str | None, str | None]:
    """Give the wishes of the message and those of its recipients; None where there are none."""
    wishes, asked = envelope.wishes, envelope.asked
    return (
        None if wishes is NO_WISHES else _written(as_table(wishes)),
        _written(_of_recipients(asked)) if asked else None,
    )


def as_table(wishes: Wishes) -> dict[str, Any]:
    """Give those wishes that there are by their names, as what `json.dumps` takes."""
    table = {
        name: getattr(wishes, name)
        for name in _PLAIN
        if getattr(wishes, name) != getattr(NO_WISHES, name)
    }
    by = wishes.deliver_by
    if by is not None:
        table["deliver_by"] = {"until": by.until, "mode": by.mode, "trace": by.trace}
    return table


def asked_as_table(asked: RecipientWishes) -> dict[str, Any]:
    """Give what is asked for one recipient likewise."""
    table: dict[str, Any] = {}
    if asked.notify:
        table["notify"] = sorted(asked.notify)
    if asked.orcpt:
        table["orcpt"] = asked.orcpt
    if asked.expanded:
        table["expanded"] = True
    if asked.through:
        table["through"] = asked.through
    return table


def _of_recipients(asked: Mapping[str, RecipientWishes]) -> dict[str, Any]:
    return {name: asked_as_table(one) for name, one in asked.items() if one != NOTHING_ASKED}


def _written(table: dict[str, Any]) -> str | None:
    return json.dumps(table, separators=(",", ":")) if table else None


@lru_cache(1000)
def wishes_of(text: str) -> Wishes:
    """Read the wishes of a message."""
    table = json.loads(text)
    by = table.pop("deliver_by", None)
    return Wishes(deliver_by=None if by is None else DeliverBy(**by), **table)


def asked_of(text: str) -> Mapping[str, RecipientWishes]:
    """Read the wishes of recipients."""
    return {
        name: RecipientWishes(
            frozenset(table.get("notify", ())),
            table.get("orcpt", ""),
            expanded=table.get("expanded", False),
            through=table.get("through", ""),
        )
        for name, table in json.loads(text).items()
    }
