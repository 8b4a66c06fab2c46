"""What tests of the carrier are made of: messages, targets, attempts at scripted servers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import uvloop
from tests.conftest import free_port

from ulak.delivery.attempt import SmtpCarrier
from ulak.delivery.outcome import Outcome
from ulak.delivery.sending import Sending, Timeouts
from ulak.delivery.target import Host, Target, Told, Way
from ulak.lab.mx import Behaviour, ScriptedServer
from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Message

T = TypeVar("T")
TEXT = b"From: grace@example.org\r\n\r\nhello\r\n"
ADA = "ada@example.net"
BOB = "bob@example.net"
PATIENT = Timeouts(10, 10, 10, 10, 10, 10, 10, 10, 10, 2)
QUICK = Timeouts(5, 0.7, 0.7, 5, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7)  # where a server is silent


def run(main: Callable[[], Awaitable[T]]) -> T:
    async def wrapped() -> T:
        return await main()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(wrapped())


def message(
    what: bytes | Path = TEXT, /, sender: str = "grace@example.org", **envelope: object
) -> Message:
    whole = Envelope(sender, (ADA,), **envelope)  # type: ignore[arg-type]  # fields by their names
    if isinstance(what, Path):
        return Message("m1", whole, Body(what.stat().st_size, path=what), 0.0)
    return Message("m1", whole, Body(len(what), data=what), 0.0)


def to(
    *servers: ScriptedServer | int, way: Way = Way.SMTP, path: str = "", told: Told = Told.DNS
) -> Target:
    ports = [s if isinstance(s, int) else s.port for s in servers]
    hosts = tuple(Host(f"mx{i}.example.net", ("127.0.0.1",), p) for i, p in enumerate(ports, 1))
    if path:
        hosts = (Host("mail", path=path),)
    return Target(way, "example.net", hosts, told=told)


def carrier(**settings: object) -> SmtpCarrier:
    known: dict[str, object] = {"hostname": "relay.example.org", "timeouts": PATIENT, "sweep": 0.05}
    return SmtpCarrier(Sending(**(known | settings)))  # type: ignore[arg-type]  # fields by their names


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 -- the other side is a peer, not ours to ask
            await asyncio.sleep(0.01)


def attempt(
    *behaviours: Behaviour,
    what: Message | None = None,
    recipients: Sequence[str] = (ADA,),
    way: Way = Way.SMTP,
    **settings: object,
) -> tuple[dict[str, Outcome], ScriptedServer]:
    """Carry one message to one server that behaves so."""

    async def main() -> tuple[dict[str, Outcome], ScriptedServer]:
        async with ScriptedServer(*behaviours) as mx:
            sender = carrier(**settings)
            outcomes = await sender.carry(what or message(), recipients, to(mx, way=way))
            await sender.close()
            assert len(sender.pool) == 0
            assert sorted(o.recipient for o in outcomes) == sorted(recipients)
            return {o.recipient: o for o in outcomes}, mx

    return run(main)


def several(
    *behaviours: Behaviour | None,
    what: Message | None = None,
    told: Told = Told.DNS,
    **settings: object,
) -> tuple[Outcome, list[int]]:
    """Carry to as many hosts, None for one that is not there; the outcome, and who took it."""

    async def main() -> tuple[Outcome, list[int]]:
        servers = [ScriptedServer(b) if b else None for b in behaviours]
        for server in servers:
            if server:
                await server.start()
        sender = carrier(**settings)
        target = to(*(server or free_port() for server in servers), told=told)
        (outcome,) = await sender.carry(what or message(), (ADA,), target)
        await sender.close()
        for server in servers:
            if server:
                await server.stop()
        return outcome, [len(s.messages) if s else 0 for s in servers]

    return run(main)
