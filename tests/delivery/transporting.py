"""What tests of transport security are made of: real DNS, real TLS, mail hosts with one port."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.conftest import free_port
from tests.delivery.carrying import PATIENT, message

from ulak.delivery.attempt import SmtpCarrier
from ulak.delivery.byname import ByName
from ulak.delivery.directions import Directions
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.route import Route, Routes
from ulak.delivery.sending import Sending
from ulak.delivery.target import Target
from ulak.delivery.tls import opportunistic
from ulak.delivery.transport.policy import Policies, Sts
from ulak.dns import Status, Zone
from ulak.dns.resolver import DnsResolver
from ulak.lab.certificate import Certificate, authority, certificate, server_context
from ulak.lab.mx import Behaviour, ScriptedServer
from ulak.lab.nameserver import NameServer
from ulak.queue.item import Message

Table = dict[tuple[str, str], Sequence[str | tuple[int, str]] | Status]

AUTHORITY = authority("Believed")
STRANGER = authority("Nobody knows it")
DOMAIN = "example.net"
MX1, MX2 = "mx1.example.net", "mx2.example.net"


def shows(one: Certificate, **settings: object) -> Behaviour:
    """Make a host that shows a certificate."""
    return Behaviour(tls=server_context(one), **settings)  # type: ignore[arg-type]  # fields by their names


def whole(one: Certificate, above: Certificate) -> Certificate:
    """Give a certificate that is shown with the one that has signed it."""
    return Certificate(one.certificate + above.certificate, one.key)


def valid(name: str = MX1) -> Certificate:
    return certificate(name, issuer=AUTHORITY)


def tlsa(one: Certificate, usage: int = 3, selector: int = 1, matching: int = 1) -> str:
    """Write the record of a certificate."""
    read = x509.load_pem_x509_certificate(one.certificate)
    octets = read.public_bytes(Encoding.DER)
    if selector == 1:
        octets = read.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if matching:
        octets = hashlib.new({1: "sha256", 2: "sha512"}[matching], octets).digest()
    return f"{usage} {selector} {matching} {octets.hex()}"


@dataclass
class Known:
    """Policies of MTA-STS that are known already."""

    table: Mapping[str, Sts] = field(default_factory=dict)

    async def of(self, domain: str) -> Sts | None:
        return self.table.get(domain)


@dataclass
class World:
    """Mail hosts, a name server and who sends."""

    carrier: SmtpCarrier
    directions: Directions
    zone: Zone
    resolver: DnsResolver
    port: int
    servers: list[ScriptedServer]
    names: NameServer
    later: list[float]  # seconds by which the clock of directions is ahead

    async def target(self, domain: str = DOMAIN) -> Target:
        return await self.directions.find(domain)

    async def send(self, domain: str = DOMAIN, what: Message | None = None) -> Outcome:
        target = await self.target(domain)
        (outcome,) = await self.carrier.carry(what or message(), (f"ada@{domain}",), target)
        return outcome

    @property
    def taken(self) -> list[int]:
        return [len(server.messages) for server in self.servers]

    def asked(self, *kinds: str) -> list[str]:
        """Give the names that the name server was asked for records of these kinds at."""
        return [each.name for each in self.names.asked if each.kind in kinds]

    def records(self, host: str, *texts: str | Status) -> None:
        """Let the zone have TLSA records for a host."""
        found = texts[0] if isinstance(texts[0], Status) else list(map(str, texts))
        self.zone.put(f"_{self.port}._tcp.{host}", "TLSA", found)


@contextlib.asynccontextmanager
async def world(
    *behaviours: Behaviour,
    authentic: bool = True,
    policies: Policies | None = None,
    wishes: Mapping[str, str] | None = None,
    **settings: object,
) -> AsyncIterator[World]:
    """Make hosts mx1, mx2 … of example.net, at 127.0.0.1, 127.0.0.2 … on one port."""
    port = free_port()
    servers = [
        ScriptedServer(behaviour, host=f"127.0.0.{number}", port=port)
        for number, behaviour in enumerate(behaviours, 1)
    ]
    table: Table = {
        (DOMAIN, "MX"): [(10 * n, f"mx{n}.example.net") for n in range(1, len(servers) + 1)]
    }
    for number, _ in enumerate(servers, 1):
        table[f"mx{number}.example.net", "A"] = [f"127.0.0.{number}"]
    zone = Zone(table, authentic=authentic)
    names = NameServer(zone)
    address = await names.start()
    for server in servers:
        await server.start()
    resolver = DnsResolver([address], timeout=10, deadline=20)
    routes = Routes.of("relay.example.org", {}, reachable=("127.0.0.0/8",))
    said = ByName(wishes or {})
    loop, later = asyncio.get_running_loop(), [0.0]
    known: dict[str, object] = {
        "hostname": "relay.example.org",
        "timeouts": PATIENT,
        "sweep": 0.05,
        "tls": opportunistic(),
        "proven": believing,
        "wishes": said,
    }
    sender = SmtpCarrier(Sending(**(known | settings)))  # type: ignore[arg-type]  # fields by their names
    directions = Directions(
        Route(Routes(routes.hostname, reachable=routes.reachable, port=port), lambda: 0.0),
        resolver,
        lambda: loop.time() + later[0],
        _raise,
        100,
        policies,
        lambda domain: said.of(domain) is not None,
    )
    try:
        yield World(sender, directions, zone, resolver, port, servers, names, later)
    finally:
        await sender.close()
        await directions.close()
        await resolver.close()
        for server in servers:
            await server.stop()
        await names.stop()


def believing() -> ssl.SSLContext:
    """Believe the authority of these tests, and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=AUTHORITY.certificate.decode())
    return context


def _raise(error: BaseException) -> str:
    raise error


def deferred(outcome: Outcome, cause: str) -> None:
    """See that a message waits, and that nothing of it was sent."""
    assert (outcome.result, outcome.cause) == (Result.DEFERRED, cause), outcome
    assert not any(line.startswith("C: MAIL") for line in outcome.dialogue), outcome.dialogue
