"""A row of the queue as programs get it: from `ulak queue list --json` and from the API."""

from __future__ import annotations

from typing import Any

from ulak.mail.envelope import NO_WISHES
from ulak.queue.item import Row
from ulak.queue.wishes import as_table


def as_json(row: Row) -> dict[str, Any]:
    """Give what `json.dumps` takes; times are seconds since the epoch."""
    pending = row.pending
    return {
        "id": row.id,
        "received": row.received,
        "size": row.size,
        "sender": row.sender,
        "recipient": pending.recipient,
        "domain": pending.domain,
        "state": pending.state.value,
        "due": pending.due,
        "attempts": pending.attempts,
        "cause": pending.cause,
        "reply": pending.reply,
        "host": pending.host,
        "source": pending.source,
        "wishes": as_table(row.wishes) if row.wishes is not NO_WISHES else {},
    }
