"""Policies of MTA-STS in a file that all workers share, `transport.db`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import apsw

from ulak.checks.mta_sts import Mode
from ulak.database.shared import SharedFile
from ulak.delivery.transport.sts import Cached, refresh_at

_VERSION = 1
_COLUMNS = "domain, id, mode, mx, max_age, fetched"
_GET = f"SELECT {_COLUMNS} FROM policy WHERE domain = ?"  # noqa: S608 -- our own names
_DUE = f"SELECT {_COLUMNS} FROM policy WHERE stale <= ? ORDER BY stale LIMIT ?"  # noqa: S608 -- as above
_PUT = f"INSERT OR REPLACE INTO policy ({_COLUMNS}, stale, expires) VALUES (?,?,?,?,?,?,?,?)"  # noqa: S608 -- as above


class TransportError(Exception):
    """The file of policies could not be read or written; the text says which and why."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")


class SqliteStsStore:
    """Follows `sts.StsStore`, for any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        # What is lost with the power is fetched again.
        schema = files(__package__) / "sql"
        self._file = SharedFile(path, schema, _VERSION, error=TransportError, durable=False)

    def get(self, domain: str) -> Cached | None:
        """Give the policy of a domain."""

        def ask(connection: apsw.Connection) -> Cached | None:
            row = connection.execute(_GET, (domain,)).fetchone()
            return None if row is None else _read(*row)

        return self._file.look(ask, None)

    def put(self, policy: Cached) -> None:
        """Keep a policy in place of an older one."""
        row = (
            policy.domain,
            policy.id,
            policy.mode.value,
            " ".join(policy.mx),
            policy.max_age,
            policy.fetched,
            refresh_at(policy),
            policy.fetched + policy.max_age,
        )
        self._file.change(lambda connection: connection.execute(_PUT, row))

    def due(self, now: float, limit: int) -> Sequence[Cached]:
        """Give policies that hold and are to be fetched anew; forget those that have expired."""

        def look(connection: apsw.Connection) -> list[Cached]:
            connection.execute("DELETE FROM policy WHERE expires <= ?", (now,))
            return [_read(*row) for row in connection.execute(_DUE, (now, limit))]

        if not self._file.path.exists():
            return ()
        return self._file.change(look)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _read(domain: str, id_: str, mode: str, mx: str, max_age: int, fetched: float) -> Cached:
    return Cached(domain, id_, Mode(mode), tuple(mx.split()), max_age, fetched)
