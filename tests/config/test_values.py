"""Sizes, durations and addresses are read as people write them, and in no other way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.config.values import (
    NextHop,
    SocketAddress,
    parse_duration,
    parse_port,
    parse_size,
    split_port,
    write_duration,
    write_size,
)


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("50MB", 50_000_000),
        ("1GiB", 2**30),
        ("1.5 kb", 1500),
        ("0", 0),
        ("12B", 12),
        ("", None),
        ("MB", None),
        ("-1MB", None),
        ("1_000", None),
        ("+5KB", None),
        ("٣MB", None),
        ("1.MB", None),
        ("1.2.3MB", None),
        ("5 parsecs", None),
        ("1e3", None),
        ("9" * 16, None),
    ],
)
def test_a_size_is_digits_and_a_unit(text: str, octets: int | None) -> None:
    assert parse_size(text) == octets


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("4h", 14_400),
        ("5d", 432_000),
        ("1h30m", 5400),
        ("1.5m", 90),
        ("0s", 0),
        ("2w", 1_209_600),
        ("", None),
        ("5", None),
        ("30m1h", None),
        ("h", None),
        ("1h1h", None),
        ("-5d", None),
        ("5 days", None),
        ("٥d", None),
    ],
)
def test_a_duration_is_numbers_with_units_the_greater_first(
    text: str, seconds: float | None
) -> None:
    assert parse_duration(text) == seconds


@given(st.integers(0, 2**40))
def test_a_size_written_is_read_again(octets: int) -> None:
    assert parse_size(str(write_size(octets))) == octets


@given(st.integers(0, 10**8))
def test_a_duration_written_is_read_again(seconds: int) -> None:
    assert parse_duration(write_duration(float(seconds))) == seconds


def test_short_durations_are_written_too() -> None:
    assert parse_duration(write_duration(0.25)) == 0.25


@pytest.mark.parametrize("text", ["", "65536", "-1", "+25", "2_5", "٢٥", "25 ", "000025"])
def test_a_port_is_ascii_digits(text: str) -> None:
    assert parse_port(text) is None


def test_a_host_parts_from_its_port_and_ipv6_needs_brackets() -> None:
    assert split_port("127.0.0.1:25") == ("127.0.0.1", "25")
    assert split_port("[::1]:25") == ("::1", "25")
    for text in ("::1:25", "[::1]25", "[::1", "[1.2.3.4]:25", ":25", "25", "a:b:c"):
        assert split_port(text) is None, text


def test_addresses_and_hops_are_written_as_the_file_has_them() -> None:
    assert str(SocketAddress("::1", 25)) == "[::1]:25"
    assert str(NextHop("smtp", "mx.example.org", 25)) == "smtp:mx.example.org:25"
    assert str(NextHop("lmtp", path="/run/lmtp")) == "lmtp:unix:/run/lmtp"
    assert str(NextHop("maildir")) == "maildir"
