"""One's own reports about TLS: what is counted for them, and where they stand."""

from __future__ import annotations

import json
from dataclasses import astuple

import apsw

from ulak.reports.sqlite.outgoing import Ways, open_day
from ulak.reports.tls.counting import Counted, Policy, Row

ROWS_OF_A_DOMAIN = 2_000
ROWS_OF_A_DAY = 200_000  # of all domains

_MORE = "UPDATE tls_counted SET count = count + ? WHERE day = ? AND domain = ? AND row = ?"
_NEW = "INSERT INTO tls_counted (day, domain, row, count) VALUES (?, ?, ?, ?)"
_HAS = "SELECT count(*) FROM tls_counted WHERE day = ? AND domain = ?"
_ROWS = "SELECT count(*) FROM tls_counted WHERE day = ?"


class SqliteTlsOutgoing(Ways[Counted]):
    """Follows `reports.tls.posting.TlsOutgoing`, for any number of threads and processes."""

    kind = "tls"
    _tables = ("tls_counted",)
    _days = "tls_counted"

    def _add(self, connection: apsw.Connection, counted: Counted) -> None:
        _add(connection, counted)

    def counted(self, day: int, domain: str) -> Counted | None:
        """Give all that was counted for a day and a domain."""
        question = "SELECT row, count FROM tls_counted WHERE day = ? AND domain = ?"

        def ask(connection: apsw.Connection) -> Counted | None:
            rows = {
                _row(text): count for text, count in connection.execute(question, (day, domain))
            }
            return Counted(day, domain, rows) if rows else None

        return self._file.look(ask, None)


def _add(connection: apsw.Connection, counted: Counted) -> None:
    domain = counted.domain
    day = open_day(connection, "tls", counted.day, domain)
    room = ROWS_OF_A_DAY - int(connection.execute(_ROWS, (day,)).get)
    room = min(room, ROWS_OF_A_DOMAIN - int(connection.execute(_HAS, (day, domain)).get))
    for row, count in counted.rows.items():
        text = json.dumps(astuple(row), ensure_ascii=False)
        connection.execute(_MORE, (count, day, domain, text))
        if not connection.changes() and room > 0:
            connection.execute(_NEW, (day, domain, text, count))
            room -= 1


def _row(text: str) -> Row:
    (kind, strings, hosts, *domain), *rest = json.loads(text)
    return Row(Policy(kind, tuple(strings), tuple(hosts), *domain), *rest)
