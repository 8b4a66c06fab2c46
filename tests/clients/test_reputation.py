"""Counts of networks: how they fade, how they are added, and what can be said of them."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from ulak.clients.network import network_of
from ulak.clients.reputation import Counts, Standing, added, faded, standing

WEEK = 604_800.0
amounts = st.floats(0.0, 1e6)
counts = st.builds(Counts, amounts, amounts, amounts, st.floats(0.0, 1e9))


def test_half_is_left_after_a_half_life() -> None:
    assert faded(Counts(8, 4, 2, 0.0), WEEK, WEEK) == Counts(4, 2, 1, WEEK)
    assert faded(Counts(8, 4, 2, 0.0), 3 * WEEK, WEEK) == Counts(1, 0.5, 0.25, 3 * WEEK)


@given(counts, counts, counts)
def test_counts_are_added_in_any_order(one: Counts, two: Counts, three: Counts) -> None:
    left = added(added(one, two, WEEK), three, WEEK)
    right = added(one, added(three, two, WEEK), WEEK)
    assert all(
        math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-6) for a, b in zip(left, right, strict=True)
    )


@given(counts, st.floats(0.0, 1e9))
def test_to_fade_changes_no_standing_but_to_open(one: Counts, wait: float) -> None:
    before, after = standing(one), standing(faded(one, one.at + wait, WEEK))
    assert after in (before, Standing.OPEN)


def test_a_network_is_good_or_poor_only_after_enough() -> None:
    assert standing(Counts()) is Standing.OPEN
    assert standing(Counts(accepted=19)) is Standing.OPEN
    assert standing(Counts(accepted=20)) is Standing.GOOD
    assert standing(Counts(accepted=20, unwanted=1)) is Standing.GOOD
    assert standing(Counts(accepted=20, unwanted=1, unknown=1)) is Standing.OPEN
    assert standing(Counts(accepted=20, unwanted=30)) is Standing.POOR
    assert standing(Counts(unknown=20)) is Standing.POOR


def test_networks_are_those_of_one_sender() -> None:
    assert network_of("192.0.2.9") == "192.0.2.0/24"
    assert network_of("::ffff:192.0.2.9") == "192.0.2.0/24"
    assert network_of("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64"
    assert network_of("a local client") == ""
