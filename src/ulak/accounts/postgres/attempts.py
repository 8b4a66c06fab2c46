"""The records of failed logins in a database that all servers of a cluster share."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from ulak.accounts.attempts import Change, Key, Kind, Record
from ulak.accounts.store import AccountsError
from ulak.database.blocking import Blocking
from ulak.database.connecting import Connection
from ulak.database.line import AwayError

T = TypeVar("T")

_READ = (
    "SELECT kind, name, count, at, bans, until FROM login_record "
    "WHERE (kind, name) IN (SELECT * FROM unnest(%s::TEXT[], %s::TEXT[]))"
)
_SHUT_OUT = (
    "SELECT kind, name, count, at, bans, until FROM login_record WHERE until > greatest(%s, 0)"
)
_PUT = """
    INSERT INTO login_record (kind, name, count, at, bans, until)
    SELECT kind, name, count, at, bans, until FROM json_to_recordset(%s) AS new(
        kind TEXT, name TEXT, count DOUBLE PRECISION, at DOUBLE PRECISION, bans INTEGER,
        until DOUBLE PRECISION)
    ON CONFLICT (kind, name) DO UPDATE SET count = excluded.count, at = excluded.at,
        bans = excluded.bans, until = excluded.until
"""
_DROP = """
    DELETE FROM login_record
    WHERE (kind, name) IN (SELECT * FROM unnest(%s::TEXT[], %s::TEXT[]))
"""
# Who counts waits for who counts: a failure is rare, and has taken the time of a hash.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('ulak logins', 0))"
_TOO_OLD = "DELETE FROM login_record WHERE kind = %s AND at < %s"
_TOO_MANY = """
    DELETE FROM login_record WHERE (kind, name) IN (
        SELECT kind, name FROM login_record WHERE kind = %(kind)s
        ORDER BY until > %(now)s, at
        LIMIT greatest(0, (SELECT count(*) FROM login_record WHERE kind = %(kind)s) - %(most)s)
    )
"""


class PostgresRecords:
    """Follows `accounts.attempts.Records`, for any number of threads and servers."""

    def __init__(self, database: Blocking) -> None:
        self._database = database

    def read(self, keys: Collection[Key]) -> dict[Key, Record]:
        """Give those of the records that there are."""
        return self._do(lambda connection: _read(connection, keys))

    def update(self, keys: Collection[Key], change: Change) -> None:
        """Change records in one transaction."""

        async def step(connection: Connection) -> None:
            async with connection.pipeline(), connection.transaction():
                await connection.execute(_ONE_AT_A_TIME)
                changed = change(await _read(connection, keys))
                fresh = [_row(key, record) for key, record in changed.items() if record is not None]
                if fresh:
                    await connection.execute(_PUT, (json.dumps(fresh),))
                gone = [key for key, record in changed.items() if record is None]
                if gone:
                    await connection.execute(_DROP, _names(gone))

        self._do(step)

    def banned(self, now: float) -> dict[Key, Record]:
        """Give the records of all who are shut out now."""

        async def step(connection: Connection) -> dict[Key, Record]:
            found = await connection.execute(_SHUT_OUT, (now,))
            return dict(map(_record, await found.fetchall()))

        return self._do(step)

    def trim(self, now: float, keep: Mapping[Kind, float], most: int) -> None:
        """Forget records that are too old or too many."""

        async def step(connection: Connection) -> None:
            for kind, age in keep.items():
                await connection.execute(_TOO_OLD, (kind.value, now - age))
                values = {"kind": kind.value, "now": now, "most": most}
                await connection.execute(_TOO_MANY, values)

        self._do(step)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def _do(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            return self._database.do(step)
        except AwayError as error:
            where = "the database of the queue"
            raise AccountsError(where, error.problem) from error


async def _read(connection: Connection, keys: Collection[Key]) -> dict[Key, Record]:
    names = {_text(key.name): key.name for key in keys}
    found = await connection.execute(_READ, _names(keys))
    rows = map(_record, await found.fetchall())
    return {Key(key.kind, names.get(key.name, key.name)): record for key, record in rows}


def _names(keys: Collection[Key]) -> tuple[list[str], list[str]]:
    return [key.kind.value for key in keys], [_text(key.name) for key in keys]


def _row(key: Key, record: Record) -> dict[str, Any]:
    return {"kind": key.kind.value, "name": _text(key.name), **asdict(record)}


def _record(row: tuple[Any, ...]) -> tuple[Key, Record]:
    kind, name, *rest = row
    return Key(Kind(kind), name), Record(*rest)


def _text(text: str) -> str:
    """Give a text as PostgreSQL takes it, which knows no NUL and no half of a pair."""
    return text.replace("\0", "␀").encode("utf-8", "replace").decode()
