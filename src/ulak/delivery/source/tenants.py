"""Whose mail it is: the tenant of a message, its pool and its limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ulak.mail.envelope import domain_of
from ulak.queue.item import Message


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant. `pool` is the name of its pool, `""` the default; a limit of 0 is none."""

    name: str
    pool: str = ""
    per_hour: int = 0
    per_day: int = 0
    domains: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()

    @property
    def limited(self) -> bool:
        """Whether it may only send so much."""
        return bool(self.per_hour or self.per_day)


NOBODY = Tenant("")


class Tenants:
    """All tenants, by account and by the domain of the sender; the account stands above."""

    def __init__(self, tenants: Iterable[Tenant] = ()) -> None:
        self._accounts: dict[str, Tenant] = {}
        self._domains: dict[str, Tenant] = {}
        for tenant in tenants:
            self._accounts |= dict.fromkeys(tenant.accounts, tenant)
            self._domains |= dict.fromkeys(tenant.domains, tenant)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._accounts or self._domains)

    def of(self, message: Message) -> Tenant:
        """Give the tenant of a message, `NOBODY` for none.

        A report of this server belongs to whose message it is about: it has the account of that
        one, and goes to its sender.
        """
        if message.account:
            found = self._accounts.get(message.account)
            if found is not None:
                return found
        domains: Mapping[str, Tenant] = self._domains
        if not domains:
            return NOBODY
        envelope = message.envelope
        theirs = envelope.recipients[0] if is_report(message) else envelope.sender
        return domains.get(domain_of(theirs), NOBODY)


def is_report(message: Message) -> bool:
    """Whether this server wrote a message itself: it has no sender, and no session brought it."""
    return not message.envelope.sender and not message.session
