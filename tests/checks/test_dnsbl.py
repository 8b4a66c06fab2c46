"""A listing is a listing, and everything else is told apart from one (RFC 5782)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import pytest

from ulak.checks import dnsbl
from ulak.checks.dnsbl import Blocklist, Finding, Result
from ulak.dns import Status, Zone
from ulak.dns.zone import Written

T = TypeVar("T")
BL = "bl.example"


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to its end what never waits: no event loop is needed."""
    with pytest.raises(StopIteration) as end:
        coroutine.send(None)
    value: T = end.value.value
    return value


def zone_with(answers: Sequence[Written] | Status, txt: Sequence[Written] = ()) -> Zone:
    """A list that has 192.0.2.1, and the test entry that a working list has."""
    return Zone(
        {
            (f"1.2.0.192.{BL}", "A"): answers,
            (f"1.2.0.192.{BL}", "TXT"): txt,
            (f"2.0.0.127.{BL}", "A"): ["127.0.0.2"],
        }
    )


def ask(zone: Zone, ip: str = "192.0.2.1", codes: Sequence[str] = ()) -> Finding:
    blocklist = Blocklist(BL, dnsbl.read_codes(codes))
    return drive(dnsbl.check_zone(zone, ip=ip, zone=blocklist))


def test_a_listing_comes_with_its_codes_and_its_reason() -> None:
    finding = ask(zone_with(["127.0.0.10", "127.0.0.2"], ["see https://bl.example/?192.0.2.1"]))
    assert finding.listed
    assert finding.codes == ("127.0.0.2", "127.0.0.10")
    assert finding.text == "see https://bl.example/?192.0.2.1"
    assert [a.name for a in finding.trace][:2] == [f"1.2.0.192.{BL}"] * 2


def test_an_address_without_an_entry_costs_one_question() -> None:
    zone = zone_with(["127.0.0.2"])
    finding = ask(zone, "192.0.2.7")
    assert finding.result is Result.NOT_LISTED
    assert list(zone.asked) == [(f"7.2.0.192.{BL}", "A")]


@pytest.mark.parametrize("ip", ["192.0.2.1", "192.0.2.7", "127.0.0.1"])
@pytest.mark.parametrize("answers", [["127.0.0.2"], ["127.255.255.254"], [], Status.SERVFAIL])
@pytest.mark.parametrize("text", [[], ["see bl.example"]])
@pytest.mark.parametrize("everybody", [[], ["127.0.0.2"]])
def test_all_questions_at_once_learn_what_those_in_turn_do(
    ip: str,
    answers: Sequence[Written] | Status,
    text: Sequence[Written],
    everybody: Sequence[Written],
) -> None:
    zone = zone_with(answers, text)
    zone.put(f"1.0.0.127.{BL}", "A", everybody)
    health, finding = drive(dnsbl.examine(zone, ip=ip, zone=BL))
    assert health == drive(dnsbl.probe(zone, zone=BL))
    assert finding == ask(zone, ip)


def test_a_domain_is_asked_for_at_once_too() -> None:
    zone = Zone(
        {("test.dbl.example", "A"): ["127.0.1.2"], ("a.example.dbl.example", "A"): ["127.0.1.2"]}
    )
    health, finding = drive(dnsbl.examine_domain(zone, domain="a.example", zone="dbl.example"))
    assert health.works
    assert finding == drive(dnsbl.check_domain(zone, domain="a.example", zone="dbl.example"))
    assert finding.listed


@pytest.mark.parametrize(
    ("answers", "result"),
    [
        (["127.0.0.2"], Result.LISTED),
        (["127.1.2.3"], Result.LISTED),
        (["127.0.0.1"], Result.COULD_NOT_ASK),
        (["127.0.0.1", "127.0.0.4"], Result.COULD_NOT_ASK),
        (["127.0.53.53"], Result.COULD_NOT_ASK),
        (["127.255.255.252"], Result.COULD_NOT_ASK),
        (["127.255.255.254"], Result.COULD_NOT_ASK),
        (["127.255.255.255", "127.0.0.2"], Result.COULD_NOT_ASK),
        (["127.255.254.255"], Result.LISTED),
        (["203.0.113.5"], Result.COULD_NOT_ASK),
        (["203.0.113.5", "127.0.0.2"], Result.COULD_NOT_ASK),
        (["128.0.0.1"], Result.COULD_NOT_ASK),
        (["0.0.0.0"], Result.COULD_NOT_ASK),
        (Status.SERVFAIL, Result.COULD_NOT_ASK),
        (Status.REFUSED, Result.COULD_NOT_ASK),
        (Status.TIMEOUT, Result.COULD_NOT_ASK),
        (Status.MALFORMED, Result.COULD_NOT_ASK),
        ([], Result.NOT_LISTED),
    ],
)
def test_only_data_is_a_listing(answers: Sequence[Written] | Status, result: Result) -> None:
    finding = ask(zone_with(answers))
    assert finding.result is result
    assert finding.reasons[0].text("tr")
    assert finding.trace[0].name == f"1.2.0.192.{BL}"


