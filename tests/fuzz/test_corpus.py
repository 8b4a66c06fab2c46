"""What fuzzers found holds, at every change; and Hypothesis goes on a little from there."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz import kept

_LARGEST = 500_000  # octets of all corpus files together
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"')


def words() -> list[bytes]:
    """Give the words of the dictionary."""
    lines = kept.DICTIONARY.read_text("ascii").split("\n")
    found = [_WORD.fullmatch(line) for line in lines if line and not line.startswith("#")]
    return [kept.from_line(word[1]) for word in found if word is not None]


@pytest.mark.parametrize("name", kept.names())
def test_every_kept_input_is_still_answered_in_order(name: str) -> None:
    one = kept.target(name)
    for octets in (b"", *kept.inputs(name)):
        try:
            one(octets)
        except Exception as error:
            error.add_note(f"{name}: {kept.to_line(octets)}")
            raise


@pytest.mark.parametrize("name", kept.names())
def test_any_octets_are_answered_in_order(name: str) -> None:
    one = kept.target(name)
    texts = st.lists(st.sampled_from(words()) | st.binary(max_size=6), max_size=20).map(b"".join)
    inputs = st.tuples(st.binary(max_size=100) | texts, st.binary(max_size=6)).map(b"".join)

    @settings(max_examples=40, deadline=None)
    @given(inputs)
    def check(data: bytes) -> None:
        one(data)

    check()


def test_every_target_has_a_corpus_and_every_corpus_a_target() -> None:
    files = list(kept.FOLDER.iterdir())
    assert sorted(file.stem for file in files) == kept.names()
    assert sum(file.stat().st_size for file in files) < _LARGEST


@given(st.binary())
def test_an_input_that_is_kept_comes_back(octets: bytes) -> None:
    line = kept.to_line(octets)
    assert line.isprintable()
    assert line == line.strip()
    assert not line.startswith("#")
    assert kept.from_line(line) == octets


def test_the_dictionary_is_read_whole() -> None:
    lines = kept.DICTIONARY.read_text("ascii").split("\n")
    assert len(words()) == len([line for line in lines if line and not line.startswith("#")])
