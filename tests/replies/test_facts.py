"""What a reply tells besides its cause: addresses, names, limits, times, links."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.replies import facts

REPLIES = [
    ("", {}),
    ("User unknown", {}),
    (
        "Client host [192.0.2.22] blocked using bl.example.net; https://bl.example.net/192.0.2.22",
        {
            "ip": "192.0.2.22",
            "zone": "bl.example.net",
            "link": "https://bl.example.net/192.0.2.22",
        },
    ),
    ("Mail from 192.0.2.22 rejected", {"ip": "192.0.2.22"}),
    ("Your IP: 2001:db8::22 is banned", {"ip": "2001:db8::22"}),
    ("127.0.0.2 from 198.51.100.7", {"ip": "198.51.100.7"}),
    ("listed (127.255.255.254)", {}),
    ("version 1.2.3.4.5", {}),
    ("999.0.2.1", {}),
    ("connect to mx.example.org[192.0.2.1]:25: Connection refused", {"host": "mx.example.org"}),
    ("in a black list at bl.example.org", {"zone": "bl.example.org"}),
    ("192.0.2.22 listed at bl.example.org", {"ip": "192.0.2.22", "zone": "bl.example.org"}),
    ("Email rejected per DMARC policy for example.com", {"domain": "example.com"}),
    ("Domain example.com has exceeded the max emails", {"domain": "example.com"}),
    ("<ada@example.org>: Recipient address rejected", {"address": "ada@example.org"}),
    ("<ada@example.org> <grace@example.org>", {"address": "ada@example.org"}),
    ("Message size exceeds fixed maximum message size (10485760)", {"limit": "10485760"}),
    ("message exceeds the limit of 25 MB", {"limit": "25 MB"}),
    ("at most 100 recipients", {"limit": "100 recipients"}),
    ("Greylisted, try again in 5 minutes", {"retry_after": "300"}),
    ("greylisted for 60 seconds", {"retry_after": "60"}),
    ("please retry after 2 hours", {"retry_after": "7200"}),
    ("please come back in 00:04:59", {"retry_after": "299"}),
    ("wait 90s", {"retry_after": "90"}),
    ("the message is 5 minutes old", {}),
    ("at 10:20:30 something happened", {}),
    ("see <https://example.org/help>.", {"link": "https://example.org/help"}),
    ("see HTTP://example.org/a?b=c&d", {"link": "HTTP://example.org/a?b=c&d"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), REPLIES)
def test_facts(text: str, told: dict[str, str]) -> None:
    assert facts.read(text) == told


@given(st.text(max_size=400))
def test_no_text_is_too_strange(text: str) -> None:
    assert all(value for value in facts.read(text).values())


@given(
    st.lists(
        st.sampled_from(
            ["blocked using ", "[192.0.2.1]", "a.", ":", "::", "1:2", "<", "@", "size ", "99 ",
             "00:", "http://", "from ", "domain ", "limit", "for 5 s", "connect to ", "İ",
             "listed in "]
        ),
        max_size=60,
    ).map("".join)
)  # fmt: skip
def test_no_row_of_what_facts_begin_with_is_too_strange(text: str) -> None:
    told = facts.read(text)
    assert told.keys() <= {
        "ip", "zone", "domain", "host", "address", "limit", "retry_after", "link"
    }  # fmt: skip
