"""Where the mail of one process goes just now, for those who watch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ulak.delivery.heard import Account, Heard
from ulak.delivery.ready import Ready


@dataclass(frozen=True, slots=True)
class Stand:
    """One destination: attempts under way, jobs that wait for their turn, and what it has said."""

    key: str
    way: str
    domains: tuple[str, ...]
    active: int
    ready: int
    account: Account | None = None


def stands(ready: Ready, heard: Heard) -> list[Stand]:
    """Give all destinations that there is work for, or that something was heard of."""
    accounts: Mapping[str, Account] = {account.key: account for account in heard}
    found = {}
    for line in ready.lines():
        account = accounts.get(line.key)
        known = () if account is None else tuple(account.domains)
        domains = tuple(dict.fromkeys((*line.domains, *known)))
        found[line.key] = Stand(line.key, line.way, domains, line.active, line.waiting, account)
    for key, account in accounts.items():
        if key not in found:
            found[key] = Stand(key, account.way, tuple(account.domains), 0, 0, account)
    return list(found.values())
