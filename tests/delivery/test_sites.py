"""A worker learns from sites: how many attempts, how fast, and when not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.ready import Limits
from ulak.delivery.source.source import Pool, Source
from ulak.delivery.source.sources import Sources
from ulak.delivery.target import Target
from ulak.journal.entry import Kind
from ulak.queue.item import Message, Pending, State

from .posting import DAY, HOUR, Post, deferred, mail, ok
from .virtual import NOON, clock, run


def answered(recipient: str, reply: str, cause: str, **facts: str) -> Outcome:
    host = "mx.example [192.0.2.1]:25"
    return Outcome(recipient, Result.DEFERRED, cause, reply, host, remote=True, facts=facts)


class Server:
    """A server that does not answer until a time."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.tried: list[float] = []

    async def __call__(
        self, _m: Message, recipients: Sequence[str], target: Target
    ) -> list[Outcome]:
        if ".1:" not in target.key:
            return [ok(recipient) for recipient in recipients]
        self.tried.append(clock() - NOON)
        await asyncio.sleep(1)
        if clock() < NOON + self.until:
            return [deferred(recipient) for recipient in recipients]
        return [ok(recipient) for recipient in recipients]


async def stored(post: Post, count: int, domain: str) -> None:
    for i in range(count):
        message = mail(f"{domain[0]}{i}", f"x@{domain}")
        await post.store.put(message, [Pending(f"x@{domain}", domain, due=clock())])


def test_a_dead_site_is_probed_and_its_mail_waits_in_the_store_without_attempts() -> None:
    server = Server(until=3 * HOUR)

    async def main() -> None:
        post = Post(server)
        await stored(post, 100, "a.example")
        async with post.working():
            await asyncio.sleep(HOUR)
            assert len(server.tried) < 25
            rows = await post.rows()
            assert [row.pending.attempts for row in rows].count(0) > 80
            assert all(row.pending.state is State.READY for row in rows)
            before = post.store.asked.count("lease")
            await post.put("F", "x@b.example")  # nobody else waits
            await post.idle()
            assert post.postman.carried[-1].message == "F"
            await asyncio.sleep(HOUR)
            assert post.store.asked.count("lease") - before < 150
            await asyncio.sleep(2 * HOUR)
            assert await post.rows() == []
        pauses = [b - a for a, b in zip(server.tried[5:], server.tried[6:], strict=False)]
        assert max(pauses[:20]) > 600

    run(main())


def test_what_waits_for_a_dead_site_ends_when_its_time_is_over_and_its_sender_hears_of_it() -> None:
    async def main() -> None:
        post = Post(Server(until=100 * DAY))
        await stored(post, 700, "a.example")
        async with post.working():
            await asyncio.sleep(6 * HOUR)
            told = [e.facts["action"] for e in post.notes.of(Kind.REPORTED)]
            assert told == ["delayed"] * 700
            attempts = sum(row.pending.attempts for row in await post.rows())
            assert attempts < 50
            await asyncio.sleep(5 * DAY)
            assert await post.rows() == []
        failed = post.notes.of(Kind.FAILED)
        assert len(failed) == 700
        assert {entry.cause for entry in failed} == {"expired"}
        assert {entry.facts["last-cause"] for entry in failed} == {"connection-failed"}

    run(main())


def test_a_retry_elsewhere_is_in_time_beside_what_waits_for_a_dead_site() -> None:
    async def main() -> None:
        post = Post(Server(until=DAY))
        await stored(post, 100, "a.example")
        async with post.working():
            await asyncio.sleep(613.7)
            due = clock() + 77.7
            waits = Pending("x@b.example", "b.example", due=due)
            await post.store.put(mail("F", "x@b.example"), [waits])
            post.worker.later(due)
            await asyncio.sleep(HOUR)
        (tried,) = [each.at for each in post.postman.carried if each.message == "F"]
        assert 0 <= tried - due < 1

    run(main())


def test_what_comes_for_a_dead_site_is_not_wanted() -> None:
    async def main() -> None:
        post = Post(Server(until=DAY))
        async with post.working():
            for i in range(10):
                await post.put(f"A{i}", "x@a.example")
            await asyncio.sleep(10)
            assert not post.worker.wants({"a.example"})
            assert post.worker.wants({"b.example"})

    run(main())


