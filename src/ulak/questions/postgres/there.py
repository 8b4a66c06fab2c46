"""Which members there are, and who of them lives: the table `member` says it."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ulak.cluster.member import SILENT
from ulak.questions.postgres.wire import soon

_MEMBERS = "SELECT name, seen > now() - make_interval(secs => %s) FROM member WHERE name <> %s"


async def others(connection: AsyncConnection[TupleRow], me: str) -> Mapping[str, bool]:
    """Name all members but one, and whether each has been heard of lately.

    Of one that has died the row stays for a day: so long it is said that what it knows is missing.
    """
    found = await soon(connection, connection.execute(_MEMBERS, (SILENT, me)))
    return {str(name): bool(lives) for name, lives in await found.fetchall()}
