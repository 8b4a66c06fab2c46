"""Who is let in, who is not, and what the journal hears of it."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network

from ulak.checks.dnsbl import Blocklist, Result
from ulak.dns import Status, Zone
from ulak.journal.entry import Kind
from ulak.policy.admission import Admission, Admitted

DNS = Zone(
    {
        ("1.2.0.192.bl.example", "A"): ["127.0.0.2"],
        ("1.2.0.192.bl.example", "TXT"): ["see https://bl.example/ \r\n250 ok"],
        ("1.2.0.192.key123.bl.test", "A"): ["127.0.0.2"],
        ("2.0.0.127.bl.example", "A"): ["127.0.0.2"],
        ("*.silent.example", "*"): Status.TIMEOUT,
        ("*.refusing.example", "A"): ["127.255.255.254"],
    }
)


def judge(ip: str, *zones: str, **how: object) -> Admitted:
    lists = tuple(Blocklist(zone) for zone in zones)
    admission = Admission(DNS, zones=lists, gather=asyncio.gather, clock=float, **how)  # type: ignore[arg-type] # networks, by test
    return asyncio.run(admission.judge(ip))


def test_a_listed_client_is_refused_with_the_list_and_its_reason() -> None:
    verdict = judge("192.0.2.1", "silent.example", "bl.example")
    assert verdict.reply is not None
    assert verdict.reply.to_wire() == (
        b"554 5.7.1 No mail is taken from 192.0.2.1: it is listed by bl.example "
        b"(see https://bl.example/ 250 ok)\r\n"
    )
    facts = verdict.reply.facts
    assert (facts["ip"], facts["zone"]) == ("192.0.2.1", "bl.example")
    assert facts["reason"].startswith("see https://bl.example/")


def test_a_mapped_address_is_the_address_that_it_maps() -> None:
    verdict = judge("::ffff:192.0.2.1", "bl.example")
    assert verdict.reply is not None
    assert verdict.ip == "192.0.2.1"
    denied = judge("::ffff:198.51.100.9", deny=(ip_network("198.51.100.0/24"),))
    assert denied.reply is not None
    assert denied.reply.cause == "client-denied"


def test_a_list_that_cannot_be_asked_lets_in_and_the_journal_says_so() -> None:
    verdict = judge("192.0.2.9", "silent.example", "refusing.example", "bl.example")
    assert verdict.reply is None
    entries = verdict.entries(1.0, "s1")
    assert [(e.kind, e.session, e.cause) for e in entries] == [(Kind.CHECKED, "s1", "")] * 2
    assert [e.facts["zone"] for e in entries] == ["silent.example", "refusing.example"]
    assert {e.facts["result"] for e in entries} == {"could-not-ask"}
    assert "127.255.255.254" in entries[1].facts["why"]


def test_a_listing_is_journalled_with_its_cause() -> None:
    (entry,) = judge("192.0.2.1", "bl.example").entries(1.0, "s1")
    assert entry.cause == "listed-by-dnsbl"
    assert entry.facts["codes"] == "127.0.0.2"


def test_a_denied_client_is_refused_without_asking_anybody() -> None:
    DNS.asked.clear()
    verdict = judge("203.0.113.7", "bl.example", deny=(ip_network("203.0.113.0/24"),))
    assert verdict.reply is not None
    assert (verdict.reply.code, verdict.reply.cause) == (554, "client-denied")
    assert not DNS.asked


def test_an_exempt_client_is_not_looked_up() -> None:
    DNS.asked.clear()
    networks = (ip_network("192.0.2.0/24"),)
    assert judge("192.0.2.1", "bl.example", exempt=networks).reply is None
    assert not DNS.asked
    assert judge("192.0.2.1", "bl.example", exempt=networks, deny=networks).reply is not None


def test_the_key_in_a_zone_is_not_shown_to_the_client() -> None:
    admission = Admission(DNS, zones=(Blocklist("key123.bl.test", label="bl.test"),), clock=float)
    reply = asyncio.run(admission.judge("192.0.2.1")).reply
    assert reply is not None
    assert "key123" not in reply.text
    assert reply.facts["zone"] == "bl.test"


def test_a_list_that_does_not_answer_is_left_alone_for_a_minute() -> None:
    dns = Zone({("*.bl.example", "*"): Status.TIMEOUT, ("2.2.0.192.ok.example", "A"): []})
    now = 1000.0
    zones = (Blocklist("bl.example"), Blocklist("ok.example"))
    admission = Admission(dns, zones=zones, clock=lambda: now)

    def asked() -> set[str]:
        dns.asked.clear()
        verdict = asyncio.run(admission.judge("192.0.2.2"))
        assert verdict.reply is None
        assert verdict.findings[0].result is Result.COULD_NOT_ASK
        assert [f.zone for f in verdict.findings] == ["bl.example", "ok.example"]
        return {name.removeprefix("2.2.0.192.") for name, _ in dns.asked}

    both = {"bl.example", "ok.example"}
    assert [asked() for _ in range(4)] == [both, both, both, {"ok.example"}]
    now += 60
    assert [asked(), asked()] == [both, {"ok.example"}]
    now += 60
    dns.put("*.bl.example", "*", Status.SERVFAIL)  # an answer, if not a good one
    assert [asked() for _ in range(5)] == [both] * 5
