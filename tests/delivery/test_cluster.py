"""Servers with one database keep their sites in step, and go on when it is away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from tests.postgresql import PostgresServer

from ulak.database.line import Line
from ulak.delivery.postgres import PostgresSeats, PostgresShared
from ulak.delivery.seating import Seating
from ulak.delivery.sharing import Sharing
from ulak.delivery.site.grant import Grant
from ulak.delivery.site.pace import Rate
from ulak.delivery.site.rules import Act, Rule
from ulak.delivery.site.seat import Seat
from ulak.delivery.site.share import Member, Place
from ulak.delivery.site.shared import Kept, SharedError
from ulak.delivery.site.sites import Bounds, Sites
from ulak.delivery.site.suspension import Reason, Suspension
from ulak.delivery.site.terms import Sign, Terms
from ulak.delivery.site.window import Learning

from .postgres import prepared
from .virtual import NOON

LISTED = Rule("listed", Act.SUSPEND, wait=600.0, longest=2000.0)
SLOW = Rule("slow", Act.SLOW_DOWN, wait=60.0, longest=600.0)


@pytest.fixture
def url(database: PostgresServer) -> str:
    return prepared(database.fresh())


@pytest.fixture(scope="module")
def mortal() -> Iterator[PostgresServer]:
    """A server that a test may end and start."""
    server = PostgresServer()
    yield server
    server.stop()


@dataclass
class Server:
    """A worker of one server; its clock may go before."""

    url: str
    name: str
    ahead: float = 0.0
    limit: int = 8
    incidents: list[BaseException] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    told: list[SharedError | None] = field(default_factory=list)
    shed: list[tuple[Place, float]] = field(default_factory=list)
    passed: float = 0.0

    def __post_init__(self) -> None:
        seat = Seat()
        self.line = Line(self.url, self.name)
        self.sites = Sites(Bounds(Learning(self.limit, self.limit)), member=seat)
        opened = self.opened.append
        seats = PostgresSeats(self.line, self.name, grace=-1.0)
        self.seating = Seating(
            self.sites, seats, seat, self.clock, opened, lambda *what: self.shed.append(what)
        )
        self.sharing = Sharing(
            self.sites,
            PostgresShared(self.line, self.clock),
            Member(),
            self.clock,
            self._incident,
            opened,
            self.seating,
            self.told.append,
        )

    def clock(self) -> float:
        return asyncio.get_running_loop().time() + NOON + self.ahead + self.passed

    def _incident(self, error: BaseException) -> str:
        self.incidents.append(error)
        return "I"

    @property
    def terms(self) -> Terms:
        return self.sites.of("google").of("")

    def begin(self) -> int:
        begun = 0
        while isinstance(self.sites.of("google").begin(("",), self.clock()), Grant):
            begun += 1
        self.sites.want(self.sites.of("google"))
        return begun

    def end(self) -> None:
        while self.terms.window.active:
            self.terms.window.end()

    def learn(self, rule: Rule, rate: Rate | None = None) -> None:
        now = self.clock()
        self.terms.begin(now)
        self.terms.badly(now, now, Sign(rule, "listed-by-dnsbl", "550 no", "mx", rate=rate))
        self.terms.window.end()
        self.tell()

    def tell(self) -> None:
        self.terms.changed = self.clock()
        self.sites.touch("google", self.terms)


async def _steps(*servers: Server, times: int = 4) -> None:
    for _ in range(times):
        for server in servers:
            await server.sharing.step()


async def _close(*servers: Server) -> None:
    for server in servers:
        await server.sharing.close()
        await server.line.close()


def test_a_suspension_is_known_to_all_servers_whatever_their_clocks_say_and_so_is_its_end(
    url: str,
) -> None:
    async def main() -> None:
        one, other = Server(url, "one"), Server(url, "other", ahead=3600.0)
        await _steps(one, other)
        one.learn(LISTED)
        await _steps(one, other, times=1)
        mine, theirs = one.terms.suspension, other.terms.suspension
        assert mine is not None
        assert theirs is not None
        assert theirs.until - mine.until == pytest.approx(3600.0, abs=1.0)
        assert (theirs.reason, theirs.rule, theirs.reply) == (Reason.REFUSED, "listed", "550 no")
        assert not other.opened or other.begin() == 0
        other.opened.clear()
        one.terms.resume(one.clock())
        one.tell()
        await _steps(one, other, times=1)
        assert other.terms.suspension is None
        assert other.opened == ["google"]
        await _close(one, other)

    asyncio.run(main())


def test_what_was_read_once_and_what_one_wrote_oneself_is_no_news(url: str) -> None:
    async def main() -> None:
        suspension = Suspension(Reason.TOLD, "c", "r\0", "h", "slow", 10.0, 20.0, 10.0, 2)
        lines = Line(url, "one"), Line(url, "other")
        one, other = (PostgresShared(line, lambda: NOON) for line in lines)
        await one.write([Kept("google", "", NOON, 2.5, 1.5, NOON - 9.0, suspension)])
        assert await one.read(0.0) == []
        (kept,) = await other.read(0.0)
        assert kept.window == 2.5
        assert kept.changed == pytest.approx(NOON, abs=1.0)
        assert kept.suspension is not None
        assert kept.suspension.reply == "r␀"
        assert await other.read(0.0) == []
        await one.write([Kept("google", "", NOON - 50.0, 9.0)])  # older than what is there
        assert await other.read(0.0) == []
        for line in lines:
            await line.close()

    asyncio.run(main())


def test_a_limit_that_a_site_names_holds_for_all_together(url: str) -> None:
    async def main() -> None:
        one, other = Server(url, "one"), Server(url, "other")
        await _steps(one, other)
        one.learn(SLOW, Rate(60, 60.0))
        assert one.terms.pace.interval == pytest.approx(2.0)
        await _steps(one, other, times=1)
        assert other.terms.pace.interval == pytest.approx(2.0)
        third = Server(url, "third")
        await _steps(one, other, third)
        assert [s.terms.pace.interval for s in (one, other, third)] == pytest.approx([3.0] * 3)
        await _close(one, other, third)

    asyncio.run(main())


def test_without_the_database_each_keeps_its_last_share_and_says_so(
    mortal: PostgresServer,
) -> None:
    url = prepared(mortal.fresh())

    async def main() -> None:
        one, other = Server(url, "one"), Server(url, "other")
        await _steps(one, other)
        assert (one.begin(), other.begin()) == (4, 4)
        one.end()
        mortal.crash()
        late = Server(url, "late")
        await _steps(one, other, late, times=2)
        assert [len(server.told) for server in (one, other, late)] == [1, 1, 1]
        assert isinstance(one.told[0], SharedError)
        assert one.sharing.apart
        assert one.seating.part == "1/2"
        assert one.begin() == 4
        assert late.begin() == 1  # it knows nothing of the others
        mortal.start()
        await _steps(one, other, late, times=6)
        assert [server.told[-1] for server in (one, other, late)] == [None, None, None]
        assert not one.sharing.apart
        assert (one.seating.part, late.seating.part) == ("1/3", "1/3")
        for server in (one, other, late):
            server.end()
        await _steps(one, other, late, times=6)
        assert [server.begin() for server in (one, other, late)] == [2, 2, 2]
        assert not (*one.incidents, *other.incidents, *late.incidents)
        await _close(one, other, late)

    asyncio.run(main())


def test_who_comes_with_the_name_of_one_that_has_ended_takes_its_place(url: str) -> None:
    async def main() -> None:
        one = Server(url, "one")
        await _steps(one)
        assert one.begin() == 8
        await one.line.close()  # its process is killed
        again = Server(url, "one")
        await _steps(again)
        assert again.seating.sharers == 1
        assert again.begin() == 8
        await _close(again)

    asyncio.run(main())


def test_who_has_a_smaller_part_lets_connections_leave(url: str) -> None:
    async def main() -> None:
        one, other = Server(url, "one"), Server(url, "other")
        await _steps(one)
        assert one.begin() == 8
        one.end()
        await _steps(one)
        one.shed.clear()
        await _steps(other, one, times=2)
        assert one.shed == [(("google", ""), 4)]
        await _close(one, other)

    asyncio.run(main())
