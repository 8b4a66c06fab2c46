"""What workers know of sites, in a SQLite file that they share."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from importlib.resources import files
from pathlib import Path

import apsw

from ulak.database.shared import SharedFile
from ulak.delivery.site.share import Asked, granted
from ulak.delivery.site.shared import Kept, Place, SharedError
from ulak.delivery.site.suspension import Reason, Suspension

VERSION = 1
_MOST = 20_000  # rows that are kept; what was learned longest ago goes first
_READ = """
    SELECT site, source, changed, attempts, interval, learned, suspension FROM terms
    WHERE changed >= ? ORDER BY changed
"""
_WRITE = """
    INSERT INTO terms VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET changed = excluded.changed, attempts = excluded.attempts,
        interval = excluded.interval, learned = excluded.learned, suspension = excluded.suspension
    WHERE excluded.changed >= changed
"""
_TOO_MANY = """
    DELETE FROM terms WHERE (site, source) IN (
        SELECT site, source FROM terms ORDER BY changed
        LIMIT max(0, (SELECT count(*) FROM terms) - ?)
    )
"""
_CLAIMS = "SELECT worker, since, last, until FROM claim WHERE site = ? AND source = ?"
_GONE = "DELETE FROM claim WHERE site = ? AND source = ? AND worker = ?"


class SqliteShared:
    """Follows `site.shared.Shared`, for any number of processes."""

    def __init__(self, path: Path) -> None:
        schema = files(__package__) / "sql"
        self._file = SharedFile(path, schema, VERSION, error=SharedError, durable=False)

    async def read(self, since: float) -> Sequence[Kept]:
        """Give what has changed since then."""

        def read(connection: apsw.Connection) -> list[Kept]:
            return list(_kept(connection.execute(_READ, (since,))))

        return await asyncio.to_thread(self._file.look, read, [])

    async def write(self, kept: Sequence[Kept]) -> None:
        """Keep these, but those of which something newer is there."""

        def write(connection: apsw.Connection) -> None:
            connection.executemany(_WRITE, [_row(each) for each in kept])
            connection.execute(_TOO_MANY, (_MOST,))

        await asyncio.to_thread(self._file.change, write)

    async def claim(self, place: Place, slots: int, holder: int, now: float, until: float) -> bool:
        """Take a slot, or hold on to it."""

        def claim(connection: apsw.Connection) -> bool:
            rows = connection.execute(_CLAIMS, place).fetchall()
            asked = {int(str(worker)): Asked(*_numbers(times)) for worker, *times in rows}
            own = asked.get(holder, Asked(now, now))
            asked[holder] = own = replace(own, last=now)
            given = granted(asked, holder, slots, now)
            row = (*place, holder, own.since, now, until if given else own.until)
            connection.execute("INSERT OR REPLACE INTO claim VALUES (?, ?, ?, ?, ?, ?)", row)
            return given

        return await asyncio.to_thread(self._file.change, claim)

    async def release(self, place: Place, holder: int) -> None:
        """Give a slot back."""

        def release(connection: apsw.Connection) -> None:
            connection.execute(_GONE, (*place, holder))

        await asyncio.to_thread(self._file.change, release)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _row(kept: Kept) -> tuple[str | float | None, ...]:
    suspension = None if kept.suspension is None else json.dumps(asdict(kept.suspension))
    return (
        kept.site,
        kept.source,
        kept.changed,
        kept.window,
        kept.interval,
        kept.learned,
        suspension,
    )


def _kept(rows: Iterable[tuple[object, ...]]) -> Iterable[Kept]:
    for site, source, *numbers, text in rows:
        changed, window, interval, learned = _numbers(numbers)
        suspension = None if text is None else _suspension(str(text))
        yield Kept(str(site), str(source), changed, window, interval, learned, suspension)


def _numbers(row: Iterable[object]) -> Iterable[float]:
    return [float(str(number)) for number in row]


def _suspension(text: str) -> Suspension:
    told = json.loads(text)
    return Suspension(**(told | {"reason": Reason(told["reason"])}))
