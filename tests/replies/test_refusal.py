"""The id behind the words of a refusal: where it stands, how long a line gets, who carries none."""

from __future__ import annotations

import string
from typing import Any

import pytest

from ulak.replies import catalog, classify, refusal
from ulak.replies.catalog import CATALOG, Cause
from ulak.replies.explain import explain
from ulak.replies.refusal import LENGTH, LONGEST_ADDRESS, Marking, carries_id, parted, read_id
from ulak.replies.reply import Reply

ID = "7k3m9q2xw4tz"
HERE = "https://mx.example.org/why/"
PLAIN, LINKED = Marking(lambda: ID), Marking(lambda: ID, HERE)
LONG = Marking(lambda: ID, "https://mx.example.org/" + "w" * (LONGEST_ADDRESS - 24) + "/")
FAIL = catalog.SPF_FAIL.reply(domain="example.org", ip="192.0.2.1")
REFUSALS = [row for row in CATALOG.values() if row.code >= 400]
BOTH = pytest.mark.parametrize("marking", [PLAIN, LINKED, LONG])


def made(row: Cause, fact: str = "x.example", *, utf8: bool = False) -> Reply:
    names = [name for _, name, _, _ in string.Formatter().parse(row.words) if name]
    facts: dict[str, Any] = dict.fromkeys(names, fact)
    return row.reply(utf8=utf8, **facts) if names else row.reply()


def test_the_id_stands_behind_the_words() -> None:
    said = PLAIN.mark(FAIL, ID).to_wire()
    words = b"550 5.7.23 SPF: example.org does not let 192.0.2.1 send its mail"
    assert said == words + b" (refusal 7k3m9q2xw4tz)\r\n"


def test_with_a_page_its_address_stands_in_place_of_the_bare_id() -> None:
    said = LINKED.mark(FAIL, ID).to_wire()
    assert said.endswith(b" send its mail; see https://mx.example.org/why/7k3m9q2xw4tz\r\n")


def test_a_reply_of_several_lines_has_it_on_the_last_with_the_code_on_each() -> None:
    several = catalog.POLICY_REFUSED.listing("one", "two")
    wire = LINKED.mark(several, ID).to_wire()
    assert wire == b"554-5.7.1 one\r\n554 5.7.1 two; see %s%s\r\n" % (HERE.encode(), ID.encode())


def test_a_reply_without_an_enhanced_code_stays_so() -> None:
    assert PLAIN.mark(FAIL.bare(), ID).to_wire().startswith(b"550 SPF: ")


@BOTH
@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: row.name)
@pytest.mark.parametrize("fact", ["x", "a" * 500, "ç" * 500, "漢" * 500, "\r\n250 OK"])
def test_no_line_is_longer_than_512_octets_and_the_mark_is_whole(
    row: Cause, marking: Marking, fact: str
) -> None:
    for utf8 in (False, True):
        wire = marking.mark(made(row, fact, utf8=utf8), ID).to_wire()
        assert len(wire) <= 512
        assert wire.count(b"\r\n") == 1
        text = wire.removesuffix(b"\r\n").decode()  # no character is cut in two
        assert parted(text)[1] == ID
        assert parted(text)[2] == (marking.address + ID if marking.address else "")


@BOTH
@pytest.mark.parametrize("row", [r for r in REFUSALS if "{" in r.words], ids=lambda r: r.name)
def test_where_words_are_shortened_a_fact_is_and_the_cause_is_still_known(
    row: Cause, marking: Marking
) -> None:
    first, *others = (name for _, name, _, _ in string.Formatter().parse(row.words) if name)
    facts: dict[str, Any] = {first: "a" * 500, **dict.fromkeys(others, "x.example")}
    said = marking.mark(row.reply(**facts), ID)
    assert classify.classify(said.code, said.enhanced, said.text).cause == row.name


@BOTH
@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: row.name)
def test_own_replies_are_known_with_an_id_as_without(row: Cause, marking: Marking) -> None:
    bare, said = made(row), marking.mark(made(row), ID)
    with_id = classify.classify(said.code, said.enhanced, said.text)
    without = classify.classify(bare.code, bare.enhanced, bare.text)
    assert with_id.cause == without.cause
    assert {**without.facts, **with_id.facts} == with_id.facts


