"""How many attempts at a time a site gets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ulak.delivery.site.window import PATIENCE, Window


def begun(window: Window, now: float = 0.0) -> int:
    """Begin as many attempts as may be; say how many."""
    count = 0
    while not window.full(now):
        window.begin(now)
        count += 1
    return count


def ended(window: Window, count: int, now: float, took: float = 0.1) -> None:
    for _ in range(count):
        window.well(now, took)
        window.end()


def test_a_window_that_is_used_up_doubles_until_its_ceiling() -> None:
    window, sizes = Window(3, 20), []
    count = begun(window)
    for now in range(5):
        sizes.append(count)
        for _ in range(count):  # and as many follow as may, as from a line that is never empty
            ended(window, 1, now)
            begun(window, now)
        count = window.active
    assert sizes == [3, 6, 12, 20, 20]


def test_a_window_that_is_not_used_up_does_not_grow() -> None:
    window = Window(3, 20)
    for now in range(50):
        window.begin(now)
        ended(window, 1, now)
    assert window.size == 3


def test_after_a_refusal_it_is_half_as_large_and_grows_by_one_with_each_windowful() -> None:
    window = Window(16, 20)
    begun(window)
    assert window.shrink(now=1.0, begun=0.5)
    assert int(window.size) == 8
    while window.active > 8:
        window.end()
    for _ in range(8):
        window.well(2.0, 0.1)
    assert 8.9 < window.size < 9.01


def test_what_was_begun_before_it_was_made_smaller_tells_nothing_new() -> None:
    window = Window(16, 20)
    assert window.shrink(now=5.0, begun=1.0)
    assert not window.shrink(now=6.0, begun=2.0)
    assert window.size == 8
    assert window.shrink(now=7.0, begun=5.5)
    assert window.size == 4


def test_much_longer_than_the_best_makes_it_smaller_and_a_busy_machine_does_not() -> None:
    window = Window(8, 20)
    ended(window, 1, 0.0, took=0.05)
    window.active += 1
    window.well(1.0, 0.9)  # 18 times the best, but less than a second over it
    assert window.size == 8
    window.well(10.0, 3.0)
    assert window.size == 6


def test_a_site_that_says_nothing_gets_no_further_attempts() -> None:
    window = Window(3, 20)
    window.begin(0.0)
    assert not window.full(PATIENCE)
    assert window.full(PATIENCE + 1)
    window.end()
    assert not window.full(PATIENCE + 1)


STEPS = st.lists(st.tuples(st.sampled_from(["begin", "well", "shrink", "end"]), st.floats(0, 9)))


@given(STEPS, st.integers(1, 30), st.integers(1, 30))
def test_it_is_never_below_one_nor_above_its_ceiling(
    steps: list[tuple[str, float]], first: int, ceiling: int
) -> None:
    window, now = Window(first, ceiling), 0.0
    for step, pause in steps:
        now += pause
        if step == "begin":
            if not window.full(now):
                window.begin(now)
                assert window.active <= ceiling
        elif not window.active:
            continue
        elif step == "well":
            window.well(now, pause)
            window.end()
        elif step == "shrink":
            window.shrink(now, now - pause)
            window.end()
        else:
            window.end()
        assert 1 <= window.size <= ceiling
