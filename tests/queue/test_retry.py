"""The schedule of retries, over weeks that pass in no time (RFC 5321 §4.5.4.1)."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.queue.retry import Retry

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
RECEIVED = 1_700_000_000.0

chances = st.floats(0, 1, exclude_max=True)
retries = st.builds(
    Retry,
    first=st.floats(1, HOUR),
    factor=st.floats(1, 10),
    longest=st.floats(HOUR, DAY),
    jitter=st.floats(0, 1),
    give_up_after=st.floats(HOUR, 10 * DAY),
)


def _attempts(retry: Retry, chance: float, received: float = RECEIVED) -> list[float]:
    """When a recipient that never takes anything is tried, from its arrival to giving up."""
    times = [received]
    while True:
        due = retry.next_attempt(received, len(times), times[-1], chance)
        if due is None:
            return times
        times.append(due)
        assert len(times) < 1_000_000


def test_by_default_it_tries_soon_then_every_three_hours_for_five_days() -> None:
    times = [when - RECEIVED for when in _attempts(Retry(jitter=0), 0.0)]
    minutes = [when / MINUTE for when in times[:8]]
    assert minutes == [0, 5, 15, 35, 75, 155, 315, 495]
    assert {later - when for when, later in pairwise(times[7:-1])} == {3 * HOUR}
    assert times[-1] == 5 * DAY


@given(retry=retries, chance=chances)
def test_waits_grow_up_to_the_longest_and_are_never_shorter_than_the_first(
    retry: Retry, chance: float
) -> None:
    waits = [retry.wait(attempts, chance) for attempts in range(1, 60)]
    assert all(wait <= later * (1 + 1e-9) for wait, later in pairwise(waits))
    assert waits[0] >= retry.first
    assert waits[-1] <= retry.longest * (1 + retry.jitter)


@given(retry=retries, attempts=st.integers(1, 10**9), chance=chances)
def test_no_number_of_attempts_is_too_many_to_reckon_with(
    retry: Retry, attempts: int, chance: float
) -> None:
    assert retry.first <= retry.wait(attempts, chance) <= retry.longest * (1 + retry.jitter)


@given(
    first=st.floats(MINUTE, HOUR),
    factor=st.floats(1, 10),
    give_up_after=st.floats(DAY, 10 * DAY),
    chance=chances,
)
def test_the_last_attempt_comes_when_the_time_is_over_and_not_long_after(
    first: float, factor: float, give_up_after: float, chance: float
) -> None:
    retry = Retry(first, factor, give_up_after=give_up_after)
    times = _attempts(retry, chance)
    age = times[-1] - RECEIVED
    assert give_up_after - 1e-3 <= age <= give_up_after + first + 1e-3
    assert all(later - when >= first - 1e-3 for when, later in pairwise(times))


@given(chance=st.tuples(chances, chances))
def test_what_failed_together_does_not_come_back_together(chance: tuple[float, float]) -> None:
    one, other = (Retry().next_attempt(RECEIVED, 3, RECEIVED + HOUR, each) for each in chance)
    assert one is not None
    assert other is not None
    assert (one == other) == (chance[0] == chance[1]) or abs(chance[0] - chance[1]) < 1e-6


@given(now=st.floats(RECEIVED - 10 * 365 * DAY, RECEIVED + 10 * 365 * DAY), chance=chances)
def test_whatever_the_clock_says_the_first_failures_are_tried_again_later(
    now: float, chance: float
) -> None:
    for attempts in range(1, 4):
        due = Retry().next_attempt(RECEIVED, attempts, now, chance)
        assert due is not None
        assert 5 * MINUTE - 1 <= due - now <= 4 * HOUR


def test_a_clock_that_jumps_ahead_gives_nothing_up_that_was_hardly_tried() -> None:
    ahead = RECEIVED + 30 * DAY
    dues = [Retry().next_attempt(RECEIVED, attempts, ahead, 0.0) for attempts in (1, 2, 3, 4)]
    assert dues == [ahead + 5 * MINUTE, ahead + 10 * MINUTE, ahead + 20 * MINUTE, None]


@given(chance=chances, back=st.floats(6 * DAY, 3650 * DAY))
def test_a_clock_that_was_set_back_does_not_keep_a_message_for_ever(
    chance: float, back: float
) -> None:
    retry, now, attempts = Retry(), RECEIVED - back, 1
    began = now
    while (due := retry.next_attempt(RECEIVED, attempts, now, chance)) is not None:
        now, attempts = due, attempts + 1
    assert 4 * DAY < now - began < 7 * DAY


@pytest.mark.parametrize(
    ("age", "late"), [(0.0, False), (4 * HOUR - 1, False), (4 * HOUR, True), (-DAY, False)]
)
def test_the_sender_is_told_after_four_hours(age: float, late: bool) -> None:  # noqa: FBT001 -- a table
    assert Retry().late(RECEIVED, RECEIVED + age) is late


@pytest.mark.parametrize(
    "make",
    [
        partial(Retry, first=0.0),
        partial(Retry, first=float("nan")),
        partial(Retry, first=10 * HOUR),
        partial(Retry, longest=float("inf")),
        partial(Retry, factor=0.5),
        partial(Retry, jitter=-0.1),
        partial(Retry, give_up_after=0.0),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(make: partial[Retry]) -> None:
    with pytest.raises(ValueError, match="no schedule"):
        make()
