"""SPF's finding tells the way to its result (RFC 7208, RFC 8616)."""

from __future__ import annotations

import asyncio

import pytest
from tests.checks.spf.asking import judge, published, said

from ulak.checks.spf import Result, check
from ulak.dns import Status, Zone


def test_every_step_is_told_with_its_term_its_domain_and_its_look_up() -> None:
    zone = published(
        "v=spf1 ip4:203.0.113.0/24 ip6:2001:db8::/32 a:www.example.org "
        "include:_spf.example.net -all",
        {
            ("www.example.org", "A"): ["203.0.113.80"],
            ("_spf.example.net", "TXT"): ["v=spf1 mx ~all"],
            ("_spf.example.net", "MX"): [(10, "mx.example.net")],
            ("mx.example.net", "A"): ["203.0.113.25"],
        },
    )
    finding = judge(zone)
    assert finding.result is Result.FAIL
    assert (finding.mechanism, finding.record_domain) == ("-all", "example.org")
    assert (finding.lookups, finding.void_lookups) == (3, 0)
    assert [str(reason) for reason in finding.reasons] == [
        (
            "SPF is asked whether 192.0.2.1 may send for example.org, the domain of the sender "
            "ada@example.org."
        ),
        (
            "The record of example.org is “v=spf1 ip4:203.0.113.0/24 ip6:2001:db8::/32 "
            "a:www.example.org include:_spf.example.net -all”."
        ),
        (
            "192.0.2.1 is in none of the networks in the record of example.org so far (2): "
            "ip4:203.0.113.0/24, ip6:2001:db8::/32."
        ),
        (
            "Look-up 1: “a:www.example.org” in the record of example.org does not match: "
            "192.0.2.1 is not among the addresses of www.example.org (203.0.113.80)."
        ),
        (
            "Look-up 2: “include:_spf.example.net” in the record of example.org asks the record of "
            "_spf.example.net (level 1)."
        ),
        "The record of _spf.example.net is “v=spf1 mx ~all”.",
        (
            "Look-up 3: “mx” in the record of _spf.example.net does not match: "
            "192.0.2.1 is not among the addresses of mx.example.net (203.0.113.25)."
        ),
        "“~all” in the record of _spf.example.net matches: softfail.",
        (
            "“include:_spf.example.net” in the record of example.org does not match: for "
            "_spf.example.net the result is softfail."
        ),
        "“-all” in the record of example.org matches: fail.",
        "192.0.2.1 may not send for example.org: it is not permitted by “-all” of example.org.",
        "Look-ups counted: 3 of 10, of which empty: 0 of 2.",
    ]
    assert [(a.name, a.kind) for a in finding.trace] == [
        ("example.org", "TXT"),
        ("www.example.org", "A"),
        ("_spf.example.net", "TXT"),
        ("_spf.example.net", "MX"),
        ("mx.example.net", "A"),
    ]


def test_nothing_is_asked_that_is_not_needed() -> None:
    zone = published("v=spf1 ip4:192.0.2.0/24 a mx include:x.example ?all")
    assert judge(zone).result is Result.PASS
    assert list(zone.asked) == [("example.org", "TXT")]


def test_the_order_of_the_terms_decides() -> None:
    assert judge(published("v=spf1 -all ip4:192.0.2.1")).result is Result.FAIL
    assert judge(published("v=spf1 ip4:192.0.2.1 -all")).result is Result.PASS
    assert judge(published("v=spf1 ?ip4:192.0.2.1 -all")).result is Result.NEUTRAL
    assert judge(published("v=spf1 ~ip4:192.0.2.1 -all")).result is Result.SOFTFAIL


@pytest.mark.parametrize(
    "status", [Status.SERVFAIL, Status.TIMEOUT, Status.REFUSED, Status.MALFORMED]
)
@pytest.mark.parametrize(
    ("record", "name", "kind"),
    [
        ("v=spf1 a -all", "example.org", "A"),
        ("v=spf1 mx -all", "example.org", "MX"),
        ("v=spf1 mx -all", "mx.example.org", "A"),
        ("v=spf1 exists:x.example.org -all", "x.example.org", "A"),
        ("v=spf1 include:x.example.org -all", "x.example.org", "TXT"),
        ("v=spf1 redirect=x.example.org", "x.example.org", "TXT"),
        ("v=spf1 +all", "example.org", "TXT"),
    ],
)
def test_trouble_with_dns_is_temporary_and_never_a_pass(
    status: Status, record: str, name: str, kind: str
) -> None:
    zone = published(record, {("example.org", "MX"): [(1, "mx.example.org")]})
    zone.put(name, kind, status)
    finding = judge(zone)
    assert finding.result is Result.TEMPERROR
    assert finding.mechanism == ""
    assert "dns.failed" in said(finding)
    assert finding.reasons[-1 if "counted" not in said(finding) else -2].key == "spf.temperror"
    assert judge(zone) == finding


