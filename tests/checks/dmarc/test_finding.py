"""What a message proves, and what the owner of its author's domain asks (RFC 9989 §5.3)."""

from __future__ import annotations

import pytest
from tests.checks.dmarc.asking import Dkim, Spf, Table, judge, judge_header, keys, zone

from ulak.checks.dmarc import Result
from ulak.dns import Status

REJECT = "v=DMARC1; p=reject"
EXAMPLE = {"example.com": REJECT}


# -- alignment: RFC 9989 §4.4 (table 1) and B.1 ----------------------------------------------------


@pytest.mark.parametrize(
    ("author", "proven", "tags", "aligned"),
    [
        ("news.example.com", "foo.example.com", "", True),
        ("news.example.com", "news.example.com", "", True),
        ("news.example.com", "foo.example.net", "", False),
        ("example.com", "example.com", "", True),
        ("example.com", "child.example.com", "", True),
        ("child.example.com", "example.com", "", True),
        ("child.example.com", "example.net", "", False),
        ("example.com", "example.com", "; adkim=s; aspf=s", True),
        ("example.com", "child.example.com", "; adkim=s; aspf=s", False),
        ("child.example.com", "example.com", "; adkim=s; aspf=s", False),
        ("EXAMPLE.com", "Child.Example.COM", "", True),
        ("example.com", "notexample.com", "", False),
        ("example.com", "com", "", False),
        ("example.com", "example.com.", "; adkim=s; aspf=s", True),
    ],
)
def test_what_is_aligned(author: str, proven: str, tags: str, aligned: bool) -> None:  # noqa: FBT001 -- a table's column
    records = {"example.com": REJECT + tags, "example.net": REJECT}
    by_spf = judge(records, author, spf=Spf("pass", proven))
    by_dkim = judge(records, author, dkim=[Dkim("pass", proven)])
    for finding in (by_spf, by_dkim):
        assert finding.result == ("pass" if aligned else "fail")
    assert (by_spf.spf_aligned, by_spf.dkim_aligned) == (aligned, False)
    assert (by_dkim.spf_aligned, by_dkim.dkim_aligned) == (False, aligned)


def test_strictness_is_of_each_method() -> None:
    records = {"example.com": REJECT + "; adkim=s"}
    spf, dkim = Spf("pass", "a.example.com"), [Dkim("pass", "a.example.com")]
    finding = judge(records, "example.com", spf=spf, dkim=dkim)
    assert [one.method for one in finding.aligned] == ["spf"]
    finding = judge({"example.com": REJECT + "; aspf=s"}, "example.com", spf=spf, dkim=dkim)
    assert [one.method for one in finding.aligned] == ["dkim"]


def test_a_simple_organization() -> None:
    """B.4.1"""
    records = {"example.com": REJECT, "signing.example.com": "v=DMARC1; p=none"}
    finding = judge(
        records,
        "example.com",
        spf=Spf("pass", "example.com"),
        dkim=[Dkim("pass", "signing.example.com")],
    )
    assert finding.result is Result.PASS
    assert [one.domain for one in finding.aligned] == ["example.com", "signing.example.com"]
    assert (finding.record_domain, finding.organizational_domain) == ("example.com",) * 2


def test_a_deep_tree() -> None:
    """B.4.2"""
    records = {"example.com": REJECT, "signing.example.com": "v=DMARC1; p=none"}
    finding = judge(
        records,
        "a.b.c.d.e.f.g.h.i.j.k.example.com",
        spf=Spf("pass", "example.com"),
        dkim=[Dkim("pass", "signing.example.com")],
    )
    assert len(finding.aligned) == 2
    assert (finding.record_domain, finding.organizational_domain) == ("example.com",) * 2
    assert len(finding.trace) == 8 + 1


def test_a_public_suffix_with_a_record() -> None:
    """B.4.3"""
    records = {"bank.example": REJECT + "; psd=y", "giant.bank.example": "v=DMARC1; p=none"}
    finding = judge(
        records,
        "giant.bank.example",
        spf=Spf("pass", "mail.giant.bank.example"),
        dkim=[Dkim("pass", "mail.mega.bank.example")],
    )
    assert finding.organizational_domain == finding.record_domain == "giant.bank.example"
    assert [one.method for one in finding.aligned] == ["spf"]
    # Nobody below a public suffix stands for a neighbour, nor does the suffix itself.
    for proven in ("mega.bank.example", "bank.example"):
        assert judge(records, "giant.bank.example", spf=Spf("pass", proven)).result == "fail"


