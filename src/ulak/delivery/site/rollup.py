"""Which site hosts belong to: the provider that their names show, else themselves.

Providers give every customer an MX host of its own (`customer.mail.protection.example`); what they
count is what comes to all of them. So all domains whose hosts bear the names of one provider are
one site. Where customers stand `apart` they share what is known of the provider, but no limit:
each stays a site of its own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

KNOWN = "known"  # a source of which nobody has read a page


@dataclass(frozen=True, slots=True)
class Published:
    """Limits that a provider names for one sending address; 0 where it names none.

    `says` is what its page says, in our words.
    """

    connections: int = 0
    messages: int = 0  # over one connection
    source: str = ""
    date: str = ""
    says: str = ""


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider, and the ends of the names of its MX hosts."""

    slug: str
    name: str
    hosts: tuple[str, ...]
    source: str
    date: str
    apart: bool = False
    limits: Published = Published()


@cache
def providers() -> tuple[Provider, ...]:
    """Give the providers of `providers.toml`."""
    text = resources.files(__package__).joinpath("providers.toml").read_text("utf-8")
    return tuple(map(_provider, tomllib.loads(text)["provider"]))


def _provider(table: Mapping[str, Any]) -> Provider:
    return Provider(
        table["slug"],
        table["name"],
        tuple(table["hosts"]),
        table["source"],
        table["date"],
        table.get("apart") is True,
        Published(**table.get("limits", {})),
    )


@cache
def _by_end() -> dict[str, Provider]:
    return {end: provider for provider in providers() for end in provider.hosts}


def rollup(hosts: Iterable[str]) -> str:
    """Name the site of all these hosts, in lower case; `""` where there is none, or several."""
    provider = provider_of(hosts)
    return "" if provider is None or provider.apart else provider.slug


def provider_of(hosts: Iterable[str]) -> Provider | None:
    """Give the provider of all these hosts, in lower case; None where there is none, or several."""
    found: Provider | None = None
    for host in hosts:
        provider = _provider_of(host)
        if provider is None or (found is not None and provider is not found):
            return None
        found = provider
    return found


def _provider_of(host: str) -> Provider | None:
    """Find the provider by the end of a name, label by label."""
    ends = _by_end()
    name = host.rstrip(".")
    while name:
        provider = ends.get(name)
        if provider is not None:
            return provider
        _, _, name = name.partition(".")
    return None
