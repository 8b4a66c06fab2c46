"""Accounts, failed logins, what was sent and visits, in SQLite files that all workers share."""

from ulak.accounts.sqlite.accounts import SqliteAccounts
from ulak.accounts.sqlite.attempts import SqliteRecords
from ulak.accounts.sqlite.sent import SqliteLedger
from ulak.accounts.sqlite.visits import SqliteVisits

__all__ = ["SqliteAccounts", "SqliteLedger", "SqliteRecords", "SqliteVisits"]
