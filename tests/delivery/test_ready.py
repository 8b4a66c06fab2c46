"""The lines in which leased mail waits, under any order of comings and goings."""

from __future__ import annotations

from collections import Counter, deque

from hypothesis import given, settings
from hypothesis import strategies as st

from ulak.delivery.ready import Job, Limits, Ready, Round
from ulak.delivery.target import Target, Way
from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Lease, Message, Pending

LIMITS = Limits(target=2, waiting=4, messages=10, octets=1000)


def job(key: str, size: int = 10) -> Job:
    message = Message("M", Envelope("", ()), Body(size, b"x" * size), 0.0)
    pending = (Pending(f"x@{key}", key),)
    return Job(Round(Lease(message, pending, 1)), Target(Way.SMTP, key), pending)


STEPS = st.lists(st.one_of(st.sampled_from("abc"), st.just("take"), st.integers(0, 9)), max_size=80)


@settings(deadline=None, max_examples=80)
@given(STEPS)
def test_no_job_is_lost_nor_given_twice_and_no_line_exceeds_its_limit(
    steps: list[str | int],
) -> None:
    ready = Ready(LIMITS)
    waiting: dict[str, deque[Job]] = {key: deque() for key in "abc"}
    under_way: list[Job] = []
    for step in steps:
        if step == "take":
            busy = Counter(each.target.key for each in under_way)
            may = {key for key in "abc" if waiting[key] and busy[key] < LIMITS.target}
            assert bool(ready) == bool(may)
            taken = ready.take()
            if taken is None:
                assert not may
            else:
                assert taken.target.key in may
                assert taken is waiting[taken.target.key].popleft()
                under_way.append(taken)
        elif isinstance(step, int):
            if step < len(under_way):
                ready.end(under_way.pop(step))
        else:
            made = job(step)
            waiting[step].append(made)
            ready.add(made)
            assert ready.full(step) == (len(waiting[step]) >= LIMITS.waiting)
        crowded = {key for key in "abc" if len(waiting[key]) >= LIMITS.waiting}
        assert set(ready.crowded()) == crowded
    left = ready.clear()
    assert Counter(map(id, left)) == Counter(id(each) for line in waiting.values() for each in line)
    assert not ready


@settings(deadline=None, max_examples=80)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=60))
def test_who_waits_comes_after_at_most_one_job_of_every_other_line(keys: list[str]) -> None:
    ready = Ready(Limits(target=1000))
    for key in keys:
        ready.add(job(key))
    turns = []
    while (taken := ready.take()) is not None:
        turns.append(taken.target.key)
    left = Counter(keys)
    for i, key in enumerate(turns):
        following = turns[i + 1 :]
        left[key] -= 1
        if left[key]:
            gap = following[: following.index(key)]
            assert max(Counter(gap).values(), default=0) <= 1


def test_a_line_that_was_full_says_once_that_it_is_half_empty() -> None:
    ready = Ready(LIMITS)
    for _ in range(4):
        ready.add(job("a"))
    said = []
    while (taken := ready.take()) is not None:
        said.append(ready.end(taken))
    assert said == [False, True, False, False]


def test_there_is_room_by_number_and_by_octets() -> None:
    ready = Ready(LIMITS)
    rounds = [job("a", 400).round for _ in range(3)]
    for around in rounds:
        assert ready.room() > 0
        ready.hold(around)
    assert ready.room() == 0
    assert not ready.spacious()
    ready.let_go(rounds[0])
    assert ready.room() == 8
    ready.let_go(rounds[1])
    assert ready.spacious()
