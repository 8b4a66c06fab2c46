"""Records read without evaluating them: mistakes, dangers, and where a record leads."""

from __future__ import annotations

import pytest
from tests.checks.spf.asking import Table, drive, judge, published, said

from ulak.checks.spf import Result, Survey, parse, review, select, survey
from ulak.dns import Status


def keys(record: str) -> list[str]:
    return [reason.key.removeprefix("spf.") for reason in review(parse(record))]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        (b"v=spf1", True),
        (b"v=spf1 ", True),
        (b"V=SPF1 -all", True),
        (b"v=spf1 \xff", True),
        (b"v=spf10", False),
        (b"v=spf1\t-all", False),
        (b" v=spf1 -all", False),
        (b"v=spf2.0/pra -all", False),
        (b"spf1 -all", False),
        (b"", False),
    ],
)
def test_a_record_begins_with_its_version_exactly(text: bytes, chosen: object) -> None:
    assert bool(select([text])) is chosen


@pytest.mark.parametrize(
    ("term", "mistake"),
    [
        ("moo", "term-unknown"),
        ("ipv4:192.0.2.1", "term-misspelt"),
        ("-ipv6:::1", "term-misspelt"),
        ("redirect:example.org", "term-misspelt"),
        ("all.", "term-misspelt"),
        ("-", "term-unknown"),
        ("--all", "term-unknown"),
        ("=x", "term-unknown"),
        ("-exp=x.example", "term-misspelt"),
        ("a=%", "macro-broken"),
        ("all:x", "all-with-value"),
        ("all/0", "all-with-value"),
        ("ip4", "network-missing"),
        ("ip4:", "network-missing"),
        ("ip4/24", "network-missing"),
        ("ip4:192.0.2", "network-wrong"),
        ("ip4:192.0.2.0/33", "network-wrong"),
        ("ip4:192.0.2.0/", "network-wrong"),
        ("ip4:192.0.2.0/024", "network-wrong"),
        ("ip4:192.0.2.256", "network-wrong"),
        ("ip4:192.0.02.1", "network-wrong"),
        ("ip4:192.0.2.1/24/", "network-wrong"),
        ("ip4:2001:db8::1", "network-of-the-other-kind"),
        ("ip6:192.0.2.1", "network-of-the-other-kind"),
        ("ip6:2001:db8::/129", "network-wrong"),
        ("ip6:2001:db8::1%eth0", "network-wrong"),
        ("ip6:2001:db8:::1", "network-wrong"),
        ("ip6:1:2:3:4:5:6:7", "network-wrong"),
        ("include", "domain-missing"),
        ("include:", "domain-missing"),
        ("exists", "domain-missing"),
        ("a:", "domain-missing"),
        ("mx:/24", "domain-missing"),
        ("ptr:", "domain-missing"),
        ("ptr/24", "term-unknown"),
        ("redirect=", "domain-missing"),
        ("exp=", "domain-missing"),
        ("include:localhost", "domain-wrong"),
        ("include:example.org/24", "domain-wrong"),
        ("a:example.123", "domain-wrong"),
        ("a:example.-x", "domain-wrong"),
        ("a:example.x-", "domain-wrong"),
        ("a:%{d}.", "domain-wrong"),
        ("a:%%-", "domain-wrong"),
        ("a:example.org/33", "prefix-length-wrong"),
        ("a:example.org//129", "prefix-length-wrong"),
        ("mx/024", "prefix-length-wrong"),
        ("a/24/64", "prefix-length-wrong"),
        ("a/24/24", "term-unknown"),
        ("a:example.org/24//", "domain-wrong"),
        ("exists:%{c}.example", "macro-only-in-explanation"),
        ("redirect=%{t}.example", "macro-only-in-explanation"),
        ("exp=%{r}.example", "macro-only-in-explanation"),
        ("include:%{d", "macro-broken"),
        ("include:%(d).example", "macro-broken"),
        ("include:%{x}", "macro-broken"),
        ("include:a\tb.example", "term-not-ascii"),
        ("ip4:192.0.2.1\u00a0", "term-not-ascii"),
        ("a:b\u00fccher.example", "term-not-ascii"),
    ],
)
def test_a_mistake_is_found_wherever_it_stands_and_names_its_term(term: str, mistake: str) -> None:
    for text in (f"v=spf1 {term} -all", f"v=spf1 ip4:192.0.2.1 -all {term}"):
        record = parse(text)
        (found,) = record.mistakes
        assert found.term == term
        assert found.reason.key == f"spf.{mistake}"
        finding = judge(published(text))
        assert finding.result is Result.PERMERROR
        assert finding.reasons[2] == found.reason
        for language in ("en", "tr"):
            assert found.reason.text(language).isprintable()


