"""A small memory and many sites that are slow: who is not slow is not kept waiting by them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from ulak.delivery.outcome import Outcome
from ulak.delivery.ready import Limits
from ulak.delivery.target import Target
from ulak.queue.item import Body, Message, Pending

from .posting import Post, mail, ok
from .virtual import NOON, clock, run

_SLOW = [f"slow{n}.example" for n in range(20)]
_FAST = [f"fast{n}.example" for n in range(10)]


async def _slow_or_not(message: Message, recipients: Sequence[str], _: Target) -> list[Outcome]:
    if message.id.startswith("S"):
        await asyncio.sleep(250)
    return [ok(recipient) for recipient in recipients]


async def _stored(post: Post, name: str, domain: str, octets: int = 0) -> None:
    message = mail(name, f"x@{domain}")
    if octets:
        message = Message(name, message.envelope, Body(octets, b"x" * octets), message.received)
    await post.store.put(message, [Pending(f"x@{domain}", domain, due=clock())])


@pytest.mark.parametrize(
    ("limits", "octets"),
    [
        (Limits(messages=100), 0),
        (Limits(messages=400), 0),
        (Limits(octets=100_000), 1000),
        (Limits(messages=200, total=40), 0),
    ],
)
def test_a_memory_full_of_mail_for_slow_sites_leaves_room_for_the_others(
    limits: Limits, octets: int
) -> None:
    async def main() -> None:
        names = dict.fromkeys([*_SLOW, *_FAST], 0.01)
        post = Post(_slow_or_not, limits, mx=names)
        for n in range(40):
            for domain in _SLOW:
                await _stored(post, f"S{n}{domain}", domain, octets)
        await asyncio.sleep(1)
        for n in range(50):  # all of it is due after all that is slow
            for domain in _FAST:
                await _stored(post, f"F{n}{domain}", domain)
        async with post.working():
            await asyncio.sleep(120)
            there = [each for each in post.postman.carried if each.message.startswith("F")]
            assert len(there) == 500
            assert there[-1].at - NOON < 60
            await post.put("F", "x@fast0.example")
            await asyncio.sleep(0.1)
            assert post.postman.carried[-1].message == "F"
            await asyncio.sleep(40 * 260)
            assert await post.rows() == []

    run(main())
