"""What would hurt a careless reader ends soon, in a result with a name (RFC 7208 §4.6.4, §11.1)."""

from __future__ import annotations

from tests.checks.spf.asking import judge, published, said

from ulak.checks.spf import Finding, Result
from ulak.dns import Zone

MOST_QUESTIONS = 1 + 10 * 11 + 11 + 1  # the record, ten terms of ten names, `p`, the explanation


def bounded(finding: Finding, zone: Zone) -> Finding:
    """Hold what no record may exceed."""
    assert len(zone.asked) <= MOST_QUESTIONS
    assert len(finding.reasons) <= 80
    assert finding.lookups <= 10
    assert finding.void_lookups <= 3
    assert len(finding.explanation) <= 400
    return finding


def permerror(zone: Zone, because: str) -> None:
    finding = bounded(judge(zone), zone)
    assert finding.result is Result.PERMERROR
    assert because in said(finding)


def test_loops_end_at_the_limit() -> None:
    permerror(published("v=spf1 include:example.org -all"), "too-many-lookups")
    permerror(published("v=spf1 redirect=example.org"), "too-many-lookups")
    zone = published(
        "v=spf1 include:b.example -all", {("b.example", "TXT"): ["v=spf1 redirect=example.org"]}
    )
    permerror(zone, "too-many-lookups")


def test_a_bomb_of_includes_ends_at_the_limit() -> None:
    includes = "".join(f" include:d{n}.example" for n in range(10))
    zone = published(f"v=spf1{includes} -all")
    for n in range(10):
        zone.put(f"d{n}.example", "TXT", [f"v=spf1{includes} -all"])
    permerror(zone, "too-many-lookups")
    assert len(zone.asked) <= 11


def test_a_long_way_of_redirects_ends_at_the_limit() -> None:
    zone = published("v=spf1 redirect=d0.example")
    for n in range(1000):
        zone.put(f"d{n}.example", "TXT", [f"v=spf1 redirect=d{n + 1}.example"])
    permerror(zone, "too-many-lookups")
    zone.put("d9.example", "TXT", ["v=spf1 +all"])
    assert judge(zone).result is Result.PASS


def test_a_record_as_long_as_dns_can_carry_is_read() -> None:
    networks = "".join(f" ip4:10.{n >> 8}.{n & 255}.0/24" for n in range(3600))
    assert len(networks) > 60_000
    zone = published(f"v=spf1{networks} ip4:192.0.2.1 -all")
    finding = bounded(judge(zone), zone)
    assert finding.result is Result.PASS
    assert all(len(fact) <= 300 for reason in finding.reasons for fact in reason.facts.values())


def test_a_thousand_terms_are_judged_or_end_at_the_limit() -> None:
    permerror(published("v=spf1" + " a:x.example" * 1000), "too-many-void")
    permerror(
        published("v=spf1" + " mx" * 1000, {("example.org", "MX"): [(0, "")]}), "too-many-lookups"
    )
    permerror(published("v=spf1" + " oops" * 1000), "more-mistakes")
    many = published("v=spf1" + " x=y" * 1000 + " -all")
    assert bounded(judge(many), many).result is Result.FAIL


def test_a_bomb_of_macros_is_cut_before_it_grows() -> None:
    for macro in ("%{s}", "%{l1}", "%{dr}", "%{i}", "%{S127r.-+,/_=}", "%%", "%_"):
        record = f"v=spf1 exists:{macro * (60_000 // len(macro))}.example -all"
        zone = published(record)
        finding = bounded(judge(zone, mail_from="." * 1000 + "@example.org"), zone)
        assert finding.result is Result.FAIL
        assert all(len(name) <= 253 for name, _ in zone.asked)


def test_a_bomb_in_an_explanation_is_cut() -> None:
    zone = published("v=spf1 -all exp=why.example", {("why.example", "TXT"): ["%{s}" * 16_000]})
    finding = bounded(judge(zone, mail_from="x" * 1000 + "@example.org"), zone)
    assert finding.explanation == "x" * 400
    zone.put("why.example", "TXT", ["%{l1}" * 12_000])
    assert bounded(judge(zone, mail_from="." * 1000 + "@example.org"), zone).explanation == ""


def test_a_thousand_names_of_the_client_cost_ten() -> None:
    zone = published("v=spf1 ptr ptr:%{p} exists:%{p}.example -all exp=%{p}.why.example")
    zone.put("1.2.0.192.in-addr.arpa", "PTR", [f"h{n}.example" for n in range(1000)])
    finding = bounded(judge(zone), zone)
    assert finding.result is Result.FAIL
    assert len(zone.asked) <= 15


def test_a_thousand_mail_servers_are_an_error() -> None:
    zone = published(
        "v=spf1 mx -all", {("example.org", "MX"): [(n, f"m{n}.x") for n in range(1000)]}
    )
    permerror(zone, "too-many-mx")
    assert len(zone.asked) == 2


def test_ten_times_ten_mail_servers_are_the_most_that_is_asked() -> None:
    zone = published(
        "v=spf1" + "".join(f" mx:d{n}.example" for n in range(10)) + " -all exp=%{p}.why.example"
    )
    zone.put("1.2.0.192.in-addr.arpa", "PTR", [f"h{n}.example" for n in range(20)])
    for n in range(10):
        zone.put(f"d{n}.example", "MX", [(m, f"m{m}.d{n}.example") for m in range(10)])
    finding = bounded(judge(zone), zone)
    assert (finding.result, len(zone.asked)) == (Result.FAIL, MOST_QUESTIONS)


def test_a_thousand_records_are_an_error() -> None:
    zone = Zone({("example.org", "TXT"): ["v=spf1 +all"] * 1000})
    permerror(zone, "several-records")


def test_octets_that_are_no_text_are_mistakes() -> None:
    zone = Zone({("example.org", "TXT"): [b"v=spf1 " + bytes(range(33, 256)) + b" +all"]})
    permerror(zone, "term-not-ascii")
