"""The two forms of header and body (RFC 6376 §3.4), and the hashes of bodies in pieces."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.checks.dkim.canonical import Form, body, field, relaxed
from ulak.checks.dkim.hashing import BodyHash, BodyHashes

SIMPLE, RELAXED = Form.SIMPLE, Form.RELAXED
OCTETS = st.lists(
    st.sampled_from(
        [b"\r\n", b"\r", b"\n", b" ", b"\t", b"a", b"bc", b"\r\n\r\n", b" \r\n", b"  "]
    ),
    max_size=40,
).map(b"".join)
CUTS = st.lists(st.integers(1, 9), max_size=30)


def pieces(octets: bytes, cuts: list[int]) -> list[bytes]:
    found, at = [], 0
    for cut in cuts:
        found.append(octets[at : at + cut])
        at += cut
    return [*found, octets[at:]]


def formed(form: Form, parts: list[bytes]) -> bytes:
    made = body(form)
    return b"".join([b"".join(made.feed(part)) for part in parts]) + b"".join(made.finish())


def plainly(form: Form, octets: bytes) -> bytes:
    """Say the same as the RFC does, without regard to size."""
    lines = octets.split(b"\r\n")
    if form is RELAXED:
        lines = [re.sub(rb"[ \t]+", b" ", line) for line in lines]
        lines = [line.removesuffix(b" ") for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        return b"\r\n" if form is SIMPLE else b""
    return b"\r\n".join(lines) + b"\r\n"


@given(octets=OCTETS, cuts=CUTS)
def test_a_body_has_its_form_in_any_pieces(octets: bytes, cuts: list[int]) -> None:
    for form in Form:
        assert formed(form, pieces(octets, cuts)) == plainly(form, octets)


@pytest.mark.parametrize(
    ("octets", "simple", "relaxed"),
    [
        (b"", b"\r\n", b""),
        (b"\r\n", b"\r\n", b""),
        (b" \t\r\n\r\n", b" \t\r\n", b""),
        # The example of §3.4.5.
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C \r\nD \t E\r\n", b" C\r\nD E\r\n"),
        (b"a", b"a\r\n", b"a\r\n"),
        (b"a \t", b"a \t\r\n", b"a\r\n"),
        (b"a\n", b"a\n\r\n", b"a\n\r\n"),
        (b"a\r", b"a\r\r\n", b"a\r\r\n"),
        (b"a \r", b"a \r\r\n", b"a \r\r\n"),
        (b"\r\n\r\na\r\n\r", b"\r\n\r\na\r\n\r\r\n", b"\r\n\r\na\r\n\r\r\n"),
    ],
)
def test_ends_of_bodies(octets: bytes, simple: bytes, relaxed: bytes) -> None:
    assert formed(SIMPLE, [octets]) == simple
    assert formed(RELAXED, [octets]) == relaxed
    one_by_one = pieces(octets, [1] * len(octets))
    assert formed(SIMPLE, one_by_one) == simple
    assert formed(RELAXED, one_by_one) == relaxed


def test_large_bodies_have_their_form() -> None:
    for octets in (
        b"\r\n" * 200_000 + b"x",
        b" " * 200_000 + b"x \t" * 70_000 + b"\r\n" * 100_000,
        b"x\r" * 100_000 + b"\r\n\n" * 50_000,
    ):
        for form in Form:
            assert formed(form, [octets]) == plainly(form, octets)


@pytest.mark.parametrize(
    ("octets", "relaxed"),
    [
        (b"A: X\r\n", b"a:X\r\n"),
        (b"B : Y\t\r\n\tZ  \r\n", b"b:Y Z\r\n"),
        (b"Subject:\r\n", b"subject:\r\n"),
        (b"Subject: \t \r\n", b"subject:\r\n"),
        (b"X: a\x0bb\x0c \xc3\xbc\r\n", b"x:a\x0bb\x0c \xc3\xbc\r\n"),
        (b"X: a\r\nbroken\r\n", b"x:a\r\nbroken\r\n"),
        (b"X: a:b\r\n", b"x:a:b\r\n"),
    ],
)
def test_a_field_has_its_form(octets: bytes, relaxed: bytes) -> None:
    assert field(octets, RELAXED) == relaxed
    assert field(octets, SIMPLE) == octets


@given(st.lists(st.tuples(st.sampled_from([b"A", b"Subject"]), OCTETS), max_size=4))
def test_all_fields_at_once_have_the_form_that_each_has(header: list[tuple[bytes, bytes]]) -> None:
    fields = [
        (name.lower(), name + b" :" + value.removesuffix(b"\r\n") + b"\r\n")
        for name, value in header
    ]
    assert relaxed(fields) == [field(octets, RELAXED) for _, octets in fields]


@given(octets=OCTETS, cuts=CUTS, lengths=st.lists(st.integers(0, 50), max_size=4))
def test_the_hash_is_of_the_first_octets_that_are_asked_for(
    octets: bytes, cuts: list[int], lengths: list[int]
) -> None:
    for form in Form:
        made = BodyHash(form, lengths)
        for piece in pieces(octets, cuts):
            made.feed(piece)
        made.finish()
        whole = plainly(form, octets)
        assert made.total == len(whole)
        assert made.digest() == hashlib.sha256(whole).digest()
        for length in lengths:
            fits = length <= len(whole)
            expected = hashlib.sha256(whole[:length]).digest() if fits else None
            assert made.digest(length) == expected


def test_a_form_is_hashed_once_for_all_that_want_it() -> None:
    hashes = BodyHashes([(SIMPLE, None), (SIMPLE, 3), (RELAXED, None), (SIMPLE, None)])
    hashes.feed(b"a  b\r\n")
    hashes.finish()
    assert hashes.digest(SIMPLE) == hashlib.sha256(b"a  b\r\n").digest()
    assert hashes.digest(SIMPLE, 3) == hashlib.sha256(b"a  ").digest()
    assert hashes.digest(RELAXED) == hashlib.sha256(b"a b\r\n").digest()
    assert (hashes.total(SIMPLE), hashes.total(RELAXED)) == (6, 5)
