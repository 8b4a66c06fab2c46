"""Access tokens in a SQLite file."""

from __future__ import annotations

from pathlib import Path

import apsw

from ulak.accounts.access import AccessToken
from ulak.accounts.sqlite.file import opened

VERSION = 2
_SELECT = "SELECT name, hash, scopes, made, until, account FROM token"
_ADD = "INSERT OR IGNORE INTO token (name, hash, scopes, made, until, account) VALUES (?,?,?,?,?,?)"


class SqliteAccessTokens:
    """Follows `accounts.access.AccessTokens`, for any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        self._file = opened(path, "access", VERSION, durable=True)

    def find(self, hashed: str) -> AccessToken | None:
        """Give the token with a hash."""

        def find(connection: apsw.Connection) -> AccessToken | None:
            row = connection.execute(f"{_SELECT} WHERE hash = ?", (hashed,)).fetchone()
            return None if row is None else _token(*row)

        return self._file.look(find, None)

    def add(self, token: AccessToken) -> bool:
        """Keep a token, durably; False if there is one of that name."""
        row = (
            token.name,
            token.hash,
            " ".join(token.scopes),
            token.made,
            token.until,
            token.account,
        )

        def add(connection: apsw.Connection) -> bool:
            connection.execute(_ADD, row)
            return connection.changes() > 0

        return self._file.change(add)

    def remove(self, name: str) -> bool:
        """Forget a token, durably; False if there is none of that name."""

        def remove(connection: apsw.Connection) -> bool:
            connection.execute("DELETE FROM token WHERE name = ?", (name,))
            return connection.changes() > 0

        return self._file.change(remove)

    def list(self) -> list[AccessToken]:
        """Give all of them by name."""
        return self._file.look(
            lambda db: [_token(*row) for row in db.execute(f"{_SELECT} ORDER BY name")], []
        )

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _token(
    name: str, hashed: str, scopes: str, made: float, until: float, account: str
) -> AccessToken:
    return AccessToken(name, hashed, tuple(scopes.split()), made, until, account)
