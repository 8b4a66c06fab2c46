"""The tables of the queue, brought to the version that the nodes of today need.

A step that only adds (`pre`) is done by the first node that comes with it; one that takes away
(`post`) when no node is left that needs what it takes.
"""

from __future__ import annotations

from ulak.database.connecting import Connection
from ulak.queue.sql import postgres as sql
from ulak.queue.store import StoreVersionError

# Whoever comes at the same time waits here.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('ulak queue ' || %s, 0))"


async def prepare(connection: Connection, schema: str) -> None:
    """Do the steps that have to be done before this node may work."""
    async with connection.transaction():
        await connection.execute(_ONE_AT_A_TIME, (schema,))
        await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        begun, ended = await versions(connection)
        if ended > sql.VERSION:
            message = (
                f"The queue was written by a newer Ulak (version {ended} of its tables, this one "
                f"knows {sql.VERSION}); start that one, or a newer one."
            )
            raise StoreVersionError(message)
        for version in range(begun + 1, sql.VERSION + 1):
            # What only the version before the last needed is in the way of none that can be alive.
            for late in range(ended + 1, version - 1):
                await _do(connection, "post", late)
            ended = max(ended, version - 2)
            await _do(connection, "pre", version)
            await connection.execute("UPDATE store SET begun = %s, ended = %s", (version, ended))


async def finish(connection: Connection) -> None:
    """Do the steps that only nodes of older versions were in the way of."""
    async with connection.transaction():
        found = await connection.execute("SELECT begun, ended FROM store FOR UPDATE SKIP LOCKED")
        row = await found.fetchone()
        if row is None or row[1] >= min(row[0], sql.VERSION):
            return
        found = await connection.execute("SELECT min(version) FROM node")
        oldest = (await found.fetchone() or (0,))[0] or 0
        for version in range(row[1] + 1, min(oldest, row[0], sql.VERSION) + 1):
            await _do(connection, "post", version)
            await connection.execute("UPDATE store SET ended = %s", (version,))


async def versions(connection: Connection) -> tuple[int, int]:
    """Tell how far the tables are: the last step that was begun, and the last that was ended."""
    found = await connection.execute("SELECT to_regclass('store') IS NOT NULL")
    row = await found.fetchone()
    if row is None or not row[0]:
        return 0, 0
    found = await connection.execute("SELECT begun, ended FROM store")
    row = await found.fetchone()
    assert row is not None  # noqa: S101 -- it came with the table
    return row[0], row[1]


async def _do(connection: Connection, step: str, version: int) -> None:
    statements = sql.migration(step, version)
    if statements:
        await connection.execute(statements)