def test_a_host_that_matches_is_not_undone_by_one_that_does_not_answer() -> None:
    zone = published(
        "v=spf1 mx -all",
        {
            ("example.org", "MX"): [(1, "a.example.org"), (2, "b.example.org")],
            ("a.example.org", "A"): Status.TIMEOUT,
            ("b.example.org", "A"): ["192.0.2.1"],
        },
    )
    assert judge(zone).result is Result.PASS
    assert judge(zone, "192.0.2.2").result is Result.TEMPERROR


def test_trouble_with_the_clients_own_names_is_no_trouble_of_the_domain() -> None:
    zone = published("v=spf1 ptr -all", {("1.2.0.192.in-addr.arpa", "PTR"): Status.SERVFAIL})
    assert judge(zone).result is Result.FAIL
    zone.put("1.2.0.192.in-addr.arpa", "PTR", ["slow.example.org", "mail.example.org"])
    zone.put("slow.example.org", "A", Status.TIMEOUT)
    assert judge(zone).result is Result.FAIL
    zone.put("mail.example.org", "A", ["192.0.2.1"])
    assert judge(zone).result is Result.PASS


def test_ptr_wants_a_name_below_the_domain() -> None:
    # Erratum 4751: §5.5 has it the wrong way round in its last list, and right before it.
    zone = published(
        "v=spf1 ptr:mail.example.org -all", {("1.2.0.192.in-addr.arpa", "PTR"): ["example.org"]}
    )
    zone.put("example.org", "A", ["192.0.2.1"])
    assert judge(zone).result is Result.FAIL
    zone.put("1.2.0.192.in-addr.arpa", "PTR", ["a.mail.example.org"])
    zone.put("a.mail.example.org", "A", ["192.0.2.1"])
    assert judge(zone).result is Result.PASS
    zone.put("1.2.0.192.in-addr.arpa", "PTR", ["bad-mail.example.org"])
    zone.put("bad-mail.example.org", "A", ["192.0.2.1"])
    assert judge(zone).result is Result.FAIL


# -- limits ---------------------------------------------------------------------------------------


def test_ten_terms_may_ask_and_an_eleventh_is_an_error() -> None:
    table = {("example.org", "A"): ["203.0.113.1"]}
    ten = judge(published("v=spf1" + " a" * 10 + " -all", table))
    assert (ten.result, ten.lookups) == (Result.FAIL, 10)
    eleven = judge(published("v=spf1" + " a" * 11 + " -all", table))
    assert (eleven.result, eleven.lookups) == (Result.PERMERROR, 10)
    assert "too-many-lookups" in said(eleven)
    redirected = judge(published("v=spf1" + " a" * 10 + " redirect=x.example", table))
    assert redirected.result is Result.PERMERROR


def test_the_count_goes_through_all_that_is_included() -> None:
    table = {("x.example", "TXT"): ["v=spf1 a a a a a ?all"], ("x.example", "A"): ["203.0.113.1"]}
    zone = published(
        "v=spf1 include:x.example a:x.example a:x.example a:x.example a:x.example -all", table
    )
    assert (judge(zone).result, judge(zone).lookups) == (Result.FAIL, 10)
    zone.put("x.example", "TXT", ["v=spf1 a a a a a a ?all"])
    assert judge(zone).result is Result.PERMERROR


def test_two_look_ups_may_find_nothing_and_a_third_is_an_error() -> None:
    two = judge(published("v=spf1 a:x.example exists:y.example -all"))
    assert (two.result, two.void_lookups) == (Result.FAIL, 2)
    three = judge(published("v=spf1 a:x.example exists:y.example mx:z.example -all"))
    assert (three.result, three.void_lookups) == (Result.PERMERROR, 3)
    assert "too-many-void" in said(three)


def test_hosts_without_an_address_of_the_clients_kind_are_no_void_look_ups() -> None:
    hosts = [f"mx{n}.example.org" for n in range(4)]
    zone = published(
        "v=spf1 mx ip6:2001:db8::/32 -all", {("example.org", "MX"): [(1, h) for h in hosts]}
    )
    for host in hosts:
        zone.put(host, "A", ["192.0.2.1"])
    finding = judge(zone, "2001:db8::1")
    assert (finding.result, finding.void_lookups) == (Result.PASS, 0)


