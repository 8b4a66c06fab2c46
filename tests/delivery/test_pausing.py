"""A worker that takes nothing more and gives back what it has not begun, and one that goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ulak.delivery.outcome import Outcome
from ulak.delivery.ready import Limits
from ulak.delivery.target import Target
from ulak.journal.entry import Kind
from ulak.queue.item import Message, State

from .posting import HOUR, Post, ok
from .virtual import NOON, run


async def _slow(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
    await asyncio.sleep(100)
    return [ok(recipient) for recipient in recipients]


def test_what_waits_is_given_back_at_once_and_what_is_under_way_ends() -> None:
    async def main() -> None:
        post = Post(_slow, limits=Limits(target=2))
        async with post.working():
            for number in range(10):
                await post.put(f"M{number}", "ada@a.example")
            await asyncio.sleep(1)
            begun = post.worker.attempts
            assert 0 < begun < 10
            assert post.worker.leased == 10
            post.worker.pause(giving_back=True)
            await asyncio.sleep(1)
            states = [row.pending.state for row in await post.rows()]
            assert states.count(State.LEASED) == begun == post.worker.leased
            assert states.count(State.READY) == 10 - begun
            # As they were: due, and not tried.
            waiting = [row.pending for row in await post.rows() if row.pending.state is State.READY]
            assert {(one.due, one.attempts) for one in waiting} == {(NOON, 0)}
            await asyncio.sleep(HOUR)
            assert len(post.postman.carried) == begun
            assert post.worker.leased == post.worker.attempts == 0
            assert len(await post.rows()) == 10 - begun
            post.worker.resume()
            await asyncio.sleep(HOUR)
            assert await post.rows() == []
            assert len(post.postman.carried) == 10

    run(main())


def test_a_message_with_recipients_under_way_gives_back_the_others_alone() -> None:
    async def main() -> None:
        post = Post(_slow, limits=Limits(target=1, recipients=1))
        async with post.working():
            await post.put("M1", "ada@a.example", "bob@a.example", "eve@a.example")
            await asyncio.sleep(1)
            post.worker.pause(giving_back=True)
            await asyncio.sleep(200)
            left = sorted(row.pending.recipient for row in await post.rows())
            assert len(left) == 2
            assert {row.pending.state for row in await post.rows()} == {State.READY}
            assert post.worker.leased == 0
            post.worker.resume()
            await asyncio.sleep(HOUR)
            assert await post.rows() == []
        assert len(post.postman.carried) == 3  # nobody twice

    run(main())


def test_nothing_is_taken_that_comes_or_is_found_meanwhile() -> None:
    async def main() -> None:
        post = Post(mx={"far.example": 50.0})
        async with post.working():
            await post.put("M1", "ada@far.example")  # its way is looked up still
            await asyncio.sleep(1)
            post.worker.pause(giving_back=True)
            assert not post.worker.wants({"a.example"})
            await post.put("M2", "ada@a.example")
            await asyncio.sleep(HOUR)
            assert post.postman.carried == []
            assert {row.pending.state for row in await post.rows()} == {State.READY}
            assert post.worker.leased == 0

    run(main())


def test_lines_whose_turn_had_come_are_empty_and_forgotten() -> None:
    async def main() -> None:
        post = Post(_slow, limits=Limits(total=1, target=5))
        async with post.working():
            for number in range(6):
                await post.put(f"M{number}", f"ada@{'abcdef'[number]}.example")
            await asyncio.sleep(1)
            assert (post.worker.attempts, post.worker.leased) == (1, 6)
            post.worker.pause(giving_back=True)
            await asyncio.sleep(HOUR)
            assert len(post.postman.carried) == 1
            assert not post.worker._ready.busy
            post.worker.resume()
            await asyncio.sleep(HOUR)
            assert await post.rows() == []
            assert len(post.postman.carried) == 6
            assert post.notes.of(Kind.INCIDENT) == []

    run(main())
