"""Which messages are due, in the order of `lanes`, in a time that does not depend on how many wait.

Two ways to look, each bad at what the other is good at:

-   along the index by due: quick unless most of what is due is to be avoided, as when one large
    domain takes nothing and its mail piles up. So it looks no further than `_GLANCE` rows.
-   from domain to domain: a step for each domain with mail, however much mail it has. Then their
    lines are merged, each looked at only when it is its first one's turn.

Both have one line for each lane. Those of one level are merged by rank, and levels take turns.
Nearly always there is only one lane.
"""

from __future__ import annotations

import heapq
import json
import math
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

import apsw

from ulak.queue.lanes import by_level, level_of, priority_of, turns
from ulak.queue.sqlite.rows import Raw
from ulak.queue.store import rank

_GLANCE = 10_000  # rows of the index by due in each lane: some milliseconds

_LANES = """
WITH RECURSIVE each(lane) AS (
    SELECT max(lane) FROM pending WHERE state = 0
    UNION ALL
    SELECT (SELECT max(lane) FROM pending WHERE state = 0 AND lane < each.lane)
    FROM each WHERE each.lane IS NOT NULL
)
SELECT lane FROM each WHERE lane IS NOT NULL
"""
_NEXT = "SELECT min(due) FROM pending WHERE state = 0 AND lane = ? AND due > ?"
_NEXT_BUT = """
SELECT due FROM (
    SELECT due, domain FROM pending WHERE state = 0 AND lane = ? AND due > ?
    ORDER BY due, message, n LIMIT ?
) WHERE domain NOT IN (SELECT domain FROM temp.avoided) LIMIT 1
"""
_ALONG = """
SELECT message, n, due FROM pending
WHERE state = 0 AND lane = ? AND due <= ? ORDER BY due, message, n
"""
_ALONG_BUT = """
SELECT message, n, due FROM (
    SELECT message, n, due, domain FROM pending WHERE state = 0 AND lane = ? AND due <= ?
    ORDER BY due, message, n LIMIT ?
) WHERE domain NOT IN (SELECT domain FROM temp.avoided)
"""
_MORE = "SELECT 1 FROM pending WHERE state = 0 AND lane = ? AND due <= ? LIMIT 1 OFFSET ?"
_MORE_AFTER = "SELECT 1 FROM pending WHERE state = 0 AND lane = ? AND due > ? LIMIT 1 OFFSET ?"
_DOMAINS = """
WITH RECURSIVE each(domain) AS (
    SELECT min(domain) FROM pending INDEXED BY pending_by_domain WHERE state = 0
    UNION ALL
    SELECT (
        SELECT min(domain) FROM pending INDEXED BY pending_by_domain
        WHERE state = 0 AND domain > each.domain
    )
    FROM each WHERE each.domain IS NOT NULL
),
wanted(domain) AS MATERIALIZED (
    SELECT domain FROM each
    WHERE domain IS NOT NULL AND domain NOT IN (SELECT domain FROM temp.avoided)
)
SELECT domain, lane, longest, (
    SELECT min(message) FROM pending INDEXED BY pending_by_domain
    WHERE state = 0 AND domain = found.domain AND lane = found.lane AND due = longest
)
FROM (
    SELECT domain, lane.value AS lane, (
        SELECT min(due) FROM pending INDEXED BY pending_by_domain
        WHERE state = 0 AND domain = wanted.domain AND lane = lane.value AND due > ?
    ) AS longest
    FROM wanted, json_each(?) AS lane
) AS found
WHERE longest <= ?
"""
_OF_DOMAIN = """
SELECT message, n, due FROM pending INDEXED BY pending_by_domain
WHERE state = 0 AND domain = ? AND lane = ? AND due <= ? ORDER BY due, message, n
"""


class _OutOfSightError(Exception):
    """There is more than a glance shows."""


