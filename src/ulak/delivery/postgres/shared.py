"""What workers know of sites, in a database that all nodes share.

Times are kept by the database's clock, so that the clocks of nodes need not agree.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, TypeVar
from uuid import uuid4

from ulak.database.connecting import Connection
from ulak.database.line import AwayError, Line
from ulak.delivery.site.shared import Kept, Place, SharedError
from ulak.delivery.site.suspension import Reason, Suspension

T = TypeVar("T")

_MOST = 100_000  # rows that are kept; what was learned longest ago goes first
_TRIM_EVERY = 200  # writes between two looks at how many there are
_OVERLAP = 10.0  # seconds that are read twice: a transaction is seen when it ends
_READ = """
    SELECT site, source, changed, attempts, interval, learned, suspension, writer, noted
    FROM site_terms WHERE noted >= %s ORDER BY noted
"""
_FIRST = """
    SELECT site, source, changed, attempts, interval, learned, suspension, writer, noted
    FROM site_terms WHERE changed >= %s ORDER BY noted
"""
_WRITE = """
    INSERT INTO site_terms AS known (site, source, changed, attempts, interval, learned,
        suspension, writer, noted)
    SELECT site, source, changed, attempts, interval, learned, suspension, %s,
        extract(epoch FROM clock_timestamp())
    FROM json_to_recordset(%s) AS new(site TEXT, source TEXT, changed DOUBLE PRECISION,
        attempts DOUBLE PRECISION, interval DOUBLE PRECISION, learned DOUBLE PRECISION,
        suspension TEXT)
    ORDER BY site, source
    ON CONFLICT (site, source) DO UPDATE SET changed = excluded.changed,
        attempts = excluded.attempts, interval = excluded.interval, learned = excluded.learned,
        suspension = excluded.suspension, writer = excluded.writer, noted = excluded.noted
    WHERE excluded.changed >= known.changed
"""
_TOO_MANY = """
    DELETE FROM site_terms WHERE (site, source) IN (
        SELECT site, source FROM site_terms ORDER BY changed
        LIMIT greatest(0, (SELECT count(*) FROM site_terms) - %s)
    )
"""
_NOW = "SELECT extract(epoch FROM clock_timestamp())::DOUBLE PRECISION"


class PostgresShared:
    """Follows `site.shared.Shared`; limits are shared by `PostgresSeats`. `clock`: the worker's."""

    def __init__(self, line: Line, clock: Callable[[], float]) -> None:
        self._line = line
        self._clock = clock
        self._writer = uuid4().hex  # what one has written oneself is no news
        self._read = 0.0  # up to when, by the database's clock
        self._seen: dict[Place, float] = {}  # when what was read last was noted
        self._ahead: float | None = None  # seconds by which the database's clock is before ours
        self._writes = 0

    async def read(self, since: float) -> Sequence[Kept]:
        """Give what others have changed since this was asked last; at first, since then."""

        async def step(connection: Connection) -> tuple[float, list[tuple[Any, ...]]]:
            begun = self._clock()
            now = await _now(connection)
            self._set(now - (begun + self._clock()) / 2)
            if self._read:
                found = await connection.execute(_READ, (self._read - _OVERLAP,))
            else:
                found = await connection.execute(_FIRST, (since + self._before,))
            return now, await found.fetchall()

        self._read, rows = await self._do(step)
        news = [row for row in rows if self._seen.get((row[0], row[1])) != row[8]]
        self._seen = {(row[0], row[1]): row[8] for row in rows}
        return [_kept(row, -self._before) for row in news if row[7] != self._writer]

    async def write(self, kept: Sequence[Kept]) -> None:
        """Keep these, but those of which something newer is there."""

        async def step(connection: Connection) -> None:
            if self._ahead is None:
                self._set(await _now(connection) - self._clock())
            records = json.dumps([_record(each, self._before) for each in kept])
            await connection.execute(_WRITE, (self._writer, records))
            self._writes += 1
            if self._writes % _TRIM_EVERY == 1:
                await connection.execute(_TOO_MANY, (_MOST,))

        await self._do(step)

    async def claim(self, place: Place, slots: int, holder: int, now: float, until: float) -> bool:
        """Give nothing: what is claimed lies with the seats."""
        del place, slots, holder, now, until
        return False

    async def release(self, place: Place, holder: int) -> None:
        """Do nothing: nothing was given."""

    @property
    def _before(self) -> float:
        return self._ahead or 0.0

    def _set(self, ahead: float) -> None:
        """Note how far apart the clocks are, where that has changed: what was told stays told."""
        if self._ahead is None or abs(ahead - self._ahead) > 1.0:
            self._ahead = ahead

    async def _do(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            return await self._line.do(step)
        except AwayError as error:
            raise away(error) from error


def away(error: AwayError) -> SharedError:
    """Say that the database could not be asked."""
    return SharedError("the database of the queue", error.problem)


async def _now(connection: Connection) -> float:
    row = await (await connection.execute(_NOW)).fetchone()
    assert row is not None  # noqa: S101 -- it has no table to be missing from
    return float(row[0])


def _record(kept: Kept, ahead: float) -> dict[str, Any]:
    kept = _moved(kept, ahead)
    suspension = None if kept.suspension is None else json.dumps(asdict(kept.suspension))
    return {
        "site": _text(kept.site),
        "source": kept.source,
        "changed": kept.changed,
        "attempts": kept.window,
        "interval": kept.interval,
        "learned": kept.learned,
        "suspension": None if suspension is None else _text(suspension),
    }


def _text(text: str) -> str:
    """Give a text as PostgreSQL takes it, which knows no NUL."""
    return text.replace("\0", "␀").replace("\\u0000", "␀")


def _kept(row: tuple[Any, ...], ahead: float) -> Kept:
    site, source, changed, attempts, interval, learned, text = row[:7]
    suspension = None
    if text is not None:
        told = json.loads(text)
        suspension = Suspension(**(told | {"reason": Reason(told["reason"])}))
    return _moved(Kept(site, source, changed, attempts, interval, learned, suspension), ahead)


def _moved(kept: Kept, by: float) -> Kept:
    """Give the same by another clock."""
    suspension = kept.suspension
    if suspension is not None:
        suspension = replace(suspension, since=suspension.since + by, until=suspension.until + by)
    learned = kept.learned + by if kept.learned else 0.0
    return replace(kept, changed=kept.changed + by, learned=learned, suspension=suspension)
