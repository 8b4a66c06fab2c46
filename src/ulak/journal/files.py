"""The files of a journal: a folder of SQLite databases, numbered, the newest being written.

The journal is bounded by taking away whole files. Deleting rows would need room in the
write-ahead log just when the disk is full, would leave holes that only a vacuum gives back, and a
damaged page would be everybody's; a file goes in one step, gives its room back at once, and takes
only its own entries with it when it is damaged.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import apsw

_NAME = re.compile(r"journal-([0-9]{8,})\.db")
_BESIDE = ("-wal", "-shm", "-journal")
_BUSY = 5000  # milliseconds to wait for another connection


def listed(folder: Path) -> list[tuple[int, Path]]:
    """Give the numbers and paths of the journal's files, oldest first."""
    found = []
    for path in folder.iterdir():
        match = _NAME.fullmatch(path.name)
        if match:
            found.append((int(match[1]), path))
    return sorted(found)


def named(folder: Path, number: int) -> Path:
    """Give the path of a file by its number."""
    return folder / f"journal-{number:08}.db"


def size(path: Path) -> int:
    """Give the octets of a file with its write-ahead log; 0 where it is gone."""
    total = 0
    for part in (path, Path(f"{path}-wal")):
        with contextlib.suppress(OSError):
            total += part.stat().st_size
    return total


def remove(path: Path) -> None:
    """Take a file away, with what SQLite keeps beside it."""
    for part in (path, *(Path(f"{path}{end}") for end in _BESIDE)):
        part.unlink(missing_ok=True)


def set_aside(path: Path) -> Path:
    """Rename a damaged file so that it is in nobody's way; the last one so named is replaced."""
    aside = path.with_name(f"{path.name}.damaged")
    # The log may hold what repairs the file: the two stay together.
    for end in _BESIDE:
        with contextlib.suppress(FileNotFoundError):
            Path(f"{path}{end}").replace(f"{aside}{end}")
    path.replace(aside)
    return aside


def for_writing(path: Path) -> apsw.Connection:
    """Open or make a file for its one writer.

    NORMAL: a power cut costs the last entries and never the file. Larger pages than usual, since
    a chunk is tens of kilobytes.
    """
    db = apsw.Connection(str(path))
    try:
        db.set_busy_timeout(_BUSY)
        db.execute(
            "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
            "PRAGMA journal_size_limit=8388608; PRAGMA cache_size=-1024"
        ).fetchall()
    except apsw.Error:
        db.close()
        raise
    return db


def for_reading(path: Path) -> apsw.Connection:
    """Open a file while its writer may be at work on it.

    Where the folder may not be written and no writer left its shared memory there, SQLite can
    read a WAL database only as one that does not change: without a log beside it, it does not.
    """
    try:
        return _reading(f"file:{_uri(path)}?mode=ro")
    except apsw.CantOpenError:
        if not path.exists() or size(Path(f"{path}-wal")):
            raise
        return _reading(f"file:{_uri(path)}?immutable=1")


def has(db: apsw.Connection, table: str) -> bool:
    """Whether a file has a table yet."""
    query = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"
    return bool(db.execute(query, (table,)).fetchall())


def _reading(uri: str) -> apsw.Connection:
    db = apsw.Connection(uri, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        db.set_busy_timeout(_BUSY)
        has(db, "chunk")  # opens it in earnest
    except apsw.Error:
        db.close()
        raise
    return db


def _uri(path: Path) -> str:
    return re.sub(r"[?#%]", lambda m: f"%{ord(m[0]):02x}", str(path.absolute()))
