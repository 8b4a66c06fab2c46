"""What the command line asks DNS about the domains of a configuration."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

from ulak import config as settings
from ulak.dns.resolver import DnsResolver, Server
from ulak.keys.key import DkimKey
from ulak.publish.compare import Checked, compare, published
from ulak.publish.wanted import Domain

_DEADLINE = 5.0  # seconds for one question: somebody sits and waits


def domain_of(chosen: settings.Config, name: str, keys: Sequence[DkimKey]) -> Domain:
    """Give what a configuration knows of one of its domains."""
    relays = {
        f"{hop.host}:{hop.port}" for hop in chosen.routes.values() if hop.way in ("smtp", "lmtp")
    }
    return Domain(name, chosen.hostname, _addresses(chosen), tuple(sorted(relays)), keys)


def check_domain(
    chosen: settings.Config, domain: Domain, servers: Sequence[Server] = ()
) -> tuple[Checked, ...]:
    """Ask DNS for all that a domain has to publish."""

    async def ask(resolver: DnsResolver) -> tuple[Checked, ...]:
        return await compare(resolver, domain, now=time.time(), gather=asyncio.gather)

    return asyncio.run(_asking(chosen, servers, ask))


def check_keys(
    chosen: settings.Config, keys: Iterable[DkimKey], servers: Sequence[Server] = ()
) -> tuple[Checked, ...]:
    """Ask DNS for the records of keys."""

    async def ask(resolver: DnsResolver) -> tuple[Checked, ...]:
        return tuple(await asyncio.gather(*(published(resolver, key) for key in keys)))

    return asyncio.run(_asking(chosen, servers, ask))


async def _asking(
    chosen: settings.Config,
    servers: Sequence[Server],
    ask: Callable[[DnsResolver], Awaitable[tuple[Checked, ...]]],
) -> tuple[Checked, ...]:
    """Ask the servers that are given, or those of the configuration, in bounded time."""
    dns = chosen.dns
    resolver = DnsResolver(
        servers or [(server.host, server.port) for server in dns.servers],
        timeout=min(dns.timeout, _DEADLINE / 2),
        attempts=dns.attempts,
        deadline=min(dns.deadline, _DEADLINE),
    )
    try:
        return await ask(resolver)
    finally:
        await resolver.close()


def _addresses(chosen: settings.Config) -> tuple[str, ...]:
    """Give the addresses that a configuration names and the world can reach."""
    delivery = chosen.delivery
    named = [listener.address.host for listener in chosen.listeners if not listener.address.path]
    found = [each for each in (delivery.source_ipv4, delivery.source_ipv6, *named) if each]
    return tuple(dict.fromkeys(each for each in found if ipaddress.ip_address(each).is_global))
