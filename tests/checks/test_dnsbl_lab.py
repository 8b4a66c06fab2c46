"""Every way in which a list fails, over real sockets: none makes a listing, none a clean address.

Each row is a zone as one was seen in the world. It is asked twice: as a server asks while a client
waits (`check_zone`), and with its test entries (`probe`), as a person's check does. A result that
is not known must be `could-not-ask` in the second, whatever the first says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from ulak.checks import dnsbl
from ulak.checks.dnsbl import Blocklist, Finding, Health, Result
from ulak.dns import Status, Zone
from ulak.dns.resolver import DnsResolver
from ulak.dns.zone import Written
from ulak.lab.nameserver import NameServer
from ulak.language import LANGUAGES

IP, IP6 = "192.0.2.1", "2001:db8::1"
ENTRY, ENTRY6 = "1.2.0.192", "1" + ".0" * 23 + ".8.b.d.0.1.0.0.2"
TEST, TEST6 = "2.0.0.127", "2.0.0.0.0.0.f.7.f.f.f.f" + ".0" * 20
BLACK = ["127.0.0.2"]
L, N, U = Result.LISTED, Result.NOT_LISTED, Result.COULD_NOT_ASK

Table = Mapping[str, Sequence[Written] | Status]


@dataclass(frozen=True)
class Row:
    """One zone: its entries below bl.example, what it says of the client, and whether it works."""

    entries: Table
    result: Result
    works: bool
    ip: str = IP
    texts: Table = field(default_factory=dict)
    aliases: Table = field(default_factory=dict)
    harmless: Sequence[str] = ()
    refusals: Sequence[str] = ()


ROWS = {
    "living, listed": Row({ENTRY: BLACK, TEST: BLACK}, L, works=True),
    "living, not listed": Row({TEST: BLACK}, N, works=True),
    "several codes": Row({ENTRY: ["127.0.0.2", "127.0.0.10"], TEST: BLACK}, L, works=True),
    "Spamhaus: name mistyped": Row({"*": ["127.255.255.252"]}, U, works=False),
    "Spamhaus: public resolver": Row({"*": ["127.255.255.254"]}, U, works=False),
    "Spamhaus: too many questions": Row({"*": ["127.255.255.255"]}, U, works=False),
    "refusal for the client alone": Row({ENTRY: ["127.255.255.255"], TEST: BLACK}, U, works=True),
    "refusal among listings": Row(
        {ENTRY: ["127.0.0.2", "127.255.255.254"], TEST: BLACK}, U, works=True
    ),
    "URIBL, SURBL: 127.0.0.1": Row({"*": ["127.0.0.1"]}, U, works=False),
    "127.0.0.1 beside a code": Row({ENTRY: ["127.0.0.1", "127.0.0.8"], TEST: BLACK}, U, works=True),
    "new top-level domain": Row({"*": ["127.0.53.53"]}, U, works=False),
    "DNSWL: 127.0.0.255": Row(
        {ENTRY: ["127.0.0.255"], TEST: BLACK}, U, works=True, refusals=["127.0.0.255"]
    ),
    "Hostkarma: white": Row(
        {ENTRY: ["127.0.0.1"], TEST: BLACK}, N, works=True, harmless=["127.0.0.1", "127.0.0.3"]
    ),
    "Hostkarma: white and yellow": Row(
        {ENTRY: ["127.0.0.1", "127.0.0.3"], TEST: BLACK},
        N,
        works=True,
        harmless=["127.0.0.1", "127.0.0.3"],
    ),
    "Hostkarma: yellow and black": Row(
        {ENTRY: ["127.0.0.2", "127.0.0.3"], TEST: BLACK}, L, works=True, harmless=["127.0.0.3"]
    ),
    "Mailspike: neutral": Row(
        {ENTRY: ["127.0.0.14"], TEST: BLACK}, N, works=True, harmless=["127.0.0.13-127.0.0.20"]
    ),
    "everybody, with the code of a listing": Row({"*": BLACK}, U, works=False),
    "everybody, with a public address (parked)": Row({"*": ["203.0.113.9"]}, U, works=False),
    "outside 127/8 for the client alone": Row({ENTRY: ["203.0.113.9"], TEST: BLACK}, U, works=True),
    "inside and outside 127/8": Row(
        {ENTRY: ["127.0.0.2", "203.0.113.9"], TEST: BLACK}, U, works=True
    ),
    "0.0.0.0": Row({ENTRY: ["0.0.0.0"], TEST: BLACK}, U, works=True),
    "dead: no such zone": Row({}, N, works=False),
    "emptied: only the zone is left": Row({"ns": ["203.0.113.9"]}, N, works=False),
    "SERVFAIL": Row({"*": Status.SERVFAIL}, U, works=False),
    "REFUSED": Row({"*": Status.REFUSED}, U, works=False),
    "silent": Row({"*": Status.TIMEOUT}, U, works=False),
    "garbage": Row({"*": Status.MALFORMED}, U, works=False),
    "SERVFAIL for the client alone": Row({ENTRY: Status.SERVFAIL, TEST: BLACK}, U, works=True),
    "SERVFAIL for the test entry": Row({TEST: Status.SERVFAIL}, N, works=False),
    "without a test entry": Row({ENTRY: BLACK}, L, works=False),
    "a text and no address": Row({TEST: BLACK}, U, works=True, texts={ENTRY: ["spam"]}),
    "texts and no addresses at all": Row({}, U, works=False, texts={"*": ["spam"]}),
    "no data and no text": Row({f"x.{ENTRY}": BLACK, TEST: BLACK}, N, works=True),
    "an alias to a listing": Row(
        {"entry": BLACK, TEST: BLACK}, L, works=True, aliases={ENTRY: ["entry.bl.example"]}
    ),
    "an alias to a parked host": Row(
        {"parked": ["203.0.113.9"], TEST: BLACK},
        U,
        works=True,
        aliases={ENTRY: ["parked.bl.example"]},
    ),
    "an alias into nothing": Row(
        {TEST: BLACK}, N, works=True, aliases={ENTRY: ["gone.bl.example"]}
    ),
    "an alias to itself": Row(
        {TEST: BLACK}, U, works=True, aliases={ENTRY: [f"{ENTRY}.bl.example"]}
    ),
    "a text of 60,000 octets": Row(
        {ENTRY: BLACK, TEST: BLACK}, L, works=True, texts={ENTRY: [b"\x1b[2J" + b"x" * 60_000]}
    ),
    "IPv6, listed": Row({ENTRY6: BLACK, TEST6: BLACK}, L, works=True, ip=IP6),
    "IPv6, not listed": Row({TEST6: BLACK}, N, works=True, ip=IP6),
    "IPv6, a list of IPv4 alone": Row({TEST: BLACK}, N, works=False, ip=IP6),
    "IPv4 written as IPv6": Row({ENTRY: BLACK, TEST: BLACK}, L, works=True, ip=f"::ffff:{IP}"),
}


def zone_of(row: Row) -> Zone:
    """Write the row's zone out; where everything fails, nothing at all is answered."""
    table: dict[tuple[str, str], Sequence[Written] | Status] = {}
    for kind, entries in (("A", row.entries), ("TXT", row.texts), ("CNAME", row.aliases)):
        for name, records in entries.items():
            table[f"{name}.bl.example", kind] = records
    return Zone(table)


