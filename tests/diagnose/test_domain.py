"""Each subject of a domain alone: what is wrong with it, how bad that is, and what to publish."""

from __future__ import annotations

import asyncio

import pytest
from tests.diagnose.internet import tangled

from ulak.checks import spf as checking
from ulak.diagnose import domain
from ulak.diagnose.diagnosis import Check
from ulak.diagnose.domain import Found, dkim, mta_sts, mx, spf, tls_rpt, zone
from ulak.diagnose.domain.addresses import private
from ulak.diagnose.domain.mta_sts import Fetched
from ulak.diagnose.domain.selectors import NOBODYS, WELL_KNOWN
from ulak.dns import Answer, Status, Zone
from ulak.replies import catalog

KEY = "v=DKIM1; k=ed25519; p=" + "A" * 43 + "="


def keys(check: Check) -> set[str]:
    return {reason.key.partition(".")[2] for reason in check.reasons}


@pytest.mark.parametrize(
    ("host", "records", "severity", "key"),
    [
        ("mx.d.example", {"A": ["192.0.2.1"]}, "note", "no-name"),
        ("mx.d.example", {"A": ["10.1.2.3"]}, "critical", "host-private"),
        ("mx.d.example", {"A": ["127.0.0.1"], "AAAA": ["::1"]}, "critical", "host-private"),
        ("mx.d.example", {"A": ["127.0.0.1", "192.0.2.1"]}, "warning", "host-private"),
        ("mx.d.example", {"AAAA": ["fe80::1"]}, "critical", "host-private"),
        ("192.0.2.1", {}, "critical", "host-literal"),
        ("mx.d.example", {}, "critical", "host-nowhere"),
        ("mx.d.example", {"A": Status.SERVFAIL}, "warning", "host-unknown"),
        ("mx.d.example", {"A": Status.TIMEOUT, "AAAA": Status.TIMEOUT}, "warning", "host-unknown"),
    ],
)
def test_an_mx_host(
    host: str, records: dict[str, list[str] | Status], severity: str, key: str
) -> None:
    dns = Zone({(host, kind): entry for kind, entry in records.items()})
    found = asyncio.run(mx.host(dns, host, asyncio.gather))
    (check,) = found.checks
    assert (check.severity, key in keys(check)) == (severity, True)
    assert key != "host-unknown" or check.result == "temperror"


def test_hosts_are_tried_in_their_order_and_each_once() -> None:
    dns = Zone(
        {
            ("d.example", "MX"): [(20, "b.example"), (10, "c.example"), (30, "c.example")],
            ("b.example", "A"): ["192.0.2.1"],
            ("c.example", "A"): ["192.0.2.2"],
        }
    )
    found = asyncio.run(mx.look(dns, "d.example", asyncio.gather))
    assert found.checks[0].facts["hosts"] == "c.example, b.example"
    assert "mx-twice" in keys(found.checks[0])
    assert found.checks[0].severity == "warning"


@pytest.mark.parametrize(
    ("records", "result", "key"),
    [
        ({}, "none", "dkim-nothing"),
        ({"other": [KEY]}, "unknown", "dkim-hidden"),
        ({"*": [KEY], NOBODYS: [KEY]}, "unknown", "dkim-everything"),
        ({"google": ["v=DKIM1; p="]}, "revoked", "revoked"),
        ({"s1": [KEY]}, "published", "dkim-key"),
        ({"other": [KEY], "s1": Status.SERVFAIL}, "temperror", "failed"),
    ],
)
def test_selectors_are_found_or_it_is_said_what_is_not_known(
    records: dict[str, list[str] | Status], result: str, key: str
) -> None:
    table = {(f"{s}._domainkey.d.example", "TXT"): entry for s, entry in records.items()}
    found = asyncio.run(dkim.probe(Zone(table), "d.example", asyncio.gather))
    (check,) = found.checks
    assert (check.result, key in keys(check)) == (result, True)


def test_a_dns_that_fails_is_never_taken_for_no_keys() -> None:
    dns = Zone({("_domainkey.d.example", "TXT"): Status.SERVFAIL})
    (check,) = asyncio.run(dkim.probe(dns, "d.example", asyncio.gather)).checks
    assert check.result == "temperror"
    assert all(name == name.lower() for name in WELL_KNOWN)


@pytest.mark.parametrize(
    ("records", "authentic", "result"),
    [
        ({"SOA": ["ns.d.example. h.d.example. 1 2 3 4 5"]}, True, "signed"),
        ({"SOA": ["a. b. 1 2 3 4 5"], "DS": ["1 13 2 ab"]}, False, "not-validated"),
        ({"SOA": ["a. b. 1 2 3 4 5"]}, False, "unsigned"),
        ({"SOA": ["a. b. 1 2 3 4 5"], "DS": Status.SERVFAIL}, False, "unknown"),
        ({"SOA": Status.TIMEOUT}, False, "temperror"),
        ({}, False, "unknown"),
    ],
)
def test_whether_a_zone_is_signed(
    records: dict[str, list[str] | Status],
    authentic: bool,  # noqa: FBT001 -- a table's column
    result: str,
) -> None:
    table = {("d.example", kind): entry for kind, entry in records.items()}
    dns = Zone(table, authentic=authentic)
    for name in ("d.example", "mail.d.example"):
        (check,) = asyncio.run(zone.look(dns, name, asyncio.gather)).checks
        if name == "d.example":
            assert check.result == result
        assert check.good is not False


