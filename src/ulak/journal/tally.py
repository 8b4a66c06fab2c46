"""The file of counts beside the files of a journal: small rows by minute and by hour.

It is apart from them because it outlives them: a journal under load is full within hours, and
its oldest file goes; a month of counts takes some megabytes. What is counted is written by the
journal's own thread, after the entries, and at once while there is little to do: a crash costs
no more than about a second of it, and no mail waits for any of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import apsw

from ulak.journal import files
from ulak.journal.entry import Entry
from ulak.journal.figures import (
    HOUR,
    MINUTE,
    Counts,
    Figures,
    Span,
    add,
    add_up,
    count,
    packed,
    unpacked,
)

NAME = "figures.db"
_KEPT = {MINUTE: 50 * HOUR, HOUR: 400 * 24 * HOUR}  # seconds, by the length of a slot
_VERSION = 1
_SCHEMA = f"""
BEGIN;
CREATE TABLE IF NOT EXISTS figure (
  step INTEGER NOT NULL,    -- how long the slot is, in seconds
  slot INTEGER NOT NULL,    -- when it begins, in seconds since the epoch
  counts TEXT NOT NULL,     -- a JSON object: {{"refused no-such-mailbox": 3}}
  PRIMARY KEY (step, slot)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_LITTLE = 50  # entries: who has so few has time to write at once
_EVERY = 1.0  # seconds between two writes where there are many
_MOST_WAITING = 600  # slots, where the disk does not take them
DAMAGED = (apsw.CorruptError, apsw.NotADBError, apsw.FormatError, apsw.SchemaChangeError)


class Tally:
    """What one process counts. Used by the journal's thread; `counted` by anybody.

    Nothing raises: a disk that does not take the counts is tried again with the next entries.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._db: apsw.Connection | None = None
        self._waiting: dict[int, Counts] = {}  # by minute
        self._counted: Counts = {}
        self._written = 0.0

    @property
    def counted(self) -> Counts:
        """All that was counted since the beginning."""
        return self._counted.copy()

    def take(self, entries: Sequence[Entry], now: float) -> None:
        """Count entries, and write the counts if it is time to."""
        for minute, counts in count(entries).items():
            add(self._counted, counts)
            add(self._waiting.setdefault(minute, {}), counts)
        if self._waiting and (len(entries) < _LITTLE or abs(now - self._written) >= _EVERY):
            self._written = now
            self.write(now)

    def write(self, now: float) -> None:
        """Write what was counted; what cannot be written waits."""
        if not self._waiting:
            return
        if self._db is not None and not self._path.exists():  # somebody tidied up
            self.close()
        try:
            self._write(self._db or self._open(), now)
            self._waiting = {}
        except (apsw.Error, OSError) as error:
            self.close()
            if isinstance(error, DAMAGED):
                with contextlib.suppress(OSError):
                    files.set_aside(self._path)
            for minute in sorted(self._waiting)[:-_MOST_WAITING]:
                del self._waiting[minute]

    def close(self) -> None:
        """Let go of the file."""
        db, self._db = self._db, None
        if db is not None:
            with contextlib.suppress(apsw.Error):
                db.close()

    def _open(self) -> apsw.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        db = files.for_writing(self._path)
        try:
            db.execute("PRAGMA wal_autocheckpoint=100").fetchall()
            if int(db.pragma("user_version")) < _VERSION:
                db.execute(_SCHEMA).fetchall()
        except apsw.Error:
            db.close()
            raise
        self._db = db
        return db

    def _write(self, db: apsw.Connection, now: float) -> None:
        db.execute("BEGIN IMMEDIATE")
        try:
            for step, kept in _KEPT.items():
                for slot, counts in self._slots(step).items():
                    there = db.execute(
                        "SELECT counts FROM figure WHERE step = ? AND slot = ?", (step, slot)
                    ).fetchall()
                    whole = unpacked(str(there[0][0])) if there else {}
                    add(whole, counts)
                    row = (step, slot, packed(whole))
                    db.execute("REPLACE INTO figure VALUES (?, ?, ?)", row)
                old = (step, int(now) - kept)
                db.execute("DELETE FROM figure WHERE step = ? AND slot < ?", old)
            db.execute("COMMIT")
        except BaseException:
            if not db.get_autocommit():
                with contextlib.suppress(apsw.Error):
                    db.execute("ROLLBACK")
            raise

    def _slots(self, step: int) -> dict[int, Counts]:
        slots: dict[int, Counts] = {}
        for minute, counts in self._waiting.items():
            add(slots.setdefault(minute - minute % step, {}), counts)
        return slots


def figures(folders: Sequence[Path], span: Span, now: float) -> Figures:
    """Add up what the workers whose journals are in these folders have counted.

    A file that is missing or cannot be read counts for nothing.
    """
    rows = (row for folder in folders for row in _rows(folder / NAME, span, now))
    return add_up(rows, span, now)


def _rows(path: Path, span: Span, now: float) -> Iterator[tuple[int, Counts]]:
    if not path.exists():
        return
    question = "SELECT slot, counts FROM figure WHERE step = ? AND slot >= ?"
    try:
        with contextlib.closing(files.for_reading(path)) as db:
            if not files.has(db, "figure"):
                return
            for slot, counts in db.execute(question, (span.kept, span.begin(now))).fetchall():
                yield int(str(slot)), unpacked(str(counts))
    except apsw.Error:
        return
