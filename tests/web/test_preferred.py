"""Accept-Language (RFC 9110 §12.5.4)."""

from __future__ import annotations

import time

import pytest

from ulak.web.preferred import preferred

OFFERED = ("en", "tr", "ar")


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("tr", "tr"),
        ("TR-tr", "tr"),
        ("tr-TR,tr;q=0.9,en-US;q=0.8,en;q=0.7", "tr"),
        ("en;q=0.1,ar;q=0.2", "ar"),
        ("tr;q=0.5 , ar ; q=0.5", "tr"),
        ("ar;q=0.5,tr;q=0.5", "ar"),
        ("de", "en"),
        ("", "en"),
        ("*", "en"),
        ("en;q=0, *;q=0.5", "tr"),
        ("tr;q=0,ar;q=0,en;q=0", "en"),
        ("tr;q=7", "en"),
        ("tr;q=x", "en"),
        ("ﻁﺭ, t\x00r, ;;;,,,=", "en"),
        ("zh-Hant-TW;q=1.000,ar-EG;q=0.001", "ar"),
    ],
)
def test_the_one_liked_best_of_those_there_are(accepted: str, chosen: str) -> None:
    assert preferred(accepted, OFFERED) == chosen


def test_a_long_field_costs_nothing() -> None:
    begun = time.perf_counter()
    for hostile in ("tr;q=" * 100_000, "a-" * 100_000, " \t" * 100_000 + ";q=1", "," * 200_000):
        preferred(hostile, OFFERED)
    assert time.perf_counter() - begun < 0.5