def test_explaining_gives_the_link_and_the_id() -> None:
    told = explain(str(LINKED.mark(FAIL, ID)))
    assert told.cause == "spf-fail"
    assert told.links[0] == HERE + ID
    assert told.facts["refusal"] == ID
    assert told.facts["ip"] == "192.0.2.1"


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ("smtp; 550-5.7.23 {said}", "spf-fail"),
        ("550 5.7.23 {said}", "spf-fail"),
        (
            (
                "status=bounced (host mx.example.org[192.0.2.2] said: 550 5.7.23 {said}"
                " (in reply to end of DATA command))"
            ),
            "spf-fail",
        ),
        ("SMTP error from remote mail server after end of data: 550 5.7.23 {said}", "spf-fail"),
    ],
)
@pytest.mark.parametrize("marking", [PLAIN, LINKED])
def test_own_replies_are_known_in_what_other_servers_make_of_them(
    given: str, cause: str, marking: Marking
) -> None:
    told = explain(given.format(said=marking.mark(FAIL, ID).text))
    assert (told.cause, told.facts["ip"]) == (cause, "192.0.2.1")
    assert told.facts["refusal"] == ID


def test_marking_leaves_cause_and_facts() -> None:
    said = LINKED.mark(FAIL, ID)
    assert (said.cause, said.facts, said.code) == (FAIL.cause, FAIL.facts, FAIL.code)


# Decided row by row: a new cause has to be put on one of the two sides.
SAYS_ALL = {
    "authentication-cancelled",
    "authentication-line-too-long",
    "authentication-malformed",
    "authentication-unavailable",
    "bad-address",
    "bad-domain",
    "bad-proxy-header",
    "bad-sender-address",
    "bad-sender-domain",
    "bad-sequence",
    "deliver-by-too-soon",
    "expn-refused",
    "hold-too-long",
    "internal-error",
    "line-too-long",
    "needs-smtputf8",
    "no-valid-recipients",
    "not-implemented",
    "not-our-protocol",
    "parameter-bad",
    "parameter-unknown",
    "peer-babbles",
    "peer-lacks-binarymime",
    "peer-lacks-deliverby",
    "peer-lacks-smtputf8",
    "refused-earlier",
    "session-failed",
    "shutting-down",
    "signing-failed",
    "storage-failed",
    "syntax-error",
    "timed-out",
    "tls-unavailable",
    "unknown-command",
    "vrfy-refused",
    "wrong-greeting",
    "xclient-denied",
}


def test_what_says_all_there_is_to_know_carries_none() -> None:
    assert {row.name for row in REFUSALS if not carries_id(made(row))} == SAYS_ALL


def test_nothing_that_accepts_carries_one() -> None:
    accepting = [row for row in CATALOG.values() if row.code < 400]
    assert not any(carries_id(made(row)) for row in accepting)


@pytest.mark.parametrize(
    "typed",
    [
        ID,
        f"  {ID}\n",
        ID.upper(),
        "7K3M-9Q2X-W4TZ",
        f"{HERE}{ID}",
        f"https://mx.example.org/tr/why/{ID}/",
    ],
)
def test_an_id_is_read_as_people_type_it(typed: str) -> None:
    assert read_id(typed) == ID


def test_what_looks_alike_is_meant() -> None:
    assert read_id("OoIiLl000000") == "001111000000"


@pytest.mark.parametrize(
    "typed", ["", "7k3m9q2xw4t", ID + "z", "7k3m9q2xw4tu", "7k3m9q2xw4t%", "٧k3m9q2xw4tz", "ſ" * 12]
)
def test_what_is_no_id_is_none(typed: str) -> None:
    assert read_id(typed) == ""


@pytest.mark.parametrize(
    "line",
    [
        "SPF: no",
        f"no (refusal {ID}) more",
        "no (refusal 7k3m9q2xw4)",
        f"no; see ftp://x/{ID}",
        f"no; see {HERE} {ID}",
        "; see " * 100_000,
    ],
)
def test_what_is_no_mark_stays_with_the_words(line: str) -> None:
    assert parted(line) == (line, "", "")


def test_an_id_has_at_least_fifty_bits() -> None:
    assert len(set(refusal.ALPHABET)) == 32
    assert LENGTH * 5 >= 50
