"""A reply that anybody wrote is taken apart into its code, its enhanced code and its words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.replies.parse import ParsedReply, parse


@pytest.mark.parametrize(
    ("text", "code", "enhanced", "words"),
    [
        ("550 5.1.1 User unknown", 550, "5.1.1", "User unknown"),
        ("550", 550, None, ""),
        ("550 ", 550, None, ""),
        ("550-5.1.1 One\r\n550 5.1.1 Two", 550, "5.1.1", "One\nTwo"),
        ("550-5.1.1 One\n550 Two", 550, "5.1.1", "One\nTwo"),
        ("250-First\n250-234 Numbers\n250 Last", 250, None, "First\n234 Numbers\nLast"),
        ("521-5.7.1 One 521 5.7.1 Two", 521, "5.7.1", "One\nTwo"),
        ("SMTP; 550 5.1.1 Gone", 550, "5.1.1", "Gone"),
        ("smtp;550 #5.1.0 Address rejected.", 550, "5.1.0", "Address rejected."),
        ("550: 5.7.1 No", 550, "5.7.1", "No"),
        ("550 5.1.1. No such user", 550, "5.1.1", "No such user"),
        ("host mx.example.net[192.0.2.1] said: 450 4.2.0 Later (in reply to RCPT TO command)", 450,
         "4.2.0", "Later"),
        ("5.1.1 User unknown", None, "5.1.1", "User unknown"),
        ("User unknown", None, None, "User unknown"),
        ("", None, None, ""),
        ("554 10.5.7.1 is not welcome", 554, None, "10.5.7.1 is not welcome"),
        ("554 5.7.1.100 is not welcome", 554, None, "5.7.1.100 is not welcome"),
        ("550-one\n551 two", 550, None, "one\n551 two"),
        ("5500 apples", None, None, "5500 apples"),
        ("٥٥٠ 5.1.1 Arabic digits", None, None, "٥٥٠ 5.1.1 Arabic digits"),
        ("550 5.1.1 first\n550 5.7.1 second", 550, "5.1.1", "first\n5.7.1 second"),
        ("550\u20285.1.1 a line separator is no line end", None, None,
         "550\u20285.1.1 a line separator is no line end"),
    ],
)  # fmt: skip
def test_a_reply_has_its_parts(
    text: str, code: int | None, enhanced: str | None, words: str
) -> None:
    assert parse(text) == ParsedReply(code, enhanced, words)


@given(st.text())
def test_whatever_stands_there_is_taken_apart(text: str) -> None:
    parsed = parse(text)
    assert parsed.code is None or 200 <= parsed.code <= 599
    assert "\r\n" not in parsed.text


def test_a_very_long_reply_is_cut() -> None:
    assert len(parse("550 " + "x" * 1_000_000).text) < 70_000
