"""Events: what of the journal is one, who wants it, how it is signed, and when it comes again."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from ulak.events.event import Wanted, What, event_of
from ulak.events.hook import Answered, pause
from ulak.events.signature import sign, verify
from ulak.journal.entry import Entry, Kind

NOW = 1_800_000_000.0
SECRET = b"a secret of some length"


def entry(kind: Kind, cause: str = "", **facts: str) -> Entry:
    named = {name.replace("_", "-"): value for name, value in facts.items()}
    return Entry(NOW, kind, cause, message="M1", facts=named)


def test_what_becomes_of_mail_is_an_event() -> None:
    told = {
        Kind.ACCEPTED: What.ACCEPTED,
        Kind.DELIVERED: What.DELIVERED,
        Kind.DEFERRED: What.DEFERRED,
        Kind.FAILED: What.BOUNCED,
        Kind.COMPLAINED: What.COMPLAINED,
    }
    for kind in Kind:
        event = event_of(entry(kind, sender="ada@example.org"))
        assert (event.what if event else None) == told.get(kind), kind
    suppressed = event_of(entry(Kind.FAILED, "on-suppression-list"))
    assert suppressed is not None
    assert suppressed.what is What.SUPPRESSED
    assert event_of(Entry(NOW, Kind.DELIVERED)) is None, "of no message"
    assert event_of(entry(Kind.ACCEPTED, report_for="M0")) is None, "a report of ours"
    assert event_of(entry(Kind.FAILED, sender="")) is None, "another's"
    assert event_of(entry(Kind.DELIVERED, "expanded")) is None, "its members are told of"


def test_an_event_says_what_is_known_in_names_that_stay() -> None:
    made = entry(
        Kind.DEFERRED, "greylisted", recipient="b@example.net", sender="ada@example.org",
        reply="451 4.7.1 later", host="mx [192.0.2.1]:25", attempt="2", due="1800000300",
    )  # fmt: skip
    event = event_of(made)
    assert event is not None
    assert event.as_json() == {
        "event": "deferred",
        "time": NOW,
        "message": "M1",
        "sender": "ada@example.org",
        "recipient": "b@example.net",
        "cause": "greylisted",
        "reply": "451 4.7.1 later",
        "host": "mx [192.0.2.1]:25",
        "attempt": "2",
        "next_attempt": 1_800_000_300.0,
    }


def test_somebody_wants_some_kinds_of_some_senders() -> None:
    event = event_of(entry(Kind.FAILED, "no-such-mailbox", sender="ada@EXAMPLE.org"))
    assert event is not None
    assert Wanted()(event)
    assert Wanted(frozenset({"bounced"}), frozenset({"example.org"}))(event)
    assert not Wanted(frozenset({"delivered"}))(event)
    assert not Wanted(domains=frozenset({"example.com"}))(event)


def test_a_signature_is_what_the_documentation_says() -> None:
    body = b'{"events":[]}'
    value = sign(SECRET, body, NOW + 0.9)
    mac = hmac.new(SECRET, b"1800000000." + body, hashlib.sha256).hexdigest()
    assert value == f"t=1800000000,v1={mac}"
    assert verify(SECRET, body, value, NOW + 299)
    assert not verify(SECRET, body, value, NOW + 301), "it may be somebody who repeats it"
    assert not verify(SECRET, body + b" ", value, NOW)
    assert not verify(SECRET + b"x", body, value, NOW)
    for wrong in ("", "t=1800000000", value.replace("t=18", "t=17"), value + "0", value.upper()):
        assert not verify(SECRET, body, wrong, NOW), wrong


@pytest.mark.parametrize(
    ("failures", "least", "most"),
    [(1, 3.7, 6.3), (2, 7.5, 12.5), (5, 60, 100), (30, 2700, 4500), (10_000, 2700, 4500)],
)
def test_the_pause_grows_to_an_hour(failures: int, least: float, most: float) -> None:
    for chance in (0.0, 0.5, 0.999):
        assert least <= pause(failures, Answered(500), chance) <= most


def test_a_receiver_may_ask_for_more_time_within_an_hour() -> None:
    assert pause(1, Answered(429, after=120), 0.5) == 120
    assert pause(1, Answered(503, after=86_400), 0.5) == 3600
    assert pause(1, Answered(500, after=120), 0.5) == 5
