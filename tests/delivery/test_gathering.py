"""A sender is told of one message in one report, and never later than a minute, nor not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ulak.delivery.outcome import Outcome
from ulak.delivery.target import Target
from ulak.journal.entry import Kind
from ulak.queue.item import Message

from .posting import HOUR, Post, deferred, ok, refused
from .virtual import NOON, clock, run

SLOW = {"a": 1.0, "b": 20.0, "c": 600.0}


async def script(message: Message, recipients: Sequence[str], _target: Target) -> list[Outcome]:
    """Take as long as the site of a recipient does; `bad` fails, `late` waits, others are well."""
    if not message.envelope.sender:
        return [ok(recipient) for recipient in recipients]
    await asyncio.sleep(SLOW[recipients[0].partition("@")[2][0]])
    outcomes = {"bad": refused, "late": deferred}
    return [outcomes.get(r.partition("@")[0], ok)(r) for r in recipients]


def told(post: Post) -> list[tuple[float, str, str]]:
    return [
        (round(entry.time - NOON), entry.facts["action"], entry.facts["recipients"])
        for entry in post.notes.of(Kind.REPORTED)
    ]


def test_what_fails_at_different_servers_is_told_in_one_report() -> None:
    async def main() -> None:
        post = Post(script)
        async with post.working():
            await post.put("m", "bad@a.example", "bad@b.example", "good@b.example")
            await asyncio.sleep(10)
            assert told(post) == []
            assert [row.pending.recipient for row in await post.rows()] == [
                "bad@a.example",  # its duty lies in the store
                "bad@b.example",
                "good@b.example",
            ]
            await asyncio.sleep(60)
        assert told(post) == [(20, "failed", "bad@b.example bad@a.example")]
        assert await post.rows() == []

    run(main())


def test_what_was_delivered_is_settled_at_once() -> None:
    async def main() -> None:
        post = Post(script)
        async with post.working():
            await post.put("m", "good@a.example", "bad@b.example")
            await asyncio.sleep(10)
            assert [row.pending.recipient for row in await post.rows()] == ["bad@b.example"]

    run(main())


def test_nobody_waits_for_a_slow_server_longer_than_a_minute() -> None:
    async def main() -> None:
        post = Post(script)
        async with post.working():
            await post.put("m", "bad@a.example", "bad@b.example", "bad@c.example")
            await asyncio.sleep(HOUR)
        assert told(post) == [
            (61, "failed", "bad@a.example bad@b.example"),
            (600, "failed", "bad@c.example"),
        ]
        assert await post.rows() == []

    run(main())


def test_one_recipient_is_told_of_at_once() -> None:
    async def main() -> None:
        post = Post(script)
        async with post.working():
            await post.put("m", "bad@a.example")
            await asyncio.sleep(10)
        assert told(post) == [(1, "failed", "bad@a.example")]

    run(main())


def test_who_waits_on_is_not_held_up_by_who_failed() -> None:
    async def main() -> None:
        post = Post(script)
        async with post.working():
            await post.put("m", "bad@a.example", "late@b.example")
            await asyncio.sleep(30)
            assert told(post) == [(20, "failed", "bad@a.example")]
            (row,) = await post.rows()
            assert row.pending.recipient == "late@b.example"

    run(main())


def test_a_worker_that_ends_meanwhile_loses_no_report() -> None:
    async def main() -> None:
        post = Post(script)
        async with post.working():
            await post.put("m", "bad@a.example", "bad@c.example")
            await asyncio.sleep(10)
        await asyncio.sleep(120)
        assert told(post) == []  # not by the one that has ended
        after = Post(script, store=post.store)
        async with after.working():
            await asyncio.sleep(HOUR)
        assert sorted(who for _, _, who in told(after)) == ["bad@a.example", "bad@c.example"]
        assert await after.rows() == []

    run(main())


def test_a_report_that_cannot_be_written_is_tried_again_later() -> None:
    broken = [True, True]

    def readers(sender: str) -> tuple[str, ...]:
        if broken and sender and clock() > NOON:
            broken.pop()
            raise RuntimeError
        return (sender,)

    async def main() -> None:
        post = Post(script, readers=readers)
        async with post.working():
            await post.put("m", "bad@a.example", "bad@b.example")
            await asyncio.sleep(3 * HOUR)
        assert await post.rows() == []
        names = " ".join(who for _, _, who in told(post)).split()
        assert sorted(names) == ["bad@a.example", "bad@b.example"]

    run(main())
