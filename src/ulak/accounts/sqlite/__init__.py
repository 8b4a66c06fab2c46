"""Accounts, failed logins and what was sent, in SQLite files that all workers share."""

from ulak.accounts.sqlite.accounts import SqliteAccounts
from ulak.accounts.sqlite.attempts import SqliteRecords
from ulak.accounts.sqlite.sent import SqliteLedger

__all__ = ["SqliteAccounts", "SqliteLedger", "SqliteRecords"]
