"""What rspamd answers is read as what it means; what is no answer is told as such."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.checks.scanner import Added, Asked, Finding, Result
from ulak.checks.scanner.rspamd import question, read, refused

ANSWER: dict[str, Any] = {
    "is_skipped": False,
    "score": 7.25,
    "required_score": 15.0,
    "action": "add header",
    "symbols": {
        "R_SMALL": {"name": "R_SMALL", "score": 0.25, "options": ["x"]},
        "R_LARGE": {"name": "R_LARGE", "score": 7.5, "options": ["a\r\nb", "c"]},
        "R_GOOD": {"name": "R_GOOD", "score": -0.5},
    },
    "messages": {},
    "message-id": "1@example.org",
}


def told(**changes: object) -> Finding:
    return read(json.dumps({**ANSWER, **changes}).encode(), scanner="rspamd")


def test_score_limit_action_and_symbols_are_read() -> None:
    finding = told()
    assert finding.result is Result.SUSPECT
    assert (finding.score, finding.required, finding.action) == (7.25, 15.0, "add header")
    assert [symbol.name for symbol in finding.symbols] == ["R_LARGE", "R_GOOD", "R_SMALL"]
    assert finding.symbols[0].options == ("a b", "c")
    assert [str(reason) for reason in finding.reasons] == [
        (
            "rspamd gave the message a score of 7.25; it calls spam what has 15.00. "
            "It recommends: add header."
        ),
        "Its rule R_LARGE matched and counts +7.50 (a b, c).",
        "Its rule R_GOOD matched and counts -0.50.",
        "Its rule R_SMALL matched and counts +0.25 (x).",
    ]


@pytest.mark.parametrize(
    ("action", "result"),
    [
        ("no action", Result.CLEAN),
        ("greylist", Result.GREYLIST),
        ("add header", Result.SUSPECT),
        ("rewrite subject", Result.SUSPECT),
        ("soft reject", Result.LATER),
        ("quarantine", Result.QUARANTINE),
        ("reject", Result.SPAM),
        ("discard", Result.SPAM),
    ],
)
def test_each_action_has_its_result(action: str, result: Result) -> None:
    assert told(action=action).result is result


def test_what_the_sender_is_to_be_told_is_kept_on_one_line() -> None:
    finding = told(action="reject", messages={"smtp_message": "Gtube\r\n250 OK\x1b pattern"})
    assert finding.message == "Gtube 250 OK? pattern"
    assert "Gtube 250 OK? pattern" in str(finding.reasons[1])


@pytest.mark.parametrize(
    "changes",
    [
        {"action": None},
        {"action": 3},
        {"action": ""},
        {"action": "NO ACTION"},
        {"action": "my own action"},
        {"score": None},
        {"score": "7"},
        {"score": True},
        {"score": 1e300},
        {"score": [1]},
        {"required_score": "15"},
    ],
)
def test_an_answer_without_what_it_must_have_is_none(changes: dict[str, object]) -> None:
    finding = told(**changes)
    assert finding.result is Result.FAILED
    assert finding.reasons


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"pong",
        b"<html>",
        b"[]",
        b"null",
        b"7",
        b'"no action"',
        b"{",
        b'{"action": "no action"}',
        b'{"action": "no action", "score": NaN, "required_score": 1}',
        b'{"action": "no action", "score": -Infinity, "required_score": 1}',
        b"[" * 200_000,
        b'{"score": ' + b"9" * 5000 + b"}",
        b"\xff\xfe{",
    ],
)
def test_what_is_no_answer_is_never_taken_for_clean(body: bytes) -> None:
    finding = read(body, scanner="rspamd")
    assert finding.result is Result.FAILED
    assert all(str(reason).isprintable() for reason in finding.reasons)


def test_where_nothing_is_ever_spam_there_is_no_limit() -> None:
    assert told(required_score=None).required == 0.0
    body = b'{"score": 1, "required_score": NaN, "action": "no action"}'
    assert read(body, scanner="rspamd").required == 0.0


def test_symbols_of_another_form_are_passed_over() -> None:
    symbols = {"A": 1, "B": {"score": "x"}, "C": {"score": 1, "options": [1, "o"]}, "D": None}
    finding = told(symbols=symbols)
    assert [(s.name, s.options) for s in finding.symbols] == [("C", ("o",))]
    assert told(symbols=["A"]).symbols == ()


def test_many_symbols_are_bounded_and_counted() -> None:
    finding = told(symbols={f"S{i:04}": {"score": i} for i in range(5000)})
    assert len(finding.symbols) == 100
    assert finding.symbols[0].name == "S4999"
    assert str(finding.reasons[-1]) == "So did 85 more rules, which count less."


def test_only_fields_of_ones_own_making_are_added_and_removed() -> None:
    milter = {
        "add_headers": {
            "X-Spamd-Bar": {"value": "++\r\nBcc: all@example.org", "order": 0},
            "X-Twice": ["one", {"value": "two"}],
            "Subject": "other",
            "X-Bad\r\nTo": "x",
            "X-None": None,
        },
        "remove_headers": {"X-Old": 0, "Received": 1, "DKIM-Signature": 0},
    }
    finding = told(milter=milter)
    assert finding.add == (
        Added("X-Spamd-Bar", "++ Bcc: all@example.org"),
        Added("X-Twice", "one"),
        Added("X-Twice", "two"),
    )
    assert finding.remove == ("x-old",)


def test_fields_to_add_are_bounded() -> None:
    many = {f"X-{i}": ["v" * 5000] * 50 for i in range(50)}
    finding = told(milter={"add_headers": many, "remove_headers": dict.fromkeys(many, 0)})
    assert len(finding.add) == 20
    assert max(len(each.value) for each in finding.add) == 900
    assert len(finding.remove) == 20


def test_another_status_is_told_with_what_was_said() -> None:
    finding = refused(403, b'{"error":"wrong password"}', scanner="rspamd")
    assert finding.result is Result.FAILED
    assert "403" in str(finding.reasons[0])
    assert "wrong password" in str(finding.reasons[0])


def test_the_question_tells_of_the_envelope() -> None:
    asked = Asked(
        "id1",
        10,
        "a@example.org",
        ("b@example.com", "c@example.com"),
        ip="192.0.2.1",
        helo="mx",
        hostname="mx.example.org",
        user="ada",
    )
    assert question(asked, "secret") == [
        ("From", "a@example.org"),
        ("Queue-Id", "id1"),
        ("Rcpt", "b@example.com"),
        ("Rcpt", "c@example.com"),
        ("IP", "192.0.2.1"),
        ("Helo", "mx"),
        ("Hostname", "mx.example.org"),
        ("User", "ada"),
        ("Password", "secret"),
    ]


def test_what_is_not_known_is_not_told_and_nothing_can_begin_a_line() -> None:
    asked = Asked("id1", 10, "", ('"a\r\nUser: root\r\n"@example.com',), helo="x\x00y")
    assert question(asked) == [
        ("From", "<>"),
        ("Queue-Id", "id1"),
        ("Rcpt", '"a User: root "@example.com'),
        ("Helo", "x?y"),
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)
parts = st.fixed_dictionaries(
    {},
    optional={
        "score": json_values,
        "required_score": json_values,
        "action": st.sampled_from(["no action", "reject", "greylist"]) | json_values,
        "symbols": st.dictionaries(st.text(), st.fixed_dictionaries({"score": json_values})),
        "messages": st.fixed_dictionaries({"smtp_message": json_values}) | json_values,
        "milter": st.fixed_dictionaries(
            {
                "add_headers": st.dictionaries(st.sampled_from(["X-A", "To", "x\n"]), json_values),
                "remove_headers": json_values,
            }
        ),
    },
)


@given(parts)
def test_whatever_the_json_there_is_a_finding_fit_to_be_written(answer: dict[str, object]) -> None:
    finding = read(json.dumps(answer).encode(), scanner="rspamd")
    if finding.result is not Result.FAILED:
        assert answer["action"] in ("no action", "reject", "greylist") or finding.action
    for reason in finding.reasons:
        assert str(reason).isprintable()
        assert reason.text("tr").isprintable()
    for each in finding.add:
        assert each.name.isascii()
        assert each.value.isprintable()


@given(st.binary(max_size=300))
def test_whatever_the_octets_there_is_a_finding(body: bytes) -> None:
    assert read(body, scanner="rspamd").reasons
