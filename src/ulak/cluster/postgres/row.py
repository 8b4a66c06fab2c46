"""The row of this server in the table `member`.

It is written every few seconds. That need not be durable, and must not hold anybody up: where the
database is away, it is written when it is back.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Mapping
from typing import Any, TypeAlias

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ulak.cluster.member import FORGOTTEN, SILENT, Card, Order, Stand
from ulak.cluster.postgres.place import PATIENCE, SESSION, ClusterError, RivalError
from ulak.database.bounded import LostError, bounded
from ulak.database.connecting import connected, where_is

# An order that was obeyed is taken out; one that came meanwhile is another.
_BEAT = """
UPDATE member SET duty = %(duty)s, since = to_timestamp(%(since)s), sessions = %(sessions)s,
    messages = %(messages)s, attempts = %(attempts)s,
    spilled = %(spilled)s, spilled_octets = %(octets)s,
    epochs = ARRAY(SELECT epoch FROM node WHERE name = ANY(%(nodes)s) ORDER BY epoch),
    seen = now(), lag = %(lag)s,
    wanted = CASE wanted WHEN %(obeyed)s THEN '' ELSE wanted END
WHERE name = %(name)s AND instance = %(instance)s RETURNING wanted, wanted_by
"""
# Who comes anew takes the row: it is its own of before, as a rule. Who has lost it to another
# takes it when nothing has been heard of that one.
_TAKE = """
INSERT INTO member (name, instance, host, data, version, tables, started, workers, duty, since,
    sessions, messages, attempts, spilled, spilled_octets, epochs, seen, lag)
VALUES (%(name)s, %(instance)s, %(host)s, %(data)s, %(version)s, %(tables)s,
    to_timestamp(%(started)s), %(workers)s, %(duty)s, to_timestamp(%(since)s),
    %(sessions)s, %(messages)s, %(attempts)s, %(spilled)s, %(octets)s,
    ARRAY(SELECT epoch FROM node WHERE name = ANY(%(nodes)s) ORDER BY epoch), now(), %(lag)s)
ON CONFLICT (name) DO UPDATE SET instance = EXCLUDED.instance, host = EXCLUDED.host,
    data = EXCLUDED.data, version = EXCLUDED.version, tables = EXCLUDED.tables,
    started = EXCLUDED.started, workers = EXCLUDED.workers, duty = EXCLUDED.duty,
    since = EXCLUDED.since, sessions = EXCLUDED.sessions, messages = EXCLUDED.messages,
    attempts = EXCLUDED.attempts, spilled = EXCLUDED.spilled,
    spilled_octets = EXCLUDED.spilled_octets, epochs = EXCLUDED.epochs, seen = EXCLUDED.seen,
    lag = EXCLUDED.lag
WHERE %(anew)s OR member.seen < now() - make_interval(secs => %(silent)s)
RETURNING wanted, wanted_by
"""
_RIVAL = "UPDATE member SET rival = now() WHERE name = %(name)s"
_FORGET = "DELETE FROM member WHERE seen < now() - make_interval(secs => %s)"
_LEAVE = "DELETE FROM member WHERE name = %s AND instance = %s"
Wanted: TypeAlias = tuple[Order, Mapping[str, str]]


class Row:
    """The row of this server, over a connection of its own. One caller at a time."""

    def __init__(self, url: str, card: Card, schema: str = "ulak") -> None:
        self._url = url
        self._card = card
        self._schema = schema
        self._connection: AsyncConnection[TupleRow] | None = None
        self._anew = True
        self._lag = 0.0
        self._obeyed = ""

    async def beat(self, stand: Stand) -> Wanted | None:
        """Write how it stands; give what an operator has asked, and who that is.

        The next beat says that it was done. Raises ClusterError, and RivalError.
        """
        begun = time.monotonic()
        try:
            connection = await self._connected()
            wanted = await bounded(connection, self._write(connection, stand), PATIENCE)
        except RivalError:
            raise
        except (psycopg.Error, LostError, OSError, TimeoutError) as error:
            await self._let_go()
            raise ClusterError from error
        self._anew = False
        self._lag = time.monotonic() - begun
        self._obeyed = wanted[0].value if wanted is not None else ""
        return wanted

    async def _write(self, connection: AsyncConnection[TupleRow], stand: Stand) -> Wanted | None:
        card = self._card
        values: dict[str, Any] = {
            "name": card.name,
            "instance": card.instance,
            "host": card.host,
            "data": card.data,
            "version": card.version,
            "tables": card.tables,
            "started": card.started,
            "workers": len(card.nodes),
            "nodes": list(card.nodes),
            "duty": stand.duty.value,
            "since": stand.since,
            "sessions": stand.in_hand.sessions,
            "messages": stand.in_hand.messages,
            "attempts": stand.in_hand.attempts,
            "spilled": stand.spilled.messages,
            "octets": stand.spilled.octets,
            "lag": self._lag,
            "obeyed": self._obeyed,
            "anew": self._anew,
            "silent": SILENT,
        }
        row = None
        if not self._anew:
            row = await (await connection.execute(_BEAT, values)).fetchone()
        if row is None:
            row = await (await connection.execute(_TAKE, values)).fetchone()
            await connection.execute(_FORGET, (FORGOTTEN,))
        if row is None:
            await connection.execute(_RIVAL, values)
            raise RivalError
        wanted, by = row
        return (Order(wanted), json.loads(by or "{}")) if wanted in tuple(Order) else None

    async def leave(self) -> None:
        """Take the row out: this server ends. Where that cannot be said, it is seen."""
        connection = self._connection
        if connection is not None and not connection.closed:
            step = connection.execute(_LEAVE, (self._card.name, self._card.instance))
            with contextlib.suppress(psycopg.Error, LostError, OSError):
                await bounded(connection, step, PATIENCE)
        await self._let_go()

    async def _connected(self) -> AsyncConnection[TupleRow]:
        connection = self._connection
        if connection is None or connection.closed:
            where = where_is(self._url, f"{self._card.name} member", PATIENCE)
            connection = await connected(where, PATIENCE, SESSION, {"schema": self._schema})
            self._connection = connection
        return connection

    async def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
