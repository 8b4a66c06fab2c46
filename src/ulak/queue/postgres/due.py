"""Which messages are due, in the order of `lanes`, with a row of each locked for others.

Two ways to look, each bad at what the other is good at: along the index by due, no further than a
glance where there is something to avoid; and from domain to domain, a step for each that has mail,
however much it has. Both have one line for each lane, or for each domain and lane.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ulak.database.connecting import Connection
from ulak.queue.lanes import level_of, priority_of, turns
from ulak.queue.postgres.rows import Raw
from ulak.queue.store import rank

_GLANCE = 10_000  # rows
_END = 2**63 - 1  # no message has a greater number

FREE = "p.token = 0 AND NOT p.held"
_DUE = f"{FREE} AND p.due <= %(now)s"
_LOCKED = "ORDER BY p.due, p.seq, p.n LIMIT %(limit)s FOR UPDATE OF p SKIP LOCKED"

_LANES = f"""
WITH RECURSIVE each(lane) AS (
    (SELECT p.lane FROM pending p WHERE {FREE} ORDER BY p.lane LIMIT 1)
    UNION ALL
    SELECT following.lane FROM each, LATERAL (
        SELECT p.lane FROM pending p WHERE {FREE} AND p.lane > each.lane ORDER BY p.lane LIMIT 1
    ) following
)
"""
_ALONG = f"""
{_LANES} SELECT '', each.lane, line.due, line.seq FROM each, LATERAL (
    SELECT p.due, p.seq FROM pending p WHERE {_DUE} AND p.lane = each.lane {_LOCKED}
) line
"""
# `more`: whether a lane goes on behind the glance. Looked through is the index alone, in its order.
_GLANCED = f"""
{_LANES} SELECT '', each.lane, line.due, line.seq, last.due IS NOT NULL AS more
FROM each LEFT JOIN LATERAL (
    SELECT p.due, p.seq, p.n FROM pending p WHERE {_DUE} AND p.lane = each.lane
    ORDER BY p.due, p.seq, p.n OFFSET %(glance)s LIMIT 1
) last ON TRUE LEFT JOIN LATERAL (
    SELECT p.due, p.seq FROM pending p
    WHERE {_DUE} AND p.lane = each.lane AND p.domain <> ALL(%(avoid)s)
    AND (p.due, p.seq, p.n) < (
        coalesce(last.due, 'Infinity'), coalesce(last.seq, {_END}), coalesce(last.n, 0)
    ) {_LOCKED}
) line ON TRUE
"""
_DOMAINS = f"""
WITH RECURSIVE each(domain, lane, due) AS (
    (SELECT p.domain, p.lane, p.due FROM pending p WHERE {FREE}
        ORDER BY p.domain, p.lane, p.due LIMIT 1)
    UNION ALL
    SELECT following.* FROM each, LATERAL (
        SELECT p.domain, p.lane, p.due FROM pending p
        WHERE {FREE} AND (p.domain, p.lane) > (each.domain, each.lane)
        ORDER BY p.domain, p.lane, p.due LIMIT 1
    ) following
)
"""
# A lane's level and priority as `ulak.queue.lanes` has them.
_BY_DOMAIN = f"""
{_DOMAINS}, ranked AS (
    SELECT domain, lane, row_number() OVER (
        PARTITION BY (9 - lane) / 32
        ORDER BY due - (lane + 32 * ((9 - lane) / 32)) * 3600.0, domain, lane
    ) AS place FROM each WHERE due <= %(now)s AND domain <> ALL(%(avoid)s)
)
SELECT ranked.domain, ranked.lane, line.due, line.seq FROM ranked, LATERAL (
    SELECT p.due, p.seq FROM pending p
    WHERE {_DUE} AND p.domain = ranked.domain AND p.lane = ranked.lane {_LOCKED}
) line WHERE ranked.place <= %(limit)s
"""
_NEXT = f"""
{_LANES} SELECT min(line.due) FROM each, LATERAL (
    SELECT p.due FROM pending p WHERE {FREE} AND p.lane = each.lane AND p.due > %(after)s
    ORDER BY p.due LIMIT 1
) line
"""
_NEXT_GLANCED = f"""
{_LANES} SELECT min(line.due) FILTER (WHERE line.domain <> ALL(%(avoid)s)), count(*), max(line.due)
FROM each, LATERAL (
    SELECT p.due, p.domain FROM pending p
    WHERE {FREE} AND p.lane = each.lane AND p.due > %(after)s ORDER BY p.due LIMIT %(glance)s
) line GROUP BY each.lane
"""
_NEXT_BY_DOMAIN = f"""
{_DOMAINS} SELECT min(line.due) FROM each, LATERAL (
    SELECT p.due FROM pending p
    WHERE {FREE} AND p.domain = each.domain AND p.lane = each.lane AND p.due > %(after)s
    ORDER BY p.due LIMIT 1
) line WHERE each.domain <> ALL(%(avoid)s)
"""


async def due(
    connection: Connection,
    now: float,
    limit: int,
    avoid: Collection[str],
    taken: Mapping[int, int] | None = None,
) -> list[tuple[int, int]]:
    """Give the numbers of some messages, at most `limit`, that are next, and their levels.

    There may be more that are due; none is given only where nothing is. `taken` says how many of
    each level went before. Within a transaction.
    """
    values: dict[str, Any] = {"now": now, "limit": limit}
    if not avoid:
        return _first(await _rows(connection, _ALONG, values), limit, taken)
    values |= {"avoid": list(avoid), "glance": _GLANCE}
    glanced = await _rows(connection, _GLANCED, values)
    found = [row[:4] for row in glanced if row[3] is not None]
    lanes = Counter(row[1] for row in found)
    if any(more and lanes[lane] < limit for _, lane, _, _, more in glanced):
        found = await _rows(connection, _BY_DOMAIN, values)
        return _first(found, limit, taken, chosen=True)
    return _first(found, limit, taken)


async def next_due(connection: Connection, avoid: Collection[str], after: float) -> float | None:
    """When the next ready recipient is due that is due later than `after`."""
    values: dict[str, Any] = {"after": after}
    if not avoid:
        return _least(await _rows(connection, _NEXT, values))
    values |= {"avoid": list(avoid), "glance": _GLANCE}
    found = await _rows(connection, _NEXT_GLANCED, values)
    if any(first is None and count >= _GLANCE for first, count, _ in found):
        return _least(await _rows(connection, _NEXT_BY_DOMAIN, values))
    return _least(found)


def _least(found: list[Raw]) -> float | None:
    return min((float(row[0]) for row in found if row[0] is not None), default=None)


def _first(
    found: list[Raw], limit: int, taken: Mapping[int, int] | None, *, chosen: bool = False
) -> list[tuple[int, int]]:
    """Take the first different messages, as far as it is known that none was left out before.

    `chosen`: of each level no more lines than `limit` have been looked at.
    """
    levels: dict[int, list[Raw]] = {}
    for row in found:
        levels.setdefault(level_of(row[1]), []).append(row)
    first: list[tuple[int, int]] = []
    streams = {level: _of_level(rows, limit, chosen=chosen) for level, rows in levels.items()}
    for one in turns(streams, taken):
        if one is None or len(first) == limit:
            break
        first.append(one)
    return first


def _of_level(rows: list[Raw], limit: int, *, chosen: bool) -> Iterator[tuple[int, int] | None]:
    """Give the messages of one level by rank, and None where more of them may follow."""
    lines: dict[tuple[str, int], list[float]] = {}
    ranked = []
    for domain, lane, when, seq in rows:
        place = rank(when, priority_of(lane))
        ranked.append((place, seq))
        lines.setdefault((domain, lane), []).append(place)
    ends = [max(places) for places in lines.values() if len(places) >= limit]
    if chosen and len(lines) >= limit:
        ends.append(max(min(places) for places in lines.values()))
    end = min(ends, default=math.inf)
    level = level_of(rows[0][1])
    for seq in dict.fromkeys(seq for place, seq in sorted(ranked) if place <= end):
        yield seq, level
    if end < math.inf:
        yield None


async def _rows(connection: Connection, statement: str, values: dict[str, Any]) -> list[Raw]:
    return await (await connection.execute(statement, values)).fetchall()
