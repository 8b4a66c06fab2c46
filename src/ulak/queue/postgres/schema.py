"""The tables of the queue, brought to the version that the nodes of today need.

A step that only adds (`pre`) is done by the first node that comes with it; one that takes away
(`post`) when no node that needs what it takes has been seen for `store.keep_for`: until then an
operator who does not like the new version has a way back. Nodes of two versions stand side by side
when one is the next of the other; who is further off does not come.

A step waits for locks that all nodes need, and who waits for such a lock has everybody else wait
behind it. So it waits for moments only, and tries again: a backup reads for an hour.
"""

from __future__ import annotations

import asyncio

from psycopg import errors
from psycopg.rows import TupleRow

from ulak.database.connecting import Connection
from ulak.queue.sql import postgres as sql
from ulak.queue.store import StorageError, StoreVersionError

_MOMENT = "200ms"  # less than PostgreSQL waits before it looks for a deadlock, and ends somebody
_PAUSES = (0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0)  # seconds between tries: less than a start has

# Whoever comes at the same time waits here.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('ulak queue ' || %s, 0))"
_FOR_MOMENTS = f"SET LOCAL lock_timeout = '{_MOMENT}'"
_LIVING = "SELECT min(version), max(version) FROM node WHERE until > now()"
_OLDER_THERE = "UPDATE store SET older_seen = now()"


async def prepare(connection: Connection, schema: str) -> None:
    """Do the steps that have to be done before this node may work. Raises StorageError."""
    for pause in (*_PAUSES, None):
        try:
            await _prepare(connection, schema)
        except errors.LockNotAvailable as error:
            if pause is None:
                message = (
                    "The tables of the queue cannot be changed for this version, since somebody "
                    "reads or writes them in a transaction that is open for long, as a backup does;"
                    " start this server again when that has ended."
                )
                raise StorageError(message) from error
            await asyncio.sleep(pause)
        else:
            return


async def _prepare(connection: Connection, schema: str) -> None:
    async with connection.transaction():
        await connection.execute(_ONE_AT_A_TIME, (schema,))
        await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        begun, ended = await versions(connection)
        refuse_newer(ended)
        if begun:
            await _refuse_far(connection)
        if begun >= sql.VERSION:
            return
        await connection.execute(_FOR_MOMENTS)
        for version in range(begun + 1, sql.VERSION + 1):
            # Nobody lives who needs what these take.
            for late in range(ended + 1, version - 1):
                await _do(connection, "post", late)
            ended = max(ended, version - 2)
            await _do(connection, "pre", version)
            await connection.execute("UPDATE store SET begun = %s, ended = %s", (version, ended))
        if begun:
            await connection.execute(_OLDER_THERE)


async def finish(connection: Connection) -> None:
    """Do the steps that only nodes of older versions were in the way of, when it is time."""
    try:
        async with connection.transaction():
            begun, ended = await versions(connection)
            if ended >= begun:
                return
            await connection.execute(_FOR_MOMENTS)
            # Nobody is born meanwhile.
            await connection.execute("SELECT 1 FROM store FOR UPDATE")
            begun, ended = await versions(connection)
            (oldest,) = await _row(connection, "SELECT min(version) FROM node")
            if min(oldest or 0, sql.VERSION) < begun:
                await connection.execute(_OLDER_THERE)
                return
            (over,) = await _row(connection, "SELECT older_seen + keep_for <= now() FROM store")
            if not over:
                return
            for version in range(ended + 1, begun + 1):
                await _do(connection, "post", version)
                await connection.execute("UPDATE store SET ended = %s", (version,))
    except errors.LockNotAvailable:
        pass  # next time


async def versions(connection: Connection) -> tuple[int, int]:
    """Tell how far the tables are: the last step that was begun, and the last that was ended."""
    (made,) = await _row(connection, "SELECT to_regclass('store') IS NOT NULL")
    if not made:
        return 0, 0
    begun, ended = await _row(connection, "SELECT begun, ended FROM store")
    return begun, ended


def refuse_newer(ended: int) -> None:
    """Raise StoreVersionError where steps were done that took away what this node needs."""
    if ended > sql.VERSION:
        message = (
            f"The queue was written by a newer Ulak (version {ended} of its tables, this one "
            f"knows {sql.VERSION}); start that one, or a newer one."
        )
        raise StoreVersionError(message)


async def _refuse_far(connection: Connection) -> None:
    """Raise StoreVersionError where somebody lives who is not of the next version."""
    for version in await _row(connection, _LIVING):
        if version is not None and abs(version - sql.VERSION) > 1:
            message = (
                f"Servers that know version {version} of the queue's tables are at work (or were a "
                f"minute ago), and this one knows {sql.VERSION}: only versions that follow each "
                "other stand side by side. Stop those first, or go by the version between."
            )
            raise StoreVersionError(message)


async def _row(connection: Connection, statement: str) -> TupleRow:
    """Give the only row of what is never without one."""
    row = await (await connection.execute(statement)).fetchone()
    assert row is not None  # noqa: S101 -- a count of everything, or what came with its table
    return row


async def _do(connection: Connection, step: str, version: int) -> None:
    statements = sql.migration(step, version)
    if statements:
        await connection.execute(statements)
