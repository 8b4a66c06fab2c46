"""What destinations have said last, for those who watch: kept in memory, for a bounded many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.target import Target

_MOST = 1000  # destinations; the one that was heard of longest ago goes first
_DOMAINS = 20  # of one destination that are remembered


@dataclass(slots=True)
class Account:
    """What is known of one destination since the worker began.

    `time` is that of the last attempt, in seconds since the epoch, and `last` what came of it for
    the recipient for whom it went worst. `keys` are those of its targets.
    """

    key: str
    way: str
    time: float = 0.0
    last: Outcome | None = None
    delivered: int = 0
    deferred: int = 0
    failed: int = 0
    domains: dict[str, None] = field(default_factory=dict)
    keys: dict[str, None] = field(default_factory=dict)


class Heard:
    """The accounts of all destinations. `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float], most: int = _MOST) -> None:
        self._clock = clock
        self._most = most
        self._accounts: dict[str, Account] = {}  # who was heard of last is at the end

    def note(self, target: Target, domains: Iterable[str], outcomes: Sequence[Outcome]) -> None:
        """Note what came of an attempt."""
        accounts = self._accounts
        name = target.site or target.key
        account = accounts.pop(name, None)
        if account is None:
            account = Account(name, target.way.value)
            if len(accounts) >= self._most:
                del accounts[next(iter(accounts))]
        accounts[name] = account
        if target.key not in account.keys and len(account.keys) < _DOMAINS:
            account.keys[target.key] = None
        account.time = self._clock()
        worst: Outcome | None = None
        for outcome in outcomes:
            if outcome.result is Result.DELIVERED:
                account.delivered += 1
                worst = worst or outcome
                continue
            worst = outcome
            if outcome.result is Result.DEFERRED:
                account.deferred += 1
            else:
                account.failed += 1
        account.last = worst
        for domain in domains:
            if domain not in account.domains and len(account.domains) < _DOMAINS:
                account.domains[domain] = None

    def __iter__(self) -> Iterator[Account]:
        """Give all accounts, the one that was heard of longest ago first."""
        return iter(list(self._accounts.values()))
