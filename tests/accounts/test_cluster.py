"""Servers with one database count guesses and what accounts send together, and alone without it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from tests.delivery.postgres import prepared
from tests.postgresql import PostgresServer

from ulak.accounts.allowance import Allowance, Sent
from ulak.accounts.attempts import Attempts, Rules
from ulak.accounts.elsewhere import Together
from ulak.accounts.postgres import PostgresRecords, PostgresSent
from ulak.accounts.sqlite import SqliteLedger, SqliteRecords
from ulak.accounts.store import AccountsError
from ulak.accounts.together import RecordsTogether
from ulak.database.blocking import Blocking
from ulak.database.line import Line

HOUR = 3600.0
NOON = 500_000 * HOUR
RULES = Rules(ban_after=4, ban_for=900.0, network_factor=100)
IP, ADA = "192.0.2.1", "ada@example.org"


@pytest.fixture(scope="module")
def mortal() -> Iterator[PostgresServer]:
    """A server that a test may end and start."""
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture
def url(mortal: PostgresServer) -> str:
    return prepared(mortal.fresh())


class Server:
    """What one server knows of guesses."""

    def __init__(self, url: str, folder: Path) -> None:
        self.told: list[str | None] = []
        self.database = Blocking(url, "logins", self.told.append)
        self.own = SqliteRecords(folder / "attempts.db")
        self.attempts = Attempts(RecordsTogether(PostgresRecords(self.database), self.own), RULES)

    def fail(self, times: int, now: float = 0.0) -> None:
        for _ in range(times):
            self.attempts.failed(IP, ADA, now)

    def shut(self, now: float = 0.0) -> bool:
        return self.attempts.look_at(IP, now).until > now

    def close(self) -> None:
        self.database.close()
        self.own.close()


@pytest.fixture
def servers(url: str, tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    made = Server(url, tmp_path / "one"), Server(url, tmp_path / "other")
    yield made
    for server in made:
        server.close()


def test_who_guesses_at_one_server_is_shut_out_of_all(servers: tuple[Server, Server]) -> None:
    one, other = servers
    one.fail(2)
    other.fail(1)
    assert not one.shut()
    other.fail(1)
    assert one.shut()
    assert IP in [ban.name for ban in one.attempts.bans(0.0)]
    one.attempts.lift(IP, 0.0)
    assert not other.shut()


def test_without_the_database_each_counts_for_itself_and_knows_whom_it_shut_out(
    servers: tuple[Server, Server], mortal: PostgresServer
) -> None:
    one, other = servers
    one.fail(4)
    assert other.shut()
    with psycopg.connect(mortal.url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")  # else a crash may cost the last moments
    mortal.crash()
    assert one.shut()  # it has written that down itself
    assert not other.shut()
    assert (len(one.told), len(other.told)) == (1, 1)
    other.fail(4)
    assert other.shut()
    assert (len(one.told), len(other.told)) == (1, 1)  # it was said once
    mortal.start()
    _until(lambda: one.told[-1] is other.told[-1] is None)
    assert other.shut()


def _until(what: Callable[[], bool]) -> None:
    for _ in range(600):
        if what():
            return
        time.sleep(0.05)
    raise AssertionError


class Office:
    """What one server lets accounts send."""

    def __init__(self, url: str, folder: Path, name: str) -> None:
        self.now = NOON
        self.told: list[AccountsError | None] = []
        board = PostgresSent(Line(url, name), name)
        book = SqliteLedger(folder / name)
        self.together = Together(book, board, lambda: self.now, self.told.append)

    def take(self, most: int = 10) -> bool:
        may = Allowance(messages=most)
        return self.together.take(ADA, self.now, 2, lambda sent: not may.too_many_messages(sent))

    async def close(self) -> None:
        await self.together.leave()
        self.together.close()


def test_what_an_account_sends_by_several_servers_counts_together(url: str, tmp_path: Path) -> None:
    async def main() -> None:
        one, other = Office(url, tmp_path, "one"), Office(url, tmp_path, "other")
        assert all(one.take() for _ in range(6))
        await one.together.step()
        await other.together.step()
        assert other.together.sent(ADA, NOON) == Sent(6, 12)
        assert [other.take() for _ in range(5)] == [True] * 4 + [False]
        await other.together.step()
        await one.together.step()
        assert one.together.sent(ADA, NOON) == Sent(10, 20)
        assert not one.take()
        for office in (one, other):
            office.now = NOON + 1.5 * HOUR  # half of the hour before counts still
            assert office.together.sent(ADA, office.now) == Sent(5, 10)
            office.now = NOON + 2 * HOUR
            await office.together.step()
            assert office.together.sent(ADA, office.now) == Sent(0, 0)
        await one.close()
        await other.close()

    asyncio.run(main())


def test_without_the_database_each_counts_what_it_takes_and_what_it_knew(
    url: str, tmp_path: Path, mortal: PostgresServer
) -> None:
    async def main() -> None:
        one, other = Office(url, tmp_path, "one"), Office(url, tmp_path, "other")
        assert all(one.take() for _ in range(6))
        await one.together.step()
        await other.together.step()
        mortal.crash()
        assert [other.take() for _ in range(5)] == [True] * 4 + [False]
        for _ in range(2):
            await other.together.step()
            await one.together.step()
        assert [len(office.told) for office in (one, other)] == [1, 1]
        assert isinstance(one.told[0], AccountsError)
        assert one.take()  # of what the other took meanwhile it knows nothing
        mortal.start()
        for office in (one, other, one):
            await office.together.step()
        assert [office.told[-1] for office in (one, other)] == [None, None]
        assert one.together.sent(ADA, NOON) == Sent(11, 22)
        await one.close()
        await other.close()

    asyncio.run(main())


def test_a_worker_tells_the_others_by_itself_while_it_works(url: str, tmp_path: Path) -> None:
    async def main() -> None:
        one, other = Office(url, tmp_path, "one"), Office(url, tmp_path, "other")
        running = [asyncio.create_task(office.together.run()) for office in (one, other)]
        await asyncio.sleep(0)
        assert await asyncio.to_thread(one.take)
        await asyncio.to_thread(_until, lambda: other.together.sent(ADA, NOON) == Sent(1, 2))
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await one.close()
        await other.close()

    asyncio.run(main())
