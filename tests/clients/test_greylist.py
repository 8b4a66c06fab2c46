"""The rules of greylisting, through simulated weeks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.clients.greylist import Record, Rules, Step, joined, judge, key, settled

DAY = 86_400.0
RULES = Rules(delay=300.0, window=2 * DAY, keep=35 * DAY)
NOW = 1_000_000_000.0

times = st.floats(0.0, 100 * DAY).map(lambda t: NOW + t)
gaps = st.lists(st.one_of(st.floats(0.0, 1000.0), st.floats(0.0, 40 * DAY)), min_size=1)


@st.composite
def records(draw: st.DrawFn) -> Record:
    first = draw(times)
    if draw(st.booleans()):
        return Record(first, 0.0, first + RULES.window)
    passed = first + draw(st.floats(RULES.delay, RULES.window))
    return Record(first, passed, passed + draw(st.floats(0.0, 90 * DAY)) + RULES.keep)


def test_a_stranger_waits_comes_again_and_is_known() -> None:
    first = judge(None, NOW, RULES)
    assert (first.step, first.wait) == (Step.NEW, 300.0)
    early = judge(first.record, NOW + 100, RULES)
    assert (early.step, early.wait, early.record) == (Step.EARLY, 200.0, first.record)
    passed = judge(early.record, NOW + 300, RULES)
    assert (passed.step, passed.put_off, passed.wait) == (Step.PASSED, False, 0.0)
    known = judge(passed.record, NOW + 301, RULES)
    assert (known.step, known.record) == (Step.KNOWN, passed.record)
    later = judge(known.record, NOW + 300 + 35 * DAY, RULES)
    assert later.step is Step.KNOWN, "the last moment counts"
    assert judge(later.record, NOW + 300 + 70 * DAY, RULES).step is Step.KNOWN
    assert judge(passed.record, NOW + 301 + 35 * DAY, RULES).step is Step.NEW


def test_who_comes_too_late_begins_anew() -> None:
    first = judge(None, NOW, RULES).record
    assert judge(first, NOW + 2 * DAY, RULES).step is Step.PASSED
    late = judge(first, NOW + 2 * DAY + 1, RULES)
    assert (late.step, late.wait, late.record.first) == (Step.LATE, 300.0, NOW + 2 * DAY + 1)


@given(gaps)
def test_the_rules_hold_for_any_visits(waits: list[float]) -> None:
    """Nobody is let in before `delay`, put off for longer than it, or forgotten while known."""
    record: Record | None = None
    now, began, last_in = NOW, 0.0, 0.0
    for wait in waits:
        now += wait
        judged = judge(record, now, RULES)
        if last_in and now - last_in <= RULES.keep * 31 / 32:
            assert judged.step is Step.KNOWN
        if judged.put_off:
            assert 0.0 < judged.wait <= RULES.delay
            if judged.step is not Step.EARLY:
                began = now
        else:
            assert judged.wait == 0.0
            if judged.step is Step.PASSED:
                assert RULES.delay <= now - began <= RULES.window
            last_in = now
        record = judged.record


@given(records(), times)
def test_who_waits_as_long_as_told_is_let_in(record: Record, now: float) -> None:
    judged = judge(record, now, RULES)
    if judged.put_off:
        again = judge(judged.record, now + judged.wait + 1, RULES)
        assert again.step is Step.PASSED or judged.record.until < now + judged.wait + 1


@given(records(), records())
def test_what_two_have_noted_is_joined_in_any_order(one: Record, other: Record) -> None:
    both = joined(one, other)
    assert both == joined(other, one)
    assert both == joined(both, one) == joined(both, other) == joined(both, both)


@given(records(), records(), times)
def test_who_is_known_to_one_is_known_to_both(one: Record, other: Record, now: float) -> None:
    if judge(one, now, RULES).step is Step.KNOWN and one.until >= other.first >= NOW:
        both = joined(one, other)
        assert judge(both, now, RULES).step is Step.KNOWN


def test_a_clock_that_is_ahead_keeps_nobody_waiting() -> None:
    ahead = judge(None, NOW + 7200, RULES).record
    judged = judge(ahead, NOW, RULES)
    assert (judged.step, judged.wait) == (Step.EARLY, 300.0)
    assert judge(judged.record, NOW + 300, RULES).step is Step.PASSED
    assert judge(joined(ahead, judged.record), NOW + 300, RULES).step is Step.PASSED


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("news-1234@example.net", "news-1235@example.net"),
        ("bounce+ada=example.org@example.net", "bounce+eve=example.org@example.net"),
        ("prvs=0815abcdef=joe@example.net", "prvs=4711fedcba=joe@example.net"),
        ("SRS0=aBcD=Ef=example.com=joe@example.net", "SRS0=xyzz=gh=example.com=joe@example.net"),
        ("Joe@Example.NET", "joe@example.net"),
    ],
)
def test_what_changes_from_message_to_message_does_not_count(one: str, other: str) -> None:
    assert settled(one) == settled(other)
    assert key("192.0.2.0/24", one, "a@b") == key("192.0.2.0/24", other, "A@B")


def test_triplets_are_apart() -> None:
    keys = {
        key(network, sender, recipient)
        for network in ("192.0.2.0/24", "192.0.3.0/24", "2001:db8::/64")
        for sender in ("joe@example.net", "joan@example.net", "joe@example.com")
        for recipient in ("ada@example.org", "eve@example.org")
    }
    assert len(keys) == 18
    assert {len(each) for each in keys} == {16}


@given(st.text(max_size=80))
def test_any_sender_has_a_key(sender: str) -> None:
    assert len(key("192.0.2.0/24", sender, "ada@example.org")) == 16
    assert settled(settled(sender)) == settled(sender)
