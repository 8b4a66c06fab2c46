"""The tools over an internet in memory: what they ask, and what comes of it."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from starlette.testclient import TestClient
from starlette.types import ASGIApp
from tests.diagnose.internet import NOW, zone

from ulak.app.diagnosing import answer
from ulak.checks.dnsbl import Blocklist
from ulak.diagnose.domain.mta_sts import Fetched
from ulak.diagnose.domain.starttls import Shaken
from ulak.dns.records import Answer
from ulak.web import tools
from ulak.web.application import application
from ulak.web.site import Site
from ulak.web.tools.ports import Ports
from ulak.web.tools.runs import Runs

LISTED = (
    "550 5.7.1 Service unavailable; Client host [198.51.100.66] blocked using zen.spamhaus.org;"
    " https://check.spamhaus.org/query/ip/198.51.100.66"
)


class Clock:
    """Seconds, in the hands of a test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    """DNS of `tests.diagnose.internet`, and what was asked of it and of others.

    `gate` holds every question back until it is set that has `held` in its name.
    """

    lists: tuple[Blocklist, ...] = ()
    clock: Clock = field(default_factory=Clock)
    asked: list[tuple[str, str]] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    shaken: list[tuple[str, str]] = field(default_factory=list)
    incidents: list[BaseException] = field(default_factory=list)
    gate: asyncio.Event | None = None
    held: str = ""
    broken: bool = False
    cancelled: int = 0

    def __post_init__(self) -> None:
        self.zone = zone()
        self._numbers = itertools.count(1)

    async def resolve(self, name: str, kind: str) -> Answer:
        self.asked.append((name, kind))
        if self.broken:
            message = "secret of the house"
            raise RuntimeError(message)
        if self.gate is not None and self.held in name:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        return await self.zone.resolve(name, kind)

    async def fetch(self, domain: str) -> Fetched:
        self.fetched.append(domain)
        return Fetched(
            b"version: STSv1\nmode: enforce\nmx: mx.well.example\nmax_age: 1209600\n", "text/plain"
        )

    async def shake(self, host: str, address: str) -> Shaken:
        self.shaken.append((host, address))
        return Shaken(address, private=True)

    def new_id(self) -> str:
        return f"id{next(self._numbers)}"

    def incident(self, error: BaseException) -> str:
        self.incidents.append(error)
        return "INC1"

    def ports(self) -> Ports:
        return Ports(
            resolver=self,
            fetch=self.fetch,
            shake=self.shake,
            lists=self.lists,
            answering=answer,
            now=lambda: NOW,
            clock=self.clock,
            new_id=self.new_id,
            incident=self.incident,
        )

    def app(self, runs: Runs | None = None) -> ASGIApp:
        site = Site("mx.example.org", "https://mx.example.org")
        return application(site, [tools.piece(tools.Bench(self.ports(), runs))], self.incident)

    def client(self) -> TestClient:
        return TestClient(self.app(), raise_server_exceptions=False)


def events(text: str) -> Iterator[tuple[str, str, str]]:
    """Give the events of a stream: number, name, data."""
    for block in text.split("\n\n"):
        rows: dict[str, list[str]] = {}
        for line in block.split("\n"):
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                rows.setdefault(name.rstrip(":"), []).append(value)
        if rows:
            number = "".join(rows.get("id", []))
            yield number, "".join(rows["event"]), "\n".join(rows.get("data", []))


def live_of(page: str) -> str:
    """Give where a page is told the rest."""
    found = re.search(r'sse-connect="([^"]+)"', page)
    assert found is not None, "the page is told nothing"
    return found[1]