def test_the_policy_of_a_public_suffix_holds_where_nobody_below_has_one() -> None:
    records = {
        "example": "v=DMARC1; p=none; sp=quarantine; np=reject; psd=y",
        "+bank.example": "192.0.2.1",
    }
    finding = judge(records, "bank.example")
    assert (finding.record_domain, finding.organizational_domain) == ("example", "bank.example")
    assert (finding.result, finding.policy) == ("fail", "quarantine")
    assert judge(records, "nobody.example").policy == "reject"


def test_a_subdomain_that_is_an_organization_of_its_own() -> None:
    records = {"example.com": REJECT, "branch.example.com": REJECT + "; psd=n"}
    for author, proven in (
        ("branch.example.com", "example.com"),
        ("example.com", "branch.example.com"),
        ("example.com", "a.branch.example.com"),
    ):
        finding = judge(records, author, spf=Spf("pass", proven))
        assert finding.result == "fail", (author, proven)
    assert judge(records, "a.branch.example.com", spf=Spf("pass", "branch.example.com")).aligned


# -- what is proven --------------------------------------------------------------------------------


@pytest.mark.parametrize("result", ["none", "neutral", "fail", "softfail", "permerror"])
def test_only_a_pass_of_spf_proves_anything(result: str) -> None:
    finding = judge(EXAMPLE, "example.com", spf=Spf(result, "example.com"))
    assert (finding.result, finding.policy) == ("fail", "reject")
    assert "spf-no-pass" in keys(finding)


@pytest.mark.parametrize("result", ["none", "neutral", "fail", "policy", "permerror"])
def test_only_a_pass_of_dkim_proves_anything(result: str) -> None:
    finding = judge(EXAMPLE, "example.com", dkim=[Dkim(result, "example.com")])
    assert finding.result is Result.FAIL


def test_one_good_signature_is_enough() -> None:
    dkim = [Dkim("fail", "example.com"), Dkim("pass", "x.example"), Dkim("pass", "example.com")]
    finding = judge(EXAMPLE, "example.com", spf=Spf("fail", "example.com"), dkim=dkim)
    assert finding.result is Result.PASS
    assert finding.reasons[-1].text() == (
        "DMARC passes: example.com is proven to be the author's domain."
    )


def test_the_helo_name_counts_only_where_the_reverse_path_is_empty() -> None:
    helo = Spf("pass", "example.com", "helo")
    assert judge(EXAMPLE, "example.com", spf=helo).result == "fail"
    helo = Spf("pass", "example.com", "helo", "")
    assert judge(EXAMPLE, "example.com", spf=helo).result == "pass"


def test_a_domain_in_another_script_is_asked_in_a_labels() -> None:
    records = {"xn--rnek-4qa.example": REJECT}
    finding = judge(records, "Örnek.example", spf=Spf("pass", "örnek.example"))
    assert finding.from_domain == "xn--rnek-4qa.example"
    assert finding.result is Result.PASS


# -- the policy ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "author", "policy", "tag"),
    [
        ("p=reject", "example.com", "reject", "p"),
        ("p=quarantine", "a.example.com", "quarantine", "p"),
        ("p=none; sp=reject", "a.example.com", "reject", "sp"),
        ("p=none; sp=reject", "example.com", "none", "p"),
        ("p=reject; np=quarantine", "here.example.com", "reject", "p"),
        ("p=reject; np=quarantine", "nowhere.example.com", "quarantine", "np"),
        ("p=none; sp=quarantine; np=reject", "nowhere.example.com", "reject", "np"),
        ("p=none; sp=quarantine; np=reject", "here.example.com", "quarantine", "sp"),
        ("p=reject; t=y", "example.com", "quarantine", "p"),
        ("p=quarantine; t=y", "example.com", "none", "p"),
        ("p=none; t=y", "example.com", "none", "p"),
        ("p=none; np=reject; t=y", "nowhere.example.com", "quarantine", "np"),
        ("p=reject; pct=0", "example.com", "reject", "p"),
    ],
)
def test_what_the_owner_asks_for(record: str, author: str, policy: str, tag: str) -> None:
    records = {"example.com": f"v=DMARC1; {record}", "+here.example.com": "192.0.2.1"}
    finding = judge(records, author)
    assert (finding.result, finding.policy) == ("fail", policy)
    (asks,) = (reason for reason in finding.reasons if reason.key == "dmarc.asks")
    assert asks.facts["tag"] == tag
    assert finding.testing == ("t=y" in record)


def test_a_name_with_others_below_it_exists() -> None:
    """RFC 8020: only NXDOMAIN says that there is no such name."""
    records = {"example.com": "v=DMARC1; p=none; np=reject", "+x.sub.example.com": "192.0.2.1"}
    assert judge(records, "sub.example.com").policy == "none"


