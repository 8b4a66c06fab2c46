"""The suppression list that the servers of a cluster have together, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ulak.database.line import AwayError, Line
from ulak.suppression.copying import ApartError, Change, Heard, News
from ulak.suppression.suppressed import Suppressed

T = TypeVar("T")

KEPT = 90  # days for which it is known that somebody was taken off

_TELL = """
INSERT INTO suppressed AS s (address, whose, cause, reply, message, since, until, seq, gone)
SELECT address, whose, cause, reply, message, since, until, %(last)s - %(count)s + n,
    CASE WHEN there THEN NULL ELSE now() END
FROM unnest(%(address)s::text[], %(whose)s::text[], %(there)s::bool[], %(cause)s::text[],
    %(reply)s::text[], %(message)s::text[], %(since)s::float8[], %(until)s::float8[])
    WITH ORDINALITY AS t(address, whose, there, cause, reply, message, since, until, n)
ON CONFLICT (address, whose) DO UPDATE SET cause = excluded.cause, reply = excluded.reply,
    message = excluded.message, since = excluded.since, until = excluded.until,
    seq = excluded.seq, gone = excluded.gone
"""
# Who counts on waits for who counted before: no number is seen before all lower ones are there.
_NUMBERS = "UPDATE suppression_list SET seq = seq + %s RETURNING seq"
_NAME = "SELECT seq, forgotten, name::text FROM suppression_list"
_NEWS = """
SELECT address, whose, cause, reply, message, since, until, seq, gone IS NOT NULL
FROM suppressed WHERE seq > %s ORDER BY seq LIMIT %s
"""
_TIDY = """
WITH old AS (DELETE FROM suppressed WHERE gone < now() - make_interval(days => %s)
    RETURNING seq)
UPDATE suppression_list SET forgotten = greatest(forgotten, (SELECT max(seq) FROM old))
WHERE EXISTS (SELECT 1 FROM old)
"""
_ENDED = """
DELETE FROM suppressed WHERE until > 0 AND until < extract(epoch FROM now()) - 86400
"""


class PostgresCluster:
    """Follows `suppression.copying.Cluster`."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def tell(self, changes: Sequence[Change]) -> None:
        """Make changes, durably."""
        # One that is changed twice is told as it is last: a statement may touch a row once.
        last = {(change.address, change.whose): change for change in changes}
        rows = [
            (one.address, one.whose, one.now is not None, one.now or Suppressed(one.address))
            for one in last.values()
        ]
        values = {
            "count": len(rows),
            "address": [_text(address) for address, *_ in rows],
            "whose": [_text(whose) for _, whose, *_ in rows],
            "there": [there for _, _, there, _ in rows],
            "cause": [_text(now.cause) for *_, now in rows],
            "reply": [_text(now.reply) for *_, now in rows],
            "message": [_text(now.message) for *_, now in rows],
            "since": [now.since for *_, now in rows],
            "until": [now.until for *_, now in rows],
        }

        async def tell(connection: AsyncConnection[TupleRow]) -> None:
            async with connection.transaction():
                await connection.execute("SET LOCAL synchronous_commit = on")
                numbered = await connection.execute(_NUMBERS, (len(rows),))
                (last,) = await numbered.fetchone() or (0,)
                await connection.execute(_TELL, {**values, "last": last})
                await connection.execute(_TIDY, (KEPT,))
                await connection.execute(_ENDED)

        await self._do(tell)

    async def news(self, heard: Heard, limit: int) -> News:
        """Give what is new to who has heard so much."""

        async def look(connection: AsyncConnection[TupleRow]) -> News:
            async with connection.transaction():
                # One moment for both questions.
                await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                numbers = await connection.execute(_NAME)
                last, forgotten, name = await numbers.fetchone() or (0, 0, "")
                if heard.seq and (last < heard.seq or name != heard.name):
                    return News(other=True)
                if 0 < heard.seq < forgotten:
                    return News(forgotten=True)
                rows = await (await connection.execute(_NEWS, (heard.seq, limit))).fetchall()
            changes = [
                Change(row[0], row[1], None if row[8] else Suppressed(*row[:7])) for row in rows
            ]
            return News(changes, Heard(rows[-1][7] if rows else last, name))

        return await self._do(look)

    async def close(self) -> None:
        """Let go of it."""
        await self._line.close()

    async def _do(self, step: Callable[[AsyncConnection[TupleRow]], Awaitable[T]]) -> T:
        try:
            return await self._line.do(step)
        except AwayError as error:
            raise ApartError(error.problem) from error


def _text(text: str) -> str:
    """Give a text as PostgreSQL can keep it: a reply may have anything in it."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
