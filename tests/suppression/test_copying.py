"""The list of a cluster: what is done at one server holds at all, also after they were apart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.postgresql import PostgresServer

from ulak.database.line import Line
from ulak.queue.sql import postgres as sql
from ulak.suppression.copying import PAGE, Change, Copying, Heard, News
from ulak.suppression.postgres import KEPT, PostgresCluster
from ulak.suppression.sqlite import SqliteSuppressions
from ulak.suppression.sqlite.copy import SqliteCopy
from ulak.suppression.suppressed import Suppressed

NOW = 1_800_000_000.0
BOB = Suppressed("bob@example.net", "", "no-such-mailbox", "550 5.1.1 no such user", "M1", NOW)
NOWHERE = "postgresql://ulak@/postgres?host=/nonexistent"


def fresh(database: PostgresServer) -> str:
    url = database.fresh()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA ulak")
        connection.execute("SET search_path = ulak")
        connection.execute(sql.migration("pre", 1))
    return url


def do(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET search_path = ulak")
        connection.execute(statement)


@dataclass
class Server:
    """One server's copy; `said` is what was told of being apart and together."""

    kept: SqliteSuppressions
    copying: Copying
    said: list[str]

    async def step(self) -> None:
        await self.copying.step()

    @property
    def all(self) -> set[Suppressed]:
        return set(self.kept.list(NOW, limit=100_000)[0])


@asynccontextmanager
async def at(url: str, folder: Path, name: str = "a") -> AsyncIterator[Server]:
    """Start a server, or start it again where it was there before."""
    path = folder / f"{name}.db"
    copy, cluster, said = SqliteCopy(path), PostgresCluster(Line(url, name)), list[str]()

    def incident(error: BaseException) -> str:
        raise error

    copying = Copying(
        copy, cluster, apart=said.append, together=lambda: said.append(""), incident=incident
    )
    server = Server(SqliteSuppressions(path), copying, said)
    try:
        yield server
    finally:
        await cluster.close()
        copy.close()
        server.kept.close()


@asynccontextmanager
async def two(url: str, folder: Path) -> AsyncIterator[tuple[Server, Server]]:
    async with at(url, folder, "a") as a, at(url, folder, "b") as b:
        yield a, b


def test_what_one_server_learns_the_others_know(database: PostgresServer, tmp_path: Path) -> None:
    async def go() -> None:
        async with two(fresh(database), tmp_path) as (a, b):
            await a.step()
            a.kept.add(BOB)
            await a.step()
            await b.step()
            assert b.all == {BOB}
            b.kept.remove(BOB.address)
            await b.step()
            await a.step()
            assert a.all == set()
            assert not a.said + b.said

    asyncio.run(go())


def test_who_joins_brings_what_it_has(database: PostgresServer, tmp_path: Path) -> None:
    async def go() -> None:
        async with two(fresh(database), tmp_path) as (a, b):
            eve = replace(BOB, address="eve@example.net")
            a.kept.add(BOB)
            b.kept.add(eve)
            for each in (a, b, a):
                await each.step()
            assert a.all == b.all == {BOB, eve}

    asyncio.run(go())


def test_many_are_told_in_parts(database: PostgresServer, tmp_path: Path) -> None:
    async def go() -> None:
        async with two(fresh(database), tmp_path) as (a, b):
            async with at(NOWHERE, tmp_path, "a") as apart:
                for number in range(PAGE + 10):
                    apart.kept.add(replace(BOB, address=f"{number}@example.net"))
            await a.step()
            await b.step()
            assert len(b.all) == PAGE + 10

    asyncio.run(go())


def test_apart_each_goes_on_and_says_so_once(database: PostgresServer, tmp_path: Path) -> None:
    async def go() -> None:
        url = fresh(database)
        async with two(url, tmp_path) as (a, b):
            a.kept.add(BOB)
            await a.step()
            await b.step()
        async with at(NOWHERE, tmp_path, "b") as b:
            await b.step()
            b.kept.remove(BOB.address)
            await b.step()
            assert len(b.said) == 1
            assert b.all == set()
        async with two(url, tmp_path) as (a, b):
            await b.step()
            await a.step()
            assert a.all == set()

    asyncio.run(go())


def test_when_they_are_together_again_it_is_said(database: PostgresServer, tmp_path: Path) -> None:
    async def go() -> None:
        url = fresh(database)
        async with at(url, tmp_path) as a:
            await a.step()
            do(url, "ALTER TABLE suppressed RENAME TO away")
            a.kept.add(BOB)
            await a.step()
            await a.step()
            assert len(a.said) == 1
            assert "suppressed" in a.said[0]
            do(url, "ALTER TABLE away RENAME TO suppressed")
            await a.step()
            assert a.said[1:] == [""]

    asyncio.run(go())


def test_a_change_while_another_is_told_is_told_too(
    database: PostgresServer, tmp_path: Path
) -> None:
    async def go() -> None:
        async with two(fresh(database), tmp_path) as (a, b):
            await a.step()
            a.kept.add(BOB)
            copy = SqliteCopy(tmp_path / "a.db")
            before = copy.untold(PAGE)
            later = replace(BOB, reply="550 5.1.1 gone", since=NOW + 1)
            a.kept.add(later)
            copy.told(before)
            assert [each.change.now for each in copy.untold(PAGE)] == [later]
            copy.close()
            await a.step()
            await b.step()
            assert b.all == {later}

    asyncio.run(go())


