"""The accounts in a SQLite file, which the workers and the command line share.

A change is in force for all of them with the next verb, and on the disk before its own verb
returns.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import apsw

from ulak.accounts.account import Account, Role, key_of
from ulak.accounts.sqlite.file import opened
from ulak.smtp.sasl.keys import ScramKeys

VERSION = 2
_SECRET = 32  # octets
_COLUMNS = (
    "key, address, password, scram_salt, scram_iterations, scram_stored_key, scram_server_key,"
    " send_as, disabled, messages_per_hour, recipients_per_hour, made, changed, role"
)
_SELECT = f"SELECT {_COLUMNS} FROM account"
_PUT = f"INSERT OR REPLACE INTO account ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)"


class SqliteAccounts:
    """Follows `accounts.store.Accounts`, for any number of threads and processes.

    Looking never makes the file; adding the first account does.
    """

    def __init__(self, path: Path) -> None:
        self._file = opened(path, "accounts", VERSION, durable=True)

    def find(self, name: str) -> Account | None:
        """Give the account of a login name."""
        key = key_of(name)
        return None if key is None else self._file.look(lambda db: _found(db, key), None)

    def add(self, account: Account) -> bool:
        """Add an account, durably; False if there is one of that name."""
        row = _row(account)

        def add(connection: apsw.Connection) -> bool:
            if _found(connection, account.key) is not None:
                return False
            connection.execute(_PUT, row)
            return True

        return self._file.change(add)

    def replace(self, account: Account, *, was: Account | None = None) -> bool:
        """Put an account in the place of the one of its name, durably; False if there is none."""
        row = _row(account)

        def replace(connection: apsw.Connection) -> bool:
            now = _found(connection, account.key)
            if now is None or (was is not None and now != was):
                return False
            connection.execute(_PUT, row)
            return True

        return self._file.change(replace)

    def remove(self, name: str) -> bool:
        """Remove an account, durably; False if there is none of that name."""
        key = key_of(name)
        if key is None or not self._file.path.exists():
            return False

        def remove(connection: apsw.Connection) -> bool:
            connection.execute("DELETE FROM account WHERE key = ?", (key,))
            return bool(connection.changes())

        return self._file.change(remove)

    def list(self) -> list[Account]:
        """Give all accounts in the order of their names."""

        def every(connection: apsw.Connection) -> list[Account]:
            return [_account(row) for row in connection.execute(f"{_SELECT} ORDER BY key")]

        return self._file.look(every, [])

    def any(self) -> bool:
        """Whether there is an account at all."""

        def any_(connection: apsw.Connection) -> bool:
            return connection.execute("SELECT 1 FROM account LIMIT 1").fetchone() is not None

        return self._file.look(any_, False)  # noqa: FBT003 -- the answer where there is no file

    def operators(self) -> bool:
        """Whether there is an account with a role in the console."""

        def operators(connection: apsw.Connection) -> bool:
            found = connection.execute("SELECT 1 FROM account WHERE role <> '' LIMIT 1")
            return found.fetchone() is not None

        return self._file.look(operators, False)  # noqa: FBT003 -- as above

    def secret(self) -> bytes:
        """Give a secret of this server, which stays the same; drawn when it is first wanted."""

        def secret(connection: apsw.Connection) -> bytes:
            connection.execute(
                "INSERT INTO secret SELECT ? WHERE NOT EXISTS (SELECT 1 FROM secret)",
                (os.urandom(_SECRET),),
            )
            return bytes(connection.execute("SELECT octets FROM secret").get)

        return self._file.change(secret)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


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
        account.role.value,
    )


def _account(row: tuple[Any, ...]) -> Account:
    _, address, password, salt, iterations, stored, server, send_as, disabled, *rest = row
    messages, recipients, made, changed, role = rest
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
        Role(role),
    )
