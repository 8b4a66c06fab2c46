"""Addresses of type utf-8 (RFC 6533 §3)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.mail import unitext

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT, st.booleans())
def test_what_is_written_is_read_back(text: str, narrow: object) -> None:
    wire = unitext.encode(text, ascii_only=bool(narrow))
    assert unitext.decode(wire) == text
    assert not set(wire) & set(" +=\r\n\0")
    assert wire.isascii() or not narrow


@given(st.text(st.sampled_from("\\x{}+0aFé=")))
def test_whatever_comes_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        unitext.decode(text)


def test_the_way_of_xtext_is_read_too() -> None:
    assert unitext.decode("ada+2Bx@example.org") == "ada+x@example.org"
    for bad in ("\\x{110000}", "\\x{D800}", "\\x{1}", "a\\b", "a=b", "a b", "+2b", "\u0085"):
        with pytest.raises(ValueError, match="this is no"):
            unitext.decode(bad)
