"""How fast mail goes to a site."""

from __future__ import annotations

import pytest

from ulak.delivery.site.pace import Pace, Rate


def sent(pace: Pace, start: float, seconds: float, step: float = 0.1) -> int:
    """Send as fast as may be for so long; say how many went."""
    count, now = 0, start
    while now < start + seconds:
        if pace.at(now) <= now:
            pace.begin(now)
            pace.well(now)
            count += 1
        now += step
    return count


def test_without_a_pace_nothing_waits() -> None:
    assert Pace().at(5.0) == 0.0


@pytest.mark.parametrize(("count", "seconds"), [(60, 60), (600, 3600), (10, 1)])
def test_a_configured_pace_is_kept_but_for_a_burst(count: int, seconds: int) -> None:
    pace = Pace(Rate(count, seconds))
    span = seconds * 2
    assert 2 * count <= sent(pace, 1000.0, span, seconds / count / 7) <= 2 * count + count / 10 + 2


def test_who_is_too_fast_goes_on_with_three_quarters_of_what_was_let_through() -> None:
    pace = Pace()
    for number in range(100):
        pace.well(1000.0 + number / 10)
    pace.slower(1011.0)
    assert pace.interval == pytest.approx(60 / 75)
    assert 70 <= sent(pace, 1011.0, 60.0, 0.01) <= 78


@pytest.mark.parametrize(
    ("count", "seconds", "interval"),
    [(100, 3600, 36.0), (5, 86_400, 17_280.0), (1, 365 * 86_400, 86_400.0)],
)
def test_a_limit_that_the_site_names_is_the_pace(count: int, seconds: int, interval: float) -> None:
    pace = Pace()
    pace.slower(5.0, Rate(count, seconds))
    assert pace.interval == interval


def test_each_time_it_is_still_too_fast_it_goes_slower_and_not_without_end() -> None:
    pace, last = Pace(), 0.0
    for now in range(100):
        pace.slower(float(now))
        assert pace.interval >= last
        last = pace.interval
    assert last == 600.0


def test_a_learned_pace_gets_faster_in_quiet_times_until_it_is_forgotten() -> None:
    pace = Pace()
    pace.slower(1000.0, Rate(600, 60))
    now, steps = 1000.0, 0
    while pace.learned:
        now += 901.0
        pace.well(now)
        steps += 1
    assert 5 < steps < 20
    assert pace.interval == 0.0


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    pace = Pace(Rate(1, 10))
    pace.begin(1_000_000.0)
    assert pace.at(1000.0) <= 1000.0