@pytest.mark.parametrize(("count", "result"), [(10, Result.FAIL), (11, Result.PERMERROR)])
def test_ten_mail_servers_are_looked_up_and_eleven_are_an_error(count: int, result: Result) -> None:
    zone = published(
        "v=spf1 mx -all",
        {("example.org", "MX"): [(n, f"mx{n}.example.org") for n in range(count)]},
    )
    finding = judge(zone)
    assert finding.result is result
    assert len(zone.asked) == (12 if count == 10 else 2)


def test_ten_names_of_the_client_are_looked_up_and_the_others_left() -> None:
    zone = published("v=spf1 ptr -all", {("mail.example.org", "A"): ["192.0.2.1"]})
    names = [f"host{n}.example.net" for n in range(9)]
    zone.put("1.2.0.192.in-addr.arpa", "PTR", [*names, "mail.example.org", "host9.example.net"])
    assert judge(zone).result is Result.PASS
    zone.put("1.2.0.192.in-addr.arpa", "PTR", [*names, "host9.example.net", "mail.example.org"])
    zone.asked.clear()
    assert judge(zone).result is Result.FAIL
    assert len(zone.asked) == 12


def test_the_macro_p_costs_a_look_up() -> None:
    table = {
        ("1.2.0.192.in-addr.arpa", "PTR"): ["mail.example.org"],
        ("mail.example.org", "A"): ["192.0.2.1"],
        ("mail.example.org.ok.example", "A"): ["127.0.0.1"],
    }
    finding = judge(published("v=spf1 exists:%{p}.ok.example -all", table))
    assert (finding.result, finding.lookups) == (Result.PASS, 2)
    nine = published(
        "v=spf1" + " a:mail.example.org/0 " * 0 + " exists:%{p}.ok.example -all", table
    )
    nine.put(
        "example.org", "TXT", ["v=spf1" + " a:ok.example" * 9 + " exists:%{p}.ok.example -all"]
    )
    nine.put("ok.example", "A", ["203.0.113.1"])
    assert judge(nine).result is Result.PERMERROR


# -- include and redirect -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inner", "result"),
    [
        ("v=spf1 +all", Result.PASS),
        ("v=spf1 -all", Result.SOFTFAIL),
        ("v=spf1 ~all", Result.SOFTFAIL),
        ("v=spf1 ?all", Result.SOFTFAIL),
        ("v=spf1", Result.SOFTFAIL),
        ("v=spf1 oops", Result.PERMERROR),
        ("nothing", Result.PERMERROR),
    ],
)
def test_what_an_include_makes_of_the_inner_result(inner: str, result: Result) -> None:
    zone = published("v=spf1 include:x.example ~all", {("x.example", "TXT"): [inner]})
    assert judge(zone).result is result


@pytest.mark.parametrize("target", ["%{h}", "a..example.org", f"{'x' * 64}.example", "%{h}%_"])
def test_what_cannot_be_a_domain_cannot_be_included(target: str) -> None:
    for record in (f"v=spf1 include:{target} ~all", f"v=spf1 redirect={target}"):
        zone = published(record)
        finding = judge(zone, helo="localhost")
        assert finding.result is Result.PERMERROR
        assert {"not-a-domain", "no-such-name"} & set(said(finding))
        assert list(zone.asked) == [("example.org", "TXT")]


def test_a_name_that_cannot_be_is_one_that_does_not_match() -> None:
    finding = judge(published(f"v=spf1 a:a..example.org mx:{'x' * 64}.example -all"))
    assert finding.result is Result.FAIL
    assert finding.void_lookups == 0


def test_an_include_gives_its_own_qualifier() -> None:
    zone = published("v=spf1 -include:x.example +all", {("x.example", "TXT"): ["v=spf1 +all"]})
    finding = judge(zone)
    assert (finding.result, finding.mechanism) == (Result.FAIL, "-include:x.example")


@pytest.mark.parametrize(
    ("inner", "result"),
    [
        ("v=spf1 +all", Result.PASS),
        ("v=spf1 -all", Result.FAIL),
        ("v=spf1", Result.NEUTRAL),
        ("nothing", Result.PERMERROR),
    ],
)
def test_a_redirect_gives_the_other_domains_result(inner: str, result: Result) -> None:
    zone = published("v=spf1 ip4:203.0.113.1 redirect=x.example", {("x.example", "TXT"): [inner]})
    finding = judge(zone)
    assert finding.result is result
    if result is not Result.PERMERROR:
        assert (finding.record, finding.record_domain) == (inner, "x.example")


def test_a_redirect_is_nothing_where_there_is_all() -> None:
    assert judge(published("v=spf1 redirect=x.example ?all")).result is Result.NEUTRAL


