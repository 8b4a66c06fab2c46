"""The sources of a configuration: put together, counted for, and looked at when a worker starts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ulak import config as settings
from ulak.accounts.account import key_of
from ulak.app.counting import counting
from ulak.app.places import Places
from ulak.app.storing import in_database, member_of
from ulak.config.sources import PLANS
from ulak.delivery.attempt.binding import trouble
from ulak.delivery.site.grant import Gate
from ulak.delivery.source.allowing import Allowance, source_count
from ulak.delivery.source.limiting import Limiting
from ulak.delivery.source.quota import Answer, Count, LedgerError, Quotas
from ulak.delivery.source.source import Pool, Source
from ulak.delivery.source.sources import Sources
from ulak.delivery.source.sqlite import SqliteLedger
from ulak.delivery.source.tenants import Tenant
from ulak.delivery.source.warmup import Plan
from ulak.language.case import lower
from ulak.log import Event, Log

if TYPE_CHECKING:
    from ulak.delivery.source.postgres import PostgresLedger

_EPOCH = 719_163  # the ordinal of 1970-01-01


class Sourcing:
    """What one worker knows of sources. `sources` is None where none is configured."""

    def __init__(
        self,
        config: settings.Config,
        places: Places,
        clock: Callable[[], float],
        log: Log,
        incident: Callable[[BaseException], str],
    ) -> None:
        self._log = log
        self._incident = incident
        self._ledger = ledger_of(config, places, log)
        self._together = in_database(config)
        self._thread = ThreadPoolExecutor(1, "sources")
        self._quotas = Quotas(self._ask, self._give_back)
        delivery = config.delivery
        self._system = Source("", delivery.source_ipv4, delivery.source_ipv6, free=True)
        self.sources: Sources | None = None
        if config.sources or config.tenants:
            self.sources = Sources(
                sources_of(config),
                clock,
                pools={name: Pool(name, pool.sources) for name, pool in config.pools.items()},
                default=lower(delivery.pool),
                tenants=tenants_of(config),
                told=self._told,
                limited=Limiting(self._quotas),
            )

    def of(self, name: str) -> Source:
        """Give the source that a grant names."""
        found = None if self.sources is None else self.sources.of(name)
        return found if found is not None and found.name else self._system

    def gate(self, source: str, site: str) -> Gate | None:
        """Give what holds a source that warms up to its plan for a site."""
        found = self.of(source)
        if found.plan is None:
            return None
        return Allowance(found.plan, self._quotas, source_count(found), site)

    def aside(self, name: str, address: str, problem: str) -> None:
        """Set a source aside for a while."""
        if self.sources is not None:
            self.sources.aside(name, address, problem)
        else:
            self._told(self._system, address, problem)

    def look(self) -> None:
        """See whether the addresses are there."""
        for source in self.sources or (self._system,):
            for address in source.addresses:
                problem = trouble(address)
                if problem:
                    self.aside(source.name, address, problem)

    async def close(self) -> None:
        """Give back what was not sent."""
        self._quotas.close()
        await asyncio.to_thread(self._thread.shutdown)
        await asyncio.to_thread(self._ledger.close)

    def _told(self, source: Source, address: str, problem: str) -> None:
        self._log.emit(Event.SOURCE_UNUSABLE, source=source.name, address=address, problem=problem)

    def _ask(self, count: Count, wanted: int, limit: int, answer: Answer) -> None:
        loop = asyncio.get_running_loop()

        def ask() -> None:
            given: int | None = None
            try:
                given = self._ledger.take(count, wanted, limit)
            except LedgerError as error:
                self._failed(error)
            loop.call_soon_threadsafe(answer, given)

        self._thread.submit(ask)

    def _give_back(self, count: Count, number: int) -> None:
        def back() -> None:
            try:
                self._ledger.give_back(count, number)
            except LedgerError as error:  # then so many fewer are sent in that span
                self._failed(error)

        self._thread.submit(back)

    def _failed(self, error: LedgerError) -> None:
        if not self._together:  # else it is in the log that the database is away
            self._incident(error)


def ledger_of(
    config: settings.Config, places: Places, log: Log | None = None
) -> SqliteLedger | PostgresLedger:
    """Open what was sent by sources and tenants: of this server, or of all that share its queue."""
    if not in_database(config):
        return SqliteLedger(places.sources)
    from ulak.database.blocking import Blocking  # noqa: PLC0415 -- not everybody has psycopg
    from ulak.delivery.source.postgres import PostgresLedger  # noqa: PLC0415 -- as above

    name = f"{member_of(config)} sources"
    return PostgresLedger(Blocking(config.queue.store, name, counting(log, "sources")))


def sources_of(config: settings.Config) -> list[Source]:
    """Make the sources."""
    return [
        Source(
            one.name,
            one.address,
            one.address6,
            one.hostname or "",
            None if one.warmup is None else plan_of(one.warmup),
        )
        for one in config.sources
    ]


def plan_of(warmup: settings.Warmup) -> Plan:
    """Make a plan."""
    daily = warmup.per_day or PLANS[warmup.plan]
    return Plan(warmup.start.toordinal() - _EPOCH, daily, warmup.per_site)


def tenants_of(config: settings.Config) -> list[Tenant]:
    """Make the tenants."""
    return [
        Tenant(
            name,
            lower(one.pool),
            one.messages_per_hour,
            one.messages_per_day,
            frozenset(one.domains),
            frozenset(key_of(account) or lower(account) for account in one.accounts),
        )
        for name, one in config.tenants.items()
    ]
