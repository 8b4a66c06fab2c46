"""Accounts, failed logins and counts in memory: for tests, and as the model of the databases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping

from ulak.accounts.account import Account, key_of
from ulak.accounts.allowance import HOUR, Sent, within_hour
from ulak.accounts.attempts import Change, Key, Kind, Record


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

    def operators(self) -> bool:
        """Whether there is an account with a role in the console."""
        return any(account.role for account in self._by_key.values())

    def secret(self) -> bytes:
        """Give a secret that is none."""
        return b"no secret at all"

    def close(self) -> None:
        """Let go of nothing."""


class MemoryRecords:
    """Follows `accounts.attempts.Records`; one thread at a time."""

    def __init__(self) -> None:
        self.records: dict[Key, Record] = {}

    def read(self, keys: Collection[Key]) -> dict[Key, Record]:
        """Give those of the records that there are."""
        return {key: self.records[key] for key in keys if key in self.records}

    def update(self, keys: Collection[Key], change: Change) -> None:
        """Change records."""
        for key, record in change(self.read(keys)).items():
            self.records.pop(key, None)
            if record is not None:
                self.records[key] = record

    def banned(self, now: float) -> dict[Key, Record]:
        """Give the records of all who are shut out now."""
        return {key: record for key, record in self.records.items() if record.until > max(now, 0)}

    def trim(self, now: float, keep: Mapping[Kind, float], most: int) -> None:
        """Forget records that are too old or too many."""
        for kind, age in keep.items():
            mine = [(k, r) for k, r in self.records.items() if k.kind is kind]
            mine.sort(key=lambda one: (one[1].until > now, one[1].at))
            young = [(k, r) for k, r in mine if r.at >= now - age]
            kept = dict(young[-most:] if most else [])
            for key, _ in mine:
                if key not in kept:
                    del self.records[key]

    def close(self) -> None:
        """Do nothing."""


class MemoryLedger:
    """Follows `accounts.allowance.Ledger`; one thread at a time."""

    def __init__(self) -> None:
        self._hours: defaultdict[tuple[str, int], Sent] = defaultdict(Sent)

    def sent(self, account: str, now: float) -> Sent:
        """Give what an account has sent within the hour before `now`."""
        hour = int(now // HOUR)
        return within_hour(now, self._hours[account, hour], self._hours[account, hour - 1])

    def take(self, account: str, now: float, recipients: int, may: Callable[[Sent], bool]) -> bool:
        """Write down one message more, if `may` says so of what was sent before it."""
        if not may(self.sent(account, now)):
            return False
        this = self._hours[account, int(now // HOUR)]
        self._hours[account, int(now // HOUR)] = Sent(
            this.messages + 1, this.recipients + recipients
        )
        return True

    def close(self) -> None:
        """Let go of nothing."""
