"""The Received fields of a message are read as far as anybody can read them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ulak.mail.received import MOST, Hop, hop, hops, time_in

POSTFIX = (
    b"from mx.example.org (mx.example.org [192.0.2.1])\r\n"
    b"\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\r\n"
    b"\tby in.example.net (Postfix) with ESMTPS id 4ABC\r\n"
    b"\tfor <ada@example.net>; Mon, 16 Nov 2026 12:00:01 +0100 (CET)"
)


def test_a_field_tells_who_gave_what_to_whom_and_when() -> None:
    assert hop(POSTFIX) == Hop(
        "mx.example.org", "192.0.2.1", "in.example.net", "ESMTPS", 1_794_826_801.0
    )


def test_what_stands_in_comments_is_not_taken_for_the_rest() -> None:
    found = hop(b"from a (from b by c with d) by e (with f) with g; x")
    assert (found.sender, found.receiver, found.protocol) == ("a", "e", "g")


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("Thu, 01 Jan 1970 00:00:10 +0000", 10.0),
        ("1 Jan 70 00:00 GMT", 0.0),
        ("1 Jan 1970 02:00:00 +0200 (EET)", 0.0),
        ("31 Dec 1969 19:00:00 EST", 0.0),
        ("31 Dec 1969 17:00:00 -0700", 0.0),
        ("1 Jan 1970 00:00:60 XYZ", 59.0),
        ("31 Feb 2026 00:00:00 +0000", None),
        ("1 Foo 2026 00:00:00 +0000", None),
        ("١ Jan 2026 00:00:00 +0000", None),
        ("now", None),
    ],
)
def test_dates_are_read_as_they_are_written(text: str, time: float | None) -> None:
    assert time_in(text) == time


def test_the_first_hop_is_the_lowest_field_and_the_highest_are_read() -> None:
    fields = b"".join(b"Received: by h%d; x\r\n" % at for at in range(100))
    found = hops(fields)
    assert len(found) == MOST
    assert [found[0].receiver, found[-1].receiver] == [f"h{MOST - 1}", "h0"]


@settings(deadline=None)
@given(
    st.one_of(
        st.binary(max_size=600),
        st.text("from by with;([]) \t\r\n:.0123456789", max_size=600).map(str.encode),
    )
)
def test_nothing_breaks_the_reading(value: bytes) -> None:
    found = hop(value)
    assert len(found.sender) <= 255
    assert len(found.receiver) <= 255
