"""The settings of sources: from which addresses mail is sent, whose, and how much of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, TypeVar

from ulak.config.kinds import BAD, Bad, Choice, Count, Flag, ListOf, Plain, Text
from ulak.config.lines import Path
from ulak.config.mistake import Place, Report, given
from ulak.config.names import Address, DomainName, MailAddress
from ulak.config.sections import Section, setting
from ulak.config.values import parse_ip
from ulak.language.case import lower

if TYPE_CHECKING:
    from ulak.config.settings import Config

PLANS: Mapping[str, tuple[int, ...]] = {
    "slow": (
        *(20, 30, 50, 75, 100, 150, 225, 350, 500, 750, 1_000, 1_500, 2_250, 3_500, 5_000),
        *(7_500, 10_000, 15_000, 22_500, 35_000, 50_000),
    ),
    "usual": (50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200),
    "quick": (200, 600, 1_800, 5_400, 16_200, 48_600),
}
"""Messages on each day of a plan that has a name."""

T = TypeVar("T")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
_MOST = 2**31 - 1
_WEIGHT = Count(0, 1000)
_DAILY = Count(1)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Name(Plain):
    """What something is called in this file."""

    name = "name"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take ASCII letters, digits, dots, hyphens and underscores."""
        if isinstance(value, str) and _NAME.fullmatch(value):
            return lower(value)
        return self.unlike(value, place)


class Day(Plain):
    """A date, in quotes or without."""

    name = "day"

    def read(self, value: object, place: Place) -> date | Bad:
        """Take `2026-11-27`."""
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        if isinstance(value, str) and _DATE.fullmatch(value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        return self.unlike(value, place)


class Daily(Plain):
    """How many on each day, one after the other; the same number may stand more than once."""

    name = "daily"

    def read(self, value: object, place: Place) -> tuple[int, ...] | Bad:
        """Take an array of numbers."""
        if not isinstance(value, list):
            return self.unlike(value, place)
        found = [_DAILY.read(each, place.of(number)) for number, each in enumerate(value)]
        good = tuple(each for each in found if not isinstance(each, Bad))
        return good if len(good) == len(found) else BAD

    def write(self, value: object) -> object:
        """Write an array."""
        return list(value) if isinstance(value, tuple) else []


class Weights(Plain):
    """Names, each with how often its turn comes."""

    name = "weights"

    def read(self, value: object, place: Place) -> Mapping[str, int] | Bad:
        """Take `["a", "b"]` or `{ a = 3, b = 1 }`."""
        match value:
            case list() if value:
                pairs = [(place.of(number), name, 1) for number, name in enumerate(value)]
            case dict() if value:
                pairs = [(place.of(str(name)), name, weight) for name, weight in value.items()]
            case _:
                return self.unlike(value, place)
        good: dict[str, int] = {}
        for where, spelling, given_weight in pairs:
            name, weight = Name().read(spelling, where), _WEIGHT.read(given_weight, where)
            if isinstance(name, Bad) or isinstance(weight, Bad):
                return BAD
            if name in good:
                where.wrong("twice", given=given(spelling))
                return BAD
            good[name] = weight
        return good

    def write(self, value: object) -> object:
        """Write a table."""
        return dict(value) if isinstance(value, Mapping) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmup:
    """How much a new source sends, a day after the other; `per_day` stands above `plan`."""

    start: date = setting(Day())
    plan: str = setting(Choice(tuple(PLANS)), "usual")
    per_day: tuple[int, ...] = setting(Daily(), ())
    per_site: bool = setting(Flag(), default=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One place to send from. Without a hostname it says the server's."""

    name: str = setting(Name())
    address: str = setting(Address(4), "")
    address6: str = setting(Address(6), "")
    hostname: str | None = setting(DomainName(), None)
    warmup: Warmup | None = setting(Section(Warmup), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Sources that stand in for each other, with weights."""

    sources: Mapping[str, int] = setting(Weights())


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """Whose mail goes out by a pool of its own. Limits of 0 are none; no pool: the default."""

    domains: tuple[str, ...] = setting(ListOf(DomainName()), ())
    accounts: tuple[str, ...] = setting(ListOf(MailAddress()), ())
    pool: str = setting(Text(), "")
    messages_per_day: int = setting(Count(0), 0)
    messages_per_hour: int = setting(Count(0), 0)


def check_sources(config: Config, report: Report) -> None:
    """Look whether sources, pools and tenants go together."""
    _sources(config, report)
    _pools(config, report)
    _tenants(config, report)
    default, where = lower(config.delivery.pool), ("delivery", "pool")
    if default and default not in config.pools:
        report.clash((where,), "no-such-pool", pool=default)


def _made(report: Report, kind: type[T]) -> Iterator[tuple[Path, T]]:
    for path, one in list(report.made.items()):
        if isinstance(one, kind):
            yield path, one


def _sources(config: Config, report: Report) -> None:
    names: dict[str, Path] = {}
    addresses: dict[str, Path] = {}
    for path, source in _made(report, Source):
        name = (*path, "name")
        if source.name in names:
            report.clash((names[source.name], name), "source-twice", name=source.name)
        names.setdefault(source.name, name)
        if not source.address and not source.address6:
            report.clash((path,), "source-without-address", name=source.name)
        for key, address in (("address", source.address), ("address6", source.address6)):
            ip = parse_ip(address) if address else None
            if ip is None:
                continue
            where = (*path, key)
            if ip.is_unspecified or ip.is_multicast:
                report.clash((where,), "source-of-nobody", address=address)
            if address in addresses:
                report.clash((addresses[address], where), "address-twice", address=address)
            addresses.setdefault(address, where)
    first = next((path for path, _ in _made(report, Source)), None)
    for key in ("source_ipv4", "source_ipv6"):
        old = ("delivery", key)
        if first is not None and getattr(config.delivery, key):
            report.clash((first, old), "source-and-sources", key=key)


def _pools(config: Config, report: Report) -> None:
    known = {source.name for _, source in _made(report, Source)}
    used: set[str] = set()
    default = lower(config.delivery.pool)
    for path, pool in _made(report, Pool):
        where = (*path, "sources")
        used |= {name for name, weight in pool.sources.items() if weight}
        for name in pool.sources:
            if name not in known:
                report.clash((where,), "no-such-source", name=name)
        if not any(pool.sources.values()):
            report.clash((where,), "pool-without-weight")
        by_tenants = {lower(tenant.pool) for tenant in config.tenants.values()}
        if default and lower(str(path[-1])) not in {*by_tenants, default}:
            report.warn(path, "pool-unused", pool=str(path[-1]))
    for path, source in _made(report, Source):
        if default and source.name not in used:
            report.warn((*path, "name"), "source-in-no-pool", name=source.name)


def _tenants(config: Config, report: Report) -> None:
    taken: dict[str, Path] = {}
    for path, tenant in _made(report, Tenant):
        if not tenant.domains and not tenant.accounts:
            report.warn(path, "tenant-of-nobody", tenant=str(path[-1]))
        if tenant.pool and lower(tenant.pool) not in config.pools:
            report.clash(((*path, "pool"),), "no-such-pool", pool=tenant.pool)
        for key in ("domains", "accounts"):
            for number, one in enumerate(getattr(tenant, key)):
                where = (*path, key, number)
                name = lower(one)
                if name in taken:
                    report.clash((taken[name], where), "two-tenants", name=one)
                taken.setdefault(name, where)
