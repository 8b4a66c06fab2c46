"""What sources and tenants have sent, in a database that all servers of a cluster share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from ulak.database.blocking import Blocking
from ulak.database.connecting import Connection
from ulak.database.line import AwayError
from ulak.delivery.source.quota import Count, LedgerError, Taken
from ulak.delivery.source.warmup import DAY

T = TypeVar("T")

_KEPT = 31 * DAY  # seconds for which counts are kept that are over
_DURABLY = "SELECT set_config('synchronous_commit', 'on', TRUE)"
_BEGIN = (
    "INSERT INTO source_sent (what, place, starts, ends, taken) "
    "VALUES (%s, %s, %s, %s, 0) ON CONFLICT DO NOTHING"
)
_OLD = "DELETE FROM source_sent WHERE ends < %s"
_TAKEN = (
    "SELECT taken FROM source_sent WHERE what = %s AND place = %s AND starts = %s AND ends = %s "
    "FOR UPDATE"
)
_TAKE = (
    "UPDATE source_sent SET taken = greatest(taken + %s, 0) "
    "WHERE what = %s AND place = %s AND starts = %s AND ends = %s"
)
_RUNNING = (
    "SELECT what, place, starts, ends, taken FROM source_sent WHERE starts <= %s AND ends > %s"
)


class PostgresLedger:
    """Follows `delivery.source.quota.Ledger`, for any number of threads and servers."""

    def __init__(self, database: Blocking) -> None:
        self._database = database

    def take(self, count: Count, wanted: int, limit: int) -> int:
        """Take so many, or what is left up to the limit; give how many."""

        async def step(connection: Connection) -> int:
            async with connection.transaction():
                await connection.execute(_DURABLY)
                begun = await connection.execute(_BEGIN, count)
                if begun.rowcount:
                    await connection.execute(_OLD, (int(count.end - _KEPT),))
                ((taken,),) = await (await connection.execute(_TAKEN, count)).fetchall()
                given = max(min(wanted, limit - int(taken)), 0)
                if given:
                    await connection.execute(_TAKE, (given, *count))
            return given

        return self._do(step)

    def give_back(self, count: Count, number: int) -> None:
        """Give back what was taken and not sent."""
        self._do(lambda connection: connection.execute(_TAKE, (-number, *count)))

    def taken(self, now: float) -> Sequence[Taken]:
        """Give what has been taken of the counts that run now."""

        async def step(connection: Connection) -> Sequence[Taken]:
            found = await connection.execute(_RUNNING, (int(now), int(now)))
            return [Taken(*row) for row in await found.fetchall()]

        return self._do(step)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def _do(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            return self._database.do(step)
        except AwayError as error:
            where = "the database of the queue"
            raise LedgerError(where, error.problem) from error