def test_a_zone_that_lists_everybody_lists_nobody() -> None:
    finding = ask(Zone({(f"*.{BL}", "A"): ["127.0.0.2"]}))
    assert finding.result is Result.COULD_NOT_ASK
    assert finding.reasons[0].key == "dnsbl.everybody"
    for ip in ("2001:db8::1", "127.0.0.1"):
        other = ask(Zone({(f"*.{BL}", "A"): ["127.0.0.2"]}), ip)
        assert other.result is Result.COULD_NOT_ASK


def test_an_entry_for_the_loopback_address_is_one_only_for_itself() -> None:
    zone = zone_with(["127.0.0.2"])
    zone.put(f"1.0.0.127.{BL}", "A", ["127.0.0.2"])
    assert ask(zone, "127.0.0.1").listed
    assert ask(zone, "192.0.2.1").result is Result.COULD_NOT_ASK


def test_a_listing_holds_when_neither_reason_nor_test_entry_can_be_had() -> None:
    zone = zone_with(["127.0.0.2"])
    zone.put(f"1.2.0.192.{BL}", "TXT", Status.TIMEOUT)
    zone.put(f"1.0.0.127.{BL}", "A", Status.SERVFAIL)
    finding = ask(zone)
    assert finding.listed
    assert finding.text == ""


def test_only_the_codes_that_count_count() -> None:
    assert not ask(zone_with(["127.0.0.10"]), codes=["127.0.0.2-127.0.0.4"]).listed
    assert ask(zone_with(["127.0.0.10", "127.0.0.3"]), codes=["127.0.0.2-127.0.0.4"]).listed
    assert ask(zone_with(["127.0.0.10"]), codes=["127.0.0.2", "127.0.0.8/29"]).listed


@pytest.mark.parametrize("code", ["127.0.0", "192.0.2.1", "127.0.0.9-127.0.0.2", "x", "::1"])
def test_a_code_that_no_list_answers_is_a_mistake(code: str) -> None:
    with pytest.raises(ValueError, match=code):
        dnsbl.read_codes([code])


@pytest.mark.parametrize(
    ("ip", "name"),
    [
        ("192.0.2.99", "99.2.0.192.bl.example"),
        # The example of RFC 5782 §2.4.
        (
            "2001:db8:1:2:3:4:567:89ab",
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.example",
        ),
        ("::ffff:192.0.2.99", "99.2.0.192.bl.example"),
        ("fe80::1%eth0", "1" + ".0" * 28 + ".8.e.f.bl.example"),
    ],
)
def test_the_question_is_the_address_backwards(ip: str, name: str) -> None:
    assert dnsbl.question(dnsbl.normalise(ip), BL) == name


def test_the_text_of_a_list_stays_on_one_line() -> None:
    nasty = b"listed\r\n250 ok <script>\x1b[31m\x00 \xff\xfe \xe2\x80\xa8" + b"x" * 2000
    text = ask(zone_with(["127.0.0.2"], [nasty])).text
    assert text.startswith("listed 250 ok <script>?[31m?")
    assert text.isprintable()
    assert len(text) == 300


def test_all_zones_are_asked_in_their_order_or_at_once() -> None:
    zone = zone_with(["127.0.0.2"])
    zone.put("2.0.0.127.other.example", "A", ["127.0.0.2"])
    zones: list[str | Blocklist] = [BL, Blocklist("other.example"), "dead.example"]
    expected = [(BL, True), ("other.example", False), ("dead.example", False)]
    findings = drive(dnsbl.check(zone, ip="192.0.2.1", zones=zones))
    assert [(f.zone, f.listed) for f in findings] == expected

    async def at_once() -> tuple[Finding, ...]:
        return await dnsbl.check(zone, ip="192.0.2.1", zones=zones, gather=asyncio.gather)

    assert asyncio.run(at_once()) == findings


def test_the_test_entries_tell_a_living_list_from_a_dead_one() -> None:
    living = zone_with([])
    assert drive(dnsbl.probe(living, zone=BL)).works
    assert not drive(dnsbl.probe(living, zone="dead.example")).works
    assert not drive(dnsbl.probe(living, zone=BL, version=6)).works
    everybody = Zone({(f"*.{BL}", "A"): ["127.0.0.2"]})
    health = drive(dnsbl.probe(everybody, zone=BL))
    assert not health.works
    assert health.reasons[1].facts["ip"] == "127.0.0.1"
    refusing = Zone({(f"*.{BL}", "A"): ["127.255.255.254"]})
    assert not drive(dnsbl.probe(refusing, zone=BL)).works


def test_what_is_no_address_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        drive(dnsbl.check(Zone({}), ip="nonsense", zones=[BL]))
