"""One SQLite file that several processes read and write at once, in short transactions."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

import apsw

T = TypeVar("T")

_BUSY = 5_000  # milliseconds for the change of another process


class SharedFile:
    """The file and this process's connection to it, for any number of threads.

    `schema` is the folder with its schema, one file a version (`PRAGMA user_version` says which
    is there), and `version` the latest. What goes wrong is raised as what `error` makes of the
    file's name and the problem. With `durable` a change is on the disk when it
    is done; without it, what the last moments before a power cut have brought may be lost, and
    nothing else. The file is for its owner's eyes only.
    """

    def __init__(
        self,
        path: Path,
        schema: Traversable,
        version: int,
        *,
        error: Callable[[str, str], Exception],
        durable: bool,
    ) -> None:
        self.path = path
        self._schema = schema
        self._version = version
        self._make_error = error
        self._durable = durable
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None
        self._inode = 0

    def look(self, question: Callable[[apsw.Connection], T], nothing: T) -> T:
        """Ask something, or give `nothing` where there is no file: looking makes none."""
        with self._lock:
            try:
                if not self.path.exists():
                    self._let_go()
                    return nothing
                return question(self._open())
            except (apsw.Error, OSError) as error:
                self._let_go()
                raise self._error(error) from error

    def change(self, change: Callable[[apsw.Connection], T]) -> T:
        """Do something in one transaction, which nobody else's comes between."""
        with self._lock:
            try:
                return _whole(self._open(), change)
            except (apsw.Error, OSError) as error:
                self._let_go()
                raise self._error(error) from error

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._let_go()

    def _open(self) -> apsw.Connection:
        """Give the connection to the file that is there now: it may have been put back."""
        connection = self._connection
        if connection is not None and _inode(self.path) == self._inode:
            return connection
        self._let_go()
        _make(self.path)
        connection = apsw.Connection(str(self.path))
        try:
            connection.set_busy_timeout(_BUSY)
            for setting in (
                "journal_mode = WAL",
                f"synchronous = {'FULL' if self._durable else 'NORMAL'}",
                f"fullfsync = {'ON' if self._durable else 'OFF'}",
            ):
                connection.execute(f"PRAGMA {setting}").fetchall()
            self._migrate(connection)
        except BaseException:
            connection.close(force=True)
            raise
        self._connection, self._inode = connection, _inode(self.path)
        return connection

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close(force=True)

    def _error(self, error: Exception) -> Exception:
        problem = error.strerror if isinstance(error, OSError) else str(error)
        return self._make_error(str(self.path), problem or type(error).__name__)

    def _migrate(self, connection: apsw.Connection) -> None:
        found = int(connection.pragma("user_version"))
        if found > self._version:
            message = f"it was written by a newer Ulak (version {found} of its tables)"
            raise apsw.Error(message)
        if found < self._version:
            _whole(connection, self._lead_on)

    def _lead_on(self, connection: apsw.Connection) -> None:
        # Asked once more: another process may have just done it.
        for version in range(int(connection.pragma("user_version")) + 1, self._version + 1):
            script = self._schema / f"{version}.sql"
            connection.execute(script.read_text(encoding="utf-8"))
            connection.execute(f"PRAGMA user_version = {version}")


def _whole(connection: apsw.Connection, change: Callable[[apsw.Connection], T]) -> T:
    # Not deferred: what is looked at must still be so when it is written.
    connection.execute("BEGIN IMMEDIATE")
    try:
        answer = change(connection)
        connection.execute("COMMIT")
    except BaseException:
        if not connection.get_autocommit():
            connection.execute("ROLLBACK")
        raise
    return answer


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return -1


def _make(path: Path) -> None:
    """Make the file where there is none, for its owner's eyes only.

    What root makes in a server's folder belongs to the server: it could not open it otherwise.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.geteuid() == 0:
            folder = path.parent.stat()
            os.fchown(handle, folder.st_uid, folder.st_gid)
    finally:
        os.close(handle)
