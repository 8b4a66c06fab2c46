"""Accounts in memory: for tests, and for the model that the database is measured against."""

from __future__ import annotations

from ulak.accounts.account import Account, key_of


class MemoryAccounts:
    """Follows `accounts.store.Accounts`; one thread at a time."""

    def __init__(self, *accounts: Account) -> None:
        self._by_key = {account.key: account for account in accounts}

    def find(self, name: str) -> Account | None:
        """Give the account of a login name."""
        key = key_of(name)
        return None if key is None else self._by_key.get(key)

    def add(self, account: Account) -> bool:
        """Add an account; False if there is one of that name."""
        key = account.key
        if key in self._by_key:
            return False
        self._by_key[key] = account
        return True

    def replace(self, account: Account, *, was: Account | None = None) -> bool:
        """Put an account in the place of the one of its name; False if there is none such."""
        key = account.key
        now = self._by_key.get(key)
        if now is None or (was is not None and now != was):
            return False
        self._by_key[key] = account
        return True

    def remove(self, name: str) -> bool:
        """Remove an account; False if there is none of that name."""
        key = key_of(name)
        return key is not None and self._by_key.pop(key, None) is not None

    def list(self) -> list[Account]:
        """Give all accounts in the order of their names."""
        return [account for _, account in sorted(self._by_key.items())]

    def any(self) -> bool:
        """Whether there is an account at all."""
        return bool(self._by_key)

    def close(self) -> None:
        """Let go of nothing."""
