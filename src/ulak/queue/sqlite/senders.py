"""How much of each sender's mail is there: counted in memory, along with the transactions.

What is there at the opening is counted by and by, oldest first, so that a queue of a million is
open at once: the first messages at the opening, the others when the writer has time for it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import apsw

from ulak.mail.envelope import domain_of
from ulak.queue.item import Message
from ulak.queue.lanes import Crowd, lane
from ulak.queue.sqlite.rows import Raw, Values

_PAGE = 1_000  # messages counted at once
_PAGES = 5  # of them at the opening

_END = "SELECT max(seq) FROM (SELECT seq FROM message WHERE seq > ? ORDER BY seq LIMIT ?)"
_THEIRS = """
SELECT sender, count(*) FROM message CROSS JOIN pending ON pending.message = seq
WHERE seq > ? AND seq <= ? GROUP BY sender
"""
_SELECTED = """
SELECT sender, count(*) FROM pending JOIN message m ON m.seq = pending.message
WHERE {wanted} AND NOT (seq > {counted} AND seq <= {born}) GROUP BY sender
"""
_THERE = """
SELECT message, n FROM pending
WHERE (message, n) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))
"""


class Senders:
    """Gives lanes to what comes, and notes what goes."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._crowd = Crowd()
        self._moved: list[tuple[str, int]] = []  # in the transaction that is open
        self._counted = 0  # up to which message those are counted that were there before us
        ((last,),) = _all(connection, "SELECT max(seq) FROM message")
        self._born = int(last or 0)
        # Whether a recipient may have gone that is leased still.
        self.dropped = False
        for _ in range(_PAGES):
            self.count_on(connection)

    def count_on(self, connection: apsw.Connection) -> bool:
        """Count some more of what was there before us; whether there is more."""
        if self._counted >= self._born:
            return False
        ((end,),) = _all(connection, _END, (self._counted, _PAGE))
        upto = self._born if end is None else min(end, self._born)
        for sender, count in _all(connection, _THEIRS, (self._counted, upto)):
            self._crowd.enter(domain_of(sender), count)
        self._counted = upto
        return upto < self._born

    def commit(self) -> None:
        """Note that what has moved has moved."""
        self._moved.clear()

    def rollback(self) -> None:
        """Note that nothing has moved."""
        for domain, count in self._moved:
            self._crowd.leave(domain, count)
        self._moved.clear()

    def enter(self, message: Message, count: int) -> int:
        """Note that a message comes with so many recipients; the lane that they stand in."""
        envelope = message.envelope
        domain = domain_of(envelope.sender)
        self._moved.append((domain, count))
        level = self._crowd.enter(domain, count)
        priority = envelope.wishes.priority
        return lane(priority, level) if level else priority

    def leave(
        self, connection: apsw.Connection, places: Sequence[tuple[int, int]], senders: Sequence[str]
    ) -> None:
        """Note that these recipients go, each with its message's sender."""
        if self.dropped or self._counted < self._born:
            senders = self._known(connection, places, senders)
        crowd, moved = self._crowd, self._moved
        for sender in senders:
            domain = domain_of(sender)
            crowd.leave(domain, 1)
            moved.append((domain, -1))

    def _known(
        self, connection: apsw.Connection, places: Sequence[tuple[int, int]], senders: Sequence[str]
    ) -> Sequence[str]:
        """Give the senders of those recipients that are there still, and have been counted."""
        there = set(_all(connection, _THERE, (json.dumps(places),)))
        return [
            sender
            for place, sender in zip(places, senders, strict=True)
            if place in there and not self._counted < place[0] <= self._born
        ]

    def drop(self, connection: apsw.Connection, wanted: str, values: Values) -> None:
        """Note that those go which a condition is for."""
        statement = _SELECTED.format(wanted=wanted, counted=self._counted, born=self._born)
        for sender, count in _all(connection, statement, values):
            domain = domain_of(sender)
            self._crowd.leave(domain, count)
            self._moved.append((domain, -count))


def _all(connection: apsw.Connection, statement: str, values: Values = ()) -> list[Raw]:
    return connection.execute(statement, values).fetchall()
