"""What is written in the one field is told by its form, and nothing else becomes a target."""

from __future__ import annotations

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.web.tools.target import Target, domain_of, ip_of, target_of


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("192.0.2.1", Target("ip", "192.0.2.1")),
        ("192.0.2.1:25", Target("ip", "192.0.2.1")),
        ("[IPv6:2001:DB8::1]", Target("ip", "2001:db8::1")),
        ("::FFFF:192.0.2.1", Target("ip", "192.0.2.1")),
        ("ada@[192.0.2.1]", Target("ip", "192.0.2.1")),
        ("http://[2001:db8::1]/", Target("ip", "2001:db8::1")),
        ("mailto:ada@example.org", Target("domain", "example.org")),
        ("Ada <ada@EXAMPLE.org>", Target("domain", "example.org")),
        ("example.org.", Target("domain", "example.org")),
        ("_dmarc.example.org", Target("domain", "_dmarc.example.org")),
        ("türkçe.example", Target("domain", "xn--trke-2oa7j.example")),
        ("From: a@b.c\nTo: d@e.f\n\nx", Target("message", "From: a@b.c\nTo: d@e.f\n\nx")),
    ],
)
def test_what_is_written_is_known_by_its_form(text: str, target: Target) -> None:
    assert target_of(text) == target


@pytest.mark.parametrize(
    "text",
    ["", " ", "localhost", "1.2.3", "127.1", "0x7f.0.0.1", "0177.0.0.1", "2130706433", "fe80::1%lo",
     "example.org:99999999", "-", "..", "a..b", "hello there", "line\nline", "x." * 200, "a.1"],
)  # fmt: skip
def test_what_is_none_of_these_is_nothing(text: str) -> None:
    assert target_of(text) == Target()


@given(st.text(max_size=300))
def test_a_target_has_always_its_form(text: str) -> None:
    found = target_of(text)
    match found.kind:
        case "ip":
            assert str(ipaddress.ip_address(found.value)) == found.value
            assert ip_of(found.value) == found.value
        case "domain":
            assert re.fullmatch(r"[a-z0-9_.-]{3,253}", found.value)
            assert domain_of(found.value) == found.value
        case "message":
            assert found.value == text.strip()
        case _:
            assert found == Target()
