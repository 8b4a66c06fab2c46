"""The laws bite: bugs that are planted in the real code break one within a few years."""

from __future__ import annotations

import pytest

from .planted import PLANTED, needed

# Where a short year shows it: from 0 on some need longer ones before (docs/simulation.md).
_SHOWN = {
    "double-lease": 2,
    "forgotten": 20,
    "no-limit": 1,
    "no-room": 4,
    "asleep": 2,
    "no-suspension": 29,
    "waits-for-ever": 31,
    "idle-free": 3,
    "no-parts": 8,
    "no-lanes": 33,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found(name: str) -> None:
    seed, broken = needed(name, 60, _SHOWN.get(name, 0))
    assert seed >= 0
    assert broken
