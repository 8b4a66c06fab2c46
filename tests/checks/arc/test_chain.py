"""A chain of seals holds, or there is a reason why not (RFC 8617 §4, §5.2)."""

from __future__ import annotations

import re

import pytest
from tests.checks.arc.chains import (
    KEYS,
    MESSAGE,
    ONE,
    THREE,
    TWO,
    ZONE,
    chain,
    field,
    handmade,
    judged,
    keys,
    seal,
)
from tests.checks.dkim.wiring import BODY, HEADER, NOW, drive, published, zone_of

from ulak.checks import results
from ulak.checks.arc import Finding, Reading, Result
from ulak.checks.results import Property, Resinfo
from ulak.dns import Status, Zone
from ulak.mail import message as mail

AAR, AMS, AS = b"ARC-Authentication-Results", b"ARC-Message-Signature", b"ARC-Seal"


def test_a_message_without_seals_has_no_chain_and_costs_nothing() -> None:
    zone = zone_of(ONE)
    finding = judged(MESSAGE, zone)
    assert (finding.result, finding.instance, finding.chain) == (Result.NONE, 0, ())
    assert keys(finding) == ["none"]
    assert not zone.asked


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_a_chain_of_seals_passes(count: int) -> None:
    finding = judged(chain(count))
    assert (finding.result, finding.instance, finding.oldest_pass) == (Result.PASS, count, 0)
    assert [one.instance for one in finding.chain] == list(range(1, count + 1))
    assert [one.cv for one in finding.chain] == ["none"] + ["pass"] * (count - 1)
    assert finding.chain[0].domain == "one.example"
    assert finding.chain[0].selector == "s1"
    assert keys(finding) == ["message-fits", *["seal-fits"] * count, "passes"]
    assert finding.passed
    assert finding.sets == count
    assert finding.sealers == tuple(key.domain for key in KEYS * 3)[:count]


def test_each_set_tells_what_its_sealer_found() -> None:
    first, second = judged(chain(2)).chain
    assert first.results is not None
    assert first.results.authserv_id == "mx.one.example"
    assert first.results.instance == 1
    assert [(r.method, r.result) for r in first.results.resinfos] == [
        ("spf", "pass"),
        ("arc", "none"),
    ]
    assert second.results is not None
    assert [(r.method, r.result) for r in second.results.resinfos] == [
        ("spf", "pass"),
        ("arc", "pass"),
    ]


def test_the_message_may_come_in_pieces() -> None:
    header, body = mail.split(chain(3))
    reading = Reading(header, now=NOW)
    for place in range(len(body)):
        reading.feed(body[place : place + 1])
    assert drive(reading.judge(ZONE)).result is Result.PASS


def test_each_key_is_asked_for_once() -> None:
    zone = zone_of(*KEYS)
    assert judged(chain(7), zone).result is Result.PASS
    assert len(zone.asked) == 3
    assert len(judged(chain(7), zone).trace) == 3


# -- the newest signature, and the older ones -----------------------------------------------------


def test_a_message_that_was_changed_after_the_last_seal_fails() -> None:
    for changed in (
        chain(3).replace(b"algebraic", b"algebraik"),
        chain(3).replace(b"Subject: Notes", b"Subject: Nodes"),
        chain(3) + b"more\r\n",
        chain(3).replace(b"\r\nFrom:", b"\r\nFrom: eve@evil.example\r\nFrom:"),
    ):
        assert changed != chain(3)
        finding = judged(changed)
        assert (finding.result, finding.oldest_pass) == (Result.FAIL, None)
        assert keys(finding)[-1] == "message-fails"


def test_a_message_that_a_list_changed_passes_and_says_since_when_it_is_as_it_is() -> None:
    changed = chain(1) + b"-- \r\nthe list\r\n"
    message = seal(changed, TWO, found=judged(chain(1)))
    message = seal(message, THREE)
    finding = judged(message)
    assert (finding.result, finding.oldest_pass) == (Result.PASS, 2)
    assert "message-changed" in keys(finding)
    told = results.write("mx", results.told(arc=finding, ip="192.0.2.1"))
    assert b"header.oldest-pass=2" in told
    assert b"smtp.remote-ip=192.0.2.1" in told


def test_an_added_field_that_is_not_signed_changes_nothing() -> None:
    assert judged(b"X-Seen: yes\r\nReceived: from c\r\n" + chain(2)).passed


def test_a_chain_vouches_for_the_author_that_its_first_sealer_saw_pass() -> None:
    def found(result: str, author: str, body: bytes = BODY) -> Finding:
        said = (Resinfo("dmarc", result, (Property("header", "from", author),)),)
        wrong = (Resinfo("dmarc", "pass", (Property("header", "from", "example.org"),)),)
        message = seal(HEADER + b"\r\n" + BODY, ONE, said=said)
        message = seal(message, TWO, said=wrong)
        return judged(message.replace(BODY, body))

    assert found("pass", "Example.ORG.").vouched("example.org")
    assert found("pass", "türkçe.example").vouched("TÜRKÇE.example")
    assert not found("pass", "example.net").vouched("example.org")
    assert not found("fail", "example.org").vouched("example.org")
    assert not found("pass", "example.org", b"other\r\n").vouched("example.org")
    assert not judged(chain(2)).vouched("example.org")
    assert not judged(MESSAGE).vouched("example.org")
    assert not found("pass", "").vouched("")
    assert not found("pass", "a..b").vouched("a..b")