def test_whether_a_domain_exists_is_only_asked_where_it_matters() -> None:
    dns = zone({"example.com": "v=DMARC1; p=reject; np=reject"})
    judge(dns, "nowhere.example.com")
    assert {kind for _, kind in dns.asked} == {"TXT"}


def test_a_record_at_the_author_s_own_name_is_for_mail_of_that_name() -> None:
    records = {"example.com": REJECT, "a.example.com": "v=DMARC1; p=none; sp=reject; np=reject"}
    finding = judge(records, "a.example.com")
    assert (finding.record_domain, finding.policy) == ("a.example.com", "none")
    assert finding.organizational_domain == "example.com"


# -- no record, and records that are not sound -----------------------------------------------------


@pytest.mark.parametrize(
    "records",
    [
        {},
        {"example.com": ["v=spf1 -all"]},
        {"example.com": [REJECT, REJECT + " "]},
        {"example.com": ["p=reject; v=DMARC1"]},
    ],
)
def test_without_a_record_dmarc_does_not_apply(records: Table) -> None:
    finding = judge(records, "example.com", spf=Spf("pass", "example.com"))
    assert (finding.result, finding.policy, finding.record) == ("none", "none", "")
    assert finding.reasons[-1].key == "dmarc.no-record"


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("sp=reject", "none"),
        ("p=rejct", "permerror"),
        ("p=reject; sp=x", "permerror"),
        ("p=reject; np=x", "permerror"),
        ("p=x; rua=mailto:a@example.com", "fail"),
        ("sp=reject; rua=mailto:a@example.com", "fail"),
    ],
)
def test_a_record_that_cannot_be_followed(record: str, result: str) -> None:
    finding = judge({"example.com": f"v=DMARC1; {record}"}, "example.com")
    assert (finding.result, finding.policy) == (result, "none")
    assert finding.record_domain == "example.com"


def test_the_finding_says_where_reports_go() -> None:
    record = REJECT + "; rua=mailto:a@example.com!1k; ruf=mailto:b@example.com"
    finding = judge({"example.com": record}, "example.com")
    assert [uri.address for uri in finding.rua] == ["a@example.com"]
    assert [uri.address for uri in finding.ruf] == ["b@example.com"]
    assert finding.rua[0].size == 1024
    assert finding.record == record


# -- DNS trouble -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.SERVFAIL, Status.TIMEOUT, Status.REFUSED])
@pytest.mark.parametrize("name", ["a.example.com", "example.com", "com"])
def test_a_walk_that_is_cut_short_is_a_temporary_error(status: Status, name: str) -> None:
    finding = judge({name: status}, "a.example.com", spf=Spf("pass", "a.example.com"))
    assert (finding.result, finding.policy) == ("temperror", "none")
    assert "failed" in keys(finding)[-2]


def test_with_a_record_of_its_own_a_domain_needs_nobody_above() -> None:
    records = {"example.com": REJECT, "com": Status.TIMEOUT}
    assert judge(records, "example.com", spf=Spf("pass", "example.com")).result == "pass"
    assert judge(records, "example.com", spf=Spf("pass", "example.net")).result == "fail"
    assert judge(records, "example.com", spf=Spf("fail", "example.com")).result == "fail"
    finding = judge(records, "example.com", spf=Spf("pass", "a.example.com"))
    assert finding.result is Result.TEMPERROR
    strict = {**records, "example.com": REJECT + "; aspf=s"}
    assert judge(strict, "example.com", spf=Spf("pass", "a.example.com")).result == "fail"


def test_an_identifier_that_cannot_be_compared_is_no_failure() -> None:
    records = {**EXAMPLE, "a.example.com": Status.SERVFAIL}
    finding = judge(records, "example.com", spf=Spf("pass", "a.example.com"))
    assert finding.result is Result.TEMPERROR
    dkim = [Dkim("pass", "example.com")]
    assert judge(records, "example.com", spf=Spf("pass", "a.example.com"), dkim=dkim).aligned


def test_a_check_that_could_not_be_made_leaves_the_result_open_where_it_might_count() -> None:
    """§5.3.6: neither pass nor fail."""
    assert judge(EXAMPLE, "example.com", spf=Spf("temperror", "example.com")).result == "temperror"
    assert judge(EXAMPLE, "example.com", spf=Spf("temperror", "example.net")).result == "fail"
    dkim = [Dkim("temperror", "a.example.com")]
    assert judge(EXAMPLE, "example.com", dkim=dkim).result == "temperror"
    finding = judge(EXAMPLE, "example.com", spf=Spf("pass", "example.com"), dkim=dkim)
    assert finding.result is Result.PASS


