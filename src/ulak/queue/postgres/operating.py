"""The operator's verbs in SQL, and the looks at all there is."""

from __future__ import annotations

from ulak.database.connecting import Connection
from ulak.queue.item import Counts, Selection, State
from ulak.queue.postgres.due import FREE
from ulak.queue.postgres.node import Node
from ulak.queue.postgres.rows import (
    JOINED,
    LISTED,
    Raw,
    condition,
)

_CHANGES = {
    "retry": (FREE, "due = least(p.due, %(now)s)"),
    "hold": (FREE, "held = TRUE"),
    "release": ("p.token = 0 AND p.held", "held = FALSE, due = least(p.due, %(now)s)"),
}
_PAGE = 5_000  # rows


async def changed(
    connection: Connection, *, node: Node, which: Selection, verb: str, now: float = 0.0
) -> int:
    """Do one of the verbs that change what waits; to how many recipients."""
    before, change = _CHANGES[verb]
    wanted, values = condition(which)
    async with connection.transaction():
        found = await connection.execute(
            f"UPDATE pending p SET {change} FROM message m "
            f"WHERE m.seq = p.seq AND {before} AND {wanted}",
            {**values, "now": now},
        )
        if found.rowcount and verb != "hold":
            await node.tell(connection)
    return found.rowcount


async def dropped(connection: Connection, *, which: Selection) -> list[str]:
    """Remove recipients, and messages with their last; the sender of each recipient."""
    wanted, values = condition(which)
    async with connection.transaction():
        found = await connection.execute(
            "WITH gone AS (DELETE FROM pending p USING message m "
            f"WHERE m.seq = p.seq AND {wanted} RETURNING p.seq, m.sender) "
            "SELECT seq, sender FROM gone",
            values,
        )
        rows = await found.fetchall()
        touched = sorted({row[0] for row in rows})
        # Who finishes the others at the same time would leave the message to us, and we to him.
        await connection.execute(
            "SELECT 1 FROM message WHERE seq = ANY(%s) ORDER BY seq FOR UPDATE", (touched,)
        )
        await connection.execute(
            "DELETE FROM message m WHERE m.seq = ANY(%s) "
            "AND NOT EXISTS (SELECT 1 FROM pending p WHERE p.seq = m.seq)",
            (touched,),
        )
    return [row[1] for row in rows]


async def next_deadline(connection: Connection, *, after: float) -> float | None:
    """Give the earliest time later than this by which a sender wants something."""
    found = await connection.execute("SELECT min(until) FROM message WHERE until > %s", (after,))
    row = await found.fetchone()
    return None if row is None or row[0] is None else float(row[0])


async def counted(connection: Connection) -> Counts:
    """Count what there is."""
    found = await connection.execute(
        "SELECT count(*) FILTER (WHERE token = 0 AND NOT held), "
        "count(*) FILTER (WHERE token <> 0), count(*) FILTER (WHERE token = 0 AND held), "
        "(SELECT count(*) FROM message) FROM pending"
    )
    ready, leased, held, messages = await found.fetchone() or (0, 0, 0, 0)
    return Counts(messages, {State.READY: ready, State.LEASED: leased, State.HELD: held})


async def pages(connection: Connection, *, which: Selection) -> list[Raw]:
    """Give the selected recipients as rows of LISTED, oldest message first."""
    wanted, values = condition(which)
    rows: list[Raw] = []
    after: Raw = (float("-inf"), -1, -1)
    while True:
        found = await connection.execute(
            f"SELECT {LISTED} FROM {JOINED} WHERE (m.received, p.seq, p.n) > "
            f"(%(after_received)s, %(after_seq)s, %(after_n)s) AND {wanted} "
            f"ORDER BY m.received, p.seq, p.n LIMIT {_PAGE}",
            {
                **values,
                "after_received": after[0],
                "after_seq": after[1],
                "after_n": after[2],
            },
        )
        page = await found.fetchall()
        rows += page
        if len(page) < _PAGE:
            return rows
        after = page[-1][:3]
