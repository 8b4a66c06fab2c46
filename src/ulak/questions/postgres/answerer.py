"""The one who answers: hears of questions, and puts the answers of its member beside them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ulak.questions.postgres.asker import PATIENCE
from ulak.questions.postgres.wire import TROUBLE, answered_on, asked_on, connect, listen, news, soon
from ulak.questions.question import ERROR, Answer, Question, arguments, parts

Answering = Callable[[Question], Awaitable[Answer]]

_FLOOR = 5.0  # seconds between two looks where nothing is heard
_AGAIN = 1.0  # seconds between two tries for the database
_LATE = PATIENCE + 2.0  # seconds after which nobody waits any more
_AT_ONCE = 4  # answers in the making
_MOST = 32  # questions of one look
_OLD = 60  # seconds
_SWEPT = 30.0  # seconds between two looks for old ones

_OPEN = (
    "SELECT id, verb, arguments FROM question q WHERE asker <> %s "
    "AND asked > clock_timestamp() - make_interval(secs => %s) AND id <> ALL(%s) "
    "AND NOT EXISTS (SELECT 1 FROM answer a WHERE a.question = q.id AND a.member = %s) "
    "ORDER BY asked LIMIT %s"
)
# Nothing happens where nobody waits any more.
_ANSWER = (
    "WITH told AS (INSERT INTO answer (question, member, part, last, text) "
    "SELECT q.id, %s, t.n - 1, t.n = %s, t.text FROM question q, "
    "unnest(%s::TEXT[]) WITH ORDINALITY t(text, n) WHERE q.id = %s "
    "ON CONFLICT DO NOTHING) SELECT pg_notify(%s, '')"
)
_SWEEP = "DELETE FROM question WHERE asked < clock_timestamp() - make_interval(secs => %s)"


class Answerer:
    """Answers for the member `me`. `answer` makes an answer; what it raises is told as an error."""

    def __init__(self, url: str, me: str, answer: Answering, schema: str = "ulak") -> None:
        self._url = url
        self._me = me
        self._answer = answer
        self._schema = schema
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._tells: AsyncConnection[TupleRow] | None = None
        self._telling = asyncio.Lock()

    async def run(self) -> None:
        """Hear and answer until it is cancelled."""
        try:
            while True:
                with contextlib.suppress(*TROUBLE):
                    name = f"hears {self._me}"[:60]
                    hears = await connect(self._url, name, self._schema)
                    async with hears:
                        await listen(hears, asked_on(self._schema))
                        await self._hear(hears)
                await asyncio.sleep(_AGAIN)
        finally:
            for task in self._under_way.values():
                task.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)
            if self._tells is not None:
                await self._tells.close()

    async def _hear(self, hears: AsyncConnection[TupleRow]) -> None:
        loop = asyncio.get_running_loop()
        swept = loop.time()
        while True:
            known = list(self._under_way)
            values = (self._me, _LATE, known, self._me, _MOST)
            found = await soon(hears, hears.execute(_OPEN, values))
            for identifier, verb, given in await found.fetchall():
                read = arguments(given)
                question = None if read is None else Question(identifier, verb, read)
                task = loop.create_task(self._tell(identifier, question))
                self._under_way[identifier] = task
            if loop.time() - swept > _SWEPT:
                swept = loop.time()
                await soon(hears, hears.execute(_SWEEP, (_OLD,)))
            await news(hears, _FLOOR)

    async def _tell(self, identifier: str, question: Question | None) -> None:
        try:
            async with asyncio.timeout(_LATE), self._turn:
                answer: Answer = {ERROR: "not-understood"}
                if question is not None:
                    answer = await self._answer(question)
                await self._put(identifier, parts(answer))
        except TROUBLE:
            pass  # whoever asked sees that there is no answer
        finally:
            del self._under_way[identifier]

    async def _put(self, identifier: str, texts: list[str]) -> None:
        values = (self._me, len(texts), texts, identifier, answered_on(identifier))
        async with self._telling:
            kept, self._tells = self._tells, None
            if kept is not None:
                with contextlib.suppress(*TROUBLE):  # it may have died since, unnoticed
                    await self._write(kept, values)
                    return
            fresh = await connect(self._url, f"tells {self._me}"[:60], self._schema)
            await self._write(fresh, values)

    async def _write(
        self, connection: AsyncConnection[TupleRow], values: tuple[object, ...]
    ) -> None:
        try:
            await soon(connection, connection.execute(_ANSWER, values))
        except BaseException:
            await connection.close()
            raise
        self._tells = connection
