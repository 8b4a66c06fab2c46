"""The accounts of a configuration, for the server and for the command line."""

from __future__ import annotations

from ulak import config as settings
from ulak.accounts.attempts import Attempts
from ulak.accounts.sqlite import SqliteAccounts, SqliteRecords
from ulak.app.places import Places


def accounts_of(chosen: settings.Config) -> SqliteAccounts:
    """Open the accounts."""
    return SqliteAccounts(Places(chosen.data).accounts)


def attempts_of(chosen: settings.Config) -> Attempts:
    """Open what is known of failed logins."""
    return Attempts(SqliteRecords(Places(chosen.data).attempts))
