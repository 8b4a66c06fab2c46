"""Answers of other members are read as what strangers say."""

from __future__ import annotations

import json

import pytest

from ulak.questions.question import MOST, PART, parts, whole


def rows(texts: list[str]) -> list[tuple[int, bool, str]]:
    return [(n, n == len(texts) - 1, text) for n, text in enumerate(texts)]


def test_an_answer_is_put_together_from_its_parts() -> None:
    answer = {"entries": ["é\ud800\x00" * PART, 1.5, None]}
    texts = parts(answer)
    assert len(texts) > 1
    assert all(len(text) <= PART and text.isascii() for text in texts)
    assert whole(rows(texts)) == answer


def test_an_answer_that_is_too_large_is_none() -> None:
    texts = parts({"entries": "x" * (MOST + 1)})
    assert len(texts) == 1
    assert whole(rows(texts)) is None


@pytest.mark.parametrize(
    "read",
    [
        [],
        [(0, False, "{}")],  # the last part is not there
        [(1, True, "{}")],  # nor is the first
        [(0, False, "{"), (2, True, "}")],
        [(0, True, "")],
        [(0, True, "[]")],
        [(0, True, "{")],
        [(0, True, '{"a": NaN}')],
        [(0, True, "[" * 100_000)],
        [(0, True, json.dumps({"error": "incident"}))],
    ],
)
def test_what_is_no_answer_is_none(read: list[tuple[int, bool, str]]) -> None:
    assert whole(read) is None
