"""The outbox of webhooks in a SQLite file, which all workers share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import apsw

from ulak.database.shared import SharedFile
from ulak.events.outbox import EventsError, State, Waiting

VERSION = 1
_WAITING = (
    "SELECT number, time, body FROM due JOIN event ON number = event"
    " WHERE hook = ? ORDER BY event LIMIT ?"
)
_OVER = (
    "DELETE FROM due WHERE hook = ?1 AND event <= ("
    "SELECT event FROM due WHERE hook = ?1 ORDER BY event DESC LIMIT 1 OFFSET ?2)"
)
_OLD = (
    "DELETE FROM due WHERE hook = ?1 AND event IN"
    " (SELECT number FROM event JOIN due ON event = number WHERE hook = ?1 AND time < ?2)"
)
_STATE = "SELECT taken, tried, failures, problem, off, dropped FROM hook WHERE name = ?"
_HOW_MANY = (
    "SELECT count(*), coalesce(min(time), 0.0) FROM due JOIN event ON number = event WHERE hook = ?"
)


class SqliteOutbox:
    """Follows `events.outbox.Store`, for any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        schema = files(__package__) / "sql" / "outbox"
        self._file = SharedFile(path, schema, VERSION, error=EventsError, durable=True)

    def add(self, events: Sequence[tuple[float, str, Sequence[str]]], most: int) -> int:
        """Keep events, durably; how many older ones had to go for them."""

        def add(connection: apsw.Connection) -> int:
            hooks: set[str] = set()
            for time, body, names in events:
                connection.execute("INSERT INTO event (time, body) VALUES (?, ?)", (time, body))
                number = connection.last_insert_rowid()
                rows = [(name, number) for name in names]
                connection.executemany("INSERT INTO due (hook, event) VALUES (?, ?)", rows)
                hooks.update(names)
            gone = 0
            for name in hooks:
                connection.execute(_OVER, (name, most))
                gone += _dropped(connection, name)
            return gone

        return self._file.change(add)

    def waiting(self, hook: str, limit: int) -> list[Waiting]:
        """Give what waits for a receiver, oldest first."""
        return self._file.look(
            lambda db: [Waiting(*row) for row in db.execute(_WAITING, (hook, limit))], []
        )

    def taken(self, hook: str, numbers: Sequence[int], now: float) -> None:
        """Note that a receiver has taken these."""

        def taken(connection: apsw.Connection) -> None:
            connection.execute(
                "DELETE FROM due WHERE hook = ? AND event IN (SELECT value FROM json_each(?))",
                (hook, json.dumps(list(numbers))),
            )
            connection.execute(
                "INSERT INTO hook (name, taken, tried) VALUES (?1, ?2, ?2) ON CONFLICT (name)"
                " DO UPDATE SET taken = ?2, tried = ?2, failures = 0, problem = '', off = 0",
                (hook, now),
            )

        self._file.change(taken)

    def failed(self, hook: str, now: float, problem: str, before: float) -> int:
        """Note that an attempt came to nothing, and drop what is too old; how many."""

        def failed(connection: apsw.Connection) -> int:
            connection.execute(
                "INSERT INTO hook (name, tried, failures, problem) VALUES (?1, ?2, 1, ?3)"
                " ON CONFLICT (name) DO UPDATE SET tried = ?2, failures = failures + 1,"
                " problem = ?3",
                (hook, now, problem),
            )
            connection.execute(_OLD, (hook, before))
            return _dropped(connection, hook)

        return self._file.change(failed)

    def switch(self, hook: str, off: float) -> None:
        """Switch a receiver off (since when), or on again (0.0)."""

        def switch(connection: apsw.Connection) -> None:
            connection.execute(
                "INSERT INTO hook (name, off) VALUES (?1, ?2)"
                " ON CONFLICT (name) DO UPDATE SET off = ?2, failures = 0",
                (hook, off),
            )

        self._file.change(switch)

    def state(self, hook: str) -> State:
        """Tell how it stands with a receiver."""

        def state(connection: apsw.Connection) -> State:
            row = connection.execute(_STATE, (hook,)).fetchone()
            count = connection.execute(_HOW_MANY, (hook,)).fetchone()
            return State(*(count or (0, 0.0)), *(row or ()))

        return self._file.look(state, State())

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _dropped(connection: apsw.Connection, hook: str) -> int:
    gone = connection.changes()
    if gone:
        connection.execute(
            "INSERT INTO hook (name, dropped) VALUES (?1, ?2)"
            " ON CONFLICT (name) DO UPDATE SET dropped = dropped + ?2",
            (hook, gone),
        )
    return gone
