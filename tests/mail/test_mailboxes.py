"""The addresses in a From field are found as RFC 5322 §3.4 writes them, and nothing else is."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ulak.mail.address import Address
from ulak.mail.mailboxes import mailboxes

ADA, GRACE = Address("ada", "example.org"), Address("grace", "example.net")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("ada@example.org", (ADA,)),
        (" Ada Lovelace <ada@example.org> ", (ADA,)),
        ("<ada@example.org>", (ADA,)),
        ('"Lovelace, Ada" <ada@example.org>', (ADA,)),
        ('"grace@example.net" <ada@example.org>', (ADA,)),
        ('"\\"<grace@example.net>\\"" <ada@example.org>', (ADA,)),
        ("ada@example.org (grace@example.net)", (ADA,)),
        ("(a (nested \\) comment)) Ada (x) < (y) ada@example.org (z) >", (ADA,)),
        ("Ada\r\n Lovelace\r\n\t<ada@example.org>", (ADA,)),
        ("Dr. A. Lovelace <ada@example.org>", (ADA,)),
        ("ada@example.org, Grace <grace@example.net>", (ADA, GRACE)),
        (",ada@example.org,, grace@example.net,", (ADA, GRACE)),
        ("Authors: ada@example.org, grace@example.net;", (ADA, GRACE)),
        ("One: ada@example.org;, grace@example.net", (ADA, GRACE)),
        ("Nobody:;", ()),
        ("", ()),
        ('"ada lovelace"@example.org', (Address("ada lovelace", "example.org"),)),
        ('"a\\"b"@example.org', (Address('a"b', "example.org"),)),
        ("ada@[192.0.2.1]", (Address("ada", "[192.0.2.1]"),)),
        ("Işıl <ışıl@örnek.example>", (Address("ışıl", "örnek.example"),)),
        ("=?utf-8?q?I=C5=9F=C4=B1l?= <ada@example.org>", (ADA,)),
    ],
)
def test_addresses_are_found(value: str, found: tuple[Address, ...]) -> None:
    assert mailboxes(value.encode()) == found


@pytest.mark.parametrize(
    "value",
    [
        "ada",
        "ada lovelace",
        "Ada <ada>",
        "Ada <>",
        "ada@",
        "@example.org",
        "ada@example.org grace@example.net",
        "Ada Lovelace ada@example.org",
        "<ada@example.org> <grace@example.net>",
        "<ada@example.org> Ada",
        "ada@example.org@example.net",
        "Ada <ada@example.org",
        "Ada ada@example.org>",
        '"Ada <ada@example.org>',
        "(Ada ada@example.org",
        "Ada) <ada@example.org>",
        "Authors: ada@example.org",
        "One: Two: ada@example.org;",
        "ada@example.org;",
        ": ada@example.org;",
        "ada..b@example.org",
        ".ada@example.org",
        "ada@example..org",
        "ada@.example.org",
        '""@example.org',
        "<@relay.example ada@example.org>",
        "Ada <@",
        "<@relay.example,@",
        "<@relay.example:ada@example.org>",
        "<@grace@example.net:ada@example.org>",
        "grace@example.net <ada@example.org>",
        "grace@example.net: ada@example.org;",
        "ada@example.org\x00",
        "ada@exa\rmple.org",
        "ada@[192.0.2.1\r\n\r\n ]",
        '"a\r\n\r\n b"@example.org',
        "ada@[192.0.2.1",
    ],
)
def test_what_is_no_list_is_none(value: str) -> None:
    assert mailboxes(value.encode()) is None


def test_what_is_not_utf8_is_no_list() -> None:
    assert mailboxes(b"\xff <ada@example.org>") is None


_atoms = st.text(string.ascii_letters + string.digits + "!#$%&'*+-/=?^_`{|}~ığş", min_size=1)
_domains = st.lists(_atoms, min_size=1, max_size=3).map(".".join)
_addresses = st.builds(
    Address, st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1), _domains
)
_names = st.text(st.characters(min_codepoint=32, max_codepoint=0x17F, exclude_characters="\x7f"))


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.lists(st.tuples(_names, _addresses), max_size=4))
def test_what_is_written_is_read(written: list[tuple[str, Address]]) -> None:
    names = [name for name, _ in written if not any("\x7f" <= c < "\xa0" for c in name)]
    listed = [
        f"{_quoted(name)} <{address}>" if name in names else str(address)
        for name, address in written
    ]
    assert mailboxes(", ".join(listed).encode()) == tuple(address for _, address in written)


@given(st.binary())
def test_whatever_comes_is_a_list_or_none(value: bytes) -> None:
    found = mailboxes(value)
    assert found is None or all(address.local and address.domain for address in found)


@example("<@")
@example("<@,")
@given(st.text('<>@,:;()[]"\\ .a\r\n\t'))
def test_whatever_is_nearly_a_list_is_one_or_none(text: str) -> None:
    found = mailboxes(text.encode())
    assert found is None or text.count("@") >= len(found)


@pytest.mark.parametrize("piece", ["(", "\\(", '"', "<", "a ", "a@b,", "@,", "a:", "[", ".", "(\\"])
def test_a_long_field_is_read_once(piece: str) -> None:
    """Done in a moment, or this test takes till its timeout."""
    mailboxes((piece * 50_000).encode())
