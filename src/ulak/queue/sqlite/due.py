"""Which messages are due, longest first, in a time that does not depend on how many wait.

Two ways to look, each bad at what the other is good at:

-   along the index by due: quick unless most of what is due is to be avoided, as when one large
    domain takes nothing and its mail piles up. So it looks no further than `_GLANCE` rows.
-   from domain to domain: a step for each domain with mail, however much mail it has. Then their
    lines are merged, each looked at only when it is its first one's turn.
"""

from __future__ import annotations

import heapq
import json
from collections import deque
from collections.abc import Collection, Iterable, Iterator

import apsw

from ulak.queue.sqlite.rows import Raw

_GLANCE = 10_000  # rows of the index by due: some milliseconds

_ALONG = "SELECT message FROM pending WHERE state = 0 AND due <= ? ORDER BY due, message, n"
_ALONG_BUT = """
SELECT message FROM (
    SELECT message, domain FROM pending WHERE state = 0 AND due <= ?
    ORDER BY due, message, n LIMIT ?
) WHERE domain NOT IN (SELECT value FROM json_each(?))
"""
_MORE = "SELECT 1 FROM pending WHERE state = 0 AND due <= ? LIMIT 1 OFFSET ?"
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
SELECT domain, (
    SELECT min(due) FROM pending INDEXED BY pending_by_domain
    WHERE state = 0 AND domain = each.domain
) AS longest
FROM each
WHERE longest <= ? AND domain NOT IN (SELECT value FROM json_each(?))
ORDER BY longest
"""
_OF_DOMAIN = """
SELECT due, message, n FROM pending INDEXED BY pending_by_domain
WHERE state = 0 AND domain = ? AND due <= ? ORDER BY due, message, n
"""


def due(
    connection: apsw.Connection, now: float, limit: int, avoid: Collection[str]
) -> Collection[int]:
    """Give the numbers of up to `limit` messages with recipients that are due."""
    if limit <= 0:
        return ()
    if not avoid:
        return _first(connection.execute(_ALONG, (now,)), limit)
    names = json.dumps(list(avoid), ensure_ascii=False)
    found = _first(connection.execute(_ALONG_BUT, (now, _GLANCE, names)), limit)
    if len(found) == limit or not connection.execute(_MORE, (now, _GLANCE)).fetchall():
        return found
    domains = connection.execute(_DOMAINS, (now, names)).fetchall()
    return _first(_merged(connection, now, deque(domains)), limit)


def _merged(connection: apsw.Connection, now: float, domains: deque[Raw]) -> Iterator[Raw]:
    """Give the numbers of what is due for all of these domains, in the order of being due.

    The domains come with their longest due, in that order.
    """
    heads: list[tuple[Raw, Iterator[Raw]]] = []  # no two rows are the same
    while heads or domains:
        if domains and (not heads or domains[0][1] <= heads[0][0][0]):
            line = connection.execute(_OF_DOMAIN, (domains.popleft()[0], now))
            heapq.heappush(heads, (next(line), line))
            continue
        row, rows = heads[0]
        yield row[1:2]
        following = next(rows, None)
        if following is None:
            heapq.heappop(heads)
        else:
            heapq.heapreplace(heads, (following, rows))


def _first(rows: Iterable[Raw], limit: int) -> Collection[int]:
    """Take the first different ones, and look no further than needed."""
    found: dict[int, None] = {}
    for (seq,) in rows:
        found[seq] = None
        if len(found) == limit:
            break
    return found