# -- identities -----------------------------------------------------------------------------------


def test_an_empty_sender_is_judged_by_what_helo_said() -> None:
    zone = Zone({("mail.example.org", "TXT"): ["v=spf1 exists:%{l}.%{o}.ok.example -all"]})
    zone.put("postmaster.mail.example.org.ok.example", "A", ["127.0.0.1"])
    finding = judge(zone, mail_from="")
    assert (finding.result, finding.identity) == (Result.PASS, "helo")
    assert (finding.domain, finding.mail_from) == ("mail.example.org", "")
    assert said(finding)[0] == "asked-helo"


def test_a_sender_without_a_local_part_is_postmaster() -> None:
    zone = published("v=spf1 exists:%{l}.ok.example -all")
    zone.put("postmaster.ok.example", "A", ["127.0.0.1"])
    assert judge(zone, mail_from="@example.org").result is Result.PASS


@pytest.mark.parametrize(
    "sender",
    [
        "ada@localhost",
        "ada@[192.0.2.1]",
        "ada@",
        "ada@.",
        "ada@a..example",
        f"ada@{'x' * 64}.example",
        f"ada@{'x.' * 127}example",
        f"{'x' * 1001}@example.org",
        "ada@ex\x00ample.org",
        "ada@\udcff.example",
    ],
)
def test_what_is_no_domain_has_no_record_and_is_not_asked_for(sender: str) -> None:
    zone = published("v=spf1 +all")
    finding = judge(zone, mail_from=sender)
    assert finding.result is Result.NONE
    assert "not-a-domain" in said(finding)
    assert not zone.asked
    assert finding.reasons[-1].text("tr").isprintable()


def test_the_domain_is_what_stands_behind_the_last_at() -> None:
    assert (
        judge(published("v=spf1 +all"), mail_from='"a@b.example"@example.org').domain
        == "example.org"
    )


def test_an_address_that_is_none_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        judge(published("v=spf1 +all"), "nonsense")


def test_a_mapped_address_is_the_ipv4_address_that_it_is() -> None:
    zone = published("v=spf1 ip4:192.0.2.1 -all")
    finding = judge(zone, "::ffff:192.0.2.1")
    assert (finding.result, finding.ip) == (Result.PASS, "192.0.2.1")
    assert judge(published("v=spf1 ip6:::ffff:192.0.2.1 -all"), "192.0.2.1").result is Result.FAIL


@pytest.mark.parametrize(
    ("term", "ip", "result"),
    [
        ("ip4:192.0.2.128/25", "192.0.2.127", Result.FAIL),
        ("ip4:192.0.2.128/25", "192.0.2.128", Result.PASS),
        ("ip4:192.0.2.200/25", "192.0.2.129", Result.PASS),
        ("ip4:0.0.0.0/0", "192.0.2.1", Result.PASS),
        ("ip4:0.0.0.0/0", "2001:db8::1", Result.FAIL),
        ("ip6:::/0", "192.0.2.1", Result.FAIL),
        ("ip6:2001:db8::/33", "2001:db8:8000::", Result.FAIL),
        ("ip6:2001:db8::/33", "2001:db8:7fff::", Result.PASS),
        ("ip6:2001:DB8::192.0.2.1", "2001:db8::c000:201", Result.PASS),
        ("a:host.example/24", "192.0.2.200", Result.PASS),
        ("a:host.example/24", "192.0.3.1", Result.FAIL),
        ("a:host.example//64", "2001:db8::ffff", Result.PASS),
        ("a:host.example//64", "192.0.2.200", Result.FAIL),
        ("a:host.example/24//64", "192.0.2.9", Result.PASS),
        ("a:host.example/0", "2001:db8::ffff", Result.FAIL),
        ("a:host.example", "192.0.2.1", Result.PASS),
        ("exists:host.example", "2001:db8::ffff", Result.PASS),
    ],
)
def test_networks_hold_what_they_hold(term: str, ip: str, result: Result) -> None:
    zone = published(f"v=spf1 {term} -all")
    zone.put("host.example", "A", ["203.0.113.9", "192.0.2.1"])
    zone.put("host.example", "AAAA", ["2001:db8::1"])
    assert judge(zone, ip).result is result


# -- other scripts (RFC 8616) ---------------------------------------------------------------------


