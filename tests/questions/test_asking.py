"""Nodes ask each other over a real PostgreSQL: who answers, who does not, and what is too much."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.postgresql import PostgresServer

from ulak.questions.postgres import Answerer, Asker
from ulak.questions.postgres.answerer import Answering
from ulak.questions.question import MOST, PART, Answer, Heard, Question
from ulak.queue.postgres import open_store

pytestmark = pytest.mark.timeout(120)

LONG = 60.0  # seconds: who waits so long waits for nothing


@pytest.fixture
def url(database: PostgresServer, tmp_path: Path) -> str:
    """Give a database with the tables."""
    url = database.fresh()

    async def made() -> None:
        store = await open_store(url, tmp_path, "command")
        await store.close()

    asyncio.run(made())
    return url


def join(url: str, *names: str, ago: float = -600.0) -> None:
    """Have members of these names, last heard of some seconds ago."""
    with psycopg.connect(url, autocommit=True) as connection:
        for name in names:
            connection.execute(
                "INSERT INTO ulak.member (name, instance, host, data, version, tables, started, "
                "workers, duty, since, sessions, messages, attempts, epochs, seen, lag) "
                "VALUES (%s, '', '', '', '', 1, now(), 1, 'serving', now(), 0, 0, 0, '{}', "
                "now() - make_interval(secs => %s), 0)",
                (name, ago),
            )


async def says_its_name(question: Question) -> Answer:
    return {"verb": question.verb, "given": dict(question.arguments)}


@asynccontextmanager
async def there(url: str, *names: str, answer: Answering = says_its_name) -> AsyncIterator[None]:
    """Have members that answer."""
    tasks = [
        asyncio.get_running_loop().create_task(Answerer(url, name, answer).run()) for name in names
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def asking(url: str, me: str = "a", patience: float = LONG) -> AsyncIterator[Asker]:
    asker = Asker(url, me, patience=patience)
    try:
        yield asker
    finally:
        await asker.close()


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


async def until_all_answer(asker: Asker) -> Heard:
    """Ask until nobody is silent: those who have just begun to listen may have missed one."""
    while True:
        heard = await asker.ask("now", {"limit": 3})
        if not (heard.silent or heard.away):
            return heard
        await asyncio.sleep(0.05)


def test_all_others_are_asked_and_each_answers_for_itself(url: str) -> None:
    async def work() -> None:
        join(url, "a", "b", "c")
        async with there(url, "a", "b", "c"), asking(url) as asker:
            heard = await asker.ask("now", {"limit": 3})
            told = {"verb": "now", "given": {"limit": 3}}
            assert heard == Heard({"b": told, "c": told})
        with psycopg.connect(url) as connection:
            for table in ("question", "answer"):
                counted = connection.execute(f"SELECT count(*) FROM ulak.{table}")
                assert counted.fetchone() == (0,)

    run(work())


def test_who_is_alone_asks_nobody_and_waits_for_nobody(url: str) -> None:
    async def work() -> None:
        async with asking(url) as asker:
            assert (await asker.ask("now", {})).alone
            join(url, "a")
            assert (await asker.ask("now", {})).alone

    run(work())


def test_who_does_not_answer_is_named_and_not_waited_for_again(url: str) -> None:
    async def work() -> None:
        join(url, "a", "b", "c")
        async with there(url, "b"), asking(url, patience=2.0) as asker:
            heard = await asker.ask("now", {})
            assert (set(heard.answers), heard.silent) == ({"b"}, ("c",))
            assert asker.silent == ("c",)
            asker.patience = LONG * 10  # else this would never end
            heard = await asker.ask("now", {})
            assert (set(heard.answers), heard.silent) == ({"b"}, ("c",))
            async with there(url, "c"):
                assert set((await until_all_answer(asker)).answers) == {"b", "c"}
            assert not asker.silent

    run(work())


def test_who_has_not_been_heard_of_for_long_is_named_and_not_waited_for(url: str) -> None:
    async def work() -> None:
        join(url, "a", "b")
        join(url, "c", ago=70)
        async with there(url, "b"), asking(url, patience=LONG * 10) as asker:
            heard = await asker.ask("now", {})
            assert (set(heard.answers), heard.silent) == ({"b"}, ("c",))

    run(work())


def test_questions_that_come_together_are_all_answered(url: str) -> None:
    async def work() -> None:
        async def slowly(question: Question) -> Answer:
            await asyncio.sleep(0.05)
            return await says_its_name(question)

        join(url, "a", "b", "c")
        async with there(url, "a", "b", "c", answer=slowly), AsyncExitStack() as stack:
            askers = [await stack.enter_async_context(asking(url, who)) for who in "abc"]
            asked = [asker.ask("now", {"n": n}) for n in range(8) for asker in askers]
            for number, heard in enumerate(await asyncio.gather(*asked)):
                assert [a["given"]["n"] for a in heard.answers.values()] == [number // 3] * 2

    run(work())


def test_a_large_answer_comes_whole_and_a_larger_one_not_at_all(url: str) -> None:
    async def work() -> None:
        async def much(question: Question) -> Answer:
            return {"text": "x" * int(question.arguments["size"])}

        join(url, "a", "b")
        async with there(url, "b", answer=much), asking(url) as asker:
            heard = await asker.ask("much", {"size": MOST - 100})
            assert len(heard.answers["b"]["text"]) == MOST - 100
            heard = await asker.ask("much", {"size": MOST})
            assert heard == Heard(silent=("b",))

    run(work())


@pytest.mark.parametrize(
    "text",
    ['{"a": "' + "x" * PART + '"}', "[]", "{", '{"a": 1e999}', '{"error": "incident"}', "[" * PART],
)
def test_what_somebody_else_puts_there_is_no_answer(url: str, text: str) -> None:
    async def work() -> None:
        join(url, "a", "b", "c")

        async def put(question: Question) -> Answer:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(
                    "INSERT INTO ulak.answer VALUES (%s, 'b', 0, TRUE, %s), (%s, 'stranger', 0, "
                    "TRUE, '{}')",
                    (question.id, text, question.id),
                )
            return {}

        async with there(url, "c", answer=put), asking(url) as asker:
            heard = await asker.ask("now", {})
            assert heard == Heard({"c": {}}, ("b",))

    run(work())


def test_a_question_that_is_none_is_answered_and_not_understood(url: str) -> None:
    async def work() -> None:
        async def never(question: Question) -> Answer:
            raise AssertionError(question)

        join(url, "a", "b")
        async with there(url, "b", answer=never):
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(
                    "INSERT INTO ulak.question VALUES ('q', 'somebody', 'now', '[]')"
                )
                connection.execute("SELECT pg_notify('ulak question ulak', '')")
                end = time.monotonic() + LONG
                while True:
                    told = connection.execute("SELECT member, text FROM ulak.answer").fetchall()
                    if told:
                        break
                    assert time.monotonic() < end
                    await asyncio.sleep(0.05)
            assert told == [("b", '{"error":"not-understood"}')]

    run(work())


def test_who_answers_goes_on_when_its_connections_were_cut(url: str) -> None:
    async def work() -> None:
        join(url, "a", "b")
        async with there(url, "b"), asking(url, patience=2.0) as asker:
            await until_all_answer(asker)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            heard = await until_all_answer(asker)
            assert set(heard.answers) == {"b"}

    run(work())


def test_without_the_database_nobody_is_waited_for_and_all_is_well_when_it_is_back() -> None:
    server = PostgresServer()

    async def work(folder: Path) -> None:
        store = await open_store(server.url, folder, "command")
        await store.close()
        join(server.url, "a", "b")
        async with there(server.url, "b"), asking(server.url) as asker:
            await until_all_answer(asker)
            await asyncio.to_thread(server.crash)
            heard = await asker.ask("now", {})
            assert (heard.away, dict(heard.answers), asker.away) == (True, {}, True)
            await asyncio.to_thread(server.start)
            assert set((await until_all_answer(asker)).answers) == {"b"}
            assert not asker.away

    try:
        run(work(server.folder / "spool"))
    finally:
        server.stop()
