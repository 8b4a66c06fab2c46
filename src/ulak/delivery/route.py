"""Where mail for a domain goes next (RFC 5321 §5.1, RFC 7505, RFC 5321 §4.1.3).

Our own domains go where their `deliver` says, the rest where the route table says, by default to
the domain's MX hosts. The only thing awaited is the resolver that was handed in; the lots that
equal preferences draw (§5.1) are an argument too.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from ulak.delivery.hop import Hop, parse
from ulak.delivery.site.rollup import rollup
from ulak.delivery.target import Host, Target, Told, Way
from ulak.delivery.transport import tlsa
from ulak.dns.records import MX, Answer, Resolver, Status
from ulak.replies import catalog
from ulak.replies.reply import Reply

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1: an IPv4 address lies in it
# Not of the Internet, though Python takes them for global: what a network translates by its own
# prefix (RFC 8215), and what once was local to a site or had an IPv4 address in it (RFC 4291
# §2.5.7, §2.5.5.1).
_NOT_GLOBAL = tuple(map(ipaddress.IPv6Network, ("64:ff9b:1::/48", "fec0::/10", "::/96")))


@dataclass(frozen=True, slots=True)
class Routes:
    """The settings of routing.

    `local` maps our domains, and `table` others and `"*"`, to next hops. `names` and `addresses`
    are those by which this server is known (§5.1: mail is never handed to ourselves).
    `reachable` are networks to which MX records may lead though they are not of the Internet:
    without it a record that leads to loopback, private or link-local addresses is not followed,
    since anybody could aim this server at its own network with one. A hop that the operator
    wrote down (a smart host, an LMTP server) is not restricted. `families` is the order in
    which a host's addresses are tried. The port is RFC 5321 §4.5.4.2's but in tests.
    """

    hostname: str
    local: Mapping[str, Hop] = field(default_factory=dict)
    table: Mapping[str, Hop] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    reachable: tuple[Network, ...] = ()
    families: tuple[str, ...] = ("A", "AAAA")
    port: int = 25
    max_hosts: int = 8
    max_addresses: int = 8  # of one host
    dane: bool = True  # whether TLSA records are asked for (RFC 7672)

    @classmethod
    def of(
        cls,
        hostname: str,
        local: Mapping[str, str],
        table: Mapping[str, str] | None = None,
        reachable: Sequence[str] = (),
    ) -> Routes:
        """Make the settings from their texts. Raises HopError or ValueError."""
        return cls(
            hostname=hostname,
            local={name.lower(): parse(text) for name, text in local.items()},
            table={name.lower(): parse(text) for name, text in (table or {}).items()},
            reachable=tuple(ipaddress.ip_network(text) for text in reachable),
        )


_MX = Hop(None)


@dataclass(frozen=True, slots=True)
class _Addresses:
    """What DNS says of a host: its addresses, and what failed, if anything.

    `end` is where its aliases end; `authentic` where all of it is signed.
    """

    texts: tuple[str, ...]
    failed: Answer | None
    end: str
    authentic: bool


class Route:
    """Finds targets. `chance` gives numbers from 0 to below 1."""

    def __init__(self, settings: Routes, chance: Callable[[], float]) -> None:
        self._settings = settings
        self._chance = chance
        self._names = frozenset(
            name.lower() for name in (*settings.names, settings.hostname, "localhost")
        )
        self._addresses = frozenset(ipaddress.ip_address(a) for a in settings.addresses)
        self._everywhere = settings.table.get("*", _MX)
        self._hops = {**settings.table, **settings.local}
        self._hops.pop("*", None)
        self._static = {
            name: target for name, hop in self._hops.items() if (target := hop.target()) is not None
        }
        self._anywhere = self._everywhere.target()

    def known(self, domain: str) -> Target | None:
        """Give the target of a domain (in lower case) that needs no look-up, else None."""
        target = self._static.get(domain)
        if target is not None or self._anywhere is None:
            return target
        return None if domain in self._hops else self._anywhere

    def by_exchange(self, domain: str) -> bool:
        """Whether mail for a domain goes where its own DNS says."""
        hop = self._hops.get(domain, self._everywhere)
        return hop.way is None and bool(domain) and not domain.startswith("[")

    def own(self, domain: str) -> bool:
        """Whether the domain is this server's own name, or none at all."""
        return not domain or domain in self._names

    def home(self) -> Target:
        """Give where mail for the bare postmaster goes, who always has a mailbox (§4.5.1)."""
        settings = self._settings
        hop = settings.local.get(settings.hostname.lower()) or Hop(Way.MAILDIR)
        return hop.target() or Target(Way.MAILDIR, "maildir")

    async def find(self, domain: str, resolver: Resolver) -> Target:
        """Find the target for mail to a domain in lower case. What goes wrong is its refusal."""
        known = self.known(domain)
        if known is not None:
            return known
        hop = self._hops.get(domain, self._everywhere)
        if hop.way is not None:
            return await self._hop(hop, resolver)
        if domain.startswith("["):
            return self._literal(domain)
        if not domain:
            return _refused(domain, catalog.DOMAIN_NOT_FOUND.reply(domain="<>"))
        return await self._exchanges(domain, resolver)

    async def _hop(self, hop: Hop, resolver: Resolver) -> Target:
        found = await self._addresses_of(hop.host, resolver)
        if found.texts and hop.way is not None:
            host = Host(hop.host, found.texts, hop.port)
            return Target(hop.way, hop.key, (host,), told=Told.OPERATOR)
        # The operator wrote the name down: a missing record is a mistake that can be mended,
        # and no mail is returned for it.
        if found.failed is not None:
            return _refused(hop.key, _unanswered(hop.host, found.failed))
        problem = f"{hop.host} has no address"
        return _refused(hop.key, catalog.DNS_FAILED.reply(domain=hop.host, problem=problem))

    def _literal(self, domain: str) -> Target:
        text = domain[1:-1]
        try:
            address = ipaddress.ip_address(text.removeprefix("ipv6:"))
        except ValueError:
            return _refused(domain, catalog.DOMAIN_NOT_FOUND.reply(utf8=True, domain=domain))
        if address in self._addresses:
            return _refused(domain, catalog.ROUTE_TO_SELF.reply(utf8=True, domain=domain))
        if not self._reaches(address):
            reply = catalog.ADDRESS_UNREACHABLE.reply(
                utf8=True, domain=domain, host=domain, ip=address
            )
            return _refused(domain, reply)
        host = Host(domain, (str(address),), self._settings.port)
        return self._target([(0, host)], Told.ADDRESS)

    async def _exchanges(self, domain: str, resolver: Resolver) -> Target:
        # An alias (CNAME) is followed by the resolver: what it answers stands at the end (§5.1).
        answer = await resolver.resolve(domain, "MX")
        if answer.failed:
            return _refused(domain, _unanswered(domain, answer))
        if answer.status is Status.NXDOMAIN:
            return _refused(domain, catalog.DOMAIN_NOT_FOUND.reply(utf8=True, domain=domain))
        exchanges = answer.exchanges
        if not exchanges:
            return await self._implicit(domain, answer.name, resolver)
        named = [mx for mx in exchanges if mx.exchange]
        if not named:
            return _refused(domain, catalog.NULL_MX.reply(utf8=True, domain=domain))
        told = Told.DNSSEC if answer.authentic else Told.DNS
        target = await self._explicit(domain, self._ranked(named), resolver, told)
        aliased = answer.authentic and answer.canonical not in ("", answer.name)
        return replace(target, expanded=answer.canonical) if aliased else target

    async def _implicit(self, domain: str, name: str, resolver: Resolver) -> Target:
        """No MX: the domain is its own mail server (§5.1), where it has an address."""
        found = await self._addresses_of(name, resolver)
        addresses, failed = found.texts, found.failed
        if not addresses:
            reply = (
                _unanswered(domain, failed)
                if failed is not None
                else catalog.DOMAIN_NOT_FOUND.reply(utf8=True, domain=domain)
            )
            return _refused(domain, reply)
        if name in self._names or self._ours(addresses):
            return _refused(domain, catalog.ROUTE_TO_SELF.reply(utf8=True, domain=domain))
        usable = tuple(a for a in addresses if self._reaches(ipaddress.ip_address(a)))
        if not usable:
            reply = catalog.ADDRESS_UNREACHABLE.reply(
                utf8=True, domain=domain, host=name, ip=addresses[0]
            )
            return _refused(domain, reply)
        # A certificate has to bear the domain's own name here, not that of an alias' end.
        host = Host(name, usable, self._settings.port)
        # Where all is signed it is certain, too, that there are no MX records. An alias may be
        # signed though its end is not (RFC 7672 §2.2.2).
        if found.authentic or found.end != name:
            host = await self._signed(host, found, resolver)
        return self._target([(0, host)], Told.ADDRESS if name == domain else Told.DNS)

    async def _explicit(
        self, domain: str, ranked: list[MX], resolver: Resolver, told: Told
    ) -> Target:
        found = await asyncio.gather(*(self._addresses_of(mx.exchange, resolver) for mx in ranked))
        # §5.1: where we are in the list ourselves, only what is preferred to us is left.
        worst = min(
            (
                mx.preference
                for mx, addresses in zip(ranked, found, strict=True)
                if mx.exchange in self._names or self._ours(addresses.texts)
            ),
            default=None,
        )
        hosts: list[tuple[int, Host, _Addresses]] = []
        trouble: list[Answer] = []
        unreachable: tuple[str, str] | None = None
        left = False
        for mx, addresses in zip(ranked, found, strict=True):
            if worst is not None and mx.preference >= worst:
                continue
            left = True
            texts = addresses.texts
            usable = tuple(a for a in texts if self._reaches(ipaddress.ip_address(a)))
            if usable:
                one = Host(mx.exchange, usable, self._settings.port)
                hosts.append((mx.preference, one, addresses))
            elif texts:
                unreachable = unreachable or (mx.exchange, texts[0])
            elif addresses.failed is not None:
                trouble.append(addresses.failed)
        if hosts:
            known = [host for _, host, _ in hosts]
            if told is Told.DNSSEC:  # others could name any host at all (RFC 7672 §2.2.1)
                known = await asyncio.gather(
                    *(self._signed(host, addresses, resolver) for _, host, addresses in hosts)
                )
            ranks = [rank for rank, _, _ in hosts]
            return self._target(list(zip(ranks, known, strict=True)), told)
        if not left:
            return _refused(domain, catalog.ROUTE_TO_SELF.reply(utf8=True, domain=domain))
        if trouble:
            return _refused(domain, _unanswered(domain, trouble[0]))
        if unreachable is not None:
            host, ip = unreachable
            reply = catalog.ADDRESS_UNREACHABLE.reply(utf8=True, domain=domain, host=host, ip=ip)
            return _refused(domain, reply)
        return _refused(domain, catalog.NO_MAIL_HOST.reply(utf8=True, domain=domain))

    def _ranked(self, exchanges: Sequence[MX]) -> list[MX]:
        """Sort by preference, draw lots among equals, and drop what is over the limit (§5.1).

        Our own records stay whatever the limit: they decide how much of the list counts.
        """
        unique = sorted({(mx.preference, mx.exchange) for mx in exchanges})
        ranked: list[MX] = []
        for preference, group in groupby(unique, key=lambda pair: pair[0]):
            equals = [MX(preference, exchange) for _, exchange in group]
            for last in range(len(equals) - 1, 0, -1):
                other = int(self._chance() * (last + 1))
                equals[last], equals[other] = equals[other], equals[last]
            ranked.extend(equals)
        limit = self._settings.max_hosts
        return ranked[:limit] + [mx for mx in ranked[limit:] if mx.exchange in self._names]

    async def _signed(self, host: Host, found: _Addresses, resolver: Resolver) -> Host:
        """Give a host with what its TLSA records say."""
        if not self._settings.dane:
            return host
        dane = await tlsa.find(
            resolver, host.name, host.port, end=found.end, authentic=found.authentic
        )
        return host if dane is None else replace(host, dane=dane)

    async def _addresses_of(self, name: str, resolver: Resolver) -> _Addresses:
        """Give the addresses of a host in the order given (§5.1)."""
        families = self._settings.families
        answers = await asyncio.gather(*(resolver.resolve(name, kind) for kind in families))
        addresses: list[str] = []
        for answer in answers:
            addresses.extend(answer.texts[: self._settings.max_addresses])
        problem = next((answer for answer in answers if answer.failed), None)
        there = [answer for answer in answers if answer.records]
        return _Addresses(
            tuple(addresses[: self._settings.max_addresses]),
            problem,
            next((answer.canonical for answer in there), name) or name,
            authentic=bool(there) and all(answer.authentic for answer in there),
        )

    def _ours(self, addresses: Sequence[str]) -> bool:
        return bool(self._addresses) and any(
            ipaddress.ip_address(a) in self._addresses for a in addresses
        )

    def _reaches(self, address: Address) -> bool:
        """Whether an address that somebody else's DNS gave may be connected to."""
        if any(address in network for network in self._settings.reachable):
            return True
        if isinstance(address, ipaddress.IPv6Address):
            inner = address.ipv4_mapped or address.sixtofour
            if inner is None and address in _NAT64:
                inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
            if inner is not None:
                return self._reaches(inner)
            if any(address in network for network in _NOT_GLOBAL):
                return False
        return address.is_global and not address.is_multicast

    def _target(self, hosts: Sequence[tuple[int, Host]], told: Told) -> Target:
        """Make a target of ranked hosts.

        Its key shows sets of equals, not the lots they drew: all domains at one provider share it.
        """
        ranks = groupby(hosts, key=lambda ranked: ranked[0])
        names = ">".join(",".join(sorted(host.name for _, host in rank)) for _, rank in ranks)
        key = f"mx:{names}:{self._settings.port}"
        site = rollup(host.name for _, host in hosts)
        return Target(Way.SMTP, key, tuple(host for _, host in hosts), told=told, site=site)


def _refused(key: str, reply: Reply) -> Target:
    return Target(Way.SMTP, f"refused:{key}", refusal=reply)


def _unanswered(domain: str, answer: Answer) -> Reply:
    """Say that DNS did not answer.

    The words go to senders in reports; what the resolver said names servers of ours, and is for
    the operator alone.
    """
    problem = f"{answer.kind} of {answer.name}: {answer.status}"
    reply = catalog.DNS_FAILED.reply(utf8=True, domain=domain, problem=problem)
    if not answer.detail:
        return reply
    return replace(reply, facts={**reply.facts, "resolver": answer.detail})
