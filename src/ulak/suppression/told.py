"""An address on the list as others get it: programs, and the audit of what operators do."""

from __future__ import annotations

from typing import Any

from ulak.suppression.suppressed import Suppressed


def as_json(one: Suppressed) -> dict[str, Any]:
    """Give what `json.dumps` takes; times are seconds since the epoch."""
    return {
        "address": one.address,
        "for": one.whose or None,
        "cause": one.cause,
        "reply": one.reply,
        "message": one.message or None,
        "since": one.since,
        "until": one.until or None,
    }


def deed(address: str, whose: str) -> dict[str, str]:
    """Give the facts of an entry that somebody has put it there, or taken it off."""
    return {"recipient": address, **({"for": whose} if whose else {})}
