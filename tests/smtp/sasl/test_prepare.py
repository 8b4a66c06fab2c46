"""Names and passwords are prepared as SASLprep prescribes (RFC 4013)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.smtp.sasl import prepare


@pytest.mark.parametrize(
    ("given_text", "wanted"),
    [
        ("I\u00adX", "IX"),  # RFC 4013 §3: a soft hyphen is mapped to nothing
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),  # a space of another kind
        ("pass word", "pass word"),
        ("e\u0301", "é"),
        ("\u00bd", "1\u20442"),  # RFC 5802 §3: a half
        ("şifre", "şifre"),
        ("\u0627\u0628", "\u0627\u0628"),
        ("\U0001f511 key", "\U0001f511 key"),  # later than Unicode 3.2
    ],
)
def test_what_is_meant_is_what_is_compared(given_text: str, wanted: str) -> None:
    assert prepare.name(given_text) == wanted
    assert prepare.password(given_text.encode()) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\u00ad",  # nothing is left
        "a\0b",
        "a\tb",
        "\x07",  # RFC 4013 §3
        "a\x7f",
        "\u0085",
        "\u0627\u0031",  # RFC 4013 §3: goes both ways
        "\u0627a\u0628",
        "\ue000",  # private use
        "\ufffd",
        "\u200e",
        "\U000e0001",
        "\ufdd0",
        "\u2ff0",
    ],
)
def test_what_cannot_be_told_apart_or_seen_is_refused(text: str) -> None:
    with pytest.raises(prepare.PreparationError):
        prepare.name(text)
    with pytest.raises(prepare.PreparationError):
        prepare.password(text)


@pytest.mark.parametrize("octets", [b"\xff\xfe", b"caf\xe9", b"\xc0\x80", b"\xed\xa0\x80", b"\x80"])
def test_what_is_no_utf8_is_refused(octets: bytes) -> None:
    with pytest.raises(prepare.PreparationError, match="not UTF-8"):
        prepare.name(octets)


def test_a_surrogate_is_refused_and_not_shown() -> None:
    with pytest.raises(prepare.PreparationError) as caught:
        prepare.password("secret\ud800")
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_lengths_are_in_octets() -> None:
    assert prepare.name("a" * 255)
    assert prepare.password("a" * 1024)
    for text in ("a" * 256, "ş" * 128):
        with pytest.raises(prepare.PreparationError, match="255 octets"):
            prepare.name(text)
    with pytest.raises(prepare.PreparationError, match="1024 octets"):
        prepare.password("a" * 1025)


@given(st.text(max_size=80))
def test_what_is_prepared_stays_as_it_is(text: str) -> None:
    try:
        once = prepare.password(text)
    except prepare.PreparationError:
        return
    assert prepare.password(once) == once
    assert unicodedata.ucd_3_2_0.is_normalized("NFKC", once)


@pytest.mark.parametrize("text", ["pa ss", "½", "\u0627\u0031", "I\u00adX", "\u200e", "x" * 1024])
def test_a_secret_stays_as_it_came(text: str) -> None:
    assert prepare.secret(text.encode()) == text


@pytest.mark.parametrize(
    "octets", [b"", b"a\0", b"a\n", b"\x7f", b"\xff", b"x" * 1025, b"\xc2\x85"]
)
def test_a_secret_that_is_no_text_is_refused(octets: bytes) -> None:
    with pytest.raises(prepare.PreparationError):
        prepare.secret(octets)
