"""A worker under a simulated clock, over the memory store, with carriers that do as told."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from ulak.bounce.notice import Office
from ulak.delivery.acting import News
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.parts import Parts, everybody
from ulak.delivery.ready import Limits
from ulak.delivery.route import Route, Routes
from ulak.delivery.site.grant import ANYWHERE, Grant
from ulak.delivery.site.sites import Sites
from ulak.delivery.sourcing import Sources
from ulak.delivery.target import Target, Way
from ulak.delivery.worker import Worker
from ulak.dns import Answer, Zone
from ulak.journal.entry import Entry, Kind
from ulak.mail.envelope import Envelope, domain_of
from ulak.queue.item import Body, Lease, Message, Pending, Row, Selection, Settlement
from ulak.queue.memory import MemoryStore
from ulak.queue.retry import Retry
from ulak.queue.store import StorageError

from .virtual import clock

ALL = Selection(everything=True)
TEXT = b"From: g@home.example\r\nMessage-ID: <1@home.example>\r\nSubject: hi\r\n\r\nhi\r\n"
HOUR, DAY = 3600.0, 86400.0

Script = Callable[[Message, Sequence[str], Target], Awaitable[Sequence[Outcome]]]


def ok(recipient: str) -> Outcome:
    return Outcome(recipient, Result.DELIVERED, "delivered", "250 ok", "mx [192.0.2.1]:25")


def refused(recipient: str) -> Outcome:
    reply = "550 5.1.1 no such user"
    host = "mx [192.0.2.1]:25"
    dialogue = ("S: 220 mx",)
    return Outcome(
        recipient, Result.FAILED, "no-such-mailbox", reply, host, remote=True, dialogue=dialogue
    )


def deferred(recipient: str) -> Outcome:
    reply = "451 4.4.1 mx could not be reached: refused"
    return Outcome(recipient, Result.DEFERRED, "connection-failed", reply)


async def deliver_all(_message: Message, recipients: Sequence[str], _: Target) -> list[Outcome]:
    return [ok(recipient) for recipient in recipients]


@dataclass
class Carried:
    """One attempt that a carrier was asked for."""

    at: float
    message: str
    recipients: tuple[str, ...]
    key: str


class Postman:
    """A carrier that does what its script says, and notes who was under way with whom."""

    def __init__(self, script: Script = deliver_all) -> None:
        self.script = script
        self.carried: list[Carried] = []
        self.grants: list[Grant] = []
        self.under_way: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.bodies: list[bytes] = []
        self.closed = False

    async def carry(
        self,
        message: Message,
        recipients: Sequence[str],
        target: Target,
        grant: Grant = ANYWHERE,
    ) -> list[Outcome]:
        self.grants.append(grant)
        self.carried.append(Carried(clock(), message.id, tuple(recipients), target.key))
        self.bodies.append(message.body.data or b"")
        for key in (target.key, "all"):
            self.under_way[key] += 1
            self.most[key] = max(self.most[key], self.under_way[key])
        try:
            return list(await self.script(message, recipients, target))
        finally:
            for key in (target.key, "all"):
                self.under_way[key] -= 1

    async def close(self) -> None:
        self.closed = True


class Notes:
    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def write(self, entry: Entry) -> None:
        self.entries.append(entry)

    def kinds(self, message: str) -> list[Kind]:
        return [entry.kind for entry in self.entries if entry.message == message]

    def of(self, kind: Kind) -> list[Entry]:
        return [entry for entry in self.entries if entry.kind is kind]


class Shaky(MemoryStore):
    """A memory store that fails when told to, and counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = 0
        self.asked: list[str] = []

    def _maybe(self, verb: str) -> None:
        self.asked.append(verb)
        if self.broken:
            self.broken -= 1
            text = "The disk is gone."
            raise StorageError(text)

    async def put(
        self,
        message: Message,
        pending: Sequence[Pending],
        *,
        lease: bool = False,
        settle: tuple[Lease, Sequence[Settlement]] | None = None,
    ) -> Lease | None:
        self._maybe("put" if settle is None else "report")
        return await super().put(message, pending, lease=lease, settle=settle)

    async def settle(self, lease: Lease, outcomes: Sequence[Settlement]) -> None:
        self._maybe("settle")
        await super().settle(lease, outcomes)

    async def lease(self, now: float, limit: int, avoid: Collection[str] = ()) -> list[Lease]:
        self._maybe("lease")
        return await super().lease(now, limit, avoid)


