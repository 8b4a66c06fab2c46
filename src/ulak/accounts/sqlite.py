"""The accounts in a SQLite file, which the workers and the command line share.

It is read and written by several processes at once; a change is in force for all of them with
the next verb. What is changed is on the disk (`synchronous=FULL`) before the verb returns. The
file is for its owner's eyes only.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import apsw

from ulak.accounts import sql
from ulak.accounts.account import Account, ScramKeys, key_of
from ulak.accounts.store import AccountsError

T = TypeVar("T")

_BUSY = 5_000  # milliseconds for the change of another process
_COLUMNS = (
    "key, address, password, scram_salt, scram_iterations, scram_stored_key, scram_server_key,"
    " send_as, disabled, messages_per_hour, recipients_per_hour, made, changed"
)
_SELECT = f"SELECT {_COLUMNS} FROM account"
_PUT = f"INSERT OR REPLACE INTO account ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"


class SqliteAccounts:
    """Follows `accounts.store.Accounts`, for any number of threads and processes.

    Looking never makes the file; adding the first account does.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None
        self._inode = 0

    def find(self, name: str) -> Account | None:
        """Give the account of a login name."""
        key = key_of(name)
        if key is None:
            return None

        def find(connection: apsw.Connection) -> Account | None:
            return _found(connection, key)

        return self._look(find, None)

    def add(self, account: Account) -> bool:
        """Add an account, durably; False if there is one of that name."""
        row = _row(account)

        def add(connection: apsw.Connection) -> bool:
            if _found(connection, account.key) is not None:
                return False
            connection.execute(_PUT, row)
            return True

        return self._change(add)

    def replace(self, account: Account, *, was: Account | None = None) -> bool:
        """Put an account in the place of the one of its name, durably; False if there is none."""
        row = _row(account)

        def replace(connection: apsw.Connection) -> bool:
            now = _found(connection, account.key)
            if now is None or (was is not None and now != was):
                return False
            connection.execute(_PUT, row)
            return True

        return self._change(replace)

    def remove(self, name: str) -> bool:
        """Remove an account, durably; False if there is none of that name."""
        key = key_of(name)
        if key is None or not self._path.exists():
            return False

        def remove(connection: apsw.Connection) -> bool:
            connection.execute("DELETE FROM account WHERE key = ?", (key,))
            return bool(connection.changes())

        return self._change(remove)

    def list(self) -> list[Account]:
        """Give all accounts in the order of their names."""

        def every(connection: apsw.Connection) -> list[Account]:
            return [_account(row) for row in connection.execute(f"{_SELECT} ORDER BY key")]

        return self._look(every, [])

    def any(self) -> bool:
        """Whether there is an account at all."""

        def any_(connection: apsw.Connection) -> bool:
            return connection.execute("SELECT 1 FROM account LIMIT 1").fetchone() is not None

        return self._look(any_, False)  # noqa: FBT003 -- the answer where there is no file

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._let_go()

    # -- the file ---------------------------------------------------------------------------

    def _look(self, question: Callable[[apsw.Connection], T], nothing: T) -> T:
        with self._lock:
            try:
                if not self._path.exists():
                    self._let_go()
                    return nothing
                return question(self._open())
            except (apsw.Error, OSError) as error:
                self._let_go()
                raise self._error(error) from error

    def _change(self, change: Callable[[apsw.Connection], T]) -> T:
        with self._lock:
            try:
                connection = self._open()
                # Not deferred: what is looked at must still be so when it is written.
                connection.execute("BEGIN IMMEDIATE")
                try:
                    answer = change(connection)
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
            except (apsw.Error, OSError) as error:
                self._let_go()
                raise self._error(error) from error
            return answer

    def _open(self) -> apsw.Connection:
        """Give the connection to the file that is there now: it may have been put back."""
        connection = self._connection
        if connection is not None and _inode(self._path) == self._inode:
            return connection
        self._let_go()
        _make(self._path)
        connection = apsw.Connection(str(self._path))
        try:
            connection.set_busy_timeout(_BUSY)
            for setting in ("journal_mode = WAL", "synchronous = FULL", "fullfsync = ON"):
                connection.execute(f"PRAGMA {setting}").fetchall()
            _migrate(connection)
        except BaseException:
            connection.close(force=True)
            raise
        self._connection, self._inode = connection, _inode(self._path)
        return connection

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close(force=True)

    def _error(self, error: Exception) -> AccountsError:
        problem = error.strerror if isinstance(error, OSError) else str(error)
        return AccountsError(str(self._path), problem or type(error).__name__)


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


def _migrate(connection: apsw.Connection) -> None:
    version = int(connection.pragma("user_version"))
    if version > sql.VERSION:
        message = f"they were written by a newer Ulak (version {version} of its tables)"
        raise apsw.Error(message)
    if version == sql.VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for wanted in range(int(connection.pragma("user_version")) + 1, sql.VERSION + 1):
            connection.execute(sql.migration(wanted))
            connection.execute(f"PRAGMA user_version = {wanted}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _found(connection: apsw.Connection, key: str) -> Account | None:
    row = connection.execute(f"{_SELECT} WHERE key = ?", (key,)).fetchone()
    return None if row is None else _account(row)


def _row(account: Account) -> tuple[str | bytes | int | float | None, ...]:
    scram = account.scram
    keys: tuple[bytes | int | None, ...] = (None, None, None, None)
    if scram is not None:
        keys = (scram.salt, scram.iterations, scram.stored_key, scram.server_key)
    return (
        account.key,
        account.address,
        account.password,
        *keys,
        "\n".join(account.send_as),
        int(account.disabled),
        account.messages_per_hour,
        account.recipients_per_hour,
        account.made,
        account.changed,
    )


def _account(row: tuple[Any, ...]) -> Account:
    _, address, password, salt, iterations, stored, server, send_as, disabled, *rest = row
    messages, recipients, made, changed = rest
    scram = None
    if salt is not None:
        scram = ScramKeys(salt, iterations, stored, server)
    return Account(
        address,
        password,
        scram,
        tuple(send_as.split("\n")) if send_as else (),
        bool(disabled),
        messages,
        recipients,
        made,
        changed,
    )
