"""The roll of those who share limits, in the database: read, changed and written by each in turn.

Where nothing is claimed and nobody comes or goes, to renew one's place is one small update, and
nobody waits for anybody. Everything else is done under a lock for all; what is given is given
durably, since it must not be given to another after a crash.

Whose time is over is taken off the roll by the others; not by who has not seen the database for a
while itself, since then all of them look dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

from ulak.database.connecting import Connection
from ulak.database.line import AwayError, Line
from ulak.delivery.postgres.shared import away
from ulak.delivery.site.seat import Answer, Ask, Claim, Roll
from ulak.delivery.site.share import Place

LEASE = 60  # seconds for which one is believed to live that is not heard of
GRACE = 30.0  # seconds that others have to come back when the database does
_GAP = 10.0  # seconds between two steps after which the database was away

_COME = (
    "INSERT INTO sharer (number, name, divides, until) SELECT nextval('sharer_number'), %s, 0, "
    "now() + make_interval(secs => %s) RETURNING number"
)
_ONCE = "DELETE FROM sharer WHERE name = %s"  # who we were before, in a process that ended
_LIVES = (
    "UPDATE sharer SET until = now() + make_interval(secs => %s) WHERE number = %s "
    "RETURNING divides, (SELECT count(*) FROM sharer), "
    "(SELECT count(*) FROM sharer WHERE until < now())"
)
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('ulak limits ' || %s, 0))"
_DURABLY = "SELECT set_config('synchronous_commit', 'on', TRUE)"
_DEAD = "DELETE FROM sharer WHERE until < now() AND number <> %s"
_CLAIMS = (
    "SELECT site, source, number, slots, wanted, most, since, last, "
    "extract(epoch FROM clock_timestamp())::DOUBLE PRECISION FROM site_claim"
)
_SOME = " WHERE (site, source) IN (SELECT * FROM unnest(%s::TEXT[], %s::TEXT[]))"
_NOW = "SELECT extract(epoch FROM clock_timestamp())::DOUBLE PRECISION"
_GIVEN = (
    "INSERT INTO site_claim (site, source, number, slots, wanted, most, since, last) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT "
    "(site, source, number) DO UPDATE SET slots = excluded.slots, wanted = excluded.wanted, "
    "most = excluded.most, since = excluded.since, last = excluded.last"
)
_GIVEN_BACK = "DELETE FROM site_claim WHERE number = %s"


class PostgresSeats:
    """Follows `site.seat.Seats`, for one who shares.

    Who comes with the `name` of one on the roll takes its place.
    """

    def __init__(self, line: Line, name: str, *, lease: int = LEASE, grace: float = GRACE) -> None:
        self._line = line
        self._name = name
        self._lease = lease
        self._grace = grace
        self._number = 0
        self._claims = False  # whether there are rows of ours
        self._since = 0.0  # when the database was first seen, without a gap until now
        self._last: float | None = None

    async def renew(self, count: int, asks: Collection[Ask], debts: Collection[Place]) -> Answer:
        """Renew our place. Raises SharedError."""

        async def step(connection: Connection) -> Answer:
            if not self._number:
                return await self._come(connection)
            found = await connection.execute(_LIVES, (self._lease, self._number))
            row = await found.fetchone()
            if row is None:
                return await self._come(connection)
            divides, sharers, late = row
            quiet = divides == count == sharers and not (late and self._settled)
            if quiet and not (asks or debts or self._claims):
                return Answer(count, sharers)
            return await self._change(connection, count, asks, debts)

        try:
            answer = await self._line.do(step)
        except AwayError as error:
            raise away(error) from error
        now = asyncio.get_running_loop().time()
        if self._last is None or now - self._last > _GAP:
            self._since = now
        self._last = now
        return answer

    async def leave(self) -> None:
        """Give everything back. Raises SharedError."""
        number, self._number = self._number, 0
        if not number:
            return

        async def step(connection: Connection) -> None:
            async with connection.transaction():
                await self._lock(connection)
                await connection.execute("DELETE FROM sharer WHERE number = %s", (number,))

        try:
            await self._line.do(step)
        except AwayError as error:
            raise away(error) from error

    @property
    def _settled(self) -> bool:
        """Whether the others have had time to come back, had the database been away."""
        if self._last is None:
            return False
        return asyncio.get_running_loop().time() - self._since > self._grace

    async def _lock(self, connection: Connection) -> None:
        await connection.execute(_ONE_AT_A_TIME, (self._line.schema,))

    async def _come(self, connection: Connection) -> Answer:
        async with connection.transaction():
            await self._lock(connection)
            await connection.execute(_ONCE, (self._name,))
            found = await connection.execute(_COME, (self._name, self._lease))
            ((self._number,),) = await found.fetchall()
            found = await connection.execute("SELECT count(*) FROM sharer")
            ((sharers,),) = await found.fetchall()
        self._claims = False
        return Answer(0, sharers, new=True)

    async def _change(
        self,
        connection: Connection,
        count: int,
        asks: Collection[Ask],
        debts: Collection[Place],
    ) -> Answer:
        me = self._number
        async with connection.transaction():
            await self._lock(connection)
            if self._settled:
                await connection.execute(_DEAD, (me,))
            found = await connection.execute("SELECT number, divides FROM sharer")
            roll = Roll(dict(await found.fetchall()))
            if me not in roll.counts:
                return await self._come(connection)
            everything = roll.raises(me, count) != count
            places = None if everything else {ask.place for ask in asks} | set(debts)
            now = await self._read(connection, roll, places)
            before = _slots(roll, me)
            answer = roll.renew(me, count, asks, debts, now)
            await connection.execute(
                "UPDATE sharer SET divides = %s WHERE number = %s AND divides <> %s",
                (answer.count, me, answer.count),
            )
            ours = [
                (*place, me, own.slots, own.wanted, own.limit, own.since, own.last)
                for place, here in roll.claims.items()
                if (own := here.get(me)) is not None
            ]
            after = _slots(roll, me)
            if answer.count != count or any(n > before.get(p, 0) for p, n in after.items()):
                await connection.execute(_DURABLY)
            if ours or self._claims:
                await connection.execute(_GIVEN_BACK, (me,))
            if ours:
                async with connection.cursor() as cursor:
                    await cursor.executemany(_GIVEN, ours)
        self._claims = bool(ours)
        return answer

    async def _read(
        self, connection: Connection, roll: Roll, places: Collection[Place] | None
    ) -> float:
        """Read what is claimed, at these places or everywhere; give the time."""
        values: tuple[Any, ...] = ()
        question = _CLAIMS
        if places is not None:
            question += _SOME
            values = ([place[0] for place in places], [place[1] for place in places])
        found = await connection.execute(question, values)
        for site, source, number, slots, wanted, most, since, last, _ in await found.fetchall():
            here = roll.claims.setdefault((site, source), {})
            here[number] = Claim(slots, wanted, most, since, last)
        ((now,),) = await (await connection.execute(_NOW)).fetchall()
        return float(now)


def _slots(roll: Roll, me: int) -> dict[Place, int]:
    return {place: here[me].slots for place, here in roll.claims.items() if me in here}
