"""One's own reports: what is counted for them, and where they stand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import apsw

from ulak.reports.counting import Counted, Policy
from ulak.reports.plain import row_of, row_text
from ulak.reports.sqlite.file import opened
from ulak.reports.store import Issue, Parcel, State

ROWS_OF_A_DOMAIN = 10_000
ROWS_OF_A_DAY = 200_000  # of all domains: a hostile day takes some hundreds of megabytes

_ROWS = "SELECT coalesce(sum(rows) + count(*), 0) FROM policy WHERE day = ?"
_POLICY = """
    INSERT INTO policy (day, domain, record, organizational, seen, rows, left_out)
    VALUES (?, ?, ?, ?, ?, 0, 0)
    ON CONFLICT DO UPDATE SET record = excluded.record, organizational = excluded.organizational,
        seen = excluded.seen WHERE excluded.seen >= seen
"""
_MORE = """
    UPDATE counted SET count = count + ? WHERE day = ? AND domain = ? AND row = ?
"""
_NEW = "INSERT INTO counted (day, domain, row, count) VALUES (?, ?, ?, ?)"
_SUM = "UPDATE policy SET rows = rows + ?, left_out = left_out + ? WHERE day = ? AND domain = ?"
_HAS = "SELECT rows FROM policy WHERE day = ? AND domain = ?"
_OPEN = "state IN ('asking', 'ready', 'held')"
_PARCEL = "id, report_id, domain, uri, address, size, state, due, tries, why, changed, kind"
_PUT_PARCEL = f"INSERT OR REPLACE INTO parcel ({_PARCEL}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"
_LET_GO = f"""
    UPDATE issue SET octets = NULL WHERE report_id = ? AND NOT EXISTS
        (SELECT 1 FROM parcel WHERE parcel.report_id = issue.report_id AND {_OPEN})
