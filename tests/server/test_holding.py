"""Mail that is to be sent later lies in the queue until then, and says so (RFC 4865 §4.2)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ulak.mail.envelope import NO_WISHES, DeliverBy, Envelope, Wishes
from ulak.queue.item import Body, Lease, Message, Selection
from ulak.queue.memory import MemoryStore
from ulak.server.directory import Directory
from ulak.server.notes import accepted
from ulak.server.received import Hop, received
from ulak.server.site import Rules, Site
from ulak.server.transaction import Transaction
from ulak.smtp.events import Mail

from .dialogue import Notes

NOON = 1_793_707_200.0  # 3 November 2026, 12:00 UTC


@pytest.mark.parametrize("wait", [-10.0, 0.0, 60.0])
def test_a_message_is_put_for_the_time_of_its_release(tmp_path: Path, wait: float) -> None:
    store, taken, later = MemoryStore(), list[Lease](), list[float]()
    site = Site(
        rules=Rules("mx.example.org"),
        directory=Directory("mx.example.org", {}),
        store=store,
        journal=Notes(),
        clock=lambda: NOON,
        new_id=lambda: "M1",
        incoming=tmp_path,
        accepted=taken.append,
        later=later.append,
    )
    envelope = Envelope("a@x.example", ("b@y.example",), wishes=Wishes(hold_until=NOON + wait))
    message = Message("M1", envelope, Body(2, b"hi"), NOON)

    async def main() -> None:
        await site.keep(message)
        (row,) = await store.list(Selection(everything=True))
        assert row.pending.due == max(NOON, NOON + wait)
        if wait > 0:
            assert row.pending.cause == "held-for-release"
            assert "Held until 2026-11-03T12:01:00Z" in row.pending.reply
            assert (taken, later) == ([], [NOON + wait])
        else:
            assert row.pending.cause == ""
            assert (len(taken), later) == (1, [])

    asyncio.run(main())


def test_the_journal_has_what_was_asked_for() -> None:
    by = DeliverBy(NOON + 600, "N", trace=True)
    wishes = Wishes(envid="QQ314159", priority=-2, deliver_by=by, hold_until=NOON + 60)
    entry = accepted(NOON, "s1", "message-queued", Transaction(Mail(None), wishes), {"size": "9"})
    assert entry.facts == {
        "size": "9",
        "sender": "",
        "recipients": "",
        "envid": "QQ314159",
        "priority": "-2",
        "deliver-by": f"{int(NOON) + 600};NT",
        "due": str(int(NOON) + 60),
    }
    plain = accepted(NOON, "s1", "message-queued", Transaction(Mail(None), NO_WISHES), {})
    assert plain.facts == {"sender": "", "recipients": ""}


def test_a_priority_stands_in_the_trace_field() -> None:
    """RFC 6710 §4.1, §7."""
    hop = Hop("client.example.net", "192.0.2.9", "mx.example.org", extended=True)
    how = {"identifier": "M1", "when": NOON, "smtputf8": False}
    field = received(hop, only="ada@example.org", priority=3, **how)  # type: ignore[arg-type]  # its own names
    assert b"\r\n\tfor <ada@example.org>\r\n\tpriority 3;\r\n" in field
    assert b"priority" not in received(hop, only="", **how)  # type: ignore[arg-type]  # its own names
