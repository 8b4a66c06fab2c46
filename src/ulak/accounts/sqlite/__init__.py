"""Accounts, tokens, failed logins, visits and what was sent, in files that all workers share."""

from ulak.accounts.sqlite.access import SqliteAccessTokens
from ulak.accounts.sqlite.accounts import SqliteAccounts
from ulak.accounts.sqlite.attempts import SqliteRecords
from ulak.accounts.sqlite.sent import SqliteLedger
from ulak.accounts.sqlite.visits import SqliteVisits

__all__ = [
    "SqliteAccessTokens",
    "SqliteAccounts",
    "SqliteLedger",
    "SqliteRecords",
    "SqliteVisits",
]