class SlowZone(Zone):
    """A resolver that takes its time over some names."""

    slow: Mapping[str, float] = {}

    async def resolve(self, name: str, kind: str) -> Answer:
        await asyncio.sleep(self.slow.get(name, 0))
        return await super().resolve(name, kind)


@dataclass
class Post:
    """A worker with all that it works with."""

    script: Script = deliver_all
    limits: Limits = field(default_factory=Limits)
    retry: Retry = field(default_factory=Retry)
    mx: Mapping[str, float] = field(default_factory=dict)  # domains by DNS, and its seconds
    readers: Callable[[str], tuple[str, ...]] = everybody
    sign: Callable[[bytes], bytes] | None = None
    sources: Sources | None = None
    sites: Sites | None = None
    store: Shaky = field(default_factory=Shaky)
    sure: Callable[[Lease], Awaitable[bool]] | None = None

    def __post_init__(self) -> None:
        self.notes, self.postman = Notes(), Postman(self.script)
        self.local = Postman()
        self.incidents: list[BaseException] = []
        self.news: list[News] = []
        self.zone = SlowZone({(name, "A"): ["192.0.2.7"] for name in self.mx})
        self.zone.slow = self.mx
        names = itertools.count(1)
        table = {f"{name}.example": f"smtp:192.0.2.{i}:25" for i, name in enumerate("abcdef", 1)}
        table["home.example"] = "smtp:192.0.2.99:25"
        table["boxes.example"] = "lmtp:192.0.2.98:24"
        settings = Routes.of("mx.home.example", {}, table, ("192.0.2.0/24",))
        self.worker = Worker(
            Parts(
                self.store,
                self.notes,
                self.zone,
                Route(settings, lambda: 0.5),
                {Way.SMTP: self.postman, Way.LMTP: self.postman, Way.MAILDIR: self.local},
                self.retry,
                Office("mx.home.example"),
                clock,
                lambda: 0.5,
                lambda: f"R{next(names)}",
                self._incident,
                self.limits,
                readers=self.readers,
                sign=self.sign,
                sources=self.sources,
                sites=self.sites,
                sure=self.sure,
                news=self.news.append,
            )
        )

    def _incident(self, error: BaseException) -> str:
        self.incidents.append(error)
        return f"I{len(self.incidents)}"

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.worker.run())
        await asyncio.sleep(0)
        try:
            yield
        finally:
            await self.worker.stop(10.0)
            await task

    async def put(self, name: str, *recipients: str, **other: object) -> None:
        """Take a message over as a session does."""
        message = mail(name, *recipients)
        if "sender" in other:
            envelope = replace(message.envelope, sender=str(other.pop("sender")))
            message = replace(message, envelope=envelope)
        message = replace(message, **other)  # type: ignore[arg-type]  # real fields of a message
        pending = [Pending(r, domain_of(r), due=message.received) for r in recipients]
        wanted = self.worker.wants({each.domain for each in pending}, message.envelope.sender)
        lease = await self.store.put(message, pending, lease=wanted)
        if lease is not None:
            self.worker.accepted(lease)
        await asyncio.sleep(0)

    async def rows(self) -> list[Row]:
        return list(await self.store.list(ALL))

    async def idle(self) -> None:
        """Let everything happen that happens at once."""
        await asyncio.sleep(0.001)


def mail(name: str, *recipients: str) -> Message:
    envelope = Envelope("grace@home.example", recipients)
    return Message(name, envelope, Body(len(TEXT), TEXT), clock())
