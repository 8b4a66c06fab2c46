"""Window, pace and suspension together."""

from __future__ import annotations

import math

from ulak.delivery.site.grant import FULL, Grant, Wait, Why
from ulak.delivery.site.rules import Act, Rule
from ulak.delivery.site.share import Member
from ulak.delivery.site.suspension import Reason
from ulak.delivery.site.terms import Sign, Terms, Turn
from ulak.delivery.site.window import Learning

DEAD = Rule("dead", Act.PROBE, after=3, wait=30.0, longest=100.0)
LISTED = Rule("listed", Act.SUSPEND, wait=600.0, longest=2000.0)
FAST = Rule("fast", Act.SLOW_DOWN, wait=60.0, longest=3600.0)
CROWD = Rule("crowd", Act.FEWER, wait=60.0)


def terms() -> Terms:
    return Terms("", Learning(3, 20))


def attempt(of: Terms, now: float, rule: Rule | None, told: float = 0.0) -> Turn | None:
    """Make an attempt of no duration."""
    assert of.wait(now) is None
    of.begin(now)
    if rule is None:
        turn = of.well(now, 0.1)
    else:
        turn = of.badly(now, now, Sign(rule, "cause", "reply", "host", told))
    of.window.end()
    return turn


def test_a_site_where_nobody_answers_is_asked_less_and_less() -> None:
    of = terms()
    assert [attempt(of, 0.0, DEAD) for _ in range(3)] == [None, None, Turn.SUSPENDED]
    ends = []
    for _ in range(4):
        assert of.suspension is not None
        ends.append(of.suspension.until)
        assert of.wait(ends[-1] - 0.1) == Wait(ends[-1], Why.SUSPENDED)
        assert attempt(of, ends[-1], DEAD) is Turn.SUSPENDED
    assert ends == [30.0, 90.0, 190.0, 290.0]
    assert of.suspension is not None
    assert (of.suspension.reason, of.suspension.times) == (Reason.DEAD, 5)


def test_one_attempt_shows_whether_a_site_is_back_and_the_others_wait_for_it() -> None:
    of = terms()
    attempt(of, 0.0, LISTED)
    assert of.wait(600.0) is None
    assert of.begin(600.0) == Grant("", probe=True)
    assert of.wait(600.0) == FULL
    assert of.well(601.0, 1.0) is Turn.RESUMED
    of.window.end()
    assert of.wait(601.0) is None
    assert of.begin(601.0) == Grant("")
    assert of.wait(601.0) == FULL  # it begins small again


def test_who_suspends_us_soon_after_the_last_time_does_so_for_longer() -> None:
    of = terms()
    attempt(of, 0.0, LISTED)
    attempt(of, 600.0, None)
    attempt(of, 700.0, LISTED)
    assert of.suspension is not None
    assert (of.suspension.until, of.suspension.times) == (1900.0, 2)
    attempt(of, 1900.0, None)
    attempt(of, 10_000.0, LISTED)
    assert (of.suspension.until, of.suspension.times) == (10_600.0, 1)


def test_a_site_that_says_for_how_long_is_believed_but_not_for_ever() -> None:
    of = terms()
    assert attempt(of, 0.0, FAST, told=300.0) is Turn.SLOWED
    assert of.wait(299.0) == Wait(300.0, Why.SUSPENDED)
    attempt(of, 300.0, FAST, told=10.0**9)
    assert of.suspension is not None
    assert of.suspension.until == 300.0 + 86_400.0


def test_what_was_under_way_when_it_was_suspended_does_not_suspend_it_again() -> None:
    of = terms()
    for _ in range(3):
        of.begin(0.0)
    sign = Sign(LISTED, "cause")
    assert of.badly(1.0, 0.0, sign) is Turn.SUSPENDED
    assert of.badly(2.0, 0.0, sign) is None
    assert of.suspension is not None
    assert (of.suspension.until, of.suspension.times) == (601.0, 1)


def test_what_was_under_way_when_it_was_suspended_ends_no_suspension_but_that_of_the_dead() -> None:
    of = terms()
    for _ in range(3):
        of.begin(0.0)
    assert of.badly(1.0, 0.0, Sign(FAST, "cause")) is Turn.SLOWED
    assert of.well(2.0, 2.0) is None
    assert of.wait(30.0) == Wait(61.0, Why.SUSPENDED)
    dead = terms()
    for _ in range(3):
        dead.begin(0.0)
    for now in (1.0, 1.1, 1.2):
        turn = dead.badly(now, 0.0, Sign(DEAD, "cause"))
    assert turn is Turn.SUSPENDED
    assert dead.well(2.0, 2.0) is Turn.RESUMED


def test_who_has_too_many_connections_has_fewer_and_goes_on() -> None:
    of = Terms("", Learning(8, 20))
    for _ in range(8):
        of.begin(0.0)
    assert of.badly(1.0, 0.0, Sign(CROWD, "cause")) is Turn.SLOWED
    assert int(of.window.size) == 4
    assert of.suspension is None
    for _ in range(5):
        of.window.end()
    assert of.wait(1.0) is None


def test_who_has_too_many_with_one_alone_waits() -> None:
    of = terms()
    assert attempt(of, 0.0, CROWD) is Turn.SLOWED
    assert of.wait(1.0) == Wait(60.0, Why.SUSPENDED)


def test_a_clock_that_jumped_suspends_nobody_for_years() -> None:
    of = terms()
    attempt(of, 1e9, LISTED)
    assert of.wait(0.0) is None
    assert of.suspension is None


def test_a_share_of_none_lets_nothing_begin() -> None:
    of = terms()
    of.share = 0
    assert of.wait(0.0) == Wait(math.inf, Why.FULL)


def test_a_place_is_claimed_only_when_nothing_else_has_to_be_waited_for() -> None:
    of = Terms("", Learning(3, 1), member=Member(0, 2))
    of.pace.learn(20.0, 100.0)
    of.pace.begin(100.0)
    assert of.wait(101.0) == Wait(120.0, Why.PACE)
    assert not of.wanting
    assert of.wait(120.0) == FULL
    assert of.wanting
