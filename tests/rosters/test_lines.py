"""The lines of a roster that is a file."""

from __future__ import annotations

import pytest

from ulak.rosters.lines import Line, LineError, read


@pytest.mark.parametrize(
    ("octets", "line"),
    [
        (b"ada", Line("ada")),
        (b"  Ada@Example.ORG \r", Line("ada@example.org")),
        (b'"a b"@example.org', Line('"a b"@example.org')),
        (b'"a:b"', Line('"a:b"')),
        ("çağrı".encode(), Line("çağri")),
        (b"info: Ada, grace@Example.net", Line("info", ("Ada", "grace@Example.net"))),
        (b'info@example.org:"a,b"@x.example,', Line("info@example.org", ('"a,b"@x.example',))),
        (b"x@[IPv6:2001:db8::1]: ada", Line("x@[ipv6:2001:db8::1]", ("ada",))),
        (b"", None),
        (b" \t", None),
        (b"# ada", None),
    ],
)
def test_a_line_is_an_address_or_an_alias_or_nothing(octets: bytes, line: Line | None) -> None:
    assert read(octets) == line


@pytest.mark.parametrize(
    "octets",
    [
        *(b"\xff", b"@", b"@example.org", b"ada@", b"ada@@example.org", b"a b", b"ada:", b": ada"),
        *(b"ada: ,", b"ada: b c", b"x" * 65_537, b"ada\x00", b'"ada', b"-\x7f"),
    ],
)
def test_what_is_no_line_says_why(octets: bytes) -> None:
    with pytest.raises(LineError, match=r"[a-z]"):
        read(octets)
