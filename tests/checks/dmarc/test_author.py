"""The authors of a message are the domains of its From field (RFC 9989 §5.3.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.checks.dmarc import authors
from ulak.checks.dmarc.author import MOST, read


@pytest.mark.parametrize(
    ("value", "domains"),
    [
        ("a@example.org", ("example.org",)),
        ("Ada <a@Example.ORG>", ("example.org",)),
        ('"b@bank.example" <a@example.org>', ("example.org",)),
        ("b@bank.example (not) <a@example.org>", ("bank.example", "example.org")),
        ("(b@bank.example) a@example.org", ("example.org",)),
        ("a@(x)example.org", ("example.org",)),
        ('"@bank.example"@example.org', ("example.org",)),
        ("Staff: a@example.org, Grace <b@example.net>;", ("example.org", "example.net")),
        ("a@example.org, b@EXAMPLE.org", ("example.org",)),
        ("=?UTF-8?B?QmVkIEJhdGggJiBCZXlvbmQ=?=<BdBth&Byond@example.com>", ("example.com",)),
        ("=?utf-8?q?b=40bank.example?= <a@example.org>", ("example.org",)),
        ("Ada\r\n <a@\r\n example.org>", ("example.org",)),
        ("a@örnek.example", ("xn--rnek-4qa.example",)),
        ("a@bücher.example", ("xn--bcher-kva.example",)),
        ("a@example.org.", ("example.org",)),
        (",a@example.org,,", ("example.org",)),
        # What cannot be read: every domain that could be shown.
        ("<a@example.org> <b@bank.example>", ("example.org", "bank.example")),
        ('"a@bank.example <b@example.org>', ("bank.example", "example.org")),
        ("a@bank.example\0@example.org", ("bank.example", "example.org")),
        ("<@route.example:a@example.org>", ("route.example", "example.org")),
        ("undisclosed-recipients:;", ()),
        ("", ()),
        ("Ada", ()),
        ("a@[192.0.2.1]", ()),
        ("a@ex*mple.org", ("ex*mple.org",)),
        ("a@-\u200b.example", ()),
    ],
)
def test_the_domains_of_a_from_field(value: str, domains: tuple[str, ...]) -> None:
    header = b"Subject: x\r\nFrom: " + value.encode() + b"\r\nTo: c@other.example\r\n"
    assert authors(header) == domains


def test_a_name_in_an_unsaid_character_set_takes_nothing_from_the_address() -> None:
    found = read("From: Jörg <a@example.org>\r\n".encode("latin-1"))
    assert found.domains == ("example.org",)
    assert found.whole


@pytest.mark.parametrize(
    ("header", "whole", "said"),
    [
        (b"From: a@example.org\r\n", True, []),
        (b"from : a@example.org\r\n", True, []),
        (b"From: a@example.org, b@example.net\r\n", True, ["several-authors"]),
        (b"", False, ["no-from"]),
        (b"From: x:;\r\n", False, ["nobody"]),
        (b"From: a@example.org\r\nFROM: a@example.org\r\n", False, ["several-from"]),
        (b"From: a@[::1]\r\n", False, ["not-a-domain"]),
        (b"From: <a@example.org\r\n", False, ["from-unreadable"]),
    ],
)
def test_what_is_wrong_is_said(header: bytes, whole: bool, said: list[str]) -> None:  # noqa: FBT001 -- a table's column
    found = read(header)
    assert found.whole is whole
    assert [reason.key for reason in found.reasons] == [f"dmarc.{key}" for key in said]


@pytest.mark.parametrize(
    "header",
    [
        b"From: x\r\n" * 100,
        b"From: a@b.example\r\n" * 100,
        b"".join(b"From: a@b%d.example\r\n" % i for i in range(100)),
        b"From: " + b"a@b.example," * 8_000,
        b"From: " + b",".join(b"a@b%d.example" % i for i in range(7_000)),
        b"From: " + b"(" * 100_000,
        b"From: " + b"@" * 100_000,
        b"From: " + "@ö.".encode() * 30_000,
        b"From: " + b"a" * 100_000 + b"@b.example",
    ],
)
def test_hostile_fields_are_read_in_part_and_never_called_whole(header: bytes) -> None:
    found = read(header + b"\r\n")
    assert not found.whole
    assert len(found.domains) <= MOST
    assert 0 < len(found.reasons) <= 20


@given(st.binary(max_size=120))
def test_any_field_is_read(value: bytes) -> None:
    found = read(b"From: " + value + b"\r\n")
    assert found.domains or not found.whole
    assert found.whole or found.reasons
    for domain in found.domains:
        assert domain.isascii()
        assert domain == domain.lower()
