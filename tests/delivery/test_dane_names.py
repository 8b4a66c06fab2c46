"""By which names a host is asked for its records and its certificate (RFC 7672 §2.2.2, §3.2)."""

from __future__ import annotations

import pytest
from tests.delivery.carrying import run
from tests.delivery.transporting import (
    DOMAIN,
    MX1,
    STRANGER,
    Known,
    deferred,
    shows,
    tlsa,
    valid,
    whole,
    world,
)

from ulak.checks.mta_sts import Mode
from ulak.delivery.outcome import Result
from ulak.delivery.route import Route, Routes
from ulak.delivery.target import Target
from ulak.delivery.transport.policy import Sts
from ulak.dns import Zone
from ulak.dns.records import Answer
from ulak.lab.certificate import Certificate, certificate, server_context
from ulak.lab.mx import Behaviour

RECORD = "3 1 1 " + "ab" * 32
UNUSABLE = "0 1 1 " + "ab" * 32


@pytest.mark.parametrize("name", [MX1, DOMAIN, "club.example"])
def test_a_certificate_may_have_the_name_of_the_domain_or_of_the_end_of_its_alias(
    name: str,
) -> None:
    """RFC 7672 §3.2.2: three names count: the host's, the domain's, and that of its alias' end."""
    shown = whole(certificate(name, issuer=STRANGER), STRANGER)

    async def main() -> None:
        async with world(shows(shown)) as there:
            there.zone.put("club.example", "CNAME", [DOMAIN])
            there.records(MX1, tlsa(STRANGER, 2, 0, 1))
            assert (await there.send("club.example")).result is Result.DELIVERED
            if name == "club.example":  # not a name of who is written to without the alias
                deferred(await there.send(), "dane-failed")

    run(main)


def test_the_end_of_an_alias_that_anybody_could_have_sent_is_no_name() -> None:
    async def main() -> tuple[Target, Target]:
        found = []
        for authentic in (True, False):
            zone = Zone(
                {
                    ("club.example", "CNAME"): [DOMAIN],
                    (DOMAIN, "MX"): [(10, MX1)],
                    (MX1, "A"): ["192.0.2.1"],
                },
                authentic=authentic,
            )
            routes = Routes.of("relay.example.org", {}, reachable=("192.0.2.0/24",))
            found.append(await Route(routes, lambda: 0.0).find("club.example", zone))
        return found[0], found[1]

    signed, unsigned = run(main)
    assert (signed.expanded, unsigned.expanded) == (DOMAIN, "")


@pytest.mark.parametrize(
    ("shown", "taken"),
    [
        (certificate("a@example.net", issuer=STRANGER, subject=MX1), 1),
        (certificate("a@example.net", issuer=STRANGER, subject="*.example.net"), 1),
        (certificate("a@example.net", issuer=STRANGER, subject="mx9.example.net"), 0),
        (certificate("mx9.example.net", issuer=STRANGER, subject=MX1), 0),
    ],
    ids=["subject", "wildcard", "another's", "names come first"],
)
def test_the_subject_counts_where_there_are_no_other_names(shown: Certificate, taken: int) -> None:
    """RFC 7672 §3.2.3."""

    async def main() -> None:
        async with world(shows(whole(shown, STRANGER))) as there:
            there.records(MX1, tlsa(STRANGER, 2, 0, 1))
            outcome = await there.send()
            assert there.taken == [taken], outcome

    run(main)


class _Behind:
    """Signed names, with an alias that leads to where nothing is signed."""

    def __init__(self, *, alias_is_signed: bool) -> None:
        self._sure = alias_is_signed
        self._signed = Zone({("_25._tcp.bare.example", "TLSA"): [RECORD]}, authentic=True)

    async def resolve(self, name: str, kind: str) -> Answer:
        end = Zone({(name, "A"): ["192.0.2.1"]})
        if kind == "CNAME":
            alias = Zone({(name, kind): ["host.hoster.example"]}, authentic=self._sure)
            return await alias.resolve(name, kind)
        if kind == "A":
            answer = await end.resolve(name, kind)
            return Answer(name, kind, answer.status, answer.records, 300, "host.hoster.example")
        return await self._signed.resolve(name, kind)


@pytest.mark.parametrize("signed", [True, False])
def test_a_domain_that_is_a_signed_alias_has_its_own_records(*, signed: bool) -> None:
    """RFC 7672 §2.2.2, "Insecure CNAME": also where there are no MX records."""
    routes = Routes.of("relay.example.org", {}, reachable=("192.0.2.0/24",))
    find = Route(routes, lambda: 0.0).find
    target = run(lambda: find("bare.example", _Behind(alias_is_signed=signed)))
    dane = target.hosts[0].dane
    assert (dane and dane.base) == ("bare.example" if signed else None)


def test_a_policy_that_is_tested_takes_nothing_from_records_that_cannot_be_used() -> None:
    """RFC 7672 §2.2: such records still want TLS, and RFC 8461 §2: no policy stands over that."""
    tested = Known({DOMAIN: Sts(DOMAIN, Mode.TESTING, "1", (MX1,), 86_400)})

    async def main() -> None:
        for behaviour, taken in ((Behaviour(), 0), (shows(certificate(MX1)), 1)):
            async with world(behaviour, policies=tested) as there:
                there.records(MX1, UNUSABLE)
                outcome = await there.send()
                assert there.taken == [taken], outcome
                assert outcome.facts["tls-policy"] == "dane-unusable"
                if not taken:
                    deferred(outcome, "dane-failed")

    run(main)


@pytest.mark.parametrize("record", [UNUSABLE, RECORD])
def test_a_host_is_asked_for_its_certificate_by_the_name_of_its_records(record: str) -> None:
    """RFC 7672 §8.1: SNI has the base domain, though none of the records can be used."""
    asked: list[str | None] = []
    context = server_context(valid())
    context.sni_callback = lambda _socket, name, _context: asked.append(name)

    async def main() -> None:
        async with world(Behaviour(tls=context)) as there:
            there.zone.put(MX1, "CNAME", ["end.example"])
            there.zone.remove(MX1, "A")
            there.zone.put("end.example", "A", ["127.0.0.1"])
            there.records("end.example", record)
            outcome = await there.send()
            assert outcome.facts.get("tls-policy", "").startswith("dane"), outcome

    run(main)
    assert asked == ["end.example"]
