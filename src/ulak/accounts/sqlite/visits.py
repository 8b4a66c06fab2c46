"""Who is in the console, in a SQLite file."""

from __future__ import annotations

from pathlib import Path

import apsw

from ulak.accounts.sqlite.file import opened
from ulak.accounts.visits import Rules, Visit

VERSION = 1
_COLUMNS = "account, changed, begun, seen, ip"
_PUT = f"INSERT INTO visit (token, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"
_SELECT = f"SELECT {_COLUMNS} FROM visit"
_OVER = "DELETE FROM visit WHERE seen <= ? OR begun <= ?"
_TOO_MANY = """
    DELETE FROM visit WHERE token IN (
        SELECT token FROM visit WHERE account = ?1 OR ?1 = '' ORDER BY seen DESC, begun DESC
        LIMIT -1 OFFSET ?2
    )
"""


class SqliteVisits:
    """Follows `accounts.visits.Kept`, for any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        self._file = opened(path, "visits", VERSION, durable=True)  # who has logged out stays out

    def begin(self, token: bytes, visit: Visit, rules: Rules) -> None:
        """Add a visit, and make room for it."""

        def begin(connection: apsw.Connection) -> None:
            now = visit.begun
            connection.execute(_OVER, (now - rules.idle, now - rules.longest))
            connection.execute(_TOO_MANY, (visit.account, rules.most_each - 1))
            connection.execute(_TOO_MANY, ("", rules.most - 1))
            row = (token, visit.account, visit.changed, visit.begun, visit.seen, visit.ip)
            connection.execute(_PUT, row)

        self._file.change(begin)

    def find(self, token: bytes) -> Visit | None:
        """Give a visit."""

        def find(connection: apsw.Connection) -> Visit | None:
            row = connection.execute(f"{_SELECT} WHERE token = ?", (token,)).fetchone()
            return None if row is None else Visit(*row)

        return self._file.look(find, None)

    def seen(self, token: bytes, now: float) -> None:
        """Note that the visitor was seen."""
        note = "UPDATE visit SET seen = ? WHERE token = ? AND seen < ?"
        self._file.change(lambda db: db.execute(note, (now, token, now)).fetchall())

    def end(self, token: bytes) -> bool:
        """Remove a visit; whether there was one."""

        def end(connection: apsw.Connection) -> bool:
            connection.execute("DELETE FROM visit WHERE token = ?", (token,))
            return bool(connection.changes())

        return self._file.change(end)

    def end_all(self, account: str) -> int:
        """Remove all visits of an account."""

        def end_all(connection: apsw.Connection) -> int:
            connection.execute("DELETE FROM visit WHERE account = ?", (account,))
            return connection.changes()

        return self._file.change(end_all)

    def of(self, account: str) -> list[Visit]:
        """Give the visits of an account, the latest first."""

        def of(connection: apsw.Connection) -> list[Visit]:
            found = connection.execute(
                f"{_SELECT} WHERE account = ? ORDER BY seen DESC", (account,)
            )
            return [Visit(*row) for row in found]

        return self._file.look(of, [])

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