def test_a_domain_of_which_nobody_can_tell_whether_it_exists() -> None:
    records = {
        "example.com": "v=DMARC1; p=none; np=reject",
        "+a.example.com": Status.SERVFAIL,
    }
    assert judge(records, "a.example.com").result == "temperror"
    assert judge(records, "a.example.com", spf=Spf("pass", "example.com")).result == "pass"


# -- several authors (§11.5) -----------------------------------------------------------------------


def test_of_several_authors_the_strictest_finding_counts() -> None:
    records = {"a.example": "v=DMARC1; p=none", "b.example": REJECT, "c.example": REJECT}
    header = b"From: x@a.example, y@b.example, z@d.example, w@c.example\r\nSubject: x\r\n"
    dkim = [Dkim("pass", "a.example"), Dkim("pass", "c.example")]
    finding = judge_header(records, header, dkim=dkim)
    assert (finding.result, finding.from_domain, finding.policy) == ("fail", "b.example", "reject")
    assert finding.authors == ("a.example", "b.example", "d.example", "c.example")
    assert keys(finding)[0] == "several-authors"
    assert keys(finding)[-1] == "strictest"
    assert {"_dmarc.a.example", "_dmarc.c.example"} <= {answer.name for answer in finding.trace}


@pytest.mark.parametrize(
    ("one", "other", "strictest"),
    [
        ("p=reject", Status.TIMEOUT, "a.example"),
        ("p=quarantine", Status.TIMEOUT, "b.example"),
        ("p=quarantine", "v=DMARC1; p=x", "a.example"),
        ("p=none", "v=DMARC1; p=x", "b.example"),
        ("p=none", [], "a.example"),
    ],
)
def test_what_is_stricter(one: str, other: str | Status, strictest: str) -> None:
    finding = judge_header(
        {"a.example": f"v=DMARC1; {one}", "b.example": other},
        b"From: x@a.example, y@b.example\r\n",
    )
    assert finding.from_domain == strictest


def test_several_authors_pass_only_together() -> None:
    header = b"From: x@a.example, y@b.example\r\n"
    dkim = [Dkim("pass", "a.example"), Dkim("pass", "b.example")]
    records = {"a.example": REJECT, "b.example": REJECT}
    assert judge_header(records, header, dkim=dkim).result == "pass"
    assert judge_header({"a.example": REJECT}, header, dkim=dkim).result == "none"


@pytest.mark.parametrize(
    ("header", "result"),
    [
        (b"Subject: x\r\n", "permerror"),
        (b"From: undisclosed:;\r\n", "permerror"),
        (b"From: Ada\r\n", "permerror"),
        (b"From: x@[192.0.2.1]\r\n", "permerror"),
        # Who writes two fields is judged by both, and passes with neither.
        (b"From: x@c.example\r\nFrom: x@a.example\r\n", "fail"),
        (b"From: x@b.example\r\nFrom: x@b.example\r\n", "permerror"),
        # A field that cannot be read hides nobody.
        (b"From: <x@a.example\r\n", "fail"),
        (b"From: x@b.example <y@c.example\r\n", "permerror"),
        (b"From: x@b.example\r\n", "pass"),
    ],
)
def test_a_header_with_no_author_or_a_broken_field(header: bytes, result: str) -> None:
    records = {"a.example": REJECT, "b.example": "v=DMARC1; p=none"}
    finding = judge_header(records, header, dkim=[Dkim("pass", "b.example")])
    assert finding.result == result


# -- hostile ---------------------------------------------------------------------------------------


def test_a_thousand_signatures_cost_a_few_questions() -> None:
    dkim = [Dkim("pass", f"d{i}.example.com", f"s{i}") for i in range(1000)]
    dns = zone(EXAMPLE)
    finding = judge(dns, "example.com", dkim=dkim)
    assert finding.result is Result.PASS
    assert len(dns.asked) <= 2 + 10
    assert len(finding.reasons) < 200


def test_a_hundred_authors_cost_a_few_questions() -> None:
    header = b"".join(b"From: x@d%d.example\r\n" % i for i in range(100))
    finding = judge_header({}, header)
    assert finding.result is Result.PERMERROR
    assert len(finding.trace) == 10 + 1
    assert "too-many-authors" in keys(finding)


@pytest.mark.parametrize(
    "domain", ["", ".", "a..b", "x" * 64 + ".example", "a." * 200, "[1.2.3.4]"]
)
def test_what_is_no_domain_is_not_asked_about(domain: str) -> None:
    finding = judge({}, domain)
    if domain == "[1.2.3.4]":
        assert finding.result is Result.NONE
    else:
        assert finding.result is Result.PERMERROR
        assert finding.trace == ()