def test_a_site_that_says_how_long_gets_nothing_until_then() -> None:
    tried: list[float] = []

    async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        tried.append(clock() - NOON)
        if clock() < NOON + 290:
            reply = "450 4.7.1 Too fast, try again in 300 seconds"
            return [answered(r, reply, "sending-too-fast", retry_after="300") for r in recipients]
        return [ok(recipient) for recipient in recipients]

    async def main() -> None:
        post = Post(script)
        async with post.working():
            for i in range(50):
                await post.put(f"A{i}", "x@a.example")
            await asyncio.sleep(HOUR)
            assert await post.rows() == []
        assert len([t for t in tried if t < 299]) <= 3
        entry = post.notes.of(Kind.DEFERRED)[0]
        assert entry.facts["rule"] == "too-fast"
        assert entry.facts["site-until"] == str(int(NOON + 300))

    run(main())


@pytest.mark.parametrize(
    ("reply", "cause", "facts"),
    [
        ("450 4.7.1 Greylisted, try again in 60 seconds", "greylisted", {"retry_after": "60"}),
        ("451 4.7.1 <x@a.example>: try again in 2 minutes", "greylisted-here", {"minutes": "2"}),
    ],
)
def test_a_greylisting_server_is_tried_again_when_it_says(
    reply: str, cause: str, facts: dict[str, str]
) -> None:
    tried: list[float] = []
    told = 60 * int(facts.get("minutes", 1))

    async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        tried.append(clock() - NOON)
        if len(tried) == 1:
            return [answered(r, reply, cause, **facts) for r in recipients]
        return [ok(recipient) for recipient in recipients]

    async def main() -> None:
        post = Post(script)
        async with post.working():
            await post.put("A", "x@a.example")
            await asyncio.sleep(HOUR)
        assert len(tried) == 2
        assert told <= tried[1] <= told + 40

    run(main())


def test_a_full_mailbox_is_tried_less_often() -> None:
    tried: list[float] = []

    async def script(message: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        if message.id == "A":  # and not the report that it is delayed
            tried.append(clock() - NOON)
        return [answered(r, "452 4.2.2 Full", "mailbox-full") for r in recipients]

    async def main() -> None:
        post = Post(script)
        async with post.working():
            await post.put("A", "x@a.example")
            await asyncio.sleep(DAY)
        assert tried[1] > HOUR
        assert len(tried) < 8

    run(main())


def test_senders_take_turns_in_a_line() -> None:
    async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        await asyncio.sleep(1)
        return [ok(recipient) for recipient in recipients]

    async def main() -> None:
        post = Post(script, Limits(total=1))
        async with post.working():
            for i in range(50):
                await post.put(f"huge{i}", "x@a.example", sender="news@huge.example")
            await post.put("small", "x@a.example", sender="ada@small.example")
            await asyncio.sleep(100)
        order = [c.message for c in post.postman.carried]
        assert order.index("small") <= 2

    run(main())


def test_the_sources_of_a_message_are_asked_in_their_order_and_the_carrier_is_told() -> None:
    async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        if post.postman.grants[-1].source == "one":
            reply = "421 4.7.0 Listed"
            return [answered(r, reply, "listed-by-dnsbl") for r in recipients]
        return [ok(recipient) for recipient in recipients]

    post: Post

    async def main() -> None:
        nonlocal post
        pool = Pool("p", {"one": 1000, "two": 1})
        sources = Sources(
            [Source("one", "192.0.2.1"), Source("two", "192.0.2.2")],
            clock,
            pools={"p": pool},
            default="p",
        )
        post = Post(script, sources=sources)
        async with post.working():
            for i in range(10):
                await post.put(f"A{i}", "x@a.example")
                await asyncio.sleep(1)
            await asyncio.sleep(60)
        assert [grant.source for grant in post.postman.grants][:4] == ["one", "two", "two", "two"]

    run(main())


def test_silent_servers_keep_nobody_from_being_sent_to() -> None:
    """However many connections they hold for minutes, the mail of others goes on."""

    async def script(_m: Message, recipients: Sequence[str], target: Target) -> list[Outcome]:
        if target.key.startswith("mx:"):
            await asyncio.sleep(300)
            return [deferred(recipient) for recipient in recipients]
        await asyncio.sleep(0.1)
        return [ok(recipient) for recipient in recipients]

    async def main() -> None:
        silent = {f"silent{i}.example": 0.0 for i in range(40)}
        post = Post(script, Limits(total=50), mx=silent)
        async with post.working():
            for name in silent:
                for i in range(4):
                    await post.put(f"{name}{i}", f"x@{name}")
            await asyncio.sleep(25)
            assert post.postman.under_way["all"] == 120
            for i in range(1000):
                await post.put(f"good{i}", f"x@{'abcdef'[i % 6]}.example")
            await asyncio.sleep(30)
            good = [c for c in post.postman.carried if c.message.startswith("good")]
            assert len(good) == 1000
            assert post.postman.most["all"] <= 120 + 50

    run(main())
