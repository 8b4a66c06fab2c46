"""A site never has more connections than it may have, with those that wait for a message."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from tests.delivery.carrying import ADA, carrier, message, run, to, until

from ulak.delivery.outcome import Result
from ulak.delivery.site.grant import Grant
from ulak.delivery.site.seat import Seat
from ulak.delivery.site.share import Member
from ulak.delivery.site.terms import Terms
from ulak.delivery.site.window import Learning
from ulak.delivery.target import Target
from ulak.lab.mx import ScriptedServer


@dataclass
class Most:
    """So many."""

    lasting: int

    def lend(self) -> bool:
        return False

    def back(self) -> None:
        raise NotImplementedError


def customers(count: int, *servers: ScriptedServer) -> list[Target]:
    """Give the mail hosts of some customers of one provider."""
    target = to(*servers)
    return [replace(target, key=f"customer {i}", site="provider") for i in range(count)]


def open_after(most: int, customers_: int, at_once: int = 1) -> int:
    """Carry a message to each customer, some at a time; how many connections are left."""

    async def main() -> int:
        async with ScriptedServer() as mx:
            sender = carrier()
            grant = Grant(terms=Most(most))
            gate = asyncio.Semaphore(at_once)

            async def one(target: Target) -> None:
                async with gate:
                    (outcome,) = await sender.carry(message(), (ADA,), target, grant)
                assert outcome.result is Result.DELIVERED
                assert len(sender.pool) <= most + at_once  # with those that say goodbye

            await asyncio.gather(*map(one, customers(customers_, mx)))
            await until(lambda: len(sender.pool) <= most)
            left = len(sender.pool)
            await sender.close()
            assert len(mx.messages) == customers_
            return left

    return run(main)


def test_connections_that_wait_make_way_for_one_elsewhere_at_their_site() -> None:
    assert open_after(1, 5) == 1
    assert open_after(2, 5) == 2
    assert open_after(9, 5) == 5


def test_those_that_are_being_opened_at_the_same_time_see_each_other() -> None:
    assert open_after(3, 12, at_once=3) == 3


def test_none_waits_where_only_a_claim_lets_attempts_begin() -> None:
    assert open_after(0, 3) == 0
    terms = Terms("", Learning(3, 1), member=Member(0, 3))
    assert terms.lasting == 0
    assert Terms("", Learning(3, 7), member=Member(0, 3)).lasting == 2
    assert Terms("", Learning(3, 20)).lasting == 3


def test_who_waits_longest_makes_way() -> None:
    async def main() -> None:
        async with ScriptedServer() as mx:
            sender = carrier()
            one, two, three = customers(3, mx)
            grant = Grant(terms=Most(2))
            for target in (one, two, one, three, one):
                await sender.carry(message(), (ADA,), target, grant)
                await asyncio.sleep(0.02)  # the loop's clock has milliseconds
            assert [len(session.taken) for session in mx.sessions] == [3, 1, 1]
            await sender.close()

    run(main)


def test_connections_that_wait_leave_when_there_may_be_fewer_of_them() -> None:
    async def main() -> None:
        async with ScriptedServer() as mx:
            sender = carrier()
            grant = Grant(terms=Most(4))
            targets = customers(4, mx)
            for target in targets:
                await sender.carry(message(), (ADA,), target, grant)
            assert len(sender.pool) == 4
            sender.pool.shed(("elsewhere", ""), 0)
            sender.pool.shed(("provider", ""), 4)
            await asyncio.sleep(0.1)
            assert len(sender.pool) == 4
            sender.pool.shed(("provider", ""), 1)
            await until(lambda: len(sender.pool) == 1)
            await sender.close()

    run(main)


def test_what_is_claimed_in_a_cluster_keeps_its_connections_until_it_is_given_back() -> None:
    seat = Seat()
    seat.count = 8
    terms = Terms("", Learning(5, 20), member=seat)
    assert terms.lasting == 2
    terms.win(1.0, 2)
    assert terms.lasting == 4
    terms.lose()
    assert terms.lasting == 2
