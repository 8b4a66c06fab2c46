"""Leases in SQL: which rows get a token, and the messages that they belong to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from ulak.database.connecting import Connection
from ulak.queue.item import Body, Lease, Message, Selection
from ulak.queue.postgres.bodies import Bodies
from ulak.queue.postgres.bucket import IN_BUCKET, Kept
from ulak.queue.postgres.due import FREE, due
from ulak.queue.postgres.fetching import Apart
from ulak.queue.postgres.hands import Hands, Held
from ulak.queue.postgres.node import Node
from ulak.queue.postgres.rows import (
    JOINED,
    MESSAGE,
    PENDING,
    Raw,
    condition,
    message_of,
    pending_of,
)

_LOOKS = 5  # for a body that is being moved

# However empty the planner believes a table to be, what follows is a look at a key for each row:
# a subquery with a lock or a limit is done for each, and a place in a table is looked at directly.
_LEASED = f"""
WITH mine AS (
    SELECT p.place, chosen.token
    FROM unnest(%(seqs)s::BIGINT[], %(tokens)s::BIGINT[]) AS chosen(seq, token), LATERAL (
        SELECT p.ctid AS place FROM {JOINED}
        WHERE p.seq = chosen.seq AND {{wanted}} FOR UPDATE OF p SKIP LOCKED
    ) p
)
UPDATE pending p SET token = mine.token FROM mine WHERE p.ctid = mine.place
RETURNING p.token, p.seq, p.n, {PENDING}
"""
_WITH_BODY = f"""
SELECT {MESSAGE}, b.octets FROM message m LEFT JOIN LATERAL (
    SELECT b.octets FROM body b
    WHERE b.slot = m.slot AND b.seq = m.seq AND b.part = 0 AND NOT m.filed LIMIT 1
) b ON TRUE
"""
_FREE = """
SELECT m.seq, m.size FROM message m WHERE m.seq > %s
AND NOT EXISTS (SELECT 1 FROM pending p WHERE p.seq = m.seq AND p.token <> 0)
ORDER BY m.seq LIMIT %s
"""
_IN_PARTS = """
UPDATE pending p SET token = 0 WHERE p.token BETWEEN %(first)s AND %(last)s AND p.seq IN (
    SELECT o.seq FROM pending o
    WHERE o.seq = ANY(%(seqs)s) AND o.token NOT BETWEEN %(first)s AND %(last)s
) RETURNING p.seq
"""
_LANES = "SELECT seq, min(lane) FROM pending WHERE seq = ANY(%s) GROUP BY seq"
_KEPT = "SELECT seq, key, digest FROM object WHERE seq = ANY(%s)"
_ANY = "(SELECT p.recipient FROM pending p WHERE p.seq = m.seq ORDER BY p.n LIMIT 1)"


class Leasing:
    """One lease or take: the tokens that it has used, and what it got."""

    def __init__(self, hands: Hands, node: Node, bodies: Bodies, limit: int) -> None:
        self._hands = hands
        self._node = node
        self._bodies = bodies
        self._limit = max(limit, 0)
        self._used: list[tuple[int, int]] = []  # the first of each round, and how many
        self._rows: list[Raw] = []
        self._messages: dict[int, tuple[Message, bool]] = {}
        self._apart: dict[int, Apart] = {}

    def never_given(self) -> None:
        """Note that nobody got what the rows may say."""
        for first, count in self._used:
            self._node.never_given(first, count)

    async def due(self, connection: Connection, now: float, avoid: Collection[str]) -> None:
        """Lease what is due."""
        wanted = f"{FREE} AND p.due <= %(now)s"
        values: dict[str, Any] = {"now": now}
        if avoid:
            wanted += " AND p.domain <> ALL(%(avoid)s)"
            values["avoid"] = list(avoid)
        await self._begin(connection)
        async with connection.transaction():
            await self._node.prove(connection)
            taken: Counter[int] = Counter()  # by level
            while (room := self._limit - len({row[1] for row in self._rows})) > 0:
                found = await due(connection, now, room, avoid, taken)
                taken.update(level for _, level in found)
                seqs = [seq for seq, _ in found]
                if not seqs or not await self._take(connection, seqs, wanted, values):
                    break
            await self._read(connection)

    async def selected(self, connection: Connection, which: Selection) -> None:
        """Lease what is selected and not leased, oldest message first."""
        wanted, values = condition(which)
        wanted = f"p.token = 0 AND {wanted}"
        await self._begin(connection)
        async with connection.transaction():
            await self._node.prove(connection)
            found = await connection.execute(
                f"SELECT DISTINCT m.received, p.seq FROM {JOINED} WHERE {wanted} "
                "ORDER BY m.received, p.seq LIMIT %(limit)s",
                {**values, "limit": self._limit},
            )
            seqs = [row[1] for row in await found.fetchall()]
            if seqs:
                await self._take(connection, seqs, wanted, values)
                await self._read(connection)

    async def whole(
        self, connection: Connection, after: int, octets: int
    ) -> dict[str, tuple[int, int]]:
        """Lease messages that nobody works on, in the order of their numbers, from after one on.

        Of bodies no more than so many octets, but for the first. Gives their numbers and lanes.
        """
        await self._begin(connection)
        async with connection.transaction():
            await self._node.prove(connection)
            found = await connection.execute(_FREE, (after, self._limit))
            seqs: list[int] = []
            for seq, size in await found.fetchall():
                octets -= size
                if seqs and octets < 0:
                    break
                seqs.append(seq)
            if seqs:
                await self._take(connection, seqs, "p.token = 0", {})
                first, count = self._used[-1]
                mine = {"seqs": seqs, "first": first, "last": first + count - 1}
                # Somebody may have taken some of the recipients of one in this moment.
                found = await connection.execute(_IN_PARTS, mine)
                parts = {row[0] for row in await found.fetchall()}
                self._rows = [row for row in self._rows if row[1] not in parts]
                await self._read(connection)
            found = await connection.execute(_LANES, (seqs,))
            lanes: dict[int, int] = dict(await found.fetchall())
        return {message.id: (seq, lanes[seq]) for seq, (message, _) in self._messages.items()}

    async def _begin(self, _: Connection) -> None:
        self._rows, self._messages, self._apart = [], {}, {}

    async def _take(
        self, connection: Connection, seqs: Sequence[int], wanted: str, values: dict[str, Any]
    ) -> bool:
        first = self._hands.numbers(len(seqs))
        self._used.append((first, len(seqs)))
        tokens = list(range(first, first + len(seqs)))
        found = await connection.execute(
            _LEASED.format(wanted=wanted), {**values, "seqs": list(seqs), "tokens": tokens}
        )
        rows = await found.fetchall()
        self._rows += sorted(rows, key=lambda row: (row[0], row[2]))
        return bool(rows)

    async def _read(self, connection: Connection) -> None:
        names = {row[1]: row[3] for row in reversed(self._rows)}
        self._messages = await read(connection, self._bodies, names, self._apart)

    def given(self, unread: dict[int, Apart]) -> list[Lease]:
        """Give the leases, when they are durable.

        Those whose bodies are in the bucket are without them, and are noted by their tokens.
        """
        by_token: dict[int, list[Raw]] = {}
        for row in self._rows:
            by_token.setdefault(row[0], []).append(row)
        leases = []
        for token, rows in by_token.items():
            seq = rows[0][1]
            message, alone = self._messages[seq]
            if seq in self._apart:
                unread[token] = self._apart[seq]
            held = Held(seq, tuple(row[2] for row in rows), alone)
            leases.append(
                self._hands.give(token, held, message, [pending_of(row[3:]) for row in rows])
            )
        return leases


async def read(
    connection: Connection, bodies: Bodies, names: dict[int, str], apart: dict[int, Apart]
) -> dict[int, tuple[Message, bool]]:
    """Read messages by their numbers, and whether each has only one recipient.

    `names` has one recipient of each that waits still. A message that is gone is left out. What
    lies in the bucket is noted in `apart`, and not read.
    """
    messages: dict[int, tuple[Message, bool]] = {}
    wanted = set(names)
    for _ in range(_LOOKS):
        found = await connection.execute(
            f"{_WITH_BODY} WHERE m.seq = ANY(%s)", (sorted(wanted),), binary=True
        )
        rows = await found.fetchall()
        wanted = set()
        for row in rows:
            seq, size, slot, filed, octets = row[0], row[3], row[13], row[14], row[15]
            if slot == IN_BUCKET:
                path = bodies.path(seq) if filed else None
                if path is None or not path.is_file():
                    apart[seq] = Apart(size, path)
                body = Body(size, path=path) if path is not None else Body(size, b"")
                messages[seq] = message_of(row, names[seq], body), row[9] is None
                continue
            if octets is None and not filed:  # it is being taken to another part
                wanted.add(seq)
                continue
            if filed:
                body = Body(size, path=await bodies.file(connection, slot, seq))
            else:
                body = Body(size, octets)
            messages[seq] = message_of(row, names[seq], body), row[9] is None
        if not wanted:
            break
    if apart:
        found = await connection.execute(_KEPT, (list(apart),), binary=True)
        for seq, key, digest in await found.fetchall():
            apart[seq] = replace(apart[seq], kept=Kept(key, digest))
    return messages


async def read_by_id(
    connection: Connection, bodies: Bodies, identifier: str
) -> tuple[Message, Apart | None] | None:
    """Read one message that waits; its body may lie apart."""
    found = await connection.execute(
        f"SELECT m.seq, {_ANY} FROM message m WHERE m.id = %s", (identifier,)
    )
    row = await found.fetchone()
    if row is None or row[1] is None:
        return None
    apart: dict[int, Apart] = {}
    messages = await read(connection, bodies, {row[0]: row[1]}, apart)
    return (messages[row[0]][0], apart.get(row[0])) if row[0] in messages else None
