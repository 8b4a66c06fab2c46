"""A message is found field by field and not changed in an octet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.mail import message
from ulak.mail.encoded import decode
from ulak.mail.message import Field

HEADER = (
    b"Received: from a\r\n\tby b\r\n"
    b"received: from c\r\n"
    b"From: Ada <ada@example.org>\r\n"
    b"Subject: =?utf-8?q?=C3=A7i=C3=A7ek?=\r\n =?UTF-8?B?IGfDvG7DvA==?=\r\n"
    b"Message-ID: <x.1@example.org>\r\n"
    b"Content-Language: TR, en\r\n"
    b"X-Obsolete \t: kept\r\n"
)


def test_header_and_body_are_parted_at_the_empty_line() -> None:
    assert message.split(HEADER + b"\r\nbody\r\n\r\nmore") == (HEADER, b"body\r\n\r\nmore")
    assert message.split(b"\r\nbody") == (b"", b"body")
    assert message.split(b"A: 1\r\n") == (b"A: 1\r\n", b"")
    assert message.split(b"") == (b"", b"")


def test_fields_come_in_order_as_they_are_written() -> None:
    fields = list(message.fields(HEADER))
    assert [f.name for f in fields][:3] == ["Received", "received", "From"]
    assert fields[0] == Field("Received", b" from a\r\n\tby b")
    assert fields[-1] == Field("X-Obsolete", b" kept")


def test_a_first_value_is_unfolded() -> None:
    assert message.first(HEADER, "RECEIVED") == "from a\tby b"
    assert message.first(HEADER, "x-obsolete") == "kept"
    assert message.first(HEADER, "Bcc") == ""
    assert message.values(HEADER, "Received") == [b" from a\r\n\tby b", b" from c"]


def test_hops_are_counted() -> None:
    assert message.hops(HEADER) == 2
    assert message.hops(b"X: 1\r\n Received: folded\r\nReceived-SPF: pass\r\n") == 0


def test_a_person_reads_the_subject_and_a_report_the_language() -> None:
    assert message.subject(HEADER) == "çiçek günü"
    assert message.content_language(HEADER) == "tr"
    assert message.message_id(HEADER) == "<x.1@example.org>"
    assert message.content_language(b"Content-Language: 12\r\n") == ""
    assert message.message_id(b"Message-ID: none <a b> <ok@x> y\r\n") == "<ok@x>"
    assert message.message_id(b"Message-ID: <" + b"x" * 300 + b">\r\n") == ""


NAMES = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=":"), min_size=1
)
WORDS = st.binary(max_size=20).map(lambda octets: octets.replace(b"\r", b"").replace(b"\n", b""))
VALUES = st.lists(WORDS, min_size=1, max_size=4).map(b"\r\n ".join)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8), st.binary())
def test_a_header_that_is_written_is_read_as_the_same(
    pairs: list[tuple[str, bytes]], body: bytes
) -> None:
    header = b"".join(name.encode() + b":" + value + b"\r\n" for name, value in pairs)
    assert message.split(header + b"\r\n" + body) == (header, body)
    assert list(message.fields(header)) == [Field(*pair) for pair in pairs]
    assert b"".join(octets for _, octets in message.raw_fields(header)) == header
    assert message.names(header) == [name.encode() for name, _ in pairs]


@given(st.binary(max_size=400))
def test_no_value_brings_a_line_end_along(header: bytes) -> None:
    for field in message.fields(header):
        assert field.name.isascii()
        text = message.unfold(field.value)
        assert "\r" not in text
        assert "\n" not in text
    decoded = message.subject(b"Subject: " + header)
    assert "\n" not in decoded


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("plain", "plain"),
        ("=?iso-8859-9?Q?=FE=F0?= x", "şğ x"),
        ("=?utf-8?q?a?= =?utf-8?q?b?= c", "ab c"),
        ("=?utf-8*tr?q?a_b?=", "a b"),
        ("=?utf-8?b?w6c?=", "ç"),
        ("=?utf-8?q?=FF?=", "\ufffd"),
        ("=?utf-8?q?a=0D=0AX:=00?=", "a  X: "),
        # Codecs of Python that are no character sets are not for strangers.
        ("=?zip?b?eA==?=", "=?zip?b?eA==?="),
        ("=?punycode?q?abc?=", "=?punycode?q?abc?="),
        ("=?iso-8859-99?q?a?=", "=?iso-8859-99?q?a?="),
        ("=?utf-8?b?a?=", "=?utf-8?b?a?="),
        ("=?utf-8?q?not closed", "=?utf-8?q?not closed"),
    ],
)
def test_encoded_words_are_read_or_left_alone(text: str, read: str) -> None:
    assert decode(text) == read


@given(st.text(max_size=200))
def test_no_text_upsets_the_decoder(text: str) -> None:
    decode(text)
    decode(f"=?utf-8?q?{text}?= =?utf-8?b?{text}?=")