# -- seals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("instance", [1, 2, 3])
@pytest.mark.parametrize("name", [AAR, AS])
def test_a_changed_field_of_any_set_breaks_a_seal(name: bytes, instance: int) -> None:
    octets = field(chain(3), name, instance)
    if name == AAR:
        changed = octets.replace(b"ada@", b"eve@")
    else:
        changed = octets.replace(b"t=1790000000", b"t=1790000001")
    assert changed != octets
    finding = judged(chain(3).replace(octets, changed))
    assert finding.result is Result.FAIL
    assert keys(finding)[-1] == "seal-fails"
    assert finding.reasons[-1].facts["instance"] == "3"  # the newest is verified first
    assert finding.sets == 3


@pytest.mark.parametrize("instance", [1, 2])
def test_a_changed_older_signature_breaks_a_seal(instance: int) -> None:
    octets = field(chain(3), AMS, instance)
    finding = judged(chain(3).replace(octets, octets.replace(b"t=17", b"t=16")))
    assert finding.result is Result.FAIL
    assert keys(finding)[-3:] == ["message-changed", "dkim.header-differs", "seal-fails"]


@pytest.mark.parametrize("instance", [1, 2])
def test_a_seal_that_does_not_fit_fails_also_where_the_newer_do(instance: int) -> None:
    """Only the key can make the old seal wrong and leave the newer ones right."""
    other = zone_of(*KEYS)
    key = KEYS[instance - 1]
    record = published(THREE) if instance == 1 else "v=DKIM1; k=ed25519; p=" + "A" * 43 + "="
    other.put(f"{key.selector}._domainkey.{key.domain}", "TXT", [record])
    finding = judged(chain(3), other)
    assert finding.result is Result.FAIL
    assert finding.reasons[-1].facts["instance"] == str(instance)
    assert keys(finding)[-1] == "seal-fails"


def test_the_trouble_of_dns_fails_for_good_and_is_told() -> None:
    for key in KEYS:
        zone = zone_of(*KEYS)
        zone.put(f"{key.selector}._domainkey.{key.domain}", "TXT", Status.TIMEOUT)
        finding = judged(chain(3), zone)
        assert (finding.result, finding.unsure) == (Result.FAIL, True)
        assert "dns.failed" in keys(finding)
    assert not judged(chain(3), Zone({})).unsure


# -- structure (§5.2, step 3) ---------------------------------------------------------------------


@pytest.mark.parametrize("instance", [1, 2, 3])
@pytest.mark.parametrize("name", [AAR, AMS, AS])
def test_a_missing_field_breaks_the_chain(name: bytes, instance: int) -> None:
    message = chain(3).replace(field(chain(3), name, instance), b"")
    finding = judged(message)
    assert (finding.result, finding.trace) == (Result.FAIL, ())
    assert keys(finding) == ["missing"]
    assert finding.reasons[0].facts == {"field": name.decode(), "instance": str(instance)}


@pytest.mark.parametrize("instance", [1, 2, 3])
@pytest.mark.parametrize("name", [AAR, AMS, AS])
def test_a_field_that_stands_twice_breaks_the_chain(name: bytes, instance: int) -> None:
    finding = judged(field(chain(3), name, instance) + chain(3))
    assert finding.result is Result.FAIL
    assert keys(finding) == ["twice"]


def test_a_set_that_is_left_out_breaks_the_chain() -> None:
    message = chain(3)
    for name in (AAR, AMS, AS):
        message = message.replace(field(chain(3), name, 2), b"")
    assert keys(judged(message)) == ["missing"]


def test_the_order_in_the_header_does_not_matter() -> None:
    moved = field(chain(3), AS, 1)
    assert judged(moved + chain(3).replace(moved, b"")).passed


@pytest.mark.parametrize("value", [b"", b"0", b"51", b"99", b"100", b"-1", b"1x", b" ", b"0x1"])
@pytest.mark.parametrize("name", [AAR, AMS, AS])
def test_an_instance_is_a_number_from_1_to_50(name: bytes, value: bytes) -> None:
    octets = field(chain(1), name, 1)
    finding = judged(chain(1).replace(octets, octets.replace(b"i=1;", b"i=" + value + b";")))
    assert finding.result is Result.FAIL
    assert keys(finding) == ["instance"]


def test_the_instance_may_have_comments_around_it_where_results_are_told() -> None:
    octets = field(chain(1), AAR, 1)
    odd = octets.replace(b" i=1;", b" (a) i (b)\r\n = (c (d)) 1 (e) ;")
    assert odd != octets
    assert (
        keys(judged(chain(1).replace(octets, odd)))[-1] == "seal-fails"
    )  # read, and not as it was
    assert judged(chain(1).replace(octets, octets.replace(b" i=1;", b" i=1 x;"))).instance == 1