"""


C = TypeVar("C")


class Ways(Generic[C]):
    """Where reports of one kind stand, for any number of threads and processes."""

    kind = ""
    _tables: tuple[str, ...] = ()  # what is counted for them, the first with its `count`
    _days = ""  # the one that has each day and domain

    def __init__(self, path: Path) -> None:
        self._file = opened(path)

    def add(self, counted: Sequence[C]) -> None:
        """Add what a worker has counted."""

        def add(connection: apsw.Connection) -> None:
            for each in counted:
                self._add(connection, each)

        self._file.change(add)

    def _add(self, connection: apsw.Connection, counted: C) -> None:
        raise NotImplementedError

    def days(self, before: int) -> list[tuple[int, str]]:
        """Name the days before one, and their domains, that there is no report about yet."""
        question = f"SELECT DISTINCT day, domain FROM {self._days} WHERE day < ? ORDER BY 1, 2"
        return self._file.look(
            lambda db: [(day, domain) for day, domain in db.execute(question, (before,))], []
        )

    def issue(self, issue: Issue, parcels: Sequence[Parcel], messages: int) -> bool:
        """Put a report of so many messages in the place of what was counted for it."""

        def put(connection: apsw.Connection) -> bool:
            counted = (
                f"SELECT coalesce(sum(count), 0) FROM {self._tables[0]}"
                " WHERE day = ? AND domain = ?"
            )
            if connection.execute(counted, (issue.day, issue.domain)).get != messages:
                return False
            connection.execute(
                "INSERT OR IGNORE INTO issue"
                " (report_id, day, domain, organizational, octets, made, kind)"
                " VALUES (?,?,?,?,?,?,?)",
                (
                    issue.report_id,
                    issue.day,
                    issue.domain,
                    issue.organizational,
                    issue.octets,
                    issue.made,
                    self.kind,
                ),
            )
            new = bool(connection.changes())
            if new:
                connection.executemany(_PUT_PARCEL, map(_fields, parcels))
                connection.execute(_LET_GO, (issue.report_id,))
            self._forget(connection, issue.day, issue.domain)
            return new

        return self._file.change(put)

    def forget(self, day: int, domain: str) -> None:
        """Forget what was counted."""
        self._file.change(lambda db: self._forget(db, day, domain))

    def issued(self, report_id: str) -> Issue | None:
        """Give a report that was made, as long as a parcel of it is open."""
        question = (
            "SELECT report_id, day, domain, organizational, octets, made FROM issue"
            " WHERE report_id = ? AND octets IS NOT NULL"
        )

        def ask(connection: apsw.Connection) -> Issue | None:
            row = connection.execute(question, (report_id,)).fetchone()
            return None if row is None else Issue(*row)

        return self._file.look(ask, None)

    def open(self, now: float) -> list[Parcel]:
        """Give the parcels that are not at their end and due, the oldest first."""
        question = (
            f"SELECT {_PARCEL} FROM parcel WHERE {_OPEN} AND due <= ? AND kind = ? ORDER BY due, id"
        )
        values = (now, self.kind)
        return self._file.look(lambda db: list(map(_parcel, db.execute(question, values))), [])

    def settle(self, parcel: Parcel, into: Sequence[Parcel] = ()) -> None:
        """Write down where a parcel stands, with others that it has become."""

        def settle(connection: apsw.Connection) -> None:
            connection.executemany(_PUT_PARCEL, map(_fields, (parcel, *into)))
            connection.execute(_LET_GO, (parcel.report_id,))

        self._file.change(settle)

    def parcels(self, limit: int, domain: str = "") -> list[Parcel]:
        """Give the last parcels, the newest first."""
        question = (
            f"SELECT {_PARCEL} FROM parcel WHERE ? IN ('', domain)"
            " ORDER BY changed DESC, id DESC LIMIT ?"
        )
        return self._file.look(
            lambda db: list(map(_parcel, db.execute(question, (domain, limit)))), []
        )

    def trim(self, before: int, now: float) -> None:
        """Forget counts and ended parcels of days before one."""
        del now

        def trim(connection: apsw.Connection) -> None:
            for table in self._tables:
                connection.execute(f"DELETE FROM {table} WHERE day < ?", (before,))
            connection.execute("DELETE FROM issue WHERE day < ? AND octets IS NULL", (before,))
            connection.execute(
                "DELETE FROM parcel WHERE NOT EXISTS"
                " (SELECT 1 FROM issue WHERE issue.report_id = parcel.report_id)"
            )

        if self._file.path.exists():
            self._file.change(trim)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _forget(self, connection: apsw.Connection, day: int, domain: str) -> None:
        for table in self._tables:
            connection.execute(f"DELETE FROM {table} WHERE day = ? AND domain = ?", (day, domain))


class SqliteOutgoing(Ways[Counted]):
    """Follows `reports.store.Outgoing`, for any number of threads and processes."""

    kind = "dmarc"
    _tables = ("counted", "policy")
    _days = "policy"

    def _add(self, connection: apsw.Connection, counted: Counted) -> None:
        _add(connection, counted)

    def counted(self, day: int, domain: str) -> Counted | None:
        """Give all that was counted for a day and a domain."""

        def ask(connection: apsw.Connection) -> Counted | None:
            key = (day, domain)
            policy = connection.execute(
                "SELECT record, organizational, seen, left_out FROM policy"
                " WHERE day = ? AND domain = ?",
                key,
            ).fetchone()
            if policy is None:
                return None
            record, organizational, seen, left_out = policy
            rows = connection.execute(
                "SELECT row, count FROM counted WHERE day = ? AND domain = ?", key
            )
            return Counted(
                day,
                domain,
                Policy(record, organizational, seen),
                {row_of(json.loads(text)): count for text, count in rows},
                left_out,
            )

        return self._file.look(ask, None)


def _add(connection: apsw.Connection, counted: Counted) -> None:
    domain, policy = counted.domain, counted.policy
    day = open_day(connection, "dmarc", counted.day, domain)
    if int(connection.execute(_ROWS, (day,)).get) >= ROWS_OF_A_DAY:
        known = connection.execute(_HAS, (day, domain)).fetchone()
        if known is None:
            return  # there is no room to begin with another domain
    connection.execute(
        _POLICY, (day, domain, policy.record, policy.organizational_domain, policy.seen)
    )
    has = int(connection.execute(_HAS, (day, domain)).get)
    room = ROWS_OF_A_DAY - int(connection.execute(_ROWS, (day,)).get)
    room = min(room, ROWS_OF_A_DOMAIN - has)
    new, left_out = 0, counted.left_out
    for row, count in counted.rows.items():
        text = row_text(row)
        connection.execute(_MORE, (count, day, domain, text))
        if connection.changes():
            continue
        if new < room:
            connection.execute(_NEW, (day, domain, text, count))
            new += 1
        else:
            left_out += count
    connection.execute(_SUM, (new, left_out, day, domain))


def open_day(connection: apsw.Connection, kind: str, day: int, domain: str) -> int:
    """Give the first day from this one on that has no report yet."""
    question = "SELECT 1 FROM issue WHERE kind = ? AND day = ? AND domain = ?"
    while connection.execute(question, (kind, day, domain)).fetchone() is not None:
        day += 1
    return day


def _fields(parcel: Parcel) -> tuple[str | int | float | None, ...]:
    return (
        parcel.id,
        parcel.report_id,
        parcel.domain,
        parcel.uri,
        parcel.address,
        parcel.size,
        parcel.state.value,
        parcel.due,
        parcel.tries,
        str(parcel.why),
        parcel.changed,
        parcel.kind,
    )


def _parcel(row: tuple[Any, ...]) -> Parcel:
    identifier, report_id, domain, uri, address, size, state, *rest = row
    due, tries, why, changed, kind = rest
    parcel = Parcel(identifier, report_id, domain, uri, address, size, State(state))
    return replace(parcel, due=due, tries=tries, why=why, changed=changed, kind=kind)
