"""Who is asked for what blocklists say: the resolver, behind what the servers of a cluster know."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ulak.app.storing import in_database, member_of
from ulak.dns.records import Resolver
from ulak.dns.shelf import ShelvingResolver

if TYPE_CHECKING:
    from ulak.app.parts import Parts


def shelving(parts: Parts) -> Resolver:
    """Give who is asked about clients."""
    config = parts.config
    if not in_database(config) or not config.policy.dnsbl:
        return parts.resolver
    from ulak.database.line import Line  # noqa: PLC0415 -- what speaks to PostgreSQL is not everywhere
    from ulak.dns.postgres import PostgresShelf  # noqa: PLC0415 -- as above

    shelf = PostgresShelf(Line(config.queue.store, f"{member_of(config)} answers"))
    resolver = ShelvingResolver(parts.resolver, shelf, time.monotonic)
    parts.closing += [resolver.close, shelf.close]
    return resolver
