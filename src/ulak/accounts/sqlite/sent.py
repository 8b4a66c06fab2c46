"""What accounts have sent, in a SQLite file that all workers share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw

from ulak.accounts.allowance import HOUR, Sent, within_hour
from ulak.accounts.sqlite.file import opened

VERSION = 1
_SELECT = "SELECT hour, messages, recipients FROM sent WHERE account = ? AND hour >= ?"
_ADD = """
    INSERT INTO sent (account, hour, messages, recipients) VALUES (?, ?, 1, ?)
    ON CONFLICT DO UPDATE SET messages = messages + 1, recipients = recipients + excluded.recipients
"""


class SqliteLedger:
    """Follows `accounts.allowance.Ledger`, for any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        self._file = opened(path, "sent", VERSION, durable=False)

    def sent(self, account: str, now: float) -> Sent:
        """Give what an account has sent within the hour before `now`."""
        return self._file.look(lambda db: _sent(db, account, now), Sent())

    def hours(self, account: str, now: float) -> dict[int, Sent]:
        """Give what an account has sent in this full hour and the one before, where it has."""
        return self._file.look(lambda db: _hours(db, account, now), {})

    def take(self, account: str, now: float, recipients: int, may: Callable[[Sent], bool]) -> bool:
        """Write down one message more, if `may` says so of what was sent before it."""

        def take(connection: apsw.Connection) -> bool:
            if not may(_sent(connection, account, now)):
                return False
            hour = int(now // HOUR)
            connection.execute(_ADD, (account, hour, recipients))
            connection.execute(
                "DELETE FROM sent WHERE account = ? AND hour < ?", (account, hour - 1)
            )
            return True

        return self._file.change(take)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _sent(connection: apsw.Connection, account: str, now: float) -> Sent:
    hour, found = int(now // HOUR), _hours(connection, account, now)
    return within_hour(now, found.get(hour, Sent()), found.get(hour - 1, Sent()))


def _hours(connection: apsw.Connection, account: str, now: float) -> dict[int, Sent]:
    rows = connection.execute(_SELECT, (account, int(now // HOUR) - 1))
    return {when: Sent(messages, recipients) for when, messages, recipients in rows}