def judged(policy: bytes, media_type: str = "text/plain") -> Found:
    dns = Zone(
        {
            ("_mta-sts.d.example", "TXT"): ["v=STSv1; id=1"],
            ("d.example", "MX"): [(1, "mx.d.example")],
        }
    )

    async def fetch(_domain: str) -> Fetched:
        return Fetched(policy, media_type)

    return asyncio.run(mta_sts.look(dns, "d.example", fetch))


@pytest.mark.parametrize(
    ("mode", "hosts", "age", "severity", "key"),
    [
        ("enforce", "mx: mx.d.example\n", 2_000_000, "good", "covers"),
        ("enforce", "mx: *.d.example\n", 2_000_000, "good", "covers"),
        ("enforce", "mx: other.example\n", 2_000_000, "critical", "covers-not"),
        ("testing", "mx: other.example\n", 2_000_000, "warning", "covers-not"),
        ("testing", "mx: mx.d.example\n", 2_000_000, "note", "testing"),
        ("enforce", "mx: mx.d.example\n", 3600, "note", "short-age"),
        ("enforce", "mx: *.d.example\nmx: x.example\n", 2_000_000, "good", "idle-pattern"),
        ("none", "", 2_000_000, "note", "mode-none"),
        ("off", "mx: mx.d.example\n", 2_000_000, "warning", "bad-mode"),
    ],
)
def test_what_a_policy_is_worth(mode: str, hosts: str, age: int, severity: str, key: str) -> None:
    text = f"version: STSv1\nmode: {mode}\n{hosts}max_age: {age}\n"
    (check,) = judged(text.encode()).checks
    assert (check.severity, key in keys(check)) == (severity, True)
    html = judged(text.encode(), "text/html").checks[0]
    assert "media-type" in keys(html)
    assert html.good is not True


def test_a_policy_that_is_advised_is_right() -> None:
    found = judged(b"version: STSv1\nmode: enforce\nmx: other.example\nmax_age: 60\n")
    (step,) = (step for step in found.advice if step.name == "mta-sts-write")
    (check,) = judged(step.record.encode()).checks
    assert check.severity == "good"


def test_a_report_address_that_is_none_is_advised_away() -> None:
    dns = Zone({("_smtp._tls.d.example", "TXT"): ["v=TLSRPTv1; rua=mailto:a@d.example,b@x"]})
    found = asyncio.run(tls_rpt.look(dns, "d.example"))
    assert found.checks[0].severity == "warning"
    wanted = '_smtp._tls.d.example. IN TXT "v=TLSRPTv1; rua=mailto:a@d.example"'
    assert found.advice[0].record == wanted


def test_the_tree_of_a_record_adds_up() -> None:
    seen = asyncio.run(checking.survey(tangled(), domain="a.example"))
    assert sum(branch.lookups for branch in seen.tree if branch.depth == 0) == seen.lookups == 12
    assert sum(branch.void for branch in seen.tree if branch.depth == 0) == seen.void_lookups == 3
    (check,) = asyncio.run(spf.look(tangled(), "a.example", asyncio.gather)).checks
    assert check.drawing[0].split() == ["a.example", "12"]
    assert len(check.drawing) == len(seen.tree) + 1
    assert max(map(len, check.drawing)) <= 70


def test_what_dns_does_not_say_is_never_absent() -> None:
    """A dead name server, and one that says SERVFAIL to everything."""

    class Dead:
        def __init__(self, status: Status) -> None:
            self.status = status

        async def resolve(self, name: str, kind: str) -> Answer:
            return Answer(name, kind, self.status, canonical=name)

    for status in (Status.TIMEOUT, Status.SERVFAIL, Status.REFUSED, Status.MALFORMED):
        found = asyncio.run(
            domain.diagnose(
                Dead(status), domain="d.example", selectors=("s1",), gather=asyncio.gather
            )
        )
        assert {check.result for check in found.checks} == {"temperror"}
        assert [step.name for step in found.advice] == ["try-later"]


def test_every_reference_has_its_page() -> None:
    made = asyncio.run(
        domain.diagnose(tangled(), domain="a.example", selectors=(), gather=asyncio.gather)
    )
    references = {check.reference for check in made.checks} - {""}
    assert references
    assert references <= catalog.CATALOG.keys()


@pytest.mark.parametrize(
    ("address", "hidden"),
    [
        ("192.0.2.1", False), ("8.8.8.8", False), ("2001:db8::1", False), ("2a00:1::1", False),
        ("10.0.0.1", True), ("172.31.0.1", True), ("172.32.0.1", False), ("100.64.0.1", True),
        ("169.254.169.254", True), ("0.0.0.0", True), ("255.255.255.255", True), ("::", True),
        ("::ffff:192.168.0.1", True), ("64:ff9b::a00:1", True), ("64:ff9b::808:808", False),
        ("2002:a00:1::", True), ("fd00::1", True), ("fe80::1%eth0", True), ("ff02::1", True),
    ],
)  # fmt: skip
def test_which_addresses_nobody_outside_reaches(address: str, hidden: bool) -> None:  # noqa: FBT001 -- a table's column
    assert private(address) is hidden
