"""The lines in which leased mail waits, under any order of comings and goings."""

from __future__ import annotations

from collections import Counter, deque

from hypothesis import given, settings
from hypothesis import strategies as st

from ulak.delivery.line import Job, Round
from ulak.delivery.memory import Memory
from ulak.delivery.ready import Limits, Ready
from ulak.delivery.site.sites import Bounds, Sites
from ulak.delivery.site.window import Learning
from ulak.delivery.target import Target, Way
from ulak.mail.envelope import NO_WISHES, Envelope, Wishes
from ulak.queue.item import Body, Lease, Message, Pending

LIMITS = Limits(target=2, waiting=4, messages=100, octets=1000)


def job(key: str, size: int = 10, priority: int = 0) -> Job:
    wishes = Wishes(priority=priority) if priority else NO_WISHES
    envelope = Envelope("", (), wishes=wishes)
    message = Message("M", envelope, Body(size, b"x" * size), 0.0)
    pending = (Pending(f"x@{key}", key),)
    return Job(Round(Lease(message, pending, 1)), Target(Way.SMTP, key), pending)


def lines(limits: Limits) -> Ready:
    """Make lines for sites whose windows are as wide as they get."""
    learning = Learning(first=limits.target, most=limits.target)
    return Ready(limits, Sites(Bounds(learning)), lambda: 0.0)


STEPS = st.lists(st.one_of(st.sampled_from("abc"), st.just("take"), st.integers(0, 9)), max_size=80)


@settings(deadline=None, max_examples=80)
@given(STEPS)
def test_no_job_is_lost_nor_given_twice_and_no_line_exceeds_its_limit(
    steps: list[str | int],
) -> None:
    ready = lines(LIMITS)
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
    ready = lines(Limits(target=1000))
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
    ready = lines(LIMITS)
    for _ in range(4):
        ready.add(job("a"))
    said = []
    while (taken := ready.take()) is not None:
        said.append(ready.end(taken))
    assert said == [False, True, False, False]


# -- memory ---------------------------------------------------------------------------------------


def test_there_is_room_by_number_and_by_octets() -> None:
    memory = Memory(10, 1000)
    rounds = [job("a", 400).round for _ in range(3)]
    for around in rounds:
        assert memory.room() > 0
        memory.hold(around)
    assert memory.room() == 0
    assert memory.share(memory.room()) == 0
    assert not memory.spacious()
    memory.let_go(rounds[0])
    assert memory.room() == 8
    assert memory.room_for_stored() == 0
    memory.let_go(rounds[1])
    assert memory.room_for_stored() == 0, "350 octets are left, and the last ones had 400"
    assert memory.spacious()
    memory.let_go(rounds[2])
    assert memory.room_for_stored() == 1
    for _ in range(50):
        around = job("a", 1).round
        memory.hold(around)
        memory.let_go(around)
    assert (memory.room(), memory.room_for_stored(), memory.share(8)) == (10, 8, 4)


@settings(deadline=None, max_examples=80)
@given(
    st.integers(8, 60),
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans()), max_size=300),
)
def test_however_many_lines_are_slow_one_that_is_not_finds_room(
    messages: int, steps: list[tuple[str, bool]]
) -> None:
    """Whoever is not crowded gets one more, some begin, and none of these ever ends."""
    ready = lines(Limits(target=3, messages=messages))
    for key, begins in steps:
        if key not in ready.crowded() and ready.memory.room_for_stored():
            made = job(key)
            ready.memory.hold(made.round)
            ready.add(made)
        if begins:
            ready.take()
        assert "fast" not in ready.crowded()
        if messages - messages // 4 > 3 * 8:
            assert ready.memory.room_for_stored() > 0
            assert not ready.full("fast")
    held = Counter(each.target.key for each in ready.clear())
    assert sum(held.values()) <= messages - messages // 4


def test_a_line_that_is_alone_may_have_much_of_the_memory() -> None:
    ready = lines(Limits(target=50, messages=400, waiting=1000))
    while not ready.full("a"):
        made = job("a")
        ready.memory.hold(made.round)
        ready.add(made)
    assert len(ready.memory.rounds) > 130


# -- priority -------------------------------------------------------------------------------------

MANY = Limits(target=1000, waiting=1000)


def test_what_has_priority_goes_first_in_its_line() -> None:
    ready = lines(MANY)
    jobs = [job("a", priority=priority) for priority in (0, -1, 0, 3, 1, 0, 3)]
    for each in jobs:
        ready.add(each)
    order = [jobs.index(each) for each in iter(ready.take, None)]
    assert order == [3, 6, 4, 0, 2, 5, 1]


def test_whoever_has_let_enough_pass_goes_before_what_has_priority() -> None:
    ready = lines(MANY)
    patient, last = job("a"), job("a", priority=-9)
    ready.add(last)
    ready.add(patient)
    passed = [job("a", priority=1) for _ in range(200)]
    for each in passed:
        ready.add(each)
    order = list(iter(ready.take, None))
    assert order.index(patient) == 49
    assert order.index(last) == 201
    assert [each for each in order if each.prior] == passed


def test_a_line_with_prior_mail_comes_first_but_not_always() -> None:
    ready = lines(MANY)
    for key in "abcdef":
        ready.add(job(key))
    for _ in range(8):
        ready.add(job("e", priority=2))
    ready.add(job("g", priority=1))
    order = [(each.target.key, each.prior) for each in iter(ready.take, None)]
    assert order[:5] == [("e", True), ("g", True), ("e", True), ("e", True), ("a", False)]
    assert order[5:10] == [("e", True)] * 4 + [("b", False)]
    assert order[10:] == [("e", True)] + [(key, False) for key in "cdfe"]


PRIOR_STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("abc"), st.integers(-2, 2)),
        st.just("take"),
        st.integers(0, 9),
    ),
    max_size=80,
)


@settings(deadline=None, max_examples=80)
@given(PRIOR_STEPS)
def test_with_priorities_no_job_is_lost_either(steps: list[tuple[str, int] | str | int]) -> None:
    ready = lines(LIMITS)
    waiting: Counter[str] = Counter()
    under_way: list[Job] = []
    for step in steps:
        match step:
            case (key, priority):
                ready.add(job(key, priority=priority))
                waiting[key] += 1
            case int():
                if step < len(under_way):
                    ready.end(under_way.pop(step))
            case _:
                busy = Counter(each.target.key for each in under_way)
                may = {key for key in "abc" if waiting[key] and busy[key] < LIMITS.target}
                taken = ready.take()
                assert (taken is not None) == bool(may) == bool(taken)
                if taken is not None:
                    assert taken.target.key in may
                    waiting[taken.target.key] -= 1
                    under_way.append(taken)
    assert len(ready.clear()) == waiting.total()
    assert not ready
