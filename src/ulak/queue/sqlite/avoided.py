"""The domains that leases leave alone, in a table of the connection's own.

As an argument of every statement they would be read anew for every message: with thousands of
domains that is most of the time of a lease. From one lease to the next they hardly change.
"""

from __future__ import annotations

import json
from collections.abc import Collection

import apsw

TABLE = "temp.avoided"
_MADE = "CREATE TEMP TABLE IF NOT EXISTS avoided (domain TEXT PRIMARY KEY) WITHOUT ROWID"


class Avoided:
    """The table, and what is in it."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._names: frozenset[str] = frozenset()
        connection.execute(_MADE)

    def set(self, names: Collection[str]) -> None:
        """Leave these alone, and no others."""
        wanted = frozenset(names)
        if wanted == self._names:
            return
        for statement, changed in (
            (
                f"DELETE FROM {TABLE} WHERE domain IN (SELECT value FROM json_each(?))",
                self._names - wanted,
            ),
            (f"INSERT INTO {TABLE} SELECT value FROM json_each(?)", wanted - self._names),
        ):
            if changed:
                values = (json.dumps(sorted(changed), ensure_ascii=False),)
                self._connection.execute(statement, values)
        self._names = wanted

    def rolled_back(self) -> None:
        """Note that the transaction did not commit: what the table has is not known."""
        if self._names:
            self._names = frozenset(
                name for (name,) in self._connection.execute(f"SELECT domain FROM {TABLE}")
            )