def resolver_for(server: tuple[str, int], *, silent: bool = False) -> DnsResolver:
    """Wait long where an answer comes, however busy the machine, and not where none ever will."""
    patience = 0.2 if silent else 30.0
    return DnsResolver([server], timeout=patience, attempts=1, deadline=2 * patience)


async def ask(row: Row) -> tuple[Finding, Health]:
    """Ask a real name server on loopback."""
    blocklist = Blocklist(
        "bl.example",
        harmless=dnsbl.read_codes(row.harmless),
        refusals=dnsbl.read_codes(row.refusals),
    )
    server = NameServer(zone_of(row))
    silent = Status.TIMEOUT in row.entries.values()
    resolver = resolver_for(await server.start(), silent=silent)
    try:
        finding = await dnsbl.check_zone(resolver, ip=row.ip, zone=blocklist, gather=asyncio.gather)
        version = dnsbl.normalise(row.ip).version
        health = await dnsbl.probe(resolver, zone=blocklist, version=version, gather=asyncio.gather)
    finally:
        await resolver.close()
        await server.stop()
    return finding, health


@pytest.mark.parametrize("row", ROWS)
def test_no_zone_makes_a_listing_or_a_clean_address_that_is_none(row: str) -> None:
    finding, health = asyncio.run(ask(ROWS[row]))
    assert finding.result is ROWS[row].result
    assert health.works is ROWS[row].works
    for language in LANGUAGES:
        for reason in (*finding.reasons, *health.reasons):
            text = reason.text(language)
            assert text[-1] == "."
            assert text.isprintable()
    assert finding.reasons
    assert health.reasons
    assert len(finding.text) <= 300
    assert finding.text.isprintable()


@pytest.mark.parametrize(
    ("domain", "result"),
    [
        ("spam.example", L),
        ("well.example", N),
        ("refused.example", U),
        (".".join(["x" * 60] * 4), U),  # with the zone behind it, too long to be a name
    ],
)
def test_a_list_of_domains_is_asked_for_the_domain_itself(domain: str, result: Result) -> None:
    zone = Zone(
        {
            ("spam.example.bl.example", "A"): ["127.0.0.64"],
            ("refused.example.bl.example", "A"): ["127.0.0.1"],
            ("known.example.bl.example", "A"): ["127.0.0.64"],
        }
    )
    blocklist = Blocklist("bl.example", listed_test="known.example")

    async def run() -> tuple[Finding, Health, Health]:
        server = NameServer(zone)
        resolver = resolver_for(await server.start())
        try:
            return (
                await dnsbl.check_domain(resolver, domain=domain, zone=blocklist),
                await dnsbl.probe_domains(resolver, zone=blocklist),
                await dnsbl.probe_domains(resolver, zone="bl.example"),
            )
        finally:
            await resolver.close()
            await server.stop()

    finding, health, otherwise = asyncio.run(run())
    assert finding.result is result
    assert health.works
    assert not otherwise.works
