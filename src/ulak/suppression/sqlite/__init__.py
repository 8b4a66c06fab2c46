"""The suppression list in a SQLite file, which all workers and the command line share."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import apsw

from ulak.database.shared import SharedFile
from ulak.suppression.suppressed import Suppressed, SuppressionError

VERSION = 2
_COLUMNS = "address, whose, cause, reply, message, since, until"
PUT = f"INSERT OR REPLACE INTO suppressed ({_COLUMNS}) VALUES (?,?,?,?,?,?,?)"
_FIND = (
    f"SELECT {_COLUMNS} FROM suppressed WHERE address = ? AND whose IN ('', ?)"
    " AND (until = 0 OR until > ?) ORDER BY whose LIMIT 1"
)
_COUNTS = (
    "(until = 0 OR until > ?1) AND (?2 = '' OR substr(address, -length(?2) - 1) = '@' || ?2)"
    " AND (?3 = '' OR instr(lower(address), lower(?3)))"
)
_PAGE = (
    f"SELECT {_COLUMNS} FROM suppressed WHERE {_COUNTS}"
    " ORDER BY since DESC, address, whose LIMIT ?4 OFFSET ?5"
)


_UNTOLD = """
INSERT OR REPLACE INTO untold
SELECT address, whose, (SELECT coalesce(max(n), 0) FROM untold) + 1 FROM suppressed
WHERE address = ?1 AND (?2 IS NULL OR whose = ?2) AND EXISTS (SELECT 1 FROM heard)
"""


def open_file(path: Path) -> SharedFile:
    """Give a way to the file."""
    schema = files(__package__) / "sql" / "list"
    return SharedFile(path, schema, VERSION, error=SuppressionError, durable=True)


class SqliteSuppressions:
    """Follows `suppression.suppressed.Suppressions`, for any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        self._file = open_file(path)

    def find(self, address: str, whose: str, now: float) -> Suppressed | None:
        """Give why nothing is sent to an address from a domain; None where it may be."""

        def find(connection: apsw.Connection) -> Suppressed | None:
            row = connection.execute(_FIND, (address, whose, now)).fetchone()
            return None if row is None else Suppressed(*row)

        return self._file.look(find, None)

    def every(self, address: str) -> list[Suppressed]:
        """Give all that stands there of an address, also what has ended."""
        question = f"SELECT {_COLUMNS} FROM suppressed WHERE address = ? ORDER BY whose"
        return self._file.look(
            lambda db: [Suppressed(*row) for row in db.execute(question, (address,))], []
        )

    def any(self) -> bool:
        """Whether anything stands there."""
        question = "SELECT 1 FROM suppressed LIMIT 1"
        return self._file.look(lambda db: db.execute(question).fetchone() is not None, False)  # noqa: FBT003 -- what is given without a file

    def add(self, one: Suppressed) -> None:
        """Put an address there, durably; what stood there of it for the same senders goes."""
        row = (one.address, one.whose, one.cause, one.reply, one.message, one.since, one.until)

        def add(connection: apsw.Connection) -> None:
            over = "DELETE FROM suppressed WHERE until > 0 AND until <= ?"
            connection.execute(over, (one.since,))
            connection.execute(PUT, row)
            connection.execute(_UNTOLD, (one.address, one.whose))

        self._file.change(add)

    def remove(self, address: str, whose: str | None = None) -> int:
        """Take an address off, for the senders of a domain or (None) for all; how many went."""
        question = "DELETE FROM suppressed WHERE address = ?1 AND (?2 IS NULL OR whose = ?2)"

        def remove(connection: apsw.Connection) -> int:
            connection.execute(_UNTOLD, (address, whose))
            connection.execute(question, (address, whose))
            return connection.changes()

        return self._file.change(remove)

    def list(
        self, now: float, domain: str = "", offset: int = 0, limit: int = 100, part: str = ""
    ) -> tuple[list[Suppressed], int]:
        """Give a page of those that count, the newest first, and how many there are in all."""
        count = f"SELECT count(*) FROM suppressed WHERE {_COUNTS}"

        def look(connection: apsw.Connection) -> tuple[list[Suppressed], int]:
            rows = connection.execute(_PAGE, (now, domain, part, limit, offset))
            found = [Suppressed(*row) for row in rows]
            total = connection.execute(count, (now, domain, part)).fetchone()
            return found, int(total[0]) if total is not None else 0

        none: tuple[list[Suppressed], int] = ([], 0)
        return self._file.look(look, none)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
