"""How much of each sender's mail is there: counted here as it comes and goes, and anew for others.

What other nodes take and deliver is seen when all is counted, about once in a minute; seldomer
where that takes long, so that it is never more than a fiftieth of the database's time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from ulak.database.connecting import Connection
from ulak.mail.envelope import domain_of
from ulak.queue.item import Message
from ulak.queue.lanes import Crowd, lane
from ulak.queue.postgres.link import Link
from ulak.queue.postgres.rows import Raw

_EVERY = 60.0  # seconds
_SPARE = 50  # times as long as a count takes is none made
_SOME = 5_000  # messages that are counted before the store is open
_LONGEST = 60.0  # seconds

_FIRST = """
SELECT oldest.sender, count(*), (SELECT count(*) FROM (SELECT FROM message LIMIT %(some)s) those)
FROM (SELECT seq, sender FROM message ORDER BY seq LIMIT %(some)s) oldest
JOIN pending p ON p.seq = oldest.seq GROUP BY oldest.sender
"""
_ALL = "SELECT m.sender, count(*) FROM pending p JOIN message m ON m.seq = p.seq GROUP BY m.sender"


class Senders:
    """Gives lanes to what comes, and notes what goes."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._crowd = Crowd()
        self._next = 0.0  # when all is counted, by the loop's clock
        self._moved: list[tuple[str, int]] | None = None  # while it is

    def enter(self, message: Message, count: int) -> int:
        """Note that a message comes with so many recipients; the lane that they stand in."""
        envelope = message.envelope
        domain = domain_of(envelope.sender)
        if self._moved is not None:
            self._moved.append((domain, count))
        return lane(envelope.wishes.priority, self._crowd.enter(domain, count))

    def leave(self, senders: Iterable[str]) -> None:
        """Note that recipients have gone, by their messages' senders."""
        for sender in senders:
            domain = domain_of(sender)
            if self._moved is not None:
                self._moved.append((domain, -1))
            self._crowd.leave(domain, 1)

    async def count_some(self) -> None:
        """Count a small queue whole; a large one by and by."""
        rows = await self._link.do(_counted_some)
        if not rows or rows[0][2] < _SOME:
            self._take(rows)
            self._next = asyncio.get_running_loop().time() + _EVERY

    async def count(self) -> None:
        """Count all that is there, if it is time to."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        if began < self._next:
            return
        self._moved = []
        try:
            rows = await self._link.do(_counted, more=_LONGEST)
            self._take(rows)
            for domain, count in self._moved:
                self._crowd.enter(domain, count)
        finally:
            self._moved = None
            ended = loop.time()
            self._next = ended + max(_EVERY, _SPARE * (ended - began))

    def _take(self, rows: list[Raw]) -> None:
        self._crowd = Crowd()
        for sender, count, *_ in rows:
            self._crowd.enter(domain_of(sender), count)


async def _counted_some(connection: Connection) -> list[Raw]:
    return await (await connection.execute(_FIRST, {"some": _SOME})).fetchall()


async def _counted(connection: Connection) -> list[Raw]:
    return await (await connection.execute(_ALL)).fetchall()