def test_u_labels_are_asked_for_as_a_labels() -> None:
    zone = Zone({("xn--bcher-kva.example", "TXT"): ["v=spf1 exists:%{o}.ok.example -all"]})
    zone.put("xn--bcher-kva.example.ok.example", "A", ["127.0.0.1"])
    finding = judge(zone, mail_from="ada@Bücher.example")
    assert (finding.result, finding.domain) == (Result.PASS, "xn--bcher-kva.example")
    assert judge(zone, mail_from="", helo="bücher.example").result is Result.PASS


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 exists:%{l}.example -all", Result.FAIL),
        ("v=spf1 -a:%{s} +all", Result.PASS),
        ("v=spf1 include:%{l}.example ~all", Result.SOFTFAIL),
        ("v=spf1 exists:%{L}.example -all", Result.FAIL),
        ("v=spf1 exists:%{d}.ok.example -all", Result.PASS),
    ],
)
def test_a_local_part_beyond_ascii_matches_no_term(record: str, result: Result) -> None:
    zone = published(record, {("*.example", "A"): ["127.0.0.1"]})
    assert judge(zone, mail_from="grüße@example.org").result is result


# -- explanations ---------------------------------------------------------------------------------


def explained(
    text: bytes | str, record: str = "v=spf1 -all exp=why.example.org", sender: str = "ada"
) -> str:
    zone = published(record, {("why.example.org", "TXT"): [text]})
    return judge(zone, mail_from=f"{sender}@example.org").explanation


def test_an_explanation_has_its_macros_put_in() -> None:
    text = "%{i} may not send for %{o}, see http://%{d}/?s=%{S}&t=%{t}&by=%{r}&c=%{c}&h=%{h}&p=%{p}"
    assert explained(text) == (
        "192.0.2.1 may not send for example.org, see http://example.org/?s=ada%40example.org"
        "&t=1700000000&by=mx.example.net&c=192.0.2.1&h=mail.example.org&p=unknown"
    )


@pytest.mark.parametrize("text", ["100% sure", "%{x}", "gr\u00fc\u00dfe", b"\xff", "%{d0}"])
def test_an_explanation_with_a_mistake_is_none(text: bytes | str) -> None:
    assert explained(text) == ""


def test_an_explanation_is_a_strangers_text_on_one_line() -> None:
    assert explained("no", sender="a\r\n250 ok\x1b[0m") == "no"
    dirty = explained("%{l}: " + "x" * 1000, sender="a\r\n250\x1bok")
    assert dirty.startswith("a??250?ok: xxx")
    assert len(dirty) == 400
    assert explained(b"a\tb\r\nc") == ""


def test_there_is_one_explanation_or_none() -> None:
    zone = published("v=spf1 -all exp=why.example.org", {("why.example.org", "TXT"): ["a", "b"]})
    assert judge(zone).explanation == ""
    zone.put("why.example.org", "TXT", Status.SERVFAIL)
    finding = judge(zone)
    assert (finding.result, finding.explanation) == (Result.FAIL, "")
    assert "no-explanation" in said(finding)


def test_only_a_fail_is_explained() -> None:
    assert explained("no", "v=spf1 ~all exp=why.example.org") == ""


def test_the_explanation_is_that_of_the_domain_asked_or_redirected_to() -> None:
    table = {
        ("inner.example", "TXT"): ["v=spf1 ip4:192.0.2.0/24 exp=inner-why.example"],
        ("other.example", "TXT"): ["v=spf1 -all exp=other-why.example"],
        ("inner-why.example", "TXT"): ["inner"],
        ("other-why.example", "TXT"): ["other %{d} %{o}"],
        ("why.example", "TXT"): ["outer"],
    }
    outer = published("v=spf1 -include:inner.example exp=why.example", table)
    assert judge(outer).explanation == "outer"
    redirected = published("v=spf1 redirect=other.example exp=why.example", table)
    assert judge(redirected).explanation == "other other.example example.org"


def test_looking_an_explanation_up_counts_for_nothing() -> None:
    table = {("example.org", "A"): ["203.0.113.1"], ("why.example.org", "TXT"): ["from %{p}"]}
    finding = judge(published("v=spf1" + " a" * 10 + " -all exp=why.example.org", table))
    assert (finding.result, finding.explanation) == (Result.FAIL, "from unknown")


def test_the_order_of_waiting_changes_nothing() -> None:
    table = {("example.org", "MX"): [(n, f"mx{n}.example.org") for n in range(5)]}
    zone = published("v=spf1 mx ptr -all", table)

    async def at_once() -> object:
        return await check(
            zone, ip="192.0.2.1", helo="mail.example.org", mail_from="ada@example.org",
            receiver="mx.example.net", now=1_700_000_000.9, gather=asyncio.gather,
        )  # fmt: skip

    assert asyncio.run(at_once()) == judge(zone)
