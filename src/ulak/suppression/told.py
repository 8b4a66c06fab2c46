"""An address on the list as programs get it: from `ulak suppression list` and from the API."""

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
