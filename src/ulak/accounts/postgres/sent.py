"""What accounts have sent by each server, in a database that all servers of a cluster share."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from ulak.accounts.elsewhere import Told
from ulak.accounts.store import AccountsError
from ulak.database.connecting import Connection
from ulak.database.line import AwayError, Line

T = TypeVar("T")

_OVERLAP = 10.0  # seconds that are read twice: a transaction is seen when it ends
_TELL = """
    INSERT INTO account_sent AS known (account, hour, server, messages, recipients, noted)
    SELECT account, hour, %s, messages, recipients, extract(epoch FROM clock_timestamp())
    FROM json_to_recordset(%s)
        AS new(account TEXT, hour BIGINT, messages BIGINT, recipients BIGINT)
    ORDER BY account, hour
    ON CONFLICT (account, hour, server) DO UPDATE SET
        messages = greatest(known.messages, excluded.messages),
        recipients = greatest(known.recipients, excluded.recipients), noted = excluded.noted
"""
_HEAR = """
    SELECT account, hour, server, messages, recipients, noted FROM account_sent
    WHERE noted >= %s AND hour >= %s AND server <> %s
"""
_OLD = "DELETE FROM account_sent WHERE hour < %s"


class PostgresSent:
    """Follows `accounts.elsewhere.Board`, for the server of a name."""

    def __init__(self, line: Line, server: str) -> None:
        self._line = line
        self._server = server
        self._read = 0.0  # when what was read last was noted

    async def tell(self, told: Sequence[Told]) -> None:
        """Say how much accounts have sent here."""
        rows = [
            {
                "account": one.account,
                "hour": one.hour,
                "messages": one.messages,
                "recipients": one.recipients,
            }
            for one in told
        ]
        await self._do(lambda c: c.execute(_TELL, (self._server, json.dumps(rows))))

    async def hear(self, hour: int) -> Sequence[Told]:
        """Give what other servers have said of this hour, and of later ones, since the last time.

        What was read once may come again.
        """

        async def step(connection: Connection) -> Sequence[Told]:
            values = (self._read - _OVERLAP, hour, self._server)
            rows = await (await connection.execute(_HEAR, values)).fetchall()
            self._read = max([self._read, *(row[5] for row in rows)])
            return [Told(*row[:5]) for row in rows]

        return await self._do(step)

    async def forget(self, hour: int) -> None:
        """Forget what was before an hour."""
        await self._do(lambda c: c.execute(_OLD, (hour,)))

    async def close(self) -> None:
        """Let go of the database."""
        await self._line.close()

    async def _do(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            return await self._line.do(step)
        except AwayError as error:
            where = "the database of the queue"
            raise AccountsError(where, error.problem) from error
