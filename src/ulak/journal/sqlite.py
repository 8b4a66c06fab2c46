"""The journal on disk: a list that a thread empties into SQLite ten times a second.

The one who writes pays for an append to a list (`ulak.log.backlog`). When the disk is slow or full,
entries wait up to a bound, further ones are dropped and counted, and the journal itself says how
many are missing as soon as it can be written again; mail goes on all the while. It is bounded by
age and size by taking whole files away (`ulak.journal.files` says why).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import apsw

from ulak.journal import files
from ulak.journal.chunks import KINDS_OF_BEFORE, SCHEMA, Chunk, chunks
from ulak.journal.entry import Entry, Kind
from ulak.journal.tally import DAMAGED, Tally
from ulak.journal.trace import JournalError
from ulak.log import Event, Log
from ulak.log.backlog import Backlog

_FILES = 16  # so many files make a full journal: the step in which the oldest entries go
_SMALLEST = 65_536  # octets; smaller files would be all header
_CHECK = 60.0  # seconds between looks at the age of the oldest file
_LINES = 200  # of the dialogue of one entry
_CLOSE = 5.0  # seconds that a slow disk may hold up the end
_INSERT = "INSERT INTO chunk (last, ids, entries) VALUES (?, ?, ?)"
# One statement for all of a chunk, for the reason that there are chunks.
_KINDS = """
    INSERT OR IGNORE INTO kind (kind, chunk)
    SELECT value, last_insert_rowid() FROM json_each(?)"""
_REFUSALS = """
    INSERT OR IGNORE INTO refusal (id, chunk)
    SELECT value, last_insert_rowid() FROM json_each(?)"""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a journal may cost.

    `max_age` in seconds and `max_bytes` of disk bound what is kept: the oldest sixteenth goes
    when there is more. `most_waiting` entries (about a kilobyte each) may wait in memory for the
    disk; `interval` is how long entries come together, in seconds: what a crash can cost.
    """

    max_age: float = 30 * 86_400.0
    max_bytes: int = 1_000_000_000
    most_waiting: int = 50_000
    interval: float = 0.1


