"""Answers are kept for their time and within bounds."""

from __future__ import annotations

from ulak.dns import Answer, Status
from ulak.dns.cache import Cache, Keeping


def answer(name: str, ttl: int, status: Status = Status.OK, size: int = 10) -> Answer:
    records = (b"x" * size,) if status is Status.OK else ()
    return Answer(name, "TXT", status, records, ttl=ttl)


def life(cache: Cache, name: str, now: float) -> int | None:
    kept = cache.get(name, "TXT", now)
    return None if kept is None else kept.ttl


def test_no_answer_lives_longer_than_the_bounds_let_it() -> None:
    cache = Cache(Keeping(longest=100, absent=50, failed=5))
    cache.put(answer("a", 1000), 0)
    cache.put(answer("b", 1000, Status.NXDOMAIN), 0)
    cache.put(answer("c", 1000, Status.SERVFAIL), 0)
    assert [life(cache, n, 0) for n in "abc"] == [100, 50, 1000]
    assert [life(cache, n, 5) for n in "abc"] == [95, 45, None]
    assert [life(cache, n, 50) for n in "abc"] == [50, None, None]
    assert life(cache, "a", 100) is None
    assert (len(cache), cache.octets) == (0, 0)


def test_what_has_no_life_is_not_kept_unless_the_bounds_say_so() -> None:
    cache = Cache()
    cache.put(answer("a", 0), 0)
    cache.put(answer("b", 0, Status.NO_DATA), 0)
    assert len(cache) == 0
    cache = Cache(Keeping(shortest=2))
    cache.put(answer("a", 0), 0)
    cache.put(answer("b", 0, Status.NO_DATA), 0)
    assert (life(cache, "a", 1), life(cache, "b", 1)) == (1, None)


def test_the_answer_not_asked_for_the_longest_time_goes_first() -> None:
    cache = Cache(Keeping(answers=2))
    cache.put(answer("a", 60), 0)
    cache.put(answer("b", 60), 0)
    cache.get("a", "TXT", 1)
    cache.put(answer("c", 60), 1)
    assert [life(cache, n, 1) is None for n in "abc"] == [False, True, False]


def test_large_answers_do_not_fill_the_memory() -> None:
    cache = Cache(Keeping(octets=100_000))
    for i in range(50):
        cache.put(answer(f"n{i}", 60, size=20_000), 0)
        assert cache.octets <= 100_000
    assert len(cache) == 4
    cache.put(answer("huge", 60, size=200_000), 0)
    assert life(cache, "huge", 0) is None
    assert len(cache) == 4


def test_a_later_answer_takes_the_place_of_an_earlier_one() -> None:
    cache = Cache()
    cache.put(answer("a", 60, size=500), 0)
    weight = cache.octets
    cache.put(answer("a", 90, size=500), 0)
    assert (len(cache), cache.octets, life(cache, "a", 0)) == (1, weight, 90)
    cache.put(answer("a", 0), 0)
    assert cache.octets == 0
