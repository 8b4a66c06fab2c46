"""Counting what the journal notes, and adding it up for a chart."""

from __future__ import annotations

import pytest

from ulak.journal.entry import Entry, Kind
from ulak.journal.figures import (
    HOUR,
    MINUTE,
    OTHER,
    Counts,
    Span,
    add,
    add_up,
    count,
    packed,
    unpacked,
)

NOON = 1_800_014_400.0  # a whole multiple of a day: slots are easy to see


def entry(after: float, kind: Kind, cause: str = "", session: str = "s1") -> Entry:
    return Entry(NOON + after, kind, cause, session)


def test_the_time_of_these_tests_begins_a_day() -> None:
    assert NOON % 86_400 == 43_200


def test_entries_are_counted_by_kind_and_what_went_wrong_by_cause() -> None:
    counted = count(
        [
            entry(0, Kind.CONNECTED),
            entry(1, Kind.ACCEPTED, "queued"),
            entry(1, Kind.ACCEPTED, "queued"),
            entry(2, Kind.REFUSED, "no-such-mailbox"),
            entry(3, Kind.REFUSED, "no-such-mailbox"),
            entry(3, Kind.REFUSED, "relay-denied"),
            entry(4, Kind.DELIVERED, "delivered"),
            entry(5, Kind.DEFERRED, "greylisted"),
            entry(5, Kind.CHECKED, "spf-fail"),
            entry(6, Kind.CLOSED),
        ]
    )
    assert counted == {
        int(NOON): {
            "connected": 1,
            "accepted": 2,
            "refused no-such-mailbox": 2,
            "refused relay-denied": 1,
            "delivered": 1,
            "deferred greylisted": 1,
        }
    }


def test_a_report_of_our_own_has_come_from_nobody() -> None:
    own = entry(0, Kind.ACCEPTED, "queued", session="")
    assert count([own]) == {int(NOON): {}}
    assert count([own, entry(1, Kind.ACCEPTED, "queued"), own]) == {int(NOON): {"accepted": 1}}


def test_entries_of_two_minutes_are_counted_apart() -> None:
    counted = count([entry(59.9, Kind.ACCEPTED), entry(3, Kind.ACCEPTED), entry(60, Kind.ACCEPTED)])
    assert counted == {int(NOON): {"accepted": 2}, int(NOON) + MINUTE: {"accepted": 1}}


def test_nothing_counts_for_nothing() -> None:
    assert count([]) == {}


def test_a_slot_has_room_for_so_many_names_and_no_number_is_lost() -> None:
    counts: Counts = {}
    for number in range(1000):
        add(counts, {f"refused cause-{number}": 1})
    assert len(counts) <= 201
    assert sum(counts.values()) == 1000
    assert counts[f"refused {OTHER}"] == 800
    add(counts, {"accepted": 3})
    assert counts["accepted"] == 3


def test_counts_are_read_as_they_were_written() -> None:
    counts = {"accepted": 3, "refused no-such-mailbox": 1}
    assert unpacked(packed(counts)) == counts


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "null", '{"a": "b"}', '{"a": -1}', '{"a": true}', "[" * 100_000]
)
def test_a_damaged_row_counts_for_nothing(text: str) -> None:
    assert unpacked(text) == {}


@pytest.mark.parametrize("span", list(Span))
def test_the_last_slot_of_a_span_is_under_way(span: Span) -> None:
    now = NOON + 12_345.6
    begin = span.begin(now)
    assert begin % span.step == 0
    assert begin + (span.slots - 1) * span.step <= now < begin + span.slots * span.step
    assert span.step % span.kept == 0


def test_slots_are_added_up_by_kind_and_cause_with_the_largest_first() -> None:
    now = NOON + 30 * MINUTE + 5
    last = int(NOON) + 30 * MINUTE
    rows = [
        (last, {"accepted": 2, "refused relay-denied": 1}),
        (last, {"accepted": 3}),  # of another worker
        (last - 59 * MINUTE, {"refused no-such-mailbox": 7}),
        (last - 60 * MINUTE, {"accepted": 1000}),  # before the span
        (last + 60, {"accepted": 1000}),  # after it
        (last, {"tamed lions": 4}),  # of a newer Ulak
    ]
    figures = add_up(rows, Span.HOUR, now)
    assert (figures.begin, figures.step) == (last - 59 * MINUTE, MINUTE)
    assert [(s.kind, s.cause, s.total) for s in figures.series] == [
        (Kind.REFUSED, "no-such-mailbox", 7),
        (Kind.REFUSED, "relay-denied", 1),
        (Kind.ACCEPTED, "", 5),
    ]
    assert figures.counts(Kind.REFUSED) == (7, *(0,) * 58, 1)
    assert figures.counts(Kind.DELIVERED) == (0,) * 60
    assert (figures.total(Kind.ACCEPTED), figures.total(Kind.REFUSED)) == (5, 8)


def test_a_day_puts_minutes_together() -> None:
    rows = [(int(NOON) + minute * MINUTE, {"delivered": 1}) for minute in range(60)]
    figures = add_up(rows, Span.DAY, NOON + HOUR - 1)
    assert figures.counts(Kind.DELIVERED)[-5:] == (0, 15, 15, 15, 15)
