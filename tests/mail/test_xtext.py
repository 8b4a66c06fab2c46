"""xtext (RFC 3461 §4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.mail import xtext


@given(st.text())
def test_what_is_encoded_is_decoded_to_the_same(text: str) -> None:
    wire = xtext.encode(text)
    assert wire.isascii()
    assert wire.isprintable()
    assert not set(wire) & {" ", "="}
    assert xtext.decode(wire) == text


@pytest.mark.parametrize("text", ["a+b", "a+2", "+2d", "a=b", "a b", "ü", "+FF", "+ED+A0+80", "\n"])
def test_what_is_no_xtext_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"xtext|utf-8"):
        xtext.decode(text)


def test_a_plus_and_an_equals_sign_are_written_in_hexadecimal() -> None:
    assert xtext.encode("a+b=c d") == "a+2Bb+3Dc+20d"