@pytest.mark.parametrize(
    ("instance", "before", "after"),
    [
        (1, b"cv=none", b"cv=pass"),
        (1, b"cv=none", b"cv=None"),
        (1, b"cv=none;", b""),
        (2, b"cv=pass", b"cv=none"),
        (3, b"cv=pass", b"cv=none"),
        (3, b"cv=pass", b"cv=maybe"),
        (2, b"cv=pass", b"cv=fail"),
        (1, b"cv=none", b"cv=fail"),
    ],
)
def test_each_seal_has_the_only_word_that_can_stand_there(
    instance: int, before: bytes, after: bytes
) -> None:
    octets = field(chain(3), AS, instance)
    assert before in octets
    finding = judged(chain(3).replace(octets, octets.replace(before, after)))
    assert finding.result is Result.FAIL
    assert keys(finding) == ["cv"]
    assert finding.reasons[0].facts["instance"] == str(instance)


def test_a_chain_that_was_given_up_stays_so() -> None:
    octets = field(chain(3), AS, 3)
    finding = judged(chain(3).replace(octets, octets.replace(b"cv=pass", b"cv=fail")))
    assert (finding.result, keys(finding)) == (Result.FAIL, ["given-up"])
    assert finding.instance == 3


def test_a_seal_names_no_fields() -> None:
    octets = field(chain(1), AS, 1)
    message = chain(1).replace(octets, octets.replace(b"cv=none;", b"cv=none; h=from;"))
    assert keys(judged(message)) == ["seal-with-h"]


@pytest.mark.parametrize("name", [AMS, AS])
def test_a_field_that_is_no_list_of_tags_breaks_the_chain(name: bytes) -> None:
    octets = field(chain(1), name, 1)
    for wrong, key in (
        (octets.replace(b"; d=", b"; d=x; d="), "dkim.tag-twice"),
        (octets.replace(b"; d=", b"; x; d="), "dkim.no-tag"),
    ):
        finding = judged(chain(1).replace(octets, wrong))
        assert (finding.result, keys(finding)) == (Result.FAIL, [key])


@pytest.mark.parametrize("tag", [b"a", b"b", b"d", b"s"])
@pytest.mark.parametrize(("name", "then"), [(AMS, "message-fails"), (AS, "seal-fails")])
def test_a_tag_that_is_missing_makes_it_fail(name: bytes, then: str, tag: bytes) -> None:
    octets = field(chain(1), name, 1)
    inside = octets.removesuffix(b"\r\n")
    wrong = re.sub(rb"([\s;])" + tag + rb"=[^;]*;?", rb"\1", inside, count=1).rstrip()
    assert wrong != inside
    finding = judged(chain(1).replace(inside, wrong))
    assert (finding.result, keys(finding)[-2:]) == (Result.FAIL, ["dkim.tag-missing", then])


def test_the_signature_never_names_a_seal() -> None:
    octets = field(chain(1), AMS, 1)
    wrong = octets.replace(b"h=from:", b"h=from: arc-seal:")
    assert keys(judged(chain(1).replace(octets, wrong))) == ["seal-signed", "message-fails"]


def test_fifty_sets_pass_and_more_are_not_looked_at() -> None:
    message = MESSAGE
    for number in range(50):
        message = seal(message, TWO, found=judged(message) if number % 10 == 0 else PASSED)
    finding = judged(message)
    assert (finding.result, finding.instance) == (Result.PASS, 50)
    assert seal(message, TWO) == message  # there is no place for one more
    more = judged(field(message, AS, 7) + message)
    assert keys(more) == ["too-many"]
    assert more.trace == ()


PASSED = judged(chain(1))


def test_a_long_field_is_not_read() -> None:
    octets = field(chain(1), AS, 1)
    long = octets.replace(b"t=", b"x=" + b"y" * 40_000 + b"; t=")
    assert keys(judged(chain(1).replace(octets, long))) == ["field-too-long"]


def test_a_thousand_fields_cost_no_question() -> None:
    zone = zone_of(*KEYS)
    finding = judged(field(chain(1), AMS, 1) * 1000 + chain(1), zone)
    assert keys(finding) == ["too-many"]
    assert not zone.asked


def test_a_from_that_was_added_beside_the_one_that_is_signed_fails() -> None:
    """The signature holds, but somebody may see the other author."""
    message = handmade(b"from:subject")
    assert judged(message).passed
    finding = judged(b"From: eve@evil.example\r\n" + message)
    assert keys(finding) == ["dkim.other-from", "message-fails"]


@pytest.mark.parametrize(
    ("names", "tags"),
    [
        (b"from:subject", b""),  # without c= the form is relaxed
        (b"subject::to", b"c=relaxed/relaxed;"),
        (b"", b"c=relaxed/relaxed;"),
        (b"from", b"c=relaxed/relaxed; v=2;"),
    ],
)
def test_what_the_public_test_suite_has_pass_passes(names: bytes, tags: bytes) -> None:
    finding = judged(handmade(names, tags))
    assert finding.passed
    assert ("from-not-signed" in keys(finding)) == (b"from" not in names)
