"""Mail that waits for a site that is shut is given up in time, and its delay is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import pytest

from ulak.delivery.outcome import Outcome
from ulak.delivery.ready import Limits
from ulak.delivery.target import Target
from ulak.journal.entry import Kind
from ulak.mail.envelope import DeliverBy, Wishes
from ulak.queue.item import Message, Pending

from .posting import DAY, HOUR, Post, mail, ok
from .test_sites import Server, stored
from .virtual import clock, run


def test_mail_for_a_dead_site_is_told_late_and_given_up_though_few_of_it_are_tried() -> None:
    server = Server(until=30 * DAY)

    async def main() -> None:
        post = Post(server)
        await stored(post, 100, "a.example")
        async with post.working():
            await asyncio.sleep(6 * HOUR)
            actions = Counter(entry.facts["action"] for entry in post.notes.of(Kind.REPORTED))
            assert actions == {"delayed": 100}
            await asyncio.sleep(5 * DAY - 7 * HOUR)
            assert len(await post.rows()) == 100
            await asyncio.sleep(2 * HOUR)
            assert await post.rows() == []
        actions = Counter(entry.facts["action"] for entry in post.notes.of(Kind.REPORTED))
        assert actions == {"delayed": 100, "failed": 100}
        assert len(server.tried) < 700
        for entry in post.notes.of(Kind.FAILED):
            assert entry.cause == "expired"
            assert entry.facts["last-cause"] == "connection-failed"
            assert "could not be reached" in entry.facts["reply"]

    run(main())


def test_old_mail_is_given_up_in_time_whatever_younger_mail_for_its_dead_site_is_due_before() -> (
    None
):
    async def main() -> None:
        post = Post(Server(until=30 * DAY), limits=Limits(messages=20))
        await post.put("OLD", "x@a.example")
        async with post.working():
            # It is the only one to probe with: by now it is due hours from now.
            await asyncio.sleep(4 * DAY)
            await stored(post, 100, "a.example")
            await asyncio.sleep(DAY - HOUR)
            assert len(await post.rows()) == 101
            await asyncio.sleep(3 * HOUR)
            assert [e.message for e in post.notes.of(Kind.FAILED)] == ["OLD"]
            assert len(await post.rows()) == 100

    run(main())


def test_mail_for_a_site_that_comes_back_is_delivered_whatever_it_waited() -> None:
    async def main() -> None:
        post = Post(Server(until=4 * DAY))
        await stored(post, 30, "a.example")
        async with post.working():
            await asyncio.sleep(5 * DAY)
            assert await post.rows() == []
        assert len(post.notes.of(Kind.DELIVERED)) >= 30
        assert post.notes.of(Kind.FAILED) == []

    run(main())


def test_a_site_that_has_been_suspended_for_a_moment_costs_no_old_mail() -> None:
    async def main() -> None:
        post = Post(Server(until=0.5 * HOUR))
        await stored(post, 30, "a.example")
        await asyncio.sleep(6 * DAY)  # we were off
        async with post.working():
            await asyncio.sleep(HOUR)
            assert await post.rows() == []
        assert post.notes.of(Kind.FAILED) == []

    run(main())


@pytest.mark.parametrize("mode", ["R", "N"])
def test_who_wants_mail_delivered_by_a_time_hears_at_that_time_that_its_site_is_shut(
    mode: Literal["R", "N"],
) -> None:
    server = Server(until=3 * DAY)

    async def main() -> None:
        post = Post(server)
        await stored(post, 50, "a.example")
        async with post.working():
            await asyncio.sleep(12 * HOUR)  # it is looked at every quarter of an hour now
            until = clock() + 600.0
            message = mail("BY", "x@a.example")
            wishes = Wishes(deliver_by=DeliverBy(until, mode))
            message = replace(message, envelope=replace(message.envelope, wishes=wishes))
            assert not post.worker.wants({"a.example"})
            await post.store.put(message, [Pending("x@a.example", "a.example", due=clock())])
            await asyncio.sleep(599)
            assert post.notes.kinds("BY") == []
            await asyncio.sleep(2)
            (entry,) = [one for one in post.notes.of(Kind.REPORTED) if one.message == "BY"]
            assert entry.facts["action"] == ("failed" if mode == "R" else "delayed")
            assert 0 <= entry.time - until < 1
            await asyncio.sleep(HOUR)
            assert len([one for one in post.notes.entries if one.message == "BY"]) < 4

    run(main())


def test_who_wants_mail_delivered_by_a_time_does_not_wait_for_a_long_line_to_hear() -> None:
    async def slow(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        await asyncio.sleep(200)
        return [ok(recipient) for recipient in recipients]

    async def main() -> None:
        post = Post(slow, Limits(target=1))
        await stored(post, 200, "a.example")
        message = mail("BY", "x@a.example")
        wishes = Wishes(deliver_by=DeliverBy(clock() + 600.0, "R"))
        message = replace(message, envelope=replace(message.envelope, wishes=wishes))
        await post.store.put(message, [Pending("x@a.example", "a.example", due=clock())])
        async with post.working():
            await asyncio.sleep(602)
            assert "BY" in [one.message for one in post.notes.of(Kind.FAILED)]

    run(main())
