"""Which messages are due, by rank, in a time that does not depend on how many wait.

Two ways to look, each bad at what the other is good at:

-   along the index by due: quick unless most of what is due is to be avoided, as when one large
    domain takes nothing and its mail piles up. So it looks no further than `_GLANCE` rows.
-   from domain to domain: a step for each domain with mail, however much mail it has. Then their
    lines are merged, each looked at only when it is its first one's turn.

Both have one line for each priority, and merge them where there are several. Nearly always there
is only one.
"""

from __future__ import annotations

import heapq
import json
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence

import apsw

from ulak.queue.sqlite.rows import Raw
from ulak.queue.store import rank

_GLANCE = 10_000  # rows of the index by due: some milliseconds

_PRIORITIES = """
WITH RECURSIVE each(priority) AS (
    SELECT max(priority) FROM pending WHERE state = 0
    UNION ALL
    SELECT (SELECT max(priority) FROM pending WHERE state = 0 AND priority < each.priority)
    FROM each WHERE each.priority IS NOT NULL
)
SELECT priority FROM each WHERE priority IS NOT NULL
"""
_EARLIEST = "SELECT min(due) FROM pending WHERE state = 0 AND priority = ?"
_ALONG = """
SELECT message, n, due FROM pending
WHERE state = 0 AND priority = ? AND due <= ? ORDER BY due, message, n
"""
_ALONG_BUT = """
SELECT message, n, due FROM (
    SELECT message, n, due, domain FROM pending WHERE state = 0 AND priority = ? AND due <= ?
    ORDER BY due, message, n LIMIT ?
) WHERE domain NOT IN (SELECT value FROM json_each(?))
"""
_MORE = "SELECT 1 FROM pending WHERE state = 0 AND priority = ? AND due <= ? LIMIT 1 OFFSET ?"
_DOMAINS = """
WITH RECURSIVE each(domain) AS (
    SELECT min(domain) FROM pending INDEXED BY pending_by_domain WHERE state = 0
    UNION ALL
    SELECT (
        SELECT min(domain) FROM pending INDEXED BY pending_by_domain
        WHERE state = 0 AND domain > each.domain
    )
    FROM each WHERE each.domain IS NOT NULL
)
SELECT domain, rank.value, (
    SELECT min(due) FROM pending INDEXED BY pending_by_domain
    WHERE state = 0 AND domain = each.domain AND priority = rank.value
) AS longest
FROM each, json_each(?) AS rank
WHERE longest <= ? AND domain NOT IN (SELECT value FROM json_each(?))
"""
_OF_DOMAIN = """
SELECT message, n, due FROM pending INDEXED BY pending_by_domain
WHERE state = 0 AND domain = ? AND priority = ? AND due <= ? ORDER BY due, message, n
"""


class _OutOfSightError(Exception):
    """There is more than a glance shows."""


def due(
    connection: apsw.Connection, now: float, limit: int, avoid: Collection[str]
) -> Collection[int]:
    """Give the numbers of up to `limit` messages with recipients that are due."""
    if limit <= 0:
        return ()
    priorities = _priorities(connection)
    if not avoid:
        along = [(p, connection.execute(_ALONG, (p, now))) for p in priorities]
        return _first(_in_order(along), limit)
    names = json.dumps(list(avoid), ensure_ascii=False)
    glances = [(p, _glance(connection, p, now, names)) for p in priorities]
    try:
        return _first(_in_order(glances), limit)
    except _OutOfSightError:
        domains = connection.execute(_DOMAINS, (json.dumps(priorities), now, names)).fetchall()
        return _first(_merged(connection, now, domains), limit)


def next_due(connection: apsw.Connection) -> float | None:
    """When the next ready recipient is due."""
    found: list[Raw] = [
        row
        for priority in _priorities(connection)
        for row in connection.execute(_EARLIEST, (priority,))
    ]
    return min((float(due) for (due,) in found), default=None)


def _priorities(connection: apsw.Connection) -> list[int]:
    """Give the priorities of what is ready, highest first."""
    return [priority for (priority,) in connection.execute(_PRIORITIES)]


def _glance(connection: apsw.Connection, priority: int, now: float, names: str) -> Iterator[Raw]:
    """Give what is due of one priority as far as a glance goes; more raises _OutOfSightError."""
    yield from connection.execute(_ALONG_BUT, (priority, now, _GLANCE, names))
    if connection.execute(_MORE, (priority, now, _GLANCE)).fetchall():
        raise _OutOfSightError


def _in_order(lines: Sequence[tuple[int, Iterable[Raw]]]) -> Iterable[Raw]:
    """Merge the rows of each priority by rank; nothing to do where there is only one."""
    if len(lines) == 1:
        return lines[0][1]
    return (row for _, row in heapq.merge(*(_ranked(priority, rows) for priority, rows in lines)))


def _ranked(priority: int, rows: Iterable[Raw]) -> Iterator[tuple[float, Raw]]:
    return ((rank(row[2], priority), row) for row in rows)


def _merged(connection: apsw.Connection, now: float, domains: Iterable[Raw]) -> Iterator[Raw]:
    """Give what is due for all of these domains, by rank.

    The domains come with a priority and the longest due that they have of it.
    """
    waiting = deque(
        sorted((rank(longest, priority), domain, priority) for domain, priority, longest in domains)
    )
    heads: list[tuple[tuple[float, Raw], Iterator[tuple[float, Raw]]]] = []  # no two are the same
    while heads or waiting:
        if waiting and (not heads or waiting[0][0] <= heads[0][0][0]):
            _, domain, priority = waiting.popleft()
            line = _ranked(priority, connection.execute(_OF_DOMAIN, (domain, priority, now)))
            heapq.heappush(heads, (next(line), line))
            continue
        (_, row), rows = heads[0]
        yield row
        following = next(rows, None)
        if following is None:
            heapq.heappop(heads)
        else:
            heapq.heapreplace(heads, (following, rows))


def _first(rows: Iterable[Raw], limit: int) -> Collection[int]:
    """Take the first different messages, and look no further than needed."""
    found: dict[int, None] = {}
    for row in rows:
        found[row[0]] = None
        if len(found) == limit:
            break
    return found
