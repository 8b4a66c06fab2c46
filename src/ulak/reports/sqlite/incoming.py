"""The reports of others."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path

import apsw

from ulak.reports.plain import domain_of, kind_of, report_of, table_of, totals
from ulak.reports.reading import Report
from ulak.reports.sqlite.file import opened
from ulak.reports.store import Kept

MOST = 100_000  # reports
_SOMETIMES = 50  # reports: to weigh all of them takes a tenth of a second
MOST_OCTETS = 500_000_000  # of them, packed: the oldest go first

_COLUMNS = (
    'kind, organization, report_id, domain, "begin", "end", messages, passed, received, source'
)
_PUT = f"INSERT OR IGNORE INTO report ({_COLUMNS}, octets) VALUES (?,?,?,?,?,?,?,?,?,?,?)"
_TOO_MANY = """
    DELETE FROM report WHERE number <= (
        SELECT number FROM (
            SELECT number, row_number() OVER newest AS place,
                sum(length(octets)) OVER newest AS all_
            FROM report WINDOW newest AS (ORDER BY number DESC)
        ) WHERE place > ? OR all_ > ? ORDER BY number DESC LIMIT 1
    )
"""


class SqliteIncoming:
    """Follows `reports.store.Incoming`, for any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        self._file = opened(path)

    def keep(self, reports: Collection[Report], received: float, source: str) -> int:
        """Keep reports; give how many of them were not there yet."""
        rows = [_row(report, received, source) for report in reports]

        def keep(connection: apsw.Connection) -> int:
            new = 0
            for row in rows:
                connection.execute(_PUT, row)
                new += connection.changes()
            if new and connection.last_insert_rowid() % _SOMETIMES < new:
                connection.execute(_TOO_MANY, (MOST, MOST_OCTETS))
            return new

        return self._file.change(keep)

    def list(self, domain: str = "", since: float = 0.0, limit: int = 1000) -> Sequence[Kept]:
        """Give the reports about a domain and those below it, the newest period first."""
        question = (
            f"SELECT number, {_COLUMNS} FROM report"
            " WHERE (?1 IN ('', domain) OR substr(domain, -length(?1) - 1) = '.' || ?1)"
            ' AND "end" >= ?2 ORDER BY "begin" DESC, number DESC LIMIT ?3'
        )
        return self._file.look(
            lambda db: [Kept(*row) for row in db.execute(question, (domain, since, limit))], []
        )

    def read(self, number: int) -> Report | None:
        """Give a report whole."""
        question = "SELECT octets FROM report WHERE number = ?"

        def ask(connection: apsw.Connection) -> Report | None:
            row = connection.execute(question, (number,)).fetchone()
            return None if row is None else report_of(json.loads(zlib.decompress(row[0])))

        return self._file.look(ask, None)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _row(report: Report, received: float, source: str) -> tuple[str | int | float | bytes, ...]:
    octets = json.dumps(table_of(report), ensure_ascii=False, separators=(",", ":")).encode()
    messages, passed = totals(report)
    return (
        kind_of(report),
        report.organization,
        report.report_id,
        domain_of(report),
        report.begin,
        report.end,
        messages,
        passed,
        received,
        source,
        zlib.compress(octets),
    )
