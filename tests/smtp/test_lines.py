"""Command lines out of octets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.smtp.lines import Fault, LineReader

LIMIT = 10
OCTETS = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"NOOP", b"x", b"\0"])).map(b"".join)


def lines(*pieces: bytes, limit: int = LIMIT) -> list[bytes | Fault]:
    """Feed pieces and give what comes of them; after a bare line end nothing more does."""
    reader = LineReader(limit)
    got: list[bytes | Fault] = []
    for piece in pieces:
        reader.feed(piece)
        while (line := reader.next()) is not None:
            got.append(line)
            if line in (Fault.BARE_CR, Fault.BARE_LF, Fault.ENDLESS):
                return got
    return got


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        (b"NOOP\r\nQUIT\r\n", [b"NOOP", b"QUIT"]),
        (b"\r\n", [b""]),
        (b"12345678\r\n", [b"12345678"]),
        (b"123456789\r\nNOOP\r\n", [Fault.TOO_LONG, b"NOOP"]),
        (b"123456789\rx\nabc\r\nNOOP\r\n", [Fault.TOO_LONG, b"NOOP"]),
        (b"NOOP\nQUIT\r\n", [Fault.BARE_LF]),
        (b"NOOP\n", [Fault.BARE_LF]),
        (b"NOOP\rQUIT\r\n", [Fault.BARE_CR]),
        (b"NOOP\r\r\n", [Fault.BARE_CR]),
        (b"NOOP\r", []),
        (b"NOOP", []),
    ],
)
def test_only_crlf_ends_a_line(sent: bytes, wanted: list[bytes | Fault]) -> None:
    assert lines(sent) == wanted


def test_a_line_without_end_is_not_waited_for() -> None:
    assert lines(b"x" * 65_535) == [Fault.ENDLESS]
    assert lines(b"x" * 65_534) == []
    assert lines(b"x" * 65_534, b"\r\n", b"NOOP\r\n") == [Fault.TOO_LONG, b"NOOP"]
    assert lines(*[b"x" * 1000] * 70) == [Fault.ENDLESS]


def test_a_line_too_long_takes_no_room() -> None:
    reader = LineReader(LIMIT)
    for _ in range(60):
        reader.feed(b"x" * 1000)
        assert reader.next() is None
        assert len(reader) == 0


def test_what_is_behind_a_line_can_be_taken_for_a_message() -> None:
    reader = LineReader(LIMIT)
    reader.feed(b"DATA\r\nFrom: a\r\n")
    assert reader.next() == b"DATA"
    assert reader.take() == b"From: a\r\n"
    assert len(reader) == 0


@given(OCTETS, st.lists(st.integers(0, 60), max_size=6))
def test_the_pieces_do_not_matter(data: bytes, at: list[int]) -> None:
    places = sorted({min(place, len(data)) for place in at})
    pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    whole = lines(data)
    assert lines(*pieces) == whole
    assert lines(*[data[i : i + 1] for i in range(len(data))]) == whole