@pytest.mark.parametrize(
    "term",
    [
        "ALL", "-All", "Include:example.org", "A", "MX/24", "a//64", "a/24//64",
        "a:example.org/0", "a:example.org//0", "mx:%{d}/24", "a:%{d}", "a:%{o}%%",
        "include:%{d2}.example.org.", "ptr", "ptr:example.org", "ip4:0.0.0.0/0",
        "ip4:255.255.255.255", "ip6:::", "ip6:::/0", "ip6:1::2/128", "ip6:::ffff:192.0.2.1",
        "exists:%{ir}.%{v}._spf.%{d2}", "exists:!$#.1-2", "a:a:b/c.example", "redirect=%{d}",
        "exp=a.b", "x=", "moo.cow-far_out=man:dog/cat", "a.b=%{c}%{t}%{r}", "EXP=a.b",
        "a:example.x--y", "a:example.0x",
    ],
)  # fmt: skip
def test_what_the_grammar_has_is_no_mistake(term: str) -> None:
    assert parse(f"v=spf1 {term} ").mistakes == ()


def test_all_mistakes_are_told_at_once_up_to_five() -> None:
    finding = judge(published("v=spf1" + "".join(f" bad{n}" for n in range(9))))
    assert said(finding).count("term-unknown") == 5
    assert "There are 4 more mistakes in the record of example.org." in map(str, finding.reasons)


@pytest.mark.parametrize("name", ["redirect", "exp"])
def test_a_modifier_that_may_stand_once_may_not_stand_twice(name: str) -> None:
    record = f"v=spf1 {name}=a.example ip4:192.0.2.1 {name.upper()}=a.example"
    assert [m.reason.key for m in parse(record).mistakes] == ["spf.modifier-twice"]
    assert judge(published(record)).result is Result.PERMERROR
    assert judge(published("v=spf1 x=a x=a ip4:192.0.2.1")).result is Result.PASS


def test_a_misspelt_term_comes_with_what_was_meant() -> None:
    for term, meant in (
        ("-ipv4:192.0.2.0/24", "-ip4:192.0.2.0/24"),
        ("redirect:example.net", "redirect=example.net"),
        ("-exp=example.net", "exp=example.net"),
        ("~all.", "~all"),
    ):
        (mistake,) = parse(f"v=spf1 {term}").mistakes
        assert f"“{meant}” was probably meant" in str(mistake.reason)


@pytest.mark.parametrize(
    ("record", "found"),
    [
        ("v=spf1 mx -all", []),
        ("v=spf1 redirect=example.net", []),
        ("v=spf1 +all", ["review-everybody"]),
        ("v=spf1 all", ["review-everybody"]),
        ("v=spf1 ?all", ["review-undecided"]),
        ("v=spf1 mx", ["review-open-end"]),
        ("v=spf1 ptr ~all", ["review-ptr"]),
        ("v=spf1 exists:%{p}.example -all", ["review-macro-p"]),
        ("v=spf1 ip4:10.0.0.0/8 -all", ["review-large-network"]),
        ("v=spf1 ip4:10.0.0.0/9 -all", []),
        ("v=spf1 -ip4:10.0.0.0/8 ~all", []),
        ("v=spf1 ip6:2000::/16 -all", ["review-large-network"]),
        ("v=spf1 -all mx a", ["review-behind-all"]),
        ("v=spf1 -all redirect=example.net", ["review-idle-redirect"]),
        ("v=spf1 include=example.net -all", ["review-mechanism-with-equals"]),
        ("v=spf1 moo=x -all", ["review-unknown-modifier"]),
        ("v=spf1" + " a" * 10 + " -all", []),
        ("v=spf1" + " a" * 11 + " -all", ["review-many-lookups"]),
        ("v=spf1" + " a" * 10 + " redirect=example.net", ["review-many-lookups"]),
        ("v=spf1 -all" + " a" * 11, ["review-behind-all"]),
        ("v=spf1 moo mx ~all", ["term-unknown"]),
        ("v=spf1" + " ip4:192.0.2.1" * 33 + " -all", ["review-long"]),
    ],
)
def test_a_review_tells_of_dangers(record: str, found: list[str]) -> None:
    assert keys(record) == found


