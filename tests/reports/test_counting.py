"""Messages that went the same way are one row with a number, within bounds."""

from __future__ import annotations

from dataclasses import replace

from tests.reports.days import FIRST, FORGED, RECORD, SEEN, TOMORROW, counted

from ulak.reports.counting import Counter, row_of
from ulak.reports.observation import Deviation, Override, Signature


def test_messages_that_went_the_same_way_are_one_row() -> None:
    (day,) = counted(SEEN, FORGED, replace(SEEN, time=SEEN.time + 60, message="another")).take()
    assert (day.day, day.domain, day.left_out) == (FIRST, "example.org", 0)
    assert day.rows == {row_of(SEEN): 2, row_of(FORGED): 1}


def test_days_and_domains_are_kept_apart() -> None:
    other = replace(SEEN, record_domain="sub.example.org")
    taken = counted(SEEN, other, replace(SEEN, time=TOMORROW)).take()
    assert [(each.day, each.domain) for each in taken] == [
        (FIRST, "example.org"),
        (FIRST, "sub.example.org"),
        (FIRST + 1, "example.org"),
    ]


def test_what_was_taken_is_counted_anew() -> None:
    counter = counted(SEEN)
    assert counter.waiting
    assert counter.take()
    assert not counter.waiting
    assert counter.take() == ()


def test_the_policy_that_was_seen_last_counts() -> None:
    later = replace(SEEN, time=SEEN.time + 1, record="v=DMARC1; p=none; rua=mailto:a@example.org")
    (day,) = counted(later, SEEN).take()
    assert day.policy.record == later.record
    (day,) = counted(SEEN, later).take()
    assert day.policy.record == later.record


def test_who_asks_for_no_reports_is_not_counted() -> None:
    assert not counted(replace(SEEN, record="v=DMARC1; p=reject")).waiting
    assert not counted(replace(SEEN, record_domain="")).waiting
    assert not counted(replace(SEEN, record_domain="a b\r\n.example")).waiting


def test_mail_that_brings_reports_is_not_reported_about() -> None:
    counter = Counter(["Reports@example.net"])
    counter.note(replace(SEEN, recipients=("reports@EXAMPLE.net",)))
    assert not counter.waiting
    counter.note(replace(SEEN, recipients=("reports@example.net", "ada@example.net")))
    assert counter.waiting


def test_there_is_an_end_to_what_is_kept_apart_and_what_is_left_out_is_counted() -> None:
    counter = Counter(rows=3)
    for number in range(10):
        counter.note(replace(SEEN, ip=f"192.0.2.{number}"))
        counter.note(replace(SEEN, ip="192.0.2.0"))
    counter.note(replace(SEEN, record_domain="other.example"))
    (day,) = counter.take()
    assert list(day.rows.values()) == [11, 1]
    assert day.left_out == 8
    counter.note(replace(SEEN, record_domain="other.example"))
    assert counter.take()


def test_the_signatures_that_tell_most_are_kept() -> None:
    strangers = [Signature(f"s{n}.example", "s", "pass") for n in range(20)]
    failing = [Signature("example.org", "old", "fail")] * 5
    below = Signature("mail.example.org", "s", "pass")
    own = Signature("example.org", "s", "pass")
    row = row_of(replace(SEEN, signatures=(*failing, *strangers, below, own)))
    assert row.signatures == (own, below, *strangers[:6])


def test_a_hostile_message_takes_no_more_room_than_others() -> None:
    long = "x" * 10_000 + "\n"
    row = row_of(
        replace(
            SEEN,
            from_domain=long,
            envelope_from=long,
            signatures=(Signature(long, long, "pass", long),) * 100,
            deviations=(Deviation(Override.OTHER, long),) * 100,
        )
    )
    assert len(str(row)) < 12_000
    assert "\n" not in str(row)


def test_an_ipv4_address_is_one_however_it_came() -> None:
    assert row_of(replace(SEEN, ip="::ffff:192.0.2.1")) == row_of(SEEN)


def test_the_record_is_in_the_sample() -> None:
    assert SEEN.record == RECORD