def test_what_is_heard_does_not_undo_what_is_untold(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    kept, copy = SqliteSuppressions(path), SqliteCopy(path)
    copy.join()
    kept.add(BOB)
    eve = replace(BOB, address="eve@example.net")
    copy.take(News([Change(BOB.address, BOB.whose), Change(eve.address, "", eve)], Heard(2, "x")))
    assert set(kept.list(NOW)[0]) == {BOB, eve}
    assert [each.change.now for each in copy.untold(PAGE)] == [BOB]
    assert copy.heard() == Heard(2, "x")
    copy.close()
    kept.close()


def test_who_was_away_too_long_takes_the_others_word(
    database: PostgresServer, tmp_path: Path
) -> None:
    async def go() -> None:
        url = fresh(database)
        eve, ada = (replace(BOB, address=f"{who}@example.net") for who in ("eve", "ada"))
        async with two(url, tmp_path) as (a, b):
            a.kept.add(BOB)
            await a.step()
            await b.step()
            a.kept.remove(BOB.address)
            await a.step()
            do(url, f"UPDATE suppressed SET gone = now() - interval '{KEPT + 1} days'")
            a.kept.add(eve)
            await a.step()  # and forgets
            assert b.all == {BOB}
            b.kept.add(ada)
            await b.step()
            await a.step()
            assert a.all == b.all == {eve, ada}

    asyncio.run(go())


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE suppressed; UPDATE suppression_list SET seq = 0",
        "TRUNCATE suppressed; UPDATE suppression_list SET seq = 77, name = gen_random_uuid()",
    ],
)
def test_another_or_an_older_database_is_told_all(
    database: PostgresServer, tmp_path: Path, statement: str
) -> None:
    async def go() -> None:
        url = fresh(database)
        async with two(url, tmp_path) as (a, b):
            a.kept.add(BOB)
            await a.step()
            await b.step()
            do(url, statement)
            await a.step()
            async with at(url, tmp_path, "c") as c:
                await c.step()
                assert c.all == {BOB}

    asyncio.run(go())


def test_what_ends_by_itself_ends_everywhere(database: PostgresServer, tmp_path: Path) -> None:
    async def go() -> None:
        url = fresh(database)
        async with two(url, tmp_path) as (a, b):
            await a.step()
            a.kept.add(replace(BOB, until=NOW + 5))
            await a.step()
            await b.step()
            assert b.kept.find(BOB.address, "", NOW) is not None
            assert b.kept.find(BOB.address, "", NOW + 5) is None

    asyncio.run(go())


def test_any_text_can_be_told(database: PostgresServer, tmp_path: Path) -> None:
    async def go() -> None:
        async with two(fresh(database), tmp_path) as (a, b):
            await a.step()
            a.kept.add(replace(BOB, reply="550 \0 ö"))
            await a.step()
            await b.step()
            assert [one.reply for one in b.all] == ["550 \ufffd ö"]

    asyncio.run(go())


def test_who_leaves_keeps_the_list_and_notes_no_more(
    database: PostgresServer, tmp_path: Path
) -> None:
    async def go() -> None:
        async with two(fresh(database), tmp_path) as (a, b):
            b.kept.add(BOB)
            await b.step()
            await a.step()
            copy = SqliteCopy(tmp_path / "a.db")
            copy.leave()
            a.kept.remove(BOB.address)
            a.kept.add(replace(BOB, whose="example.org"))
            assert copy.heard() is None
            assert copy.untold(PAGE) == []
            copy.close()

    asyncio.run(go())


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["add", "remove", "step", "step"]),
        st.sampled_from(["ada", "bob", "eve"]),
        st.sampled_from(["", "example.org"]),
    ),
    max_size=30,
)


@settings(max_examples=25)
@given(STEPS)
def test_whatever_is_done_where_all_agree_in_the_end(
    database: PostgresServer, steps: list[tuple[int, str, str, str]]
) -> None:
    async def go(folder: Path) -> None:
        url = fresh(database)
        async with (
            at(url, folder, "a") as a,
            at(url, folder, "b") as b,
            at(url, folder, "c") as c,
        ):
            servers, last = (a, b, c), dict[tuple[str, str], Suppressed | None]()
            mine: list[dict[tuple[str, str], Suppressed | None]] = [{}, {}, {}]
            for each in servers:
                await each.step()
            for number, (where, what, who, whose) in enumerate(steps):
                here, key = servers[where], (f"{who}@example.net", whose)
                if what == "add":
                    mine[where][key] = replace(BOB, address=key[0], whose=whose, since=NOW + number)
                    here.kept.add(mine[where][key] or BOB)
                elif what == "remove":
                    if here.kept.remove(*key):
                        mine[where][key] = None
                else:
                    await here.step()
                    last.update(mine[where])  # who tells last
                    mine[where].clear()
            for where in (0, 1, 2, 0, 1, 2):
                await servers[where].step()
                last.update(mine[where])
                mine[where].clear()
            wanted = {one for one in last.values() if one is not None}
            assert a.all == b.all == c.all == wanted

    with TemporaryDirectory() as folder:
        asyncio.run(go(Path(folder)))