def test_a_review_has_an_end() -> None:
    assert len(keys("v=spf1" + " x=y" * 1000)) == 31


# -- surveys --------------------------------------------------------------------------------------


MANY = [(n, f"m{n}.example") for n in range(11)]


def seen(record: str, table: Table | None = None) -> Survey:
    return drive(survey(published(record, table), domain="example.org"))


def told(found: Survey) -> list[str]:
    return [reason.key.removeprefix("spf.") for reason in found.reasons]


def test_a_survey_reads_all_that_a_record_leads_to() -> None:
    found = seen(
        "v=spf1 mx include:a.example ip4:192.0.2.1 redirect=b.example",
        {
            ("example.org", "MX"): [(1, "mx.example.org")],
            ("a.example", "TXT"): ["v=spf1 a ~all a a"],
            ("a.example", "AAAA"): ["2001:db8::1"],
            ("b.example", "TXT"): ["v=spf1 exists:%{i}.example ptr include:%{d}.example -all"],
        },
    )
    assert found.works
    assert [domain for domain, _ in found.records] == ["example.org", "a.example", "b.example"]
    assert (found.lookups, found.void_lookups) == (7, 0)
    assert "survey-depends" in told(found)
    assert "survey-counted" in told(found)
    assert "review-behind-all" in told(found)


def test_a_survey_counts_what_no_single_record_shows() -> None:
    table: Table = {
        (name, "TXT"): ["v=spf1 exists:a.example exists:b.example exists:c.example -all"]
        for name in ("a.example", "b.example", "c.example")
    }
    found = seen("v=spf1 include:a.example include:b.example include:c.example -all", table)
    assert not found.works
    assert (found.lookups, "survey-lookups" in told(found)) == (12, True)


@pytest.mark.parametrize(
    ("record", "table", "key"),
    [
        ("v=spf1 include:x.example -all", {}, "include-without-record"),
        ("v=spf1 include:x.example -all", {("x.example", "TXT"): Status.TIMEOUT}, "failed"),
        ("v=spf1 include:x.example -all", {("x.example", "TXT"): ["v=spf1 oops"]}, "term-unknown"),
        ("v=spf1 redirect=x.example", {("x.example", "TXT"): ["v=spf1"] * 2}, "several-records"),
        ("v=spf1 a:x.example a:y.example mx:z.example -all", {}, "survey-void"),
        ("v=spf1 include:example.org -all", {}, "survey-loop"),
        ("v=spf1 redirect=example.org", {}, "survey-loop"),
        ("v=spf1 mx -all", {("example.org", "MX"): MANY}, "too-many-mx"),
        ("v=spf1 a:a..example -all", {}, "no-such-name"),
        ("v=spf1 include:a..example -all", {}, "no-such-name"),
    ],
)  # fmt: skip
def test_a_survey_finds_what_does_not_work(record: str, table: Table, key: str) -> None:
    found = seen(record, table)
    assert not found.works
    assert key in {reason.key.partition(".")[2] for reason in found.reasons}


@pytest.mark.parametrize("domain", ["localhost", "a..example", "[192.0.2.1]"])
def test_a_survey_of_no_domain_says_so(domain: str) -> None:
    found = drive(survey(published("v=spf1 -all"), domain=domain))
    assert (found.works, found.record, found.trace) == (False, None, ())


def test_a_survey_of_a_forest_has_an_end() -> None:
    zone = published("v=spf1" + "".join(f" include:d{n}.example" for n in range(50)))
    for n in range(50):
        more = "".join(f" include:d{m}.example" for m in range(50))
        zone.put(f"d{n}.example", "TXT", [f"v=spf1{more}"])
    found = drive(survey(zone, domain="example.org"))
    assert not found.works
    assert len(zone.asked) <= 31
    assert len(found.reasons) < 1000
