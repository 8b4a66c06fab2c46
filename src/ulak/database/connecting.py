"""Connecting to the PostgreSQL that servers share: where it is, and who says so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, TypeAlias

import psycopg
from psycopg import AsyncConnection, conninfo
from psycopg.rows import TupleRow

from ulak.database.bounded import LostError, bounded

# It tells of what goes wrong while a connection is given up: whoever asked is told of that by us.
logging.getLogger("psycopg").setLevel(logging.CRITICAL)

Connection: TypeAlias = AsyncConnection[TupleRow]

TROUBLE = (psycopg.Error, LostError, OSError, TimeoutError)
"""What connecting, and a step on a connection, can fail with."""

_CONNECT = 2  # seconds for each address of the database
_LONGEST = 63  # octets of a name that PostgreSQL keeps (NAMEDATALEN - 1)


def where_is(url: str, name: str, patience: float, *, writes: bool = True) -> str:
    """Say to libpq how to connect; what the operator's `url` says comes before what is said here.

    `name` is what an operator sees in pg_stat_activity. `patience`: seconds after which a peer that
    confirms nothing is given up. `writes`: only to a server that can be written to.
    """
    more: dict[str, Any] = {
        "connect_timeout": _CONNECT,
        "application_name": shortened(f"ulak {name}"),
        "target_session_attrs": "read-write" if writes else "any",
        "tcp_user_timeout": int(patience * 1000),
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }
    return conninfo.make_conninfo("", **{**more, **conninfo.conninfo_to_dict(url)})


def shortened(name: str) -> str:
    """Cut a name to what PostgreSQL keeps, but not its last word, which says what it is for."""
    if len(name.encode()) <= _LONGEST:
        return name
    rest, _, last = name.rpartition(" ")
    room = _LONGEST - len(f"~ {last}".encode())
    return f"{rest.encode()[: max(room, 0)].decode(errors='ignore')}~ {last}"


async def connected(
    where: str, patience: float, session: str, settings: Mapping[str, object]
) -> Connection:
    """Connect, and say how the session is to be. Raises what `TROUBLE` names.

    Both have `patience` seconds, each. Where the session cannot be had, nothing is left open.
    """
    async with asyncio.timeout(patience):
        connection = await AsyncConnection.connect(where, autocommit=True)
    try:
        await bounded(connection, connection.execute(session, settings), patience)
    except BaseException:
        await connection.close()
        raise
    return connection
