"""A host of both families is reached by the address that answers first (RFC 8305)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from ulak.delivery.attempt import eyeballs
from ulak.delivery.attempt.eyeballs import Head, interleaved, mixed, race
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.site.terms import Terms
from ulak.delivery.site.window import Learning
from ulak.delivery.target import Host, Target, Way
from ulak.lab.mx import ScriptedServer

from .carrying import ADA, carrier, message, run


@pytest.mark.parametrize(
    ("given", "order"),
    [
        (["1", "2", "::1", "::2"], ["1", "::1", "2", "::2"]),
        (["::1", "1", "2", "3"], ["::1", "1", "2", "3"]),
        (["1", "2"], ["1", "2"]),
        ([], []),
    ],
)
def test_families_take_turns(given: list[str], order: list[str]) -> None:
    assert interleaved(given) == order
    assert mixed(given) == (len({":" in each for each in given}) == 2)


@contextmanager
def silent(port: int) -> Iterator[None]:
    """A door at 127.0.0.1 at which nobody answers: its queue is full."""
    with ExitStack() as stack:
        door = stack.enter_context(socket.socket())
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(("127.0.0.1", port))
        door.listen(0)
        for _ in range(3):
            knocking = stack.enter_context(socket.socket())
            knocking.settimeout(0)
            knocking.connect_ex(("127.0.0.1", port))
        yield


def target(port: int) -> Target:
    return Target(Way.SMTP, "mx", (Host("mx.example.net", ("127.0.0.1", "::1"), port),))


def test_an_address_that_says_nothing_is_not_waited_for_where_the_other_family_answers() -> None:
    async def main() -> list[Outcome]:
        sender = carrier()
        try:
            async with asyncio.timeout(5), ScriptedServer(host="::1") as mx:
                with silent(mx.port):
                    first = await sender.carry(message(), (ADA,), target(mx.port))
                    return first + await sender.carry(message(), (ADA,), target(mx.port))
        finally:
            await sender.close()

    for outcome in run(main):
        assert outcome.result is Result.DELIVERED
        assert outcome.host.startswith("mx.example.net [::1]:")


def test_the_first_family_is_taken_where_it_answers() -> None:
    async def main() -> list[Outcome]:
        sender = carrier()
        try:
            async with ScriptedServer() as mx:
                return await sender.carry(message(), (ADA,), target(mx.port))
        finally:
            await sender.close()

    (outcome,) = run(main)
    assert outcome.result is Result.DELIVERED
    assert "[127.0.0.1]" in outcome.host


def test_where_nobody_answers_each_address_is_tried_once_and_the_failure_told() -> None:
    async def main() -> list[Outcome]:
        sender = carrier()
        try:
            with socket.create_server(("127.0.0.1", 0)) as door:
                port = door.getsockname()[1]
            found = await sender.carry(message(), (ADA,), target(port))
            assert sender.pool.avoided(("127.0.0.1", port))
            assert sender.pool.avoided(("::1", port))
            return found
        finally:
            await sender.close()

    (outcome,) = run(main)
    assert (outcome.result, outcome.cause) == (Result.DEFERRED, "connection-failed")


def test_what_loses_a_race_is_closed() -> None:
    async def main() -> dict[str, Head]:
        with socket.create_server(("127.0.0.1", 0)) as door:
            port = door.getsockname()[1]
            heads = await race(["127.0.0.1", "::1"], port, ["", ""], 5.0)
            for head in heads.values():
                head.drop()
                assert not head.connected
            return heads

    heads = run(main)
    assert set(heads) == {"127.0.0.1"}


class Watched:
    """How many connections were being made in races at most, and how many were counted then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, terms: Terms) -> None:
        self.now = self.most = self.counted = 0
        self._terms = terms
        self._inner = eyeballs._connected
        monkeypatch.setattr(eyeballs, "_connected", self._connected)

    async def _connected(self, address: str, port: int, own: str) -> socket.socket:
        self.now += 1
        self.most = max(self.most, self.now)
        self.counted = max(self.counted, self._terms.window.active)
        assert self.now <= self._terms.window.active
        try:
            return await self._inner(address, port, own)
        finally:
            self.now -= 1


@pytest.mark.parametrize(("limit", "most"), [(1, 1), (2, 2), (3, 2)])
def test_the_loser_of_a_race_counts_for_the_limit_of_the_site(
    limit: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = Terms("", Learning(limit, limit))
    watched = Watched(monkeypatch, terms)

    async def main() -> None:
        sender = carrier()
        async with asyncio.timeout(10), ScriptedServer(host="::1") as mx:
            with silent(mx.port):
                grant = terms.begin(0.0)
                (outcome,) = await sender.carry(message(), (ADA,), target(mx.port), grant)
            assert outcome.result is Result.DELIVERED
            assert outcome.host.startswith("mx.example.net [::1]:")
            assert len(sender.pool) == 1
        await sender.close()
        assert terms.window.active == 1
        assert watched.counted == watched.most == most

    run(main)


def test_a_server_never_sees_more_connections_than_the_limit_however_many_race(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limit = 3
    terms = Terms("", Learning(limit, limit))
    watched = Watched(monkeypatch, terms)

    async def main() -> None:
        free = asyncio.Condition()
        sender = carrier()

        async def one() -> None:
            async with free:
                await free.wait_for(lambda: terms.wait(0.0) is None)
                grant = terms.begin(0.0)
            (outcome,) = await sender.carry(message(), (ADA,), target(mx.port), grant)
            async with free:
                terms.window.end()
                free.notify_all()
            assert outcome.result is Result.DELIVERED

        async with asyncio.timeout(30), ScriptedServer(host="::1") as mx:
            with silent(mx.port):
                most = await most_open(mx, asyncio.gather(*(one() for _ in range(9))))
            assert len(mx.messages) == 9
        await sender.close()
        assert 1 < most <= limit
        assert watched.most <= limit
        assert terms.window.active == 0

    run(main)


async def most_open(mx: ScriptedServer, work: asyncio.Future[list[None]]) -> int:
    """Say how many connections a server had open at most while something was done."""
    most = 0
    while not work.done():
        most = max(most, len(mx._tasks))
        await asyncio.sleep(0.001)
    await work
    return most


def test_who_was_given_up_for_want_of_room_is_tried_again() -> None:
    @contextmanager
    def nowhere() -> Iterator[bool]:
        yield False

    async def main() -> None:
        async with asyncio.timeout(15):
            with socket.create_server(("::1", 0), family=socket.AF_INET6) as door:
                port = door.getsockname()[1]
            with ExitStack() as stack:
                stack.enter_context(silent(port))
                later = asyncio.get_running_loop().call_later(0.6, stack.close)
                racing = race(["127.0.0.1", "::1"], port, ["", ""], 10.0, nowhere)
                task = asyncio.create_task(racing)
                await asyncio.sleep(0.7)
                with socket.create_server(("127.0.0.1", port)):
                    heads = await task
                later.cancel()
        assert not heads["::1"].connected
        heads["127.0.0.1"].drop()

    run(main)
