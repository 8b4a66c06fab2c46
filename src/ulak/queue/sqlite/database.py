"""The SQLite database of a queue: how it is opened, what version it has, what its errors mean."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import apsw

from ulak.queue.sql import sqlite as sql
from ulak.queue.store import StorageError, StorageFullError, StoreVersionError

# Before this a checkpoint that races a commit can corrupt a WAL database.
_OLDEST_LIBRARY = (3, 51, 3)
_STATEMENTS = 300  # prepared and kept
_CACHE = 16_000  # KiB: the tables' upper pages, and what one transaction changes
_BUSY = 5_000  # milliseconds for a tool that writes behind our back
_LONGEST_WAL = 64 * 1024 * 1024  # octets that the WAL keeps after a flood

# Who only looks may find tables that no newer writer has opened yet: these are the columns that
# came with each version, and what stands in their place before it.
_ADDED = (
    (2, "message", "NULL AS wishes, NULL AS asked"),
    (3, "message", "NULL AS account"),
    (3, "pending", "'' AS source"),
)

# After one of these the connection is not to be trusted: what was written may be half there.
DISTRUST = (
    apsw.IOError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
    apsw.ProtocolError,
    apsw.InternalError,
)


def refuse_old_library(version: str) -> None:
    """Raise StoreVersionError for a SQLite that can lose what it acknowledged."""
    # The library's own version, not a peer's text.
    if tuple(int(part) for part in version.split(".")) < _OLDEST_LIBRARY:
        oldest = ".".join(map(str, _OLDEST_LIBRARY))
        message = (
            f"SQLite {version} can corrupt a queue; install an apsw that brings {oldest} or newer."
        )
        raise StoreVersionError(message)


def open_for_writing(path: Path) -> apsw.Connection:
    """Open the database, made and brought to the current version where needed.

    What a crash left in the write-ahead log is brought into the database and to the disk at once:
    some of it may never have been synced, and nothing may be appended to such a log.
    """
    refuse_old_library(apsw.sqlite_lib_version())
    # So that the log beside it, which takes its rights from it, is for our eyes only, too.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = apsw.Connection(str(path), statementcachesize=_STATEMENTS)
    try:
        connection.set_busy_timeout(_BUSY)
        for setting in (
            "auto_vacuum = INCREMENTAL",  # before the first table; the writer gives room back
            "journal_mode = WAL",
            "synchronous = FULL",
            "fullfsync = ON",
            "checkpoint_fullfsync = ON",
            f"cache_size = -{_CACHE}",
            f"journal_size_limit = {_LONGEST_WAL}",
            "temp_store = MEMORY",
            "secure_delete = OFF",
            "wal_autocheckpoint = 0",  # the writer's business, after it has answered
        ):
            connection.execute(f"PRAGMA {setting}").fetchall()
        _migrate(connection)
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except BaseException:
        distrust(connection)
        raise
    return connection


def open_for_reading(path: Path) -> apsw.Connection:
    """Open the database for who only looks; a server may be writing."""
    refuse_old_library(apsw.sqlite_lib_version())
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        connection.set_busy_timeout(_BUSY)
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # the writer's business
        version = _refuse_newer(connection)
        for table in ("message", "pending"):
            lacking = [what for since, of, what in _ADDED if since > version and of == table]
            if lacking:
                columns = ", ".join(["*", *lacking])
                connection.execute(
                    f"CREATE TEMP VIEW {table} AS SELECT {columns} FROM main.{table}"
                )
    except BaseException:
        connection.close()
        raise
    return connection


def distrust(connection: apsw.Connection) -> None:
    """Close a connection without letting it write once more."""
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.close(force=True)


def full() -> StorageFullError:
    """Make the error that says so."""
    return StorageFullError("The disk of the queue is full.")


def cannot_open(folder: Path, error: Exception) -> StorageError:
    """Say that a store cannot be opened, and why."""
    kind = type(storage_error(error))
    if issubclass(kind, StorageFullError):
        return StorageFullError(f"The queue in {folder} cannot be opened: the disk is full.")
    return StorageError(f"The queue in {folder} cannot be opened: {error}.")


def storage_error(error: Exception) -> Exception:
    """Say what a failure means for who asked; what a programmer did stays what it is."""
    match error:
        case StorageError():
            return error
        case apsw.FullError() | OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return full()
        case apsw.IOError() if _code(error) == apsw.SQLITE_IOERR_SHMSIZE:
            return full()  # no room for the index of the log
        case apsw.ConstraintError():
            return ValueError(f"nothing that can be queued (or queued already): {error}")
        case apsw.Error() | OSError():
            return StorageError(f"The queue could not be written: {error}.")
        case _:
            return error


def _code(error: apsw.Error) -> int:
    # Every error of SQLite has it; the type stubs know it of none.
    return int(getattr(error, "extendedresult", 0))


def _refuse_newer(connection: apsw.Connection) -> int:
    """Give the version of the schema, which must be one that we know."""
    version = int(connection.pragma("user_version"))
    if version > sql.VERSION:
        message = (
            f"The queue was written by a newer Ulak (version {version} of its tables, this one "
            f"knows {sql.VERSION}); start that one, or a newer one."
        )
        raise StoreVersionError(message)
    return version


def _migrate(connection: apsw.Connection) -> None:
    for version in range(_refuse_newer(connection) + 1, sql.VERSION + 1):
        with connection:
            connection.execute(sql.migration(version))
            connection.execute(f"PRAGMA user_version = {version}")
