"""What lists say is believed as far as they prove to work, and all are asked at once."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.diagnose.internet import FORGER, MX, zone

from ulak.checks.dnsbl import Blocklist, read_codes
from ulak.diagnose import address, domain, listings
from ulak.diagnose.diagnosis import Advice, Diagnosis, to_dict
from ulak.diagnose.listings import Asked
from ulak.diagnose.pointer import looks_generic
from ulak.dns import Answer, Status, Zone
from ulak.language import LANGUAGES
from ulak.replies import blocklists
from ulak.replies.blocklists import entries


def swept(dns: Zone, ip: str, *zones: Blocklist, known: bool = True) -> dict[str, Asked]:
    asked = asyncio.run(
        listings.of_address(dns, ip=ip, zones=zones, known=known, gather=asyncio.gather)
    )
    return {one.check.subject: one for one in asked}


def working(zone: str, ip: str = "", *codes: str) -> Zone:
    dns = Zone({(f"2.0.0.127.{zone}", "A"): ["127.0.0.2"]})
    if ip:
        dns.put(f"{'.'.join(reversed(ip.split('.')))}.{zone}", "A", list(codes))
    return dns


@pytest.mark.parametrize(
    ("zone", "code", "result", "severity", "good", "steps"),
    [
        ("zen.spamhaus.org", "127.0.0.2", "listed", "critical", False, ["provider-asks"]),
        ("zen.spamhaus.org", "127.0.0.3", "listed", "critical", False, ["find-cause", "remove"]),
        ("zen.spamhaus.org", "127.0.0.11", "listed", "warning", False, ["relay"]),
        ("zen.spamhaus.org", "127.0.0.99", "could-not-ask", "note", None, []),
        ("zen.spamhaus.org", "127.255.255.254", "could-not-ask", "", None, ["own-resolver"]),
        ("dnsbl-1.uceprotect.net", "127.0.0.2", "listed", "note", None,
         ["find-cause", "never-pay"]),
        ("dnsbl-2.uceprotect.net", "127.0.0.2", "listed", "note", None, ["neighbours"]),
        ("ips.backscatterer.org", "127.0.0.2", "listed", "note", None,
         ["no-backscatter", "never-pay"]),
        ("bl.spamcop.net", "127.0.0.2", "listed", "warning", False, ["find-cause", "wait"]),
        ("bl.mailspike.net", "127.0.0.15", "not-listed", "", True, []),
        ("hostkarma.junkemailfilter.com", "127.0.0.1", "not-listed", "", True, []),
        ("list.dnswl.org", "127.0.3.1", "listed", "good", True, []),
        ("list.dnswl.org", "127.0.0.255", "could-not-ask", "", None, []),
    ],
)  # fmt: skip
def test_what_a_list_says_of_a_code(
    zone: str,
    code: str,
    result: str,
    severity: str,
    good: bool | None,  # noqa: FBT001 -- a table's column
    steps: list[str],
) -> None:
    one = swept(working(zone, "192.0.2.9", code), "192.0.2.9")[zone]
    assert (one.check.result, one.check.severity, one.check.good) == (result, severity, good)
    assert [step.name for step in one.advice] == [f"blocklist.{step}" for step in steps]
    for language in LANGUAGES:
        for sentence in one.check.means:
            text = sentence.text(language)
            assert text[-1] == "."
            assert "{" not in text


def test_a_known_list_without_its_test_entry_is_not_believed() -> None:
    dns = Zone({("9.2.0.192.bl.spamcop.net", "A"): ["127.0.0.2"]})
    found = swept(dns, "192.0.2.9")
    assert {one.check.result for one in found.values()} == {"could-not-ask"}
    assert found["bl.spamcop.net"].check.reasons[0].key == "dnsbl.unproven"
    # One that somebody chose and that nobody else knows is taken at its word.
    dns.put("9.2.0.192.own.example", "A", ["127.0.0.2"])
    chosen = swept(dns, "192.0.2.9", Blocklist("own.example"), known=False)
    assert chosen["own.example"].check.result == "listed"


def test_a_zone_that_is_chosen_and_known_is_asked_once_with_what_is_known_of_it() -> None:
    dns = working("zen.spamhaus.org", "192.0.2.9", "127.0.0.10")
    found = swept(dns, "192.0.2.9", Blocklist("ZEN.spamhaus.org", read_codes(["127.0.0.2"])))
    assert "zen.spamhaus.org" not in found
    assert found["ZEN.spamhaus.org"].check.result == "not-listed"  # the code does not count here
    keyed = Blocklist("k3y.zen.dq.spamhaus.net", label="zen.dq.spamhaus.net")
    dns = working("k3y.zen.dq.spamhaus.net", "192.0.2.9", "127.0.0.4")
    one = swept(dns, "192.0.2.9", keyed, known=False)["zen.dq.spamhaus.net"]
    assert one.check.severity == "critical"


def test_a_dead_zone_is_not_asked_and_said_to_be_dead() -> None:
    dns = Zone({("*.dnsbl.sorbs.net", "A"): ["127.0.0.2"]})
    one = swept(dns, "192.0.2.9", Blocklist("dnsbl.sorbs.net"), known=False)["dnsbl.sorbs.net"]
    assert one.check.result == "could-not-ask"
    assert one.advice[0].name == "blocklist.dead"
    assert not dns.asked


def test_lists_of_ipv4_are_not_asked_about_ipv6() -> None:
    found = swept(Zone({}), "2001:db8::1")
    assert "zen.spamhaus.org" in found
    assert "bl.spamcop.net" not in found
    assert set(swept(Zone({}), "::ffff:192.0.2.1")) == set(swept(Zone({}), "192.0.2.1"))


def test_the_verdict_never_says_that_an_address_is_fine() -> None:
    made = asyncio.run(address.diagnose(zone(), ip=MX, known=True, gather=asyncio.gather))
    assert [sentence.name for sentence in made.verdict][-1] == "private-lists"
    silent = Zone({(f"*.{one.zone}", "A"): Status.TIMEOUT for one in entries().values()})
    made = asyncio.run(address.diagnose(silent, ip=MX, known=True, gather=asyncio.gather))
    assert "lists-silent" in [sentence.name for sentence in made.verdict]
    assert "not-listed" not in [sentence.name for sentence in made.verdict]
    assert Advice("no-list-works") in made.advice


class Barrier:
    """Answers nobody before `count` questions of lists are on their way: who asks in turn waits."""

    def __init__(self, zone: Zone, count: int) -> None:
        self._zone, self._left, self._all = zone, count, asyncio.Event()

    async def resolve(self, name: str, kind: str) -> Answer:
        """Hold the question back until all are there."""
        if kind != "PTR":
            self._left -= 1
            if self._left == 0:
                self._all.set()
            await self._all.wait()
        return await self._zone.resolve(name, kind)


def test_sixty_zones_are_asked_in_the_time_of_the_slowest_whatever_they_say() -> None:
    zones = [Blocklist(f"bl{number}.example") for number in range(60)]
    written = {(f"2.0.0.127.{one.zone}", "A"): ["127.0.0.2"] for one in zones}
    for one in zones[::2]:
        written[f"9.2.0.192.{one.zone}", "A"] = ["127.0.0.2"]
        written[f"9.2.0.192.{one.zone}", "TXT"] = ["see bl.example"]
    # The address, its text and two test entries of each.
    resolver = Barrier(Zone(written), 4 * 60)

    async def run() -> Diagnosis:
        async with asyncio.timeout(30):
            return await address.diagnose(
                resolver, ip="192.0.2.9", zones=zones, gather=asyncio.gather
            )

    checks = asyncio.run(run()).checks
    assert sum(check.result == "listed" for check in checks) == 30
    assert sum(check.facts.get("text") == "see bl.example" for check in checks) == 30


def test_a_list_of_domains_says_what_it_holds_of_a_domain() -> None:
    found = asyncio.run(domain.lists.look(zone(), "forger.example", asyncio.gather))
    checks = {check.subject: check for check in found.checks}
    assert checks["dbl.spamhaus.org"].result == "listed"
    assert checks["dbl.spamhaus.org"].severity == "critical"
    assert checks["dbl.spamhaus.org"].reference == "domain-listed"
    assert [sentence.name for sentence in checks["multi.surbl.org"].means] == [
        "blocklist.means.domain-phish",
        "blocklist.means.domain-spam",
        "blocklist.expiry.cause-gone",
    ]
    assert checks["multi.uribl.com"].result == "could-not-ask"
    well = asyncio.run(domain.lists.look(zone(), "well.example", asyncio.gather))
    assert not [check for check in well.checks if check.good is False]
    assert not well.advice


@pytest.mark.parametrize(
    ("ip", "kind"),
    [("127.0.0.1", "loopback"), ("::1", "loopback"), ("10.0.0.1", "private"),
     ("172.31.255.255", "private"), ("172.32.0.1", ""), ("fd00::1", "private"),
     ("100.64.0.1", "shared"), ("100.128.0.1", ""), ("169.254.1.1", "link-local"),
     ("fe80::1%eth0", "link-local"), ("224.0.0.1", "multicast"), ("0.0.0.0", "nowhere"),
     ("255.255.255.255", "nowhere"), ("192.0.2.1", "documentation"), ("8.8.8.8", ""),
     ("::ffff:10.0.0.1", "private")],
)  # fmt: skip
def test_what_an_address_is(ip: str, kind: str) -> None:
    assert listings.kind_of(ip) == kind
    dns = Zone({})
    made = asyncio.run(address.diagnose(dns, ip=ip, known=True, gather=asyncio.gather))
    lists = [check for check in made.checks if check.check == "dnsbl"]
    assert bool(lists) is (kind in ("", "documentation"))
    for language in LANGUAGES:
        assert to_dict(made, language)["verdict"]


@pytest.mark.parametrize(
    ("name", "ip", "generic"),
    [
        ("mail.example.org", "192.0.2.25", False),
        ("mx25.example.org", "192.0.2.25", False),
        ("mx1-out.eu-west-2.example.org", "192.0.2.25", False),
        ("example.org", "192.0.2.25", False),
        ("a.pool.example.org", "192.0.2.25", True),
        ("mail.cable.example", "192.0.2.25", False),  # the provider's own name
        ("192-0-2-25.example.net", "192.0.2.25", True),
        ("25.2.0.192.example.net", "192.0.2.25", True),
        ("ip192-0-2-25.example.net", "192.0.2.25", True),
        ("host-192-000-002-025.example.net", "192.0.2.25", True),
        ("h192000002025.example.net", "192.0.2.25", True),
        ("c0000219.example.net", "192.0.2.25", True),
        ("p54.dsl77.example.net", "192.0.2.25", True),
        ("static.25.2.0.192.example.net", "192.0.2.25", True),
        ("2001-db8--1.example.net", "2001:db8::1", False),
        ("x0000000000000001.v6.example.net", "2001:db8::1", True),
        ("mail.example.org", "2001:db8::1", False),
    ],
)
def test_a_name_that_a_provider_gives_everybody(name: str, ip: str, generic: bool) -> None:  # noqa: FBT001 -- a table's column
    assert looks_generic(name, ip) is generic


@given(st.text(max_size=300), st.ip_addresses())
def test_any_name_can_be_looked_at(
    name: str, ip: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> None:
    assert looks_generic(name, str(ip)) in (True, False)


def test_what_is_advised_about_names() -> None:
    dns = Zone(
        {
            ("66.100.51.198.in-addr.arpa", "PTR"): [f"n{i}.example" for i in range(5)],
            ("n0.example", "A"): [FORGER],
        }
    )
    made = asyncio.run(address.diagnose(dns, ip=FORGER, gather=asyncio.gather))
    assert "many-names" in [step.name for step in made.advice]
    made = asyncio.run(
        address.diagnose(dns, ip="2001:db8::1", greeting="h.example", gather=asyncio.gather)
    )
    assert "ipv6-name" in [step.name for step in made.advice]
    assert made.checks[0].severity == "critical"
    assert made.checks[1].check == "helo"
    assert blocklists.to_ask("ip4")
