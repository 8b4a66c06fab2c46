"""Answers that the servers of a cluster have together, in PostgreSQL.

The table is not logged: after a crash of the database it is empty, and is filled again.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from ulak.database.connecting import Connection
from ulak.database.line import AwayError, Line
from ulak.dns.records import Answer, Status
from ulak.dns.shelf import Question, ShelfError

T = TypeVar("T")

_LONGEST = 3600  # seconds: lists take addresses off, and say so by shorter lives
_MOST = 200_000  # rows
_TRIM_EVERY = 100  # times that something is left between two looks at how many there are
_FIND = """
    SELECT name, kind, status, records, canonical,
        (until - extract(epoch FROM clock_timestamp()))::INTEGER
    FROM dns_answer
    WHERE (name, kind) IN (SELECT * FROM unnest(%s::TEXT[], %s::TEXT[]))
        AND until > extract(epoch FROM clock_timestamp()) + 1
"""
_LEAVE = """
    INSERT INTO dns_answer (name, kind, status, records, canonical, until)
    SELECT DISTINCT ON (name, kind) name, kind, status, records, canonical,
        extract(epoch FROM clock_timestamp()) + life
    FROM json_to_recordset(%s) AS new(name TEXT, kind TEXT, status TEXT, records TEXT,
        canonical TEXT, life DOUBLE PRECISION)
    ORDER BY name, kind
    ON CONFLICT (name, kind) DO UPDATE SET status = excluded.status, records = excluded.records,
        canonical = excluded.canonical, until = excluded.until
"""
_OVER = "DELETE FROM dns_answer WHERE until < extract(epoch FROM clock_timestamp())"
_TOO_MANY = """
    DELETE FROM dns_answer WHERE until <= (
        SELECT until FROM dns_answer ORDER BY until DESC OFFSET %s LIMIT 1)
"""


class PostgresShelf:
    """Follows `dns.shelf.Shelf`."""

    def __init__(self, line: Line, most: int = _MOST) -> None:
        self._line = line
        self._most = most
        self._times = 0

    async def find(self, questions: Sequence[Question]) -> Mapping[Question, Answer]:
        """Give the answers that there are, with what is left of their lives."""
        values = [name for name, _ in questions], [kind for _, kind in questions]

        async def step(connection: Connection) -> Mapping[Question, Answer]:
            rows = await (await connection.execute(_FIND, values)).fetchall()
            return {(row[0], row[1]): _answer(row) for row in rows}

        return await self._do(step)

    async def leave(self, answers: Sequence[Answer]) -> None:
        """Leave answers for the others."""
        rows = json.dumps([_record(answer) for answer in answers])

        async def step(connection: Connection) -> None:
            await connection.execute(_LEAVE, (rows,))
            self._times += 1
            if self._times % _TRIM_EVERY == 1:
                await connection.execute(_OVER)
                await connection.execute(_TOO_MANY, (self._most,))

        await self._do(step)

    async def close(self) -> None:
        """Let go of the database."""
        await self._line.close()

    async def _do(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            return await self._line.do(step)
        except AwayError as error:
            raise ShelfError(error.problem) from error


def _record(answer: Answer) -> dict[str, Any]:
    # Octets as hexadecimal digits, text as it is: an address, or a name.
    records = [
        record.hex() if isinstance(record, bytes) else [record]
        for record in answer.records
        if isinstance(record, str | bytes)
    ]
    return {
        "name": answer.name,
        "kind": answer.kind,
        "status": answer.status.value,
        "records": json.dumps(records),
        "canonical": answer.canonical,
        "life": min(answer.ttl, _LONGEST),
    }


def _answer(row: tuple[Any, ...]) -> Answer:
    name, kind, status, records, canonical, ttl = row
    read = tuple(
        bytes.fromhex(record) if isinstance(record, str) else str(record[0])
        for record in json.loads(records)
    )
    return Answer(name, kind, Status(status), read, int(ttl), canonical)