def due(
    connection: apsw.Connection, now: float, limit: int, *, avoid: bool = False
) -> Collection[int]:
    """Give the numbers of up to `limit` messages with recipients that are due.

    `avoid`: but for those whose domains are all in the table of `avoided`.
    """
    if limit <= 0:
        return ()
    lanes = _lanes(connection)
    levels = by_level(lanes)
    if not avoid:
        along = {
            level: _merged([(lane, connection.execute(_ALONG, (lane, now))) for lane in its])
            for level, its in levels.items()
        }
        return _first(along, limit)
    glances = {
        level: _merged([(lane, _glance(connection, lane, now)) for lane in its])
        for level, its in levels.items()
    }
    try:
        return _first(glances, limit)
    except _OutOfSightError:
        found: dict[int, list[Raw]] = {}
        for row in _domains(connection, lanes, -math.inf, now):
            found.setdefault(level_of(row[1]), []).append(row)
        return _first(
            {level: _by_domain(connection, now, rows) for level, rows in found.items()}, limit
        )


def next_due(connection: apsw.Connection, after: float, *, avoid: bool = False) -> float | None:
    """When the next ready recipient is due that is due later than `after`."""
    lanes = _lanes(connection)
    found: list[Raw] = []
    for lane in lanes:
        if not avoid:
            found += connection.execute(_NEXT, (lane, after))
            continue
        there = connection.execute(_NEXT_BUT, (lane, after, _GLANCE)).fetchall()
        if not there and connection.execute(_MORE_AFTER, (lane, after, _GLANCE)).fetchall():
            rows = _domains(connection, lanes, after, math.inf)
            return min((float(due) for _, _, due, _ in rows), default=None)
        found += there
    return min((float(due) for (due,) in found if due is not None), default=None)


def _lanes(connection: apsw.Connection) -> list[int]:
    """Give the lanes in which something is ready, highest first."""
    return [lane for (lane,) in connection.execute(_LANES)]


def _domains(
    connection: apsw.Connection, lanes: Sequence[int], after: float, until: float
) -> list[Raw]:
    """Give the domains that are not avoided, with a lane, and what is first there after a time.

    That is its due and its message.
    """
    return connection.execute(_DOMAINS, (after, json.dumps(lanes), until)).fetchall()


def _glance(connection: apsw.Connection, lane: int, now: float) -> Iterator[Raw]:
    """Give what is due of one lane as far as a glance goes; more raises _OutOfSightError."""
    yield from connection.execute(_ALONG_BUT, (lane, now, _GLANCE))
    if connection.execute(_MORE, (lane, now, _GLANCE)).fetchall():
        raise _OutOfSightError


def _merged(lines: Sequence[tuple[int, Iterable[Raw]]]) -> Iterator[Raw]:
    """Merge the rows of lanes by rank; nothing to do where there is only one."""
    if len(lines) == 1:
        return iter(lines[0][1])
    return (row for _, row in heapq.merge(*(_ranked(lane, rows) for lane, rows in lines)))


def _ranked(lane: int, rows: Iterable[Raw]) -> Iterator[tuple[float, Raw]]:
    priority = priority_of(lane)
    return ((rank(row[2], priority), row) for row in rows)


def _by_domain(connection: apsw.Connection, now: float, domains: Iterable[Raw]) -> Iterator[Raw]:
    """Give what is due for all of these domains, by rank.

    The domains come with a lane, and the longest due that they have in it with its message: so
    none is looked at before it is its turn, though all that was made due at once is due alike.
    """
    waiting = deque(
        sorted(
            (rank(longest, priority_of(lane)), message, domain, lane)
            for domain, lane, longest, message in domains
        )
    )
    heads: list[tuple[tuple[float, Raw], Iterator[tuple[float, Raw]]]] = []  # no two are the same
    while heads or waiting:
        if waiting and (not heads or waiting[0][:2] <= (heads[0][0][0], heads[0][0][1][0])):
            _, _, domain, lane = waiting.popleft()
            line = _ranked(lane, connection.execute(_OF_DOMAIN, (domain, lane, now)))
            heapq.heappush(heads, (next(line), line))
            continue
        (_, row), rows = heads[0]
        yield row
        following = next(rows, None)
        if following is None:
            heapq.heappop(heads)
        else:
            heapq.heapreplace(heads, (following, rows))


def _first(levels: Mapping[int, Iterator[Raw]], limit: int) -> Collection[int]:
    """Take the first different messages, level by level in turn; look no further than needed."""
    in_turn = turns({level: _messages(rows) for level, rows in levels.items()})
    return list(islice(in_turn, limit))


def _messages(rows: Iterable[Raw]) -> Iterator[int]:
    """Give each message once."""
    seen: set[int] = set()
    for row in rows:
        if row[0] not in seen:
            seen.add(row[0])
            yield row[0]
