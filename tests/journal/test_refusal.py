"""What a refused sender may see: what is on the list, and nothing that anybody adds beside it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ulak.checks.reason import Reason, because, packed, words
from ulak.journal import refusal
from ulak.journal.entry import Entry, Kind
from ulak.journal.refusal import Look, Refused, refused_in, seen
from ulak.replies import catalog

ID = "7k3m9q2xw4tz"
SECRET = "nobody-may-read-this"


def refused(cause: str = "spf-fail", checks: tuple[Entry, ...] = (), **facts: str) -> Refused:
    facts = {name.replace("_", "-"): fact for name, fact in facts.items()}
    entry = Entry(
        1_000_000_037.5,
        Kind.REFUSED,
        cause,
        session="session-1",
        message="message-1",
        facts={"refusal": ID, **facts},
        dialogue=(f"C: MAIL FROM:<{SECRET}@example.org>",),
    )
    return Refused(entry, checks)


def checked(check: str, *reasons: Reason, **facts: str) -> Entry:
    told = {"check": check, "result": "fail", "reasons": packed(reasons), **facts}
    return Entry(1.0, Kind.CHECKED, session="session-1", message="message-1", facts=told)


def test_cause_minute_codes_and_what_the_client_showed_of_itself_are_seen() -> None:
    told = seen(
        refused(
            ip="192.0.2.1",
            client="mail.example.org",
            tls="TLSv1.3",
            domain="example.org",
            sender="ada@example.org",
            reply=f"550 5.7.23 SPF: no (refusal {ID})",
        )
    )
    assert told.id == ID
    assert told.cause == "spf-fail"
    assert told.time == 1_000_000_020.0  # the minute, and no second
    assert (told.code, told.enhanced) == (550, "5.7.23")
    assert told.facts == {
        "ip": "192.0.2.1",
        "client": "mail.example.org",
        "tls": "TLSv1.3",
        "domain": "example.org",
    }
    assert told.sender_domain == "example.org"


@pytest.mark.parametrize("reply", ["", "550", "nonsense", "250 2.0.0 ok", "550 9.9.9 x", "٥٥٠ x"])
def test_a_reply_that_cannot_be_read_gives_no_more_than_its_code(reply: str) -> None:
    told = seen(refused(reply=reply))
    assert told.enhanced == ""
    assert told.code in (0, 550)


# Whatever an entry of the journal has (`ulak.journal.entry`), and what may come to be.
# fmt: off
EVERY = (
    "port", "listener", "proxy", "proxy-tls", "front", "account", "mechanism", "denied", "banned",
    "doubt", "sender", "recipient", "size", "recipients", "address", "addresses", "author",
    "user", "reply", "attempt", "due", "last-cause", "unreported", "envid", "priority",
    "quarantine", "signed", "where", "check", "result", "zone", "reason", "why", "reasons",
    "selector", "policy", "unchecked", "scanner", "score", "required", "action", "signature",
    "verb", "to", "type", "place", "problem", "traceback", "count", "host", "hostname", "limit",
    "said", "last", "id", "name", "a-fact-of-tomorrow",
)
# fmt: on


@pytest.mark.parametrize("cause", [*catalog.CATALOG, "a-cause-of-tomorrow", ""])
def test_of_a_refusal_no_fact_is_seen_that_is_not_on_the_list(cause: str) -> None:
    facts: dict[str, Any] = dict.fromkeys(EVERY, SECRET)
    allowed = refusal._OF_SOME.get(cause, ())
    told = seen(refused(cause, **{n.replace("-", "_"): f for n, f in facts.items()}))
    assert set(told.facts) <= set(allowed)
    hidden = {"reply", "account", "recipient", "recipients", "address", "sender", "said", "score"}
    assert hidden.isdisjoint(told.facts)


def test_what_is_on_the_list_is_this() -> None:
    """Whoever adds a fact decides here, too, that a stranger may read it."""
    assert refusal._OF_ALL == ("ip", "client", "tls")
    some = {name for facts in refusal._OF_SOME.values() for name in facts}
    assert some == {
        *("zone", "reason", "minutes", "limit", "line", "length", "offset", "octet", "count"),
        *("hops", "size", "mechanism", "domain", "problem", "checks"),
    }
    with_problem = {cause for cause, facts in refusal._OF_SOME.items() if "problem" in facts}
    assert with_problem == {"dkim-unacceptable", "helo-refused"}
    assert set(refusal._OF_CHECKS) == {"helo", "iprev", "spf", "dkim", "arc", "dmarc"}


@pytest.mark.parametrize("name", ["rspamd", "clamav", "dnsbl", "report", "", "a-check-of-tomorrow"])
def test_content_lists_and_unknown_checks_are_not_seen(name: str) -> None:
    assert seen(refused(checks=(checked(name, because("spf.none", ip="192.0.2.1")),))).looks == ()


@pytest.mark.parametrize("name", sorted(refusal._OF_CHECKS))
def test_of_a_check_no_fact_is_seen_that_is_not_on_the_list(name: str) -> None:
    facts = {n: SECRET for n in EVERY if n not in {"check", "result", "reasons"}}
    (look,) = seen(refused(checks=(checked(name, **facts),))).looks
    assert set(look.facts) <= set(refusal._OF_CHECKS[name])


def test_the_steps_of_a_check_are_seen() -> None:
    steps = (
        because("spf.record", domain="example.org", record="v=spf1 -all"),
        because("spf.fail", ip="192.0.2.1", domain="example.org", term="-all", record="x"),
    )
    looks = seen(refused(checks=(checked("spf", *steps, domain="example.org"),))).looks
    assert looks == (Look("spf", "fail", {"domain": "example.org"}, steps),)


def test_steps_with_a_person_or_words_of_the_message_are_left_out() -> None:
    steps = (
        because("spf.asked-sender", ip="1.2.3.4", domain="a.example", sender=SECRET),
        because("dmarc.from-unreadable", value=SECRET),
        because("dkim.copied", field="Subject", value=SECRET),
        because("dkim.field-rewritten", field="Subject", value=SECRET),
        because("dkim.prefix", prefix=SECRET),
        because("scanner.symbol", symbol=SECRET, score="9", options=""),
        because("dnsbl.resting", zone=SECRET, count="3"),
        Reason("spf.none", {"ip": "192.0.2.1", "a_fact_of_tomorrow": SECRET}),
    )
    (look,) = seen(refused(checks=(checked("spf", *steps),))).looks
    assert look.reasons == ()


def test_that_dns_did_not_answer_is_seen_but_not_which_name_server_of_ours() -> None:
    step = because(
        "dns.failed", name="example.org", kind="TXT", problem="SERVFAIL (10.1.2.3: no answer)"
    )
    (look,) = seen(refused(checks=(checked("spf", step),))).looks
    assert str(look.reasons[0]) == str(
        because("dns.failed", name="example.org", kind="TXT", problem="SERVFAIL")
    )


def test_every_fact_of_the_sentences_was_decided_about() -> None:
    """A new place in a sentence of a check is either put on the list, or here."""
    hidden = {"sender", "prefix", "lines", "way"}
    places = {
        place
        for check in (*refusal._OF_CHECKS, "checks", "dns")
        for sentence in words("en", check).values()
        for place in re.findall(r"\{([a-z_]+)\}", sentence)
    }
    assert places == refusal._OF_REASONS | hidden


@pytest.mark.parametrize("reasons", ["", "no json", "[1]", "{}", '[["spf.none", 3]]'])
def test_reasons_that_cannot_be_read_are_none(reasons: str) -> None:
    check = Entry(1.0, Kind.CHECKED, facts={"check": "spf", "reasons": reasons})
    (look,) = seen(refused(checks=(check,))).looks
    assert look.reasons == ()


def test_checks_of_other_sessions_and_other_messages_are_not_its_own() -> None:
    entry = refused().entry
    mine = checked("spf")
    strange = [
        Entry(1.0, Kind.CHECKED, session="session-2", message="message-1", facts=mine.facts),
        Entry(1.0, Kind.CHECKED, session="session-1", message="message-2", facts=mine.facts),
        Entry(1.0, Kind.ACCEPTED, session="session-1", message="message-1", facts=mine.facts),
    ]
    found = refused_in([*strange, mine, entry, mine], ID)
    assert found == Refused(entry, (mine,))


def test_an_empty_id_finds_nothing() -> None:
    assert refused_in([Entry(1.0, Kind.REFUSED, facts={"refusal": ""})], "") is None
    assert refused_in([Entry(1.0, Kind.REFUSED)], "") is None
