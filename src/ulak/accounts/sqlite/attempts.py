"""The records of failed logins in a SQLite file that all workers share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import apsw

from ulak.accounts.attempts import Change, Key, Kind, Record
from ulak.accounts.sqlite.file import opened

VERSION = 1
_SELECT = "SELECT count, at, bans, until FROM record WHERE kind = ? AND name = ?"
_PUT = "INSERT OR REPLACE INTO record (kind, name, count, at, bans, until) VALUES (?,?,?,?,?,?)"
_DROP = "DELETE FROM record WHERE kind = ? AND name = ?"
_SHUT_OUT = "SELECT kind, name, count, at, bans, until FROM record WHERE until > max(?, 0)"
_TOO_MANY = """
    DELETE FROM record WHERE (kind, name) IN (
        SELECT kind, name FROM record WHERE kind = ?1 ORDER BY until > ?2, at
        LIMIT max(0, (SELECT count(*) FROM record WHERE kind = ?1) - ?3)
    )
"""


class SqliteRecords:
    """Follows `accounts.attempts.Records`, for any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        self._file = opened(path, "attempts", VERSION, durable=False)

    def read(self, keys: Collection[Key]) -> dict[Key, Record]:
        """Give those of the records that there are."""
        return self._file.look(lambda db: _read(db, keys), {})

    def update(self, keys: Collection[Key], change: Change) -> None:
        """Change records in one transaction."""

        def update(connection: apsw.Connection) -> None:
            for key, record in change(_read(connection, keys)).items():
                if record is None:
                    connection.execute(_DROP, key)
                else:
                    row = (*key, record.count, record.at, record.bans, record.until)
                    connection.execute(_PUT, row)

        self._file.change(update)

    def banned(self, now: float) -> dict[Key, Record]:
        """Give the records of all who are shut out now."""

        def banned(connection: apsw.Connection) -> dict[Key, Record]:
            return {
                Key(Kind(kind), name): Record(*rest)
                for kind, name, *rest in connection.execute(_SHUT_OUT, (now,))
            }

        return self._file.look(banned, {})

    def trim(self, now: float, keep: Mapping[Kind, float], most: int) -> None:
        """Forget records that are too old or too many."""

        def trim(connection: apsw.Connection) -> None:
            for kind, age in keep.items():
                too_old = "DELETE FROM record WHERE kind = ? AND at < ?"
                connection.execute(too_old, (kind.value, now - age))
                connection.execute(_TOO_MANY, (kind.value, now, most))

        self._file.change(trim)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _read(connection: apsw.Connection, keys: Collection[Key]) -> dict[Key, Record]:
    found = {}
    for key in keys:
        row = connection.execute(_SELECT, key).fetchone()
        if row is not None:
            found[key] = Record(*row)
    return found
