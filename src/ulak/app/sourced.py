"""How sources, pools and tenants stand today, for whoever asks beside a running server."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field

from ulak import config as settings
from ulak.app.places import Places
from ulak.app.sourcing import ledger_of, sources_of, tenants_of
from ulak.delivery.attempt.binding import trouble
from ulak.delivery.source.allowing import source_count
from ulak.delivery.source.limiting import tenant_count
from ulak.delivery.source.source import Pool, Source
from ulak.delivery.source.tenants import Tenant
from ulak.delivery.source.warmup import DAY, day_of
from ulak.language.case import lower


@dataclass(frozen=True, slots=True)
class Sourced:
    """One source. `sent` is what workers have taken of its plan today, by site; `""`: in all.

    `step` is the day of the plan, from 1 on, 0 before it and after it; `limit` None: it is warm.
    `problems` say for each address that is not on this machine why.
    """

    source: Source
    hostname: str
    step: int = 0
    limit: int | None = None
    sent: dict[str, int] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """One tenant, and how many of its messages have left today."""

    tenant: Tenant
    sent: int


@dataclass(frozen=True, slots=True)
class Standing:
    """All of them; `default` names the pool of all other mail, `""`: all sources."""

    sources: tuple[Sourced, ...]
    pools: tuple[Pool, ...]
    tenants: tuple[Held, ...]
    default: str


def standing(config: settings.Config, now: float) -> Standing:
    """Look at everything. Raises LedgerError."""
    ledger = ledger_of(config, Places(config.data))
    try:
        taken = ledger.taken(now)
    finally:
        ledger.close()
    day = day_of(now)
    days = {each.what: each.taken for each in taken if each.end - each.start == DAY}
    return Standing(
        tuple(
            Sourced(
                one,
                one.hostname or config.hostname,
                one.plan.step(day) if one.plan else 0,
                one.plan.limit(day) if one.plan else None,
                {each.where: each.taken for each in taken if each.what == source_count(one)},
                {a: problem for a in one.addresses if (problem := trouble(a))},
            )
            for one in sources_of(config)
        ),
        tuple(Pool(name, pool.sources) for name, pool in config.pools.items()),
        tuple(Held(one, days.get(tenant_count(one), 0)) for one in tenants_of(config)),
        lower(config.delivery.pool),
    )


def wanted(one: Sourced) -> Iterator[tuple[str, str, str]]:
    """Give the records to publish for a source: name, type and value."""
    terms = []
    for address in one.source.addresses:
        ip = ipaddress.ip_address(address)
        yield f"{one.hostname}.", "A" if ip.version == 4 else "AAAA", address  # noqa: PLR2004 -- as it is called
        yield f"{ip.reverse_pointer}.", "PTR", f"{one.hostname}."
        terms.append(f"ip{ip.version}:{address}")
    yield f"{one.hostname}.", "TXT", f'"v=spf1 {" ".join(terms)} -all"'
