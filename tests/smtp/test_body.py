"""The message between 354 and CRLF.CRLF, in pieces of every kind."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.smtp.body import BodyReader

# What a message is made of here: mostly what the reader looks for.
OCTETS = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"\r\n.\r\n", b"x", b"\0", b"\xff", b" "]
    )
).map(b"".join)


def read(*pieces: bytes) -> tuple[BodyReader, bytes, bytes]:
    """Feed pieces; give the reader, the message, and what followed its end."""
    reader = BodyReader()
    message, rest = b"", b""
    for piece in pieces:
        if reader.done:
            rest += piece
            continue
        got, rest = reader.feed(piece)
        message += got
    return reader, message, rest


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = sorted({min(place, len(data)) for place in at})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"...\r\n.\r\n", b"..\r\n"),
        (b".a\r\n..b\r\n. \r\n.\r\n", b"a\r\n.b\r\n \r\n"),
        (b"a.\r\n .\r\n.\r\n", b"a.\r\n .\r\n"),
    ],
)
def test_a_message_loses_the_dots_that_were_put_before_its_lines(
    sent: bytes, message: bytes
) -> None:
    reader, got, rest = read(sent + b"NOOP\r\n")
    assert (got, rest) == (message, b"NOOP\r\n")
    assert reader.done
    assert reader.size == len(message)
    assert not reader.bare
    assert reader.nul == -1


@pytest.mark.parametrize(
    ("sent", "bare"),
    [
        (b"a\nb\r\n.\r\n", "LF"),
        (b"\na\r\n.\r\n", "LF"),
        (b"a\rb\r\n.\r\n", "CR"),
        (b"a\r\r\n.\r\n", "CR"),
        (b"a\r\n\nb\r\n.\r\n", "LF"),
        (b"a\nb\rc\r\n.\r\n", "LF"),
        (b"a\rb\nc\r\n.\r\n", "CR"),
        (b"..\r\nx\ny\r\n.\r\n", "LF"),
    ],
)
def test_a_bare_line_end_is_named_and_ends_nothing(sent: bytes, bare: str) -> None:
    reader, _, rest = read(sent)
    assert reader.bare == bare
    assert reader.done
    assert rest == b""


def test_the_first_nul_is_found_where_it_is() -> None:
    reader, message, _ = read(b"..ab", b"c\r\n..\0x\r", b"\n\0\r\n.\r\n")
    assert message[reader.nul] == 0
    assert message.index(0) == reader.nul


@given(OCTETS, st.lists(st.integers(0, 60), max_size=6))
def test_the_pieces_do_not_matter(data: bytes, at: list[int]) -> None:
    whole, pieces, octets = read(data), read(*cut(data, at)), read(*cut(data, list(range(200))))
    for reader, message, rest in (pieces, octets):
        assert reader.done == whole[0].done
        assert reader.bare == whole[0].bare
        assert reader.nul == whole[0].nul
        assert reader.size == len(message)
        assert (message, rest) == whole[1:]


@given(OCTETS)
def test_a_message_ends_at_the_first_crlf_dot_crlf_and_nowhere_else(data: bytes) -> None:
    reader, message, rest = read(data)
    end = (b"\r\n" + data).find(b"\r\n.\r\n")
    assert reader.done == (end >= 0)
    if end >= 0:
        assert rest == data[end + 3 :]
        lines = re.split(rb"(?<=\r\n)", data[:end])
        assert message == b"".join(line[line.startswith(b".") :] for line in lines)


@given(st.lists(st.sampled_from([b".", b"..", b"a", b".a", b"", b"\xff\0"])))
def test_what_is_stuffed_comes_back(lines: list[bytes]) -> None:
    message = b"".join(line + b"\r\n" for line in lines)
    stuffed = b"".join(b"." * line.startswith(b".") + line + b"\r\n" for line in lines)
    assert read(stuffed + b".\r\n")[1] == message
