"""The one who asks: posts a question, and waits until all have answered or patience is over."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Mapping

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ulak.questions.postgres import there
from ulak.questions.postgres.wire import TROUBLE, answered_on, asked_on, connect, listen, news, soon
from ulak.questions.question import MOST_OF_ALL, MOST_PARTS, PART, Answer, Heard, packed, whole

PATIENCE = 2.5  # seconds for all to answer
_HASTE = 0.3  # seconds for those who did not answer the last time
_FORGIVEN = 20.0  # seconds after which they are waited for as the others are
_AWAY = 5.0  # seconds for which a database that is away is not tried again
_KEPT = 2  # connections that are not in use

_ASK = (
    "WITH asked AS (INSERT INTO question (id, asker, verb, arguments) VALUES (%s, %s, %s, %s)) "
    "SELECT pg_notify(%s, '')"
)
_DONE = "SELECT member FROM answer WHERE question = %s AND last"
# What is too long is not even fetched. It then has a part too few, and is no answer.
_ANSWERS = (
    "SELECT member, part, last, text FROM (SELECT member, part, last, text, "
    "sum(octet_length(text)) OVER (ORDER BY member, part) AS size FROM answer "
    "WHERE question = %s AND part BETWEEN 0 AND %s AND octet_length(text) <= %s) a "
    "WHERE size <= %s ORDER BY member, part"
)
_FORGET = "DELETE FROM question WHERE id = %s"


class Asker:
    """Asks all live members but `me`. In the loop in which it is used first.

    Who did not answer is asked again the next time, and waited for less.
    """

    def __init__(
        self, url: str, me: str, schema: str = "ulak", *, patience: float = PATIENCE
    ) -> None:
        self._url = url
        self.me = me
        self._schema = schema
        self.patience = patience
        self._idle: list[AsyncConnection[TupleRow]] = []
        self._silent: dict[str, float] = {}
        self._away_until = 0.0

    @property
    def silent(self) -> tuple[str, ...]:
        """Those who did not answer when they were last asked."""
        return tuple(sorted(self._silent))

    @property
    def away(self) -> bool:
        """Whether the database was not there when it was last needed."""
        return self._away_until > 0

    async def ask(self, verb: str, arguments: Answer) -> Heard:
        """Ask, and give what was heard. Never raises for what the world does."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._away_until:
            return Heard(silent=self.silent, away=True)
        connection: AsyncConnection[TupleRow] | None = None
        try:
            # One that was kept may have died since: then it is tried once more with a new one.
            while self._idle:
                connection = self._idle.pop()
                if not connection.closed:
                    with contextlib.suppress(*TROUBLE):
                        return await self._heard(connection, verb, arguments)
                    await connection.close()
            connection = await connect(self._url, f"asks {self.me}"[:60], self._schema)
            return await self._heard(connection, verb, arguments)
        except TROUBLE:
            self._away_until = loop.time() + _AWAY
            if connection is not None:
                await connection.close()
            return Heard(silent=self.silent, away=True)

    async def close(self) -> None:
        """Let go of the database."""
        while self._idle:
            await self._idle.pop().close()

    async def _heard(
        self, connection: AsyncConnection[TupleRow], verb: str, arguments: Answer
    ) -> Heard:
        try:
            heard = await self._converse(connection, verb, arguments)
        except asyncio.CancelledError:
            await connection.close()
            raise
        self._away_until = 0.0
        if len(self._idle) < _KEPT:
            self._idle.append(connection)
        else:
            await connection.close()
        return heard

    async def _converse(
        self, connection: AsyncConnection[TupleRow], verb: str, arguments: Answer
    ) -> Heard:
        lives = await there.others(connection, self.me)
        if not lives:
            self._silent.clear()
            return Heard()
        expected = frozenset(lives)
        question = secrets.token_hex(16)
        await listen(connection, answered_on(question))
        values = (question, self.me, verb, packed(arguments), asked_on(self._schema))
        await soon(connection, connection.execute(_ASK, values))
        await self._wait(connection, question, lives)
        bounds = (question, MOST_PARTS - 1, PART, MOST_OF_ALL)
        found = await soon(connection, connection.execute(_ANSWERS, bounds))
        rows = await found.fetchall()
        await soon(connection, connection.execute(_FORGET, (question,)))
        await soon(connection, connection.execute("UNLISTEN *"))
        read: dict[str, list[tuple[int, bool, str]]] = {}
        for member, part, last, text in rows:
            if member in expected:
                read.setdefault(member, []).append((part, last, text))
        answers = {
            member: answer for member, parts in read.items() if (answer := whole(parts)) is not None
        }
        self._remember(expected, frozenset(answers))
        return Heard(answers, tuple(sorted(expected - answers.keys())))

    async def _wait(
        self, connection: AsyncConnection[TupleRow], question: str, lives: Mapping[str, bool]
    ) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        doubted = {name for name, when in self._silent.items() if begun - when < _FORGIVEN}
        doubted |= {name for name, heard_of in lives.items() if not heard_of}
        waiting = set(lives)
        while waiting:
            end = begun + (min(_HASTE, self.patience) if waiting <= doubted else self.patience)
            left = end - loop.time()
            if left <= 0:
                return
            await news(connection, left)
            found = await soon(connection, connection.execute(_DONE, (question,)))
            waiting -= {str(name) for (name,) in await found.fetchall()}

    def _remember(self, expected: frozenset[str], answered: frozenset[str]) -> None:
        now = asyncio.get_running_loop().time()
        self._silent = dict.fromkeys(expected - answered, now)
