"""Mail leaves from the source whose turn it is, and says that source's name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count

import pytest
from tests.delivery.carrying import ADA, carrier, message, to
from tests.delivery.carrying import run as really

from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.site.grant import Grant
from ulak.delivery.site.sites import Bounds, Sites
from ulak.delivery.source.allowing import Allowance
from ulak.delivery.source.limiting import Limiting
from ulak.delivery.source.source import SYSTEM, Pool, Source
from ulak.delivery.source.sources import Sources
from ulak.delivery.source.tenants import Tenant
from ulak.delivery.source.warmup import DAY, Plan, day_of
from ulak.delivery.target import Host, Target, Way
from ulak.journal.entry import Kind
from ulak.lab.mx import ScriptedServer
from ulak.queue.item import Message

from .posting import HOUR, Post, deferred, ok, refused
from .source.test_quota import Book
from .virtual import NOON, clock, run

TODAY = day_of(NOON)
SOUTH = Source("south", "127.0.0.2", hostname="south.example.org")
NORTH = Source("north", "127.0.0.3", hostname="north.example.org")
BOTH = {"south": SOUTH, "north": NORTH}


# -- sockets --------------------------------------------------------------------------------------


def test_each_source_has_its_address_its_name_and_its_connections() -> None:
    async def main() -> None:
        async with ScriptedServer() as mx:
            sender = carrier(sources=BOTH.__getitem__)
            for name in ("south", "north", "south", "north"):
                (outcome,) = await sender.carry(message(), (ADA,), to(mx), Grant(name))
                assert outcome.result is Result.DELIVERED
            await sender.close()
            assert [(one.peer, one.commands[0]) for one in mx.sessions] == [
                ("127.0.0.2", "EHLO south.example.org"),
                ("127.0.0.3", "EHLO north.example.org"),
            ]
            assert [len(one.taken) for one in mx.sessions] == [2, 2]

    really(main)


@pytest.mark.parametrize("listed", [True, False])
def test_an_address_that_is_not_here_is_told_of_and_nothing_is_sent(listed: bool) -> None:  # noqa: FBT001 -- a case
    told: list[tuple[str, str, str]] = []
    gone = Source("gone", "192.0.2.1")

    async def main() -> None:
        async with ScriptedServer() as mx:
            sender = carrier(sources=lambda _name: gone, aside=lambda *what: told.append(what))
            target = to(mx, mx) if listed else to(mx)
            (outcome,) = await sender.carry(message(), (ADA,), target, Grant("gone"))
            assert (outcome.result, outcome.cause) == (Result.DEFERRED, "source-unusable")
            assert "192.0.2.1" in outcome.reply
            assert not mx.sessions
            await sender.close()

    really(main)
    assert set(told) == {("gone", "192.0.2.1", "cannot assign requested address")}


def test_the_other_family_is_tried_where_one_address_of_a_source_is_gone() -> None:
    told: list[str] = []
    half = Source("half", "127.0.0.2", "2001:db8::1")

    async def main() -> None:
        async with ScriptedServer() as mx:
            sender = carrier(
                sources=lambda _name: half, aside=lambda _name, address, _why: told.append(address)
            )
            hosts = (Host("six", ("::1",), mx.port), Host("four", ("127.0.0.1",), mx.port))
            target = Target(Way.SMTP, "example.net", hosts)
            (outcome,) = await sender.carry(message(), (ADA,), target, Grant("half"))
            assert outcome.result is Result.DELIVERED
            assert outcome.facts["from-address"] == "127.0.0.2"
            await sender.close()

    really(main)
    assert told == ["2001:db8::1"]


def test_a_server_that_is_not_there_is_no_fault_of_the_source() -> None:
    told: list[str] = []

    async def main() -> None:
        sender = carrier(sources=BOTH.__getitem__, aside=lambda name, *_: told.append(name))
        (outcome,) = await sender.carry(message(), (ADA,), to(1), Grant("south"))
        assert outcome.cause == "connection-failed"
        await sender.close()

    really(main)
    assert not told


def test_only_hosts_that_a_source_can_reach_are_tried() -> None:
    async def main() -> None:
        async with ScriptedServer() as mx:
            sender = carrier(sources=BOTH.__getitem__)
            hosts = (Host("six", ("::1",), mx.port), Host("four", ("127.0.0.1",), mx.port))
            both, six = (Target(Way.SMTP, "example.net", some) for some in (hosts, hosts[:1]))
            (outcome,) = await sender.carry(message(), (ADA,), both, Grant("south"))
            assert outcome.host.startswith("four ")
            (outcome,) = await sender.carry(message(), (ADA,), six, Grant("south"))
            assert outcome.cause == "source-wrong-family"
            assert "IPv6" in outcome.reply
            await sender.close()

    really(main)


# -- a worker -------------------------------------------------------------------------------------


def pool(*sources: Source, tenants: Sequence[Tenant] = (), **weights: int) -> Sources:
    chosen = Pool("p", weights or dict.fromkeys((one.name for one in sources), 1))
    limited = Limiting(Book().quotas()) if tenants else None
    return Sources(
        sources, clock, pools={"p": chosen}, default="p", tenants=tenants, limited=limited
    )


def post_of(sources: Sources, **more: object) -> Post:
    quotas = Book().quotas()

    def gate(source: str, site: str) -> Allowance | None:
        plan = sources.of(source).plan
        return None if plan is None else Allowance(plan, quotas, f"source:{source}", site)

    return Post(sources=sources, sites=Sites(Bounds(gates=gate)), **more)  # type: ignore[arg-type] # fields of a Post


def warming(*daily: int, name: str = "new", start: int = TODAY) -> Source:
    return Source(name, "192.0.2.2", plan=Plan(start, daily))


def test_what_is_over_a_plan_goes_by_the_sources_that_are_warm() -> None:
    async def main() -> None:
        post = post_of(pool(warming(5), Source("warm", "192.0.2.3"), new=1000, warm=1))
        async with post.working():
            for i in range(20):
                await post.put(f"m{i}", "x@a.example")
            await asyncio.sleep(10)
        sent = [grant.source for grant in post.postman.grants]
        assert sent.count("new") == 5
        assert sent.count("warm") == 15
        told = [entry.facts for entry in post.notes.of(Kind.DELIVERED)]
        stood_in = [facts for facts in told if facts.get("turn") == "instead"]
        assert {facts["turn-of"] for facts in stood_in} == {"new"}
        assert "warming" in {facts["turn-why"] for facts in stood_in}

    run(main())


def test_where_no_source_is_warm_mail_waits_until_tomorrow_and_says_so() -> None:
    async def main() -> None:
        post = post_of(pool(warming(3, 4, start=TODAY)))
        async with post.working():
            for i in range(20):
                await post.put(f"m{i}", "x@a.example")
            await asyncio.sleep(HOUR)
            assert len(post.postman.carried) == 3
            rows = await post.rows()
            assert {row.pending.cause for row in rows} == {"source-warming"}
            assert {row.pending.due for row in rows} == {(TODAY + 1) * DAY}
            assert {row.pending.attempts for row in rows} == {0}
            assert "goes on at 2026-11-04T00:00:00Z" in rows[0].pending.reply
            assert len(post.notes.of(Kind.DEFERRED)) == 17
            for sent in (7, 20):
                await asyncio.sleep(DAY)
                # Beside them the sender is told of the delay; that is another site.
                assert sum(each.message[0] == "m" for each in post.postman.carried) == sent
        assert not await post.rows()

    run(main())


def test_mail_to_other_sites_goes_on_while_a_plan_for_one_is_used_up() -> None:
    async def main() -> None:
        post = post_of(pool(warming(2)))
        async with post.working():
            for i in range(10):
                await post.put(f"a{i}", "x@a.example")
            for i in range(2):
                await post.put(f"b{i}", "x@b.example")
            await asyncio.sleep(10)
        assert sorted(each.message[0] for each in post.postman.carried) == ["a", "a", "b", "b"]

    run(main())


def test_a_message_that_waits_for_a_plan_for_ever_comes_back() -> None:
    async def main() -> None:
        post = post_of(pool(warming(1, start=TODAY + 100)))
        async with post.working():
            await post.put("m", "x@a.example")
            await asyncio.sleep(7 * DAY)
        assert not post.postman.grants or post.postman.carried[0].message != "m"
        assert post.notes.of(Kind.FAILED)[0].cause == "expired"

    run(main())


def test_a_message_is_tried_again_from_where_it_was_tried_before() -> None:
    numbers = count()

    async def greylist(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        if next(numbers) < 30:
            reply = "451 4.7.1 Greylisted"
            return [
                Outcome(r, Result.DEFERRED, "greylisted", reply, "mx", remote=True)
                for r in recipients
            ]
        return [ok(recipient) for recipient in recipients]

    async def main() -> None:
        post = post_of(pool(SOUTH, NORTH), script=greylist)
        async with post.working():
            for i in range(30):
                await post.put(f"m{i}", "x@a.example")
            await asyncio.sleep(HOUR)
        first = {
            c.message: g.source
            for c, g in zip(post.postman.carried, post.postman.grants, strict=True)
        }
        assert len(post.postman.carried) == 60
        for carried, grant in zip(post.postman.carried, post.postman.grants, strict=True):
            assert grant.source == first[carried.message]
        assert set(first.values()) == {"south", "north"}

    run(main())


def test_what_was_put_off_is_not_counted() -> None:
    async def put_off(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        if len(post.postman.carried) <= 5:
            return [deferred(recipient) for recipient in recipients]
        return [ok(recipient) for recipient in recipients]

    post: Post

    async def main() -> None:
        nonlocal post
        post = post_of(pool(warming(5)), script=put_off)
        async with post.working():
            for i in range(8):
                await post.put(f"m{i}", "x@a.example")
                await asyncio.sleep(60)
            await asyncio.sleep(2 * HOUR)
        assert len(post.notes.of(Kind.DELIVERED)) == 5

    run(main())


def test_a_tenant_waits_where_it_has_sent_enough_and_others_do_not() -> None:
    tenants = [Tenant("shop", "p", 3, 4, frozenset({"shop.example"}))]

    async def main() -> None:
        post = post_of(pool(SOUTH, NORTH, tenants=tenants))
        async with post.working():
            for i in range(6):
                await post.put(f"s{i}", "x@a.example", sender="news@shop.example")
                await post.put(f"o{i}", "x@a.example")
            await asyncio.sleep(60)
            sent = sorted(each.message[0] for each in post.postman.carried)
            assert sent == ["o"] * 6 + ["s"] * 3
            rows = await post.rows()
            assert {row.pending.cause for row in rows} == {"tenant-limit"}
            assert {row.pending.due for row in rows} == {NOON + HOUR}
            await asyncio.sleep(2 * HOUR)
            assert len(post.postman.carried) == 10  # one more today
            await asyncio.sleep(DAY)
            assert len(post.postman.carried) == 12

    run(main())


def test_a_source_that_is_gone_is_set_aside_and_the_others_send() -> None:
    async def main() -> None:
        sources = pool(SOUTH, NORTH)

        async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
            if post.postman.grants[-1].source == "south":
                sources.aside("south", "127.0.0.2", "gone")
                reply = "451 4.3.5 Nothing can be sent from 127.0.0.2: gone"
                return [Outcome(r, Result.DEFERRED, "source-unusable", reply) for r in recipients]
            return [ok(recipient) for recipient in recipients]

        post = post_of(sources, script=script)
        async with post.working():
            for i in range(10):
                await post.put(f"m{i}", "x@a.example")
                await asyncio.sleep(1)
            await asyncio.sleep(290)
        assert len(post.notes.of(Kind.DELIVERED)) == 10
        assert [grant.source for grant in post.postman.grants].count("south") == 1

    run(main())


def test_pools_do_not_wait_for_each_other_at_a_site() -> None:
    async def script(_m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        if post.postman.grants[-1].source == "south":
            reply = "554 5.7.1 Listed"
            return [
                Outcome(r, Result.DEFERRED, "listed-by-dnsbl", reply, "mx", remote=True)
                for r in recipients
            ]
        return [ok(recipient) for recipient in recipients]

    post: Post

    async def main() -> None:
        nonlocal post
        sources = Sources(
            [SOUTH, NORTH],
            clock,
            pools={"bad": Pool("bad", {"south": 1}), "good": Pool("good", {"north": 1})},
            default="bad",
            tenants=[Tenant("shop", "good", domains=frozenset({"shop.example"}))],
        )
        post = post_of(sources, script=script)
        async with post.working():
            for i in range(5):
                await post.put(f"m{i}", "x@a.example")
                await asyncio.sleep(1)
            for i in range(5):
                await post.put(f"s{i}", "x@a.example", sender="news@shop.example")
                await asyncio.sleep(1)
            assert len(post.notes.of(Kind.DELIVERED)) == 5
            assert [grant.source for grant in post.postman.grants].count("south") <= 2

    run(main())


def test_without_sources_the_system_chooses() -> None:
    assert SYSTEM.of("192.0.2.1") == ""


def test_a_bounce_leaves_by_the_pool_of_whose_message_it_is_about() -> None:
    """And it is no message of the tenant's: it waits for no limit."""

    async def script(m: Message, recipients: Sequence[str], _t: Target) -> list[Outcome]:
        return [ok(r) if not m.envelope.sender else refused(r) for r in recipients]

    async def main() -> None:
        tenants = [
            Tenant("shop", "good", 1, domains=frozenset({"b.example"})),
            Tenant("club", "good", 1, accounts=frozenset({"bob@home.example"})),
        ]
        sources = Sources(
            [SOUTH, NORTH],
            clock,
            pools={"bad": Pool("bad", {"south": 1}), "good": Pool("good", {"north": 1})},
            default="bad",
            tenants=tenants,
            limited=Limiting(Book().quotas()),
        )
        post = post_of(sources, script=script)
        async with post.working():
            await post.put("s1", "x@a.example", sender="news@b.example")
            await post.put("b1", "x@a.example", sender="bob@c.example", account="bob@home.example")
            await post.put("o1", "x@a.example", sender="ann@a.example")
            await asyncio.sleep(60)
        went = {
            (carried.message[:1], carried.recipients[0]): grant.source
            for carried, grant in zip(post.postman.carried, post.postman.grants, strict=True)
        }
        bounces = {to: source for (_, to), source in went.items() if to != "x@a.example"}
        assert bounces == {
            "news@b.example": "north", "bob@c.example": "north", "ann@a.example": "south",
        }  # fmt: skip

    run(main())
