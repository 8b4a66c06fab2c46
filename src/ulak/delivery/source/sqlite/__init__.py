"""What sources and tenants have sent, in a SQLite file that all workers share."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import apsw

from ulak.database.shared import SharedFile
from ulak.delivery.source.quota import Count, LedgerError, Taken
from ulak.delivery.source.warmup import DAY

VERSION = 1
_KEPT = 31 * DAY  # seconds for which counts are kept that are over
_SELECT = 'SELECT taken FROM sent WHERE what = ? AND place = ? AND start = ? AND "end" = ?'
_RUNNING = 'SELECT what, place, start, "end", taken FROM sent WHERE start <= ? AND "end" > ?'
_ADD = """
    INSERT INTO sent (what, place, start, "end", taken) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET taken = max(taken + excluded.taken, 0)
"""


class SqliteLedger:
    """Follows `delivery.source.quota.Ledger`, for any number of threads and processes.

    What was taken is on the disk when it is given: a power cut lets nobody send more.
    """

    def __init__(self, path: Path) -> None:
        folder = files(__name__) / "sql"
        self._file = SharedFile(path, folder, VERSION, error=LedgerError, durable=True)

    def take(self, count: Count, wanted: int, limit: int) -> int:
        """Take so many, or what is left up to the limit; give how many."""

        def take(connection: apsw.Connection) -> int:
            found = connection.execute(_SELECT, count).fetchall()
            if not found:
                connection.execute('DELETE FROM sent WHERE "end" < ?', (int(count.end - _KEPT),))
            given = min(wanted, limit - (int(str(found[0][0])) if found else 0))
            if given > 0:
                connection.execute(_ADD, (*count, given))
            return max(given, 0)

        return self._file.change(take)

    def give_back(self, count: Count, number: int) -> None:
        """Give back what was taken and not sent."""

        def back(connection: apsw.Connection) -> None:
            connection.execute(_ADD, (*count, -number))

        self._file.change(back)

    def taken(self, now: float) -> Sequence[Taken]:
        """Give what has been taken of the counts that run now."""
        when = int(now)
        question = (
            'SELECT what, place, start, "end", taken FROM sent WHERE start <= ? AND "end" > ?'
        )
        return self._file.look(
            lambda db: [Taken(*row) for row in db.execute(question, (when, when))], []
        )

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
