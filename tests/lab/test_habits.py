"""Habits do what they say, and say it in words that are understood."""

from __future__ import annotations

import pytest

from ulak.lab.habits import (
    Bounds,
    Choosy,
    Closed,
    Doors,
    Full,
    Greylisting,
    Habit,
    Habits,
    Pace,
    Standing,
    Unknown,
)
from ulak.lab.mx import Act, Visit
from ulak.replies.classify import classify

BOB = "bob@there.example"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def visit(clock: Clock, source: str = "192.0.2.1") -> Visit:
    return Visit(source, clock, "ada@home.example", ["bob@there.example"])


def fresh(clock: Clock, source: str = "192.0.2.1") -> Visit:
    return Visit(source, clock, "ada@home.example")


def cause(act: Act | None) -> str:
    assert act is not None
    code, enhanced, text = act.say.split(" ", 2)
    return classify(int(code), enhanced, text).cause


def test_greylisting_lets_through_who_comes_again_from_the_same_address(clock: Clock) -> None:
    habit = Greylisting(300)
    assert cause(habit.rcpt(visit(clock), "bob@there.example")) == "greylisted"
    clock.now = 299
    assert habit.rcpt(visit(clock), "bob@there.example") is not None
    clock.now = 301
    assert habit.rcpt(visit(clock, "192.0.2.2"), "bob@there.example") is not None
    assert habit.rcpt(visit(clock), "eve@there.example") is not None
    assert habit.rcpt(visit(clock), "bob@there.example") is None
    clock.now = 40 * 86400.0
    assert habit.rcpt(visit(clock), "bob@there.example") is not None


@pytest.mark.parametrize("telling", [True, False])
def test_a_pace_counts_what_was_taken_within_its_window(clock: Clock, *, telling: bool) -> None:
    habit = Pace(2, 60, telling=telling)
    for clock.now in (0, 30):
        assert habit.rcpt(fresh(clock), BOB) is None
    clock.now = 40
    refused = habit.rcpt(fresh(clock), BOB)
    assert cause(refused) == "sending-too-fast"
    assert refused is not None
    assert ("20 seconds" in refused.say) is telling
    assert habit.rcpt(fresh(clock, "192.0.2.2"), BOB) is None
    clock.now = 61
    assert habit.rcpt(fresh(clock), BOB) is None
    assert habit.rcpt(visit(clock), BOB) is None  # a message has begun


def test_doors_count_sessions_in_and_out(clock: Clock) -> None:
    habit, first, second = Doors(1), visit(clock), visit(clock)
    assert habit.connect(first) is None
    assert cause(habit.connect(second)) == "too-many-from-client"
    habit.left(second)
    habit.left(first)
    assert habit.connect(second) is None


def test_whoever_goes_on_while_he_is_refused_loses_his_standing_and_regains_it(
    clock: Clock,
) -> None:
    standing = Standing(2, 3600)
    habits = Habits([standing, Pace(1, 60)])
    assert habits.rcpt(fresh(clock), BOB) is None
    for _ in range(3):
        assert habits.connect(fresh(clock)) is None
        assert cause(habits.rcpt(fresh(clock), BOB)) == "sending-too-fast"
    assert cause(habits.mail(fresh(clock))) == "low-reputation"
    assert cause(habits.connect(fresh(clock))) == "low-reputation"
    assert habits.connect(visit(clock, "192.0.2.2")) is None
    assert standing.blocks == 2
    clock.now = 3600
    assert habits.connect(visit(clock)) is None


def test_other_habits_are_told_by_their_codes(clock: Clock) -> None:
    assert cause(Unknown(["nobody"]).rcpt(visit(clock), "nobody@x.example")) == "no-such-mailbox"
    assert Unknown(["nobody"]).rcpt(visit(clock), "ada@x.example") is None
    full = Full({"ada": (10.0, 20.0)})
    assert full.rcpt(visit(clock), "ada@x.example") is None
    clock.now = 10
    assert cause(full.rcpt(visit(clock), "ada@x.example")) == "mailbox-full"
    assert cause(Closed([(0.0, 11.0)]).connect(visit(clock))) == "system-unavailable"
    assert Closed([(0.0, 11.0)], silent=True).connect(visit(clock)) == Act()
    assert Closed([(0.0, 10.0)]).connect(visit(clock)) is None
    bounds = Bounds(1, 1)
    assert bounds.mail(visit(clock)) is None
    assert cause(bounds.rcpt(visit(clock), "eve@x.example")) == "too-many-recipients"
    more = visit(clock)
    more.messages = 1
    assert bounds.mail(more) is not None
    assert cause(Choosy(lambda: 0.1, 0.2, 0.2).message(visit(clock))) == "spam-found"
    assert cause(Choosy(lambda: 0.3, 0.2, 0.2).message(visit(clock))) == "system-unavailable"
    assert Choosy(lambda: 0.5, 0.2, 0.2).message(visit(clock)) is None


def test_a_habit_by_itself_does_nothing(clock: Clock) -> None:
    habit, one = Habit(), visit(clock)
    habit.taken(one)
    habit.left(one)
    habit.refused(one, 1.0)
    assert habit.connect(one) is habit.mail(one) is habit.rcpt(one, "x@x.example") is None
    assert habit.message(one) is None
