"""Which part of `body` is written to, and which can be emptied (see `ulak.queue.postgres.bodies`).

All nodes do this, and none has to: a row is locked by who is at it, and others go on.
"""

from __future__ import annotations

import contextlib

import psycopg

from ulak.database.connecting import Connection

_YOUNG, _OLD = 4, 2  # how many parts there are of each
_TURN_YOUNG, _TURN_OLD = 600, 86_400  # seconds

_DUE = (
    f"SELECT young, young_since < now() - make_interval(secs => {_TURN_YOUNG}), "
    f"old, old_since < now() - make_interval(secs => {_TURN_OLD}) "
    "FROM store FOR UPDATE SKIP LOCKED"
)

# The part that was written to last is left alone: a node may not have heard of the turn yet, and
# most of its messages are about to go.
_MOVED = f"""
WITH now_at AS (SELECT young, old FROM store),
left_behind AS (
    SELECT m.seq, m.slot, now_at.old AS target FROM message m, now_at
    WHERE m.slot >= 0 AND m.slot NOT IN (young, (young + {_YOUNG} - 1) % {_YOUNG}, old)
    ORDER BY m.seq LIMIT 200 FOR UPDATE OF m SKIP LOCKED
),
copied AS (
    INSERT INTO body (slot, seq, part, octets) SELECT target, b.seq, b.part, b.octets
    FROM left_behind l JOIN body b ON b.slot = l.slot AND b.seq = l.seq
)
UPDATE message m SET slot = l.target FROM left_behind l WHERE m.seq = l.seq
"""


_SPARE = (
    "INSERT INTO spare (n) SELECT generate_series(1, 50000) WHERE NOT EXISTS (SELECT 1 FROM spare)"
)


async def turned(connection: Connection) -> None:
    """Go on to the next parts when it is time, and they are empty."""
    async with connection.transaction():
        row = await (await connection.execute(_DUE)).fetchone()
        if row is None:
            return
        young, young_is_due, old, old_is_due = row
        next_young, next_old = (young + 1) % _YOUNG, _YOUNG + (old - _YOUNG + 1) % _OLD
        if young_is_due and await _is_empty(connection, next_young):
            await connection.execute(
                "UPDATE store SET young = %s, young_since = now()", (next_young,)
            )
        if old_is_due and await _is_empty(connection, next_old):
            await connection.execute("UPDATE store SET old = %s, old_since = now()", (next_old,))


async def _is_empty(connection: Connection, slot: int) -> bool:
    found = await connection.execute(f"SELECT NOT EXISTS (SELECT 1 FROM body_{slot})")
    return bool((await found.fetchone() or (False,))[0])


async def moved(connection: Connection) -> bool:
    """Take some messages out of parts that are to be emptied; whether there were any."""
    return (await connection.execute(_MOVED)).rowcount > 0


async def empty(connection: Connection) -> int:
    """Empty the parts that no message points to; how many there were."""
    try:
        return await _emptied(connection)
    except psycopg.errors.DiskFull:
        await connection.execute("TRUNCATE spare")
        return await _emptied(connection)
    finally:
        with contextlib.suppress(psycopg.Error):
            await connection.execute(_SPARE)


async def _emptied(connection: Connection) -> int:
    found = await connection.execute("SELECT young, old FROM store")
    young, old = await found.fetchone() or (0, 0)
    count = 0
    for slot in range(_YOUNG + _OLD):
        if slot in (young, (young - 1) % _YOUNG, old):
            continue
        with contextlib.suppress(psycopg.errors.LockNotAvailable):
            count += await _emptied_part(connection, slot)
    return count


async def _emptied_part(connection: Connection, slot: int) -> bool:
    async with connection.transaction():
        # Who writes there has it locked still: he is seen below when he is through.
        await connection.execute(f"LOCK TABLE body_{slot} IN ACCESS EXCLUSIVE MODE NOWAIT")
        found = await connection.execute(
            "SELECT EXISTS (SELECT 1 FROM message WHERE slot = %s), "
            f"EXISTS (SELECT 1 FROM body_{slot})",
            (slot,),
        )
        needed, filled = await found.fetchone() or (True, False)
        if filled and not needed:
            await connection.execute(f"TRUNCATE body_{slot}")
            return True
    return False
