"""The name in the greeting: what can be true, what cannot, and what is a lie (RFC 5321 §4.1.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.checks.test_dnsbl import drive

from ulak.checks import helo
from ulak.checks.helo import Doubt, Finding, Result
from ulak.dns import Status, Zone

IP = "192.0.2.1"


def greet(name: str, zone: Zone | None = None, ip: str = IP) -> Finding:
    return drive(
        helo.check(
            zone or Zone({}),
            helo=name,
            ip=ip,
            names=("mx.ours.example", "ours.example", "türkçe.example"),
            addresses=("203.0.113.1", "2001:db8::25"),
        )
    )


@pytest.mark.parametrize(
    ("name", "result", "doubt", "key"),
    [
        ("mx.ours.example", Result.FAIL, Doubt.FORGED, "helo.our-name"),
        ("OURS.example.", Result.FAIL, Doubt.FORGED, "helo.our-name"),
        ("xn--trke-2oa7j.example", Result.FAIL, Doubt.FORGED, "helo.our-name"),
        ("[203.0.113.1]", Result.FAIL, Doubt.FORGED, "helo.our-address"),
        ("203.0.113.1", Result.FAIL, Doubt.FORGED, "helo.our-address"),
        ("[IPv6:2001:db8:0::25]", Result.FAIL, Doubt.FORGED, "helo.our-address"),
        ("[IPv6:::ffff:203.0.113.1]", Result.FAIL, Doubt.FORGED, "helo.our-address"),
        ("[192.0.2.9]", Result.FAIL, Doubt.LITERAL, "helo.other-literal"),
        ("[192.0.2.1]", Result.PASS, Doubt.NONE, "helo.literal"),
        ("[192.0.2.1", Result.FAIL, Doubt.MALFORMED, "helo.no-literal"),
        ("[x]", Result.FAIL, Doubt.MALFORMED, "helo.no-literal"),
        ("192.0.2.1", Result.FAIL, Doubt.MALFORMED, "helo.bare-address"),
        ("localhost", Result.FAIL, Doubt.MALFORMED, "helo.no-domain"),
        ("a..b.example", Result.FAIL, Doubt.MALFORMED, "helo.no-domain"),
        ("a b.example", Result.FAIL, Doubt.MALFORMED, "helo.no-domain"),
        ("host.123", Result.FAIL, Doubt.MALFORMED, "helo.no-domain"),
        ("", Result.FAIL, Doubt.MALFORMED, "helo.no-domain"),
        ("nobody.example", Result.FAIL, Doubt.UNKNOWN, "helo.unknown"),
        ("not.ours.example", Result.FAIL, Doubt.UNKNOWN, "helo.unknown"),
    ],
)
def test_each_name_is_judged_and_the_reason_said(
    name: str, result: Result, doubt: Doubt, key: str
) -> None:
    finding = greet(name)
    assert (finding.result, finding.doubt) == (result, doubt)
    assert [reason.key for reason in finding.reasons] == [key]
    assert finding.forged is (doubt is Doubt.FORGED)


def test_what_can_be_judged_without_dns_costs_no_question() -> None:
    zone = Zone({})
    for name in ("mx.ours.example", "[192.0.2.9]", "localhost", "[203.0.113.1]"):
        greet(name, zone)
    assert not zone.asked


@pytest.mark.parametrize("ip", ["203.0.113.1", "127.0.0.1", "::1", "2001:db8::25"])
def test_this_server_may_say_its_own_name(ip: str) -> None:
    zone = Zone({("mx.ours.example", "A"): [ip]}) if "." in ip else Zone({})
    finding = greet("mx.ours.example", zone, ip)
    assert not finding.forged


def test_a_name_that_leads_to_the_client_passes_by_either_kind_of_address() -> None:
    zone = Zone({("a.example", "A"): ["192.0.2.7", IP], ("a.example", "AAAA"): ["2001:db8::7"]})
    assert greet("A.example.", zone).result is Result.PASS
    assert greet("a.example", zone, "2001:db8::7").result is Result.PASS


def test_a_mere_mismatch_is_no_failure() -> None:
    finding = greet("a.example", Zone({("a.example", "A"): ["192.0.2.7"]}))
    assert (finding.result, finding.doubt) == (Result.NEUTRAL, Doubt.ELSEWHERE)
    assert "192.0.2.7" in str(finding.reasons[0])


def test_a_name_that_only_takes_mail_exists() -> None:
    finding = greet("a.example", Zone({("a.example", "MX"): [(10, "mx.a.example")]}))
    assert (finding.result, finding.doubt) == (Result.NEUTRAL, Doubt.ELSEWHERE)
    assert [answer.kind for answer in finding.trace] == ["A", "AAAA", "MX"]


@pytest.mark.parametrize("kind", ["A", "AAAA", "MX"])
def test_trouble_is_temporary_unless_the_client_is_found(kind: str) -> None:
    zone = Zone({("a.example", kind): Status.TIMEOUT})
    finding = greet("a.example", zone)
    assert (finding.result, finding.doubt) == (Result.TEMPERROR, Doubt.NONE)
    other = "A" if kind != "A" else "AAAA"
    zone.put("a.example", other, [IP if other == "A" else "2001:db8::7"])
    ip = IP if other == "A" else "2001:db8::7"
    assert greet("a.example", zone, ip).result is Result.PASS


@given(st.text(max_size=300))
def test_whatever_is_said_there_is_a_finding(name: str) -> None:
    finding = greet(name)
    assert finding.reasons
    assert "\n" not in str(finding.reasons[0])
