"""The rows of all members, read, and orders left for one of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping

import psycopg
from psycopg.rows import TupleRow

from ulak.cluster.database import Database
from ulak.cluster.member import Duty, InHand, Member, Order, Spilled, Stand
from ulak.cluster.postgres.looking import looked
from ulak.cluster.postgres.place import PATIENCE, SESSION, ClusterError
from ulak.database.connecting import where_is

_ROWS = (
    "SELECT name, host, data, version, tables, extract(epoch FROM started)::FLOAT8, workers, duty, "
    "extract(epoch FROM since)::FLOAT8, sessions, messages, attempts, spilled, spilled_octets, "
    "epochs, extract(epoch FROM seen)::FLOAT8, "
    "extract(epoch FROM clock_timestamp() - seen)::FLOAT8, lag, extract(epoch FROM rival)::FLOAT8, "
    "wanted FROM member ORDER BY name"
)
_ORDER = "UPDATE member SET wanted = %s, wanted_by = %s WHERE name = %s"


class Members:
    """Reads the rows of all members, and leaves orders for one. `opened` makes one."""

    def __init__(self, connection: psycopg.Connection[TupleRow], schema: str) -> None:
        self._connection = connection
        self._schema = schema

    def all(self) -> list[Member]:
        """Give all, by name; none where there is no table yet. Raises ClusterError."""
        try:
            made = self._connection.execute("SELECT to_regclass('member') IS NOT NULL").fetchone()
            if made is None or not made[0]:
                return []
            return [_member(row) for row in self._connection.execute(_ROWS).fetchall()]
        except psycopg.Error as error:
            raise ClusterError from error

    def database(self, known: int) -> Database:
        """Tell how the database is; `known` is the version of tables that this Ulak knows.

        Raises ClusterError.
        """
        return looked(self._connection, self._schema, known)

    def order(self, name: str, order: Order, by: Mapping[str, str]) -> bool:
        """Leave an order for a member; whether there is one of this name. Raises ClusterError."""
        try:
            values = (order.value, json.dumps(by), name)
            return bool(self._connection.execute(_ORDER, values).rowcount)
        except psycopg.Error as error:
            raise ClusterError from error


@contextlib.contextmanager
def opened(url: str, schema: str = "ulak") -> Iterator[Members]:
    """Open the database of a cluster for a command. Raises ClusterError.

    Where nobody takes writes, a standby is as good for looking.
    """
    with contextlib.closing(_connected(url)) as connection:
        try:
            connection.execute(SESSION, {"schema": schema})
        except psycopg.Error as error:
            raise ClusterError from error
        yield Members(connection, schema)


def _connected(url: str) -> psycopg.Connection[TupleRow]:
    for writes in (True, False):
        where = where_is(url, "cluster", PATIENCE, writes=writes)
        with contextlib.suppress(psycopg.OperationalError):
            return psycopg.connect(where, autocommit=True)
    raise ClusterError


def _member(row: TupleRow) -> Member:
    (name, host, data, version, tables, started, workers, duty, since, *rest) = row
    (sessions, messages, attempts, spilled, octets, epochs, seen, age, lag, rival, wanted) = rest
    return Member(
        name,
        host,
        data,
        version,
        tables,
        started,
        workers,
        Stand(Duty(duty), since, InHand(sessions, messages, attempts), Spilled(spilled, octets)),
        tuple(epochs),
        seen,
        age,
        lag,
        rival,
        Order(wanted) if wanted in tuple(Order) else None,
    )
