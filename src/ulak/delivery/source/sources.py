"""All sources of a server: which of them a message may leave from, best first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Protocol

from ulak.delivery.site.grant import Grant
from ulak.delivery.source.choice import order
from ulak.delivery.source.source import SYSTEM, Pool, Source
from ulak.delivery.source.tenants import NOBODY, Tenant, Tenants, is_report
from ulak.delivery.target import Target, Way
from ulak.queue.item import Message
from ulak.replies.reply import Reply

_ASIDE = 300.0  # seconds for which a source is set aside that cannot be used
_ANY = (SYSTEM.name,)


class Told(Protocol):
    """Who is told that an address of a source cannot be used."""

    def __call__(self, source: Source, address: str, problem: str) -> None:
        """Take note."""


Limited = Callable[[Tenant, float], Awaitable[tuple[Reply, float] | None]]
"""Count one message more of a tenant; or say why, and until when, it has to wait."""


class Sources:
    """The sources by name, and whose turn it is for whom.

    `default` names the pool of mail without a tenant, `""` for all sources, each as often as the
    others. `clock` gives seconds since the epoch; `told` hears of sources that cannot be used, and
    `limited` holds tenants to their limits.
    """

    def __init__(
        self,
        sources: Iterable[Source],
        clock: Callable[[], float],
        *,
        pools: Mapping[str, Pool] | None = None,
        default: str = "",
        tenants: Iterable[Tenant] = (),
        told: Told = lambda _source, _address, _problem: None,
        limited: Limited | None = None,
    ) -> None:
        self._sources = {source.name: source for source in sources}
        self._clock = clock
        self._pools = dict(pools or {})
        self._default = default
        self._everything = Pool("", dict.fromkeys(self._sources, 1))
        self._tenants = Tenants(tenants)
        self._told = told
        self._limited = limited
        self._aside: dict[str, float] = {}  # addresses, each until when

    def __call__(self, message: Message, target: Target, last: str = "") -> tuple[str, ...]:
        """Give the names of the sources from which a message may go to a target, best first.

        `last` is the one from which it was tried before. Where none can reach the target, or all
        are set aside, it is all of the pool: an attempt shows what is wrong.
        """
        if target.way is not Way.SMTP or not self._sources:
            return _ANY
        names = order(self.pool_of(self.tenant_of(message)).weights, message.id, last)
        if self._aside:
            now = self._clock()
            self._aside = {a: until for a, until in self._aside.items() if until > now}
        hosts = _families(target)
        able = tuple(name for name in names if self._reaches(self._sources[name], hosts))
        return able or tuple(n for n in names if _reaches(self._sources[n], hosts)) or names

    @property
    def names(self) -> tuple[str, ...]:
        """Name all sources."""
        return tuple(self._sources) or _ANY

    async def wait(self, message: Message, now: float) -> tuple[Reply, float] | None:
        """Say why and until when a message has to wait for its tenant, None for nothing."""
        if self._limited is None or is_report(message):  # a tenant's reports are none of its mail
            return None
        tenant = self.tenant_of(message)
        return await self._limited(tenant, now) if tenant.limited else None

    def of(self, name: str) -> Source:
        """Give a source by its name; the system's choice where there is none of it (any more)."""
        return self._sources.get(name, SYSTEM)

    def tenant_of(self, message: Message) -> Tenant:
        """Give whose message it is."""
        return self._tenants.of(message) if self._tenants else NOBODY

    def pool_of(self, tenant: Tenant) -> Pool:
        """Give the pool by which the mail of a tenant goes."""
        return self._pools.get(tenant.pool or self._default, self._everything)

    def facts(self, message: Message, grant: Grant, last: str) -> dict[str, str]:
        """Tell from where an attempt was made, and why: `source`, `pool`, `tenant` and `turn`.

        `turn` is `again` for the source of the attempt before, `instead` for one that stood in for
        that whose turn it was: `turn-of` names it, and `turn-why` says what it had to wait for, or
        that it is set `aside`, or has no address of the `family`.
        """
        source = grant.source
        if not source:
            return {}
        tenant = self.tenant_of(message)
        facts = {"source": source, "pool": self.pool_of(tenant).name}
        if tenant.name:
            facts["tenant"] = tenant.name
        names = self.pool_of(tenant).weights
        first = order(names, message.id, last)[0]
        if source == last:
            facts["turn"] = "again"
        elif first != source:
            why = "aside" if self.is_aside(first) else str(grant.instead or "family")
            facts |= {"turn": "instead", "turn-of": first, "turn-why": why}
        return facts

    def aside(self, name: str, address: str, problem: str) -> None:
        """Use an address of a source no more for a while: it cannot be used on this machine."""
        source, now = self._sources.get(name), self._clock()
        if source is None:
            return
        if self._aside.get(address, 0.0) <= now:
            self._told(source, address, problem)
        self._aside[address] = now + _ASIDE

    def is_aside(self, name: str) -> bool:
        """Whether an address of a source is set aside."""
        now = self._clock()
        return any(self._aside.get(address, 0.0) > now for address in self.of(name).addresses)

    def _reaches(self, source: Source, hosts: tuple[str, ...]) -> bool:
        return any((found := source.of(h)) is not None and found not in self._aside for h in hosts)

    def __iter__(self) -> Iterator[Source]:
        """Give all sources."""
        return iter(self._sources.values())

    @property
    def pools(self) -> Mapping[str, Pool]:
        """All pools, by name; with the one of all sources where that is the default."""
        if self._default in self._pools:
            return self._pools
        return {"": self._everything, **self._pools}


def _families(target: Target) -> tuple[str, ...]:
    """Give one address of each family that hosts have; of both where none is known."""
    sixes = {":" in address for host in target.hosts for address in host.addresses}
    return tuple("::" if six else "0" for six in sixes or (False, True))


def _reaches(source: Source, hosts: tuple[str, ...]) -> bool:
    return any(source.of(host) is not None for host in hosts)
