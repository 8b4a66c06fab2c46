"""A failure is reported to who asked for it, without what is private, and not too often."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from email.policy import default
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reports.days import AUTHOR, FORGED, NOON, ZONE

from ulak.checks.dmarc.record import read
from ulak.dns import Zone
from ulak.queue.item import Message as Queued
from ulak.queue.memory import MemoryStore
from ulak.reports.failure import Chooser, Failure, FailurePosting, write
from ulak.reports.failure.choosing import asked_for
from ulak.reports.failure.redaction import redacted, token
from ulak.reports.observation import Observation, Sender, Signature

SECRET = b"secret"
RECORD = "v=DMARC1; p=reject; ruf=mailto:ruf@example.org"
HEADER = (
    b"Received: from evil.example by mx.example.net\r\n\tfor <ada@example.net>; Fri, 27 Nov\r\n"
    b"DKIM-Signature: v=1; d=example.org; s=s1; i=grace@example.org; b=abc\r\n"
    b'From: "Grace Hopper" <grace@example.org>\r\n'
    b"To: Ada <ada@example.net>, bob@example.net\r\n"
    b"Subject: Our secret merger\r\n"
    b"X-Token: private\r\n"
    b"Message-ID: <1@example.org>\r\n"
)
FAILED = replace(FORGED, record=RECORD, header=HEADER)


def chosen(*observations: Observation, addresses: Collection[str] = (), limit: int = 20) -> Chooser:
    chooser = Chooser(addresses, limit=limit)
    for observation in observations:
        chooser.note(observation)
    return chooser


def sent(chooser: Chooser) -> list[Queued]:
    queue, ids = MemoryStore(), count(1)
    zone = ZONE | {("evil.example", "TXT"): ["other", "v=spf1 ip4:192.0.2.0/24 -all"]}
    posting = FailurePosting(
        chooser, queue, Zone(zone), AUTHOR, lambda: f"failure{next(ids)}", SECRET
    )

    async def run() -> list[Queued]:
        await posting.run(NOON)
        return [lease.message for lease in await queue.lease(NOON, 100)]

    return asyncio.run(run())


def parsed(octets: bytes) -> Message:
    return message_from_bytes(octets, policy=default)


def test_a_failure_is_reported_with_its_header_and_nothing_private() -> None:
    (message,) = sent(chosen(FAILED))
    assert message.envelope.recipients == ("ruf@example.org",)
    assert message.envelope.sender == AUTHOR.sender
    octets = message.body.data
    assert octets is not None
    mail = parsed(octets)
    assert mail.get_content_type() == "multipart/report"
    assert mail.get_param("report-type") == "feedback-report"
    _, fields, header = octets.split(b"\r\nContent-Type:")[-3:]
    told = parsed(fields.partition(b"\r\n\r\n")[2])
    assert told["Feedback-Type"] == "auth-failure"
    assert told["Auth-Failure"] == "dmarc"
    assert told["Identity-Alignment"] == "dkim, spf"
    assert told["Delivery-Result"] == "reject"
    assert told["Source-IP"] == "198.51.100.9"
    assert told["Reported-Domain"] == "example.org"
    assert told["SPF-DNS"] == 'txt : evil.example : "v=spf1 ip4:192.0.2.0/24 -all"'
    assert "Incidents" not in told
    for private in (b"grace", b"Grace", b"ada@", b"Ada", b"bob@", b"merger", b"private"):
        assert private not in octets, private
    assert f"From: <{token('grace', SECRET)}@example.org>".encode() in header
    assert b"Message-ID: <1@example.org>" in header


def test_a_signature_of_its_own_that_failed_is_named() -> None:
    broken = replace(FAILED, signatures=(Signature("example.org", "s1", "fail"),))
    octets = write(
        Failure(broken, 3), AUTHOR, "a@example.org", identifier="1", secret=SECRET, now=NOON
    )
    for line in (
        b"DKIM-Domain: example.org",
        b"DKIM-Identity: @example.org",
        b"DKIM-Selector: s1",
        b"Incidents: 3",
    ):
        assert b"\r\n" + line + b"\r\n" in octets


@pytest.mark.parametrize(
    ("fo", "change", "asked"),
    [
        ("0", {}, True),
        ("0", {"spf_aligned": True}, False),
        ("1", {"spf_aligned": True}, True),
        ("1", {"spf_aligned": True, "dkim_aligned": True}, False),
        ("d", {}, False),
        ("d", {"signatures": (Signature("a.example", "s", "fail"),)}, True),
        ("s", {}, False),
        ("s", {"sender": Sender("evil.example", "softfail")}, True),
        ("0:d:s", {}, True),
    ],
)
def test_the_tag_fo_says_what_is_asked_for(
    fo: str, change: dict[str, object], *, asked: bool
) -> None:
    record = read(f"{RECORD}; fo={fo}".encode())
    assert record is not None
    assert asked_for(replace(FAILED, **change), record) is asked  # type: ignore[arg-type] # the table names fields


@pytest.mark.parametrize(
    "change",
    [
        {"record": "v=DMARC1; p=reject"},
        {"record": RECORD + "; psd=y"},
        {"envelope_from": ""},
        {"header": b""},
        {"header": b"Auto-Submitted: auto-replied\r\n" + HEADER},
        {"header": b"Content-Type: multipart/report; boundary=a\r\n" + HEADER},
        {"recipients": ("reports@example.net",)},
    ],
)
def test_what_was_not_asked_for_or_would_beget_others_is_not_reported(
    change: dict[str, object],
) -> None:
    chooser = chosen(
        replace(FAILED, **change),  # type: ignore[arg-type] # as above
        addresses=["reports@example.net"],
    )
    assert chooser.take() == ()


def test_mail_that_says_to_be_no_answer_is_reported() -> None:
    header = b"Auto-Submitted: no\r\n" + HEADER
    assert len(chosen(replace(FAILED, header=header)).take()) == 1


def test_one_address_is_reported_once_an_hour_with_how_often_it_came() -> None:
    chooser = chosen(FAILED, FAILED, FAILED)
    assert [each.incidents for each in chooser.take()] == [1]
    chooser.note(replace(FAILED, time=FAILED.time + 3600))
    assert [each.incidents for each in chooser.take()] == [3]
    chooser.note(replace(FAILED, time=FAILED.time + 3 * 3600))
    assert [each.incidents for each in chooser.take()] == [1]


def test_a_domain_and_a_server_have_their_limits() -> None:
    many = [replace(FAILED, ip=f"192.0.2.{n}") for n in range(50)]
    assert len(chosen(*many).take()) == 5
    others = [replace(FAILED, record_domain=f"d{n}.example") for n in range(50)]
    chooser = chosen(*others, limit=7)
    assert len(chooser.take()) == 7
    chooser.note(replace(FAILED, record_domain="late.example"))
    assert chooser.take() == ()
    chooser.note(replace(FAILED, record_domain="late.example", time=FAILED.time + 3600))
    assert len(chooser.take()) == 1


def test_an_unwilling_destination_gets_none() -> None:
    record = (
        "v=DMARC1; p=none; ruf=mailto:a@third.example,mailto:b@willing.example,https://x.example"
    )
    messages = sent(chosen(replace(FAILED, record=record)))
    assert [message.envelope.recipients for message in messages] == [("b@willing.example",)]


@pytest.mark.parametrize("length", [64, 65, 500, 1_990, 3_000])
def test_a_long_name_is_hidden_like_others(length: int) -> None:
    name = b"x" * length
    for field in (b"Received: for <%s@example.net>;", b"To: %s@example.net", b'To: "%s"@a.example'):
        assert b"xxxx" not in redacted(field % name + b"\r\n", SECRET).encode()


@given(st.binary(max_size=400))
def test_whatever_the_header_the_report_is_lines_of_ascii(header: bytes) -> None:
    shown = redacted(header + b"\r\nFrom: " + header + b" <grace@example.org>\r\n", SECRET)
    assert shown.isascii()
    assert "grace@" not in shown
    for line in shown.split("\r\n"):
        assert len(line) < 998
        assert "\n" not in line
        assert "\r" not in line


def test_a_hostile_header_costs_no_more_than_others() -> None:
    hostile = b"From: " + b"a@" * 500_000 + b"\r\n" + b"To: " + b'"' * 500_000 + b"\r\n"
    assert len(redacted(hostile * 100, SECRET)) < 300_000
