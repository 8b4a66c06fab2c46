"""An address has a name, and the name leads back, or it does not (RFC 8601 §3)."""

from __future__ import annotations

import pytest
from tests.checks.test_dnsbl import drive

from ulak.checks import iprev
from ulak.checks.iprev import Finding, Result
from ulak.dns import Status, Zone

PTR = "1.2.0.192.in-addr.arpa"


def look(zone: Zone, ip: str = "192.0.2.1") -> Finding:
    return drive(iprev.check(zone, ip=ip))


def said(finding: Finding) -> list[str]:
    return [reason.key for reason in finding.reasons]


def test_a_name_that_leads_back_is_given() -> None:
    zone = Zone({(PTR, "PTR"): ["Mail.Example.org."], ("mail.example.org", "A"): ["192.0.2.1"]})
    finding = look(zone)
    assert (finding.result, finding.name) == (Result.PASS, "mail.example.org")
    assert said(finding) == ["iprev.leads-back"]
    assert [a.kind for a in finding.trace] == ["PTR", "A"]


def test_the_first_of_several_names_that_leads_back_counts_and_each_is_told_of() -> None:
    zone = Zone(
        {
            (PTR, "PTR"): ["a.example", "b.example", "c.example", "d.example"],
            ("a.example", "A"): ["192.0.2.9", "192.0.2.8"],
            ("c.example", "A"): ["192.0.2.7", "192.0.2.1"],
            ("d.example", "A"): ["192.0.2.1"],
        }
    )
    finding = look(zone)
    assert (finding.result, finding.name) == (Result.PASS, "c.example")
    assert said(finding) == [
        "iprev.leads-elsewhere",
        "iprev.leads-nowhere",
        "iprev.leads-back",
        "iprev.leads-back",
    ]
    assert "192.0.2.9, 192.0.2.8" in str(finding.reasons[0])


def test_an_address_of_the_other_kind_is_not_asked_for() -> None:
    arpa = "1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa"
    zone = Zone({(arpa, "PTR"): ["six.example"], ("six.example", "AAAA"): ["2001:db8:0::1"]})
    assert look(zone, "2001:db8::1").result is Result.PASS
    assert [kind for _, kind in zone.asked] == ["PTR", "AAAA"]


def test_a_mapped_address_is_the_one_it_maps() -> None:
    zone = Zone({(PTR, "PTR"): ["a.example"], ("a.example", "A"): ["192.0.2.1"]})
    assert look(zone, "::ffff:192.0.2.1").ip == "192.0.2.1"
    assert look(zone, "::ffff:192.0.2.1").result is Result.PASS


def test_without_a_name_there_is_nothing_to_verify() -> None:
    finding = look(Zone({}))
    assert finding.result is Result.PERMERROR
    assert said(finding) == ["iprev.no-name"]


def test_names_that_lead_elsewhere_fail() -> None:
    finding = look(Zone({(PTR, "PTR"): ["a.example"], ("a.example", "A"): ["192.0.2.9"]}))
    assert (finding.result, finding.name) == (Result.FAIL, "")
    assert finding.names == ("a.example",)


@pytest.mark.parametrize("status", [Status.SERVFAIL, Status.TIMEOUT, Status.REFUSED])
def test_trouble_is_temporary_unless_another_name_leads_back(status: Status) -> None:
    assert look(Zone({(PTR, "PTR"): status})).result is Result.TEMPERROR
    zone = Zone({(PTR, "PTR"): ["a.example", "b.example"], ("a.example", "A"): status})
    finding = look(zone)
    assert finding.result is Result.TEMPERROR
    assert said(finding) == ["dns.failed", "iprev.leads-nowhere"]
    zone.put("b.example", "A", ["192.0.2.1"])
    assert look(zone).result is Result.PASS


def test_a_thousand_names_cost_ten_questions() -> None:
    names = [f"n{i}.example" for i in range(1000)]
    zone = Zone({(PTR, "PTR"): names, ("n10.example", "A"): ["192.0.2.1"]})
    finding = look(zone)
    assert finding.result is Result.FAIL
    assert len(zone.asked) == 1 + iprev.MOST_NAMES
    assert said(finding)[0] == "iprev.many-names"


def test_a_pointer_to_the_root_is_no_name() -> None:
    assert look(Zone({(PTR, "PTR"): ["."]})).result is Result.PERMERROR