class SqliteJournal:
    """The Journal of one process, in a folder of its own.

    `clock` gives seconds since the epoch; `log` hears when the journal cannot be written. Raises
    JournalError where the folder cannot be used at all; a damaged file is set aside. Made in the
    process that uses it, after any fork.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings | None = None,
        *,
        clock: Callable[[], float],
        log: Log | None = None,
    ) -> None:
        self._folder = folder
        self._settings = settings or Settings()
        self._clock = clock
        self._log = log
        self._file_size = max(self._settings.max_bytes // _FILES, _SMALLEST)
        self._file_age = self._settings.max_age / _FILES
        self._failing = False
        self._checked = clock()
        self._db: apsw.Connection | None = None
        self._path = folder
        self._first = 0.0  # the time of the file's first chunk
        self._tally = Tally(folder)
        try:
            self._open()
            self._prune()
        except (apsw.FullError, apsw.IOError) as error:
            self._fail(error)  # mail can go on; the journal goes on when there is room
        except (apsw.Error, OSError) as error:
            name, facts = "unusable", {"folder": str(folder), "problem": _reason(error)}
            raise JournalError(name, **facts) from error
        self._backlog: Backlog[Entry] = Backlog(
            self._flush,
            most=self._settings.most_waiting,
            interval=self._settings.interval,
            name="ulak-journal",
        )

    @property
    def counted(self) -> dict[str, int]:
        """How much has been noted since the beginning, by names as in `ulak.journal.figures`."""
        return self._tally.counted

    def write(self, entry: Entry) -> None:
        """Note an entry. Never waits and never raises; a long dialogue is cut in its middle."""
        if len(entry.dialogue) > _LINES:
            entry = replace(entry, dialogue=_cut(entry.dialogue))
        self._backlog.put(entry)

    def flush(self, timeout: float = _CLOSE) -> bool:
        """Wait until what was written before is in the file; whether it is."""
        return self._backlog.flush(timeout)

    def close(self) -> None:
        """Put what waits into the file and let go of it; entries written later are dropped."""
        if self._backlog.close(_CLOSE):
            self._shut()
            self._tally.write(self._clock())
            self._tally.close()

    # -- the thread ---------------------------------------------------------------------------

    def _flush(self, batch: list[Entry], lost: int) -> bool:
        """Write a batch in one transaction; False to have it again."""
        now = self._clock()
        try:
            if batch or lost:
                missing = self._insert(self._db or self._open(), batch, lost, now)
                if missing:
                    self._tell(Event.JOURNAL_LOST, count=missing)
                self._tally.take(batch, now)
        except (apsw.Error, OSError) as error:
            self._fail(error)
            return False
        try:
            self._turn_over(now)
        except (apsw.Error, OSError) as error:
            self._fail(error)
            return True  # the batch is written
        if self._failing:
            self._failing = False
            self._tell(Event.JOURNAL_RESUMED)
        return True

    def _fail(self, error: Exception) -> None:
        """Let go of the file, to open it or the next one at the next try."""
        self._shut()
        if isinstance(error, DAMAGED):
            with contextlib.suppress(OSError):
                self._set_aside(error)
        elif not self._failing:
            self._failing = True
            self._tell(Event.JOURNAL_FAILING, folder=self._folder, problem=_reason(error))

    def _insert(self, db: apsw.Connection, batch: list[Entry], lost: int, now: float) -> int:
        """Write entries, and an entry about those that are missing; give how many those are."""
        packed: list[Chunk] = []
        missing = lost
        for count, chunk in chunks(batch):
            if chunk is None:
                missing += count
            else:
                packed.append(chunk)
        if missing:
            entry = Entry(now, Kind.LOST, facts={"count": str(missing)})
            packed.extend(chunk for _, chunk in chunks([entry]) if chunk is not None)
        db.execute("BEGIN IMMEDIATE")
        try:
            for chunk in packed:
                db.execute(_INSERT, chunk[:3])
                db.execute(_KINDS, (chunk.kinds,))
                if chunk.refusals:
                    db.execute(_REFUSALS, (chunk.refusals,))
            db.execute("COMMIT")
        except BaseException:
            if not db.get_autocommit():  # SQLite has rolled back by itself after some errors
                with contextlib.suppress(apsw.Error):
                    db.execute("ROLLBACK")
            raise
        if not self._first and packed:
            self._first = packed[0][0]
        return missing

    def _turn_over(self, now: float) -> None:
        """Begin the next file when this one is full or old, and take away the oldest."""
        due = abs(now - self._checked) >= _CHECK
        old = self._first and now - self._first >= self._file_age
        size = files.size(self._path)
        gone = self._db is not None and not size  # somebody tidied up
        if size >= self._file_size or gone or (due and old):
            self._shut()
            self._open(new=True)
            due = True
        if due:
            self._checked = now
            self._prune()

    def _prune(self) -> None:
        """Take away the oldest files while there is too much, or what they tell is too old.

        Never the one that is being written.
        """
        now = self._clock()
        there = [path for _, path in files.listed(self._folder) if path != self._path]
        total = sum(files.size(path) for path in there)
        most = self._settings.max_bytes - self._file_size
        for path in there:
            taken = files.size(path)
            if total <= most and not self._too_old(path, now):
                break
            files.remove(path)
            total -= taken

    def _too_old(self, path: Path, now: float) -> bool:
        try:
            with contextlib.closing(files.for_reading(path)) as db:
                last = _time(db, "SELECT last FROM chunk ORDER BY id DESC LIMIT 1")
        except apsw.Error:
            return False  # its size will see to it
        return now - last > self._settings.max_age

    def _open(self, *, new: bool = False) -> apsw.Connection:
        """Open the newest file or the one after it; begin anew where it is damaged."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = files.listed(self._folder)
        if there and not new:
            path = there[-1][1]
        else:
            path = files.named(self._folder, there[-1][0] + 1 if there else 1)
        self._path = path
        self._first = 0.0
        try:
            self._db = self._prepare(path)
        except DAMAGED as error:
            self._set_aside(error)
            self._db = self._prepare(path)
        return self._db

    def _prepare(self, path: Path) -> apsw.Connection:
        db = files.for_writing(path)
        try:
            known = files.has(db, "kind")
            with db:
                db.execute(SCHEMA).fetchall()
                if not known:
                    db.execute(KINDS_OF_BEFORE)
            first = _time(db, "SELECT last FROM chunk ORDER BY id LIMIT 1")
            _time(db, "SELECT last FROM chunk ORDER BY id DESC LIMIT 1")
        except apsw.SQLError as error:  # a table of another shape: not ours
            db.close()
            raise apsw.NotADBError(str(error)) from error
        except apsw.Error:
            db.close()
            raise
        self._first = first
        return db

    def _set_aside(self, error: Exception) -> None:
        aside = files.set_aside(self._path)
        self._tell(Event.JOURNAL_SET_ASIDE, file=aside, problem=_reason(error))

    def _shut(self) -> None:
        if self._db is not None:
            with contextlib.suppress(apsw.Error):
                self._db.close()
            self._db = None

    def _tell(self, event: Event, **facts: object) -> None:
        if self._log is not None:
            self._log.emit(event, **facts)


def _time(db: apsw.Connection, query: str) -> float:
    """Give the one time that a query finds, 0 for none."""
    for (time,) in db.execute(query):
        if isinstance(time, float):
            return time
    return 0.0


def _cut(dialogue: tuple[str, ...]) -> tuple[str, ...]:
    half = _LINES // 2
    missing = len(dialogue) - 2 * half
    return (*dialogue[:half], f"… {missing} …", *dialogue[-half:])


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
