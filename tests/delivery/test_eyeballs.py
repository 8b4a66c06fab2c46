"""A host of both families is reached by the address that answers first (RFC 8305)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from ulak.delivery.attempt.eyeballs import Head, interleaved, mixed, race
from ulak.delivery.outcome import Outcome, Result
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
