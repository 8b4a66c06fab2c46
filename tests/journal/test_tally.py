"""Counts on disk: they outlive the journal's files, crashes, full disks and damage."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest

from ulak.journal import files
from ulak.journal.entry import Entry, Kind
from ulak.journal.figures import HOUR, MINUTE, Figures, Span
from ulak.journal.sqlite import Settings, SqliteJournal
from ulak.journal.tally import NAME, Tally, figures

NOON = 1_800_014_400.0
DAY = 24 * HOUR


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def entry(when: float, kind: Kind = Kind.ACCEPTED, cause: str = "") -> Entry:
    return Entry(when, kind, cause, "s1")


def total(found: Figures, kind: Kind = Kind.ACCEPTED) -> int:
    return found.total(kind)


def test_what_a_journal_notes_is_counted_by_minute_and_by_hour(
    tmp_path: Path, clock: Clock
) -> None:
    journal = SqliteJournal(tmp_path, Settings(interval=0.01), clock=clock)
    for _ in range(3):
        journal.write(entry(NOON))
    journal.write(entry(NOON, Kind.REFUSED, "relay-denied"))
    assert journal.flush()
    for span in Span:
        found = figures([tmp_path], span, NOON)
        assert found.counts(Kind.ACCEPTED)[-1] == 3
        assert [(s.cause, s.total) for s in found.of(Kind.REFUSED)] == [("relay-denied", 1)]
    assert journal.counted == {"accepted": 3, "refused relay-denied": 1}
    journal.close()


def test_a_process_goes_on_counting_where_the_one_before_ended(
    tmp_path: Path, clock: Clock
) -> None:
    for _ in range(3):
        journal = SqliteJournal(tmp_path, clock=clock)
        journal.write(entry(NOON))
        journal.close()
    assert total(figures([tmp_path], Span.HOUR, NOON)) == 3


def test_all_workers_are_added_up(tmp_path: Path, clock: Clock) -> None:
    for worker in "123":
        journal = SqliteJournal(tmp_path / worker, clock=clock)
        journal.write(entry(NOON))
        journal.close()
    folders = [tmp_path / worker for worker in "1234"]  # the fourth has not begun
    assert total(figures(folders, Span.DAY, NOON)) == 3


def test_many_entries_are_written_once_a_second_and_the_rest_at_the_end(tmp_path: Path) -> None:
    tally = Tally(tmp_path)
    many = [entry(NOON)] * 100
    tally.take(many, NOON)
    tally.take(many, NOON + 0.1)
    assert total(figures([tmp_path], Span.HOUR, NOON)) == 100
    tally.take(many, NOON + 1.0)
    assert total(figures([tmp_path], Span.HOUR, NOON)) == 300
    tally.take(many, NOON + 1.1)
    tally.take([entry(NOON)], NOON + 1.2)  # there is time now
    assert total(figures([tmp_path], Span.HOUR, NOON)) == 401
    tally.take(many, NOON + 1.3)
    tally.write(NOON + 1.3)
    tally.close()
    assert total(figures([tmp_path], Span.HOUR, NOON)) == 501


def test_counts_stay_when_the_entries_have_gone(tmp_path: Path, clock: Clock) -> None:
    journal = SqliteJournal(tmp_path, Settings(max_bytes=1, interval=0.001), clock=clock)
    for number in range(300):
        journal.write(Entry(NOON, Kind.ACCEPTED, session="s", facts={"sender": "a" * 5000}))
        if number % 50 == 0:
            journal.flush()
    journal.close()
    assert files.listed(tmp_path)[0][0] > 1  # the first files are gone
    assert total(figures([tmp_path], Span.HOUR, NOON)) == 300


def test_minutes_are_kept_for_two_days_and_hours_for_a_year(tmp_path: Path) -> None:
    tally = Tally(tmp_path)
    for days in range(0, 500, 4):
        tally.take([entry(NOON + days * DAY)], NOON + days * DAY)
    tally.close()
    with contextlib.closing(files.for_reading(tmp_path / NAME)) as db:
        rows = db.execute("SELECT step, count(*) FROM figure GROUP BY step").fetchall()
    assert rows == [(MINUTE, 1), (HOUR, 101)]
    assert total(figures([tmp_path], Span.MONTH, NOON + 496 * DAY)) == 8


def test_a_month_of_counts_is_added_up_in_a_moment(tmp_path: Path) -> None:
    tally = Tally(tmp_path)
    causes = [entry(0, Kind.REFUSED, f"cause-{n}") for n in range(40)]
    for hour in range(720):
        when = NOON - hour * HOUR
        tally._waiting[int(when)] = {f"refused {e.cause}": 1 for e in causes}
    tally.write(NOON)
    tally.close()
    begun = time.perf_counter()
    assert total(figures([tmp_path], Span.MONTH, NOON), Kind.REFUSED) > 28_000
    assert time.perf_counter() - begun < 1.0  # measured: 0.02


def test_a_file_that_somebody_took_away_is_made_again(tmp_path: Path) -> None:
    tally = Tally(tmp_path)
    tally.take([entry(NOON)], NOON)
    files.remove(tmp_path / NAME)
    tally.take([entry(NOON)], NOON)
    tally.close()
    assert total(figures([tmp_path], Span.HOUR, NOON)) == 1


def test_a_damaged_file_is_set_aside_and_counting_goes_on(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / NAME).write_bytes(b"this is no database, " * 500)
    assert total(figures([tmp_path], Span.HOUR, NOON)) == 0
    journal = SqliteJournal(tmp_path, Settings(interval=0.01), clock=clock)
    for _ in range(2):
        journal.write(entry(NOON))
        assert journal.flush()
    journal.close()
    assert total(figures([tmp_path], Span.HOUR, NOON)) == 2
    assert (tmp_path / f"{NAME}.damaged").exists()


def test_what_the_disk_does_not_take_waits_for_it(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.write_text("in the way")
    tally = Tally(folder)
    tally.take([entry(NOON)], NOON)
    assert tally.counted == {"accepted": 1}
    folder.unlink()
    tally.take([entry(NOON)], NOON + 1)
    tally.close()
    assert total(figures([folder], Span.HOUR, NOON)) == 2


def test_a_disk_that_stays_away_costs_no_more_than_so_much_memory(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    folder.write_text("in the way")
    tally = Tally(folder)
    for minute in range(1000):
        tally.take([entry(NOON + minute * MINUTE)], NOON)
    folder.unlink()
    tally.write(NOON)
    tally.close()
    assert total(figures([folder], Span.DAY, NOON + 1000 * MINUTE)) == 600


_CHILD = """
import os, sys, time
from pathlib import Path
from ulak.journal.entry import Entry, Kind
from ulak.journal.sqlite import SqliteJournal

journal = SqliteJournal(Path(sys.argv[1]), clock=time.time)
for number in range(1000):
    journal.write(Entry(time.time(), Kind.ACCEPTED, session="s1"))
    time.sleep(0.001)
journal.flush()
time.sleep(1.1)
journal.write(Entry(time.time(), Kind.ACCEPTED, session="s1"))
journal.flush()
os.kill(os.getpid(), 9)
"""


def test_a_process_that_is_killed_loses_no_count_that_was_written(tmp_path: Path) -> None:
    child = subprocess.run([sys.executable, "-c", _CHILD, str(tmp_path)], check=False, timeout=60)
    assert child.returncode == -9
    assert total(figures([tmp_path], Span.HOUR, time.time())) == 1001


def test_a_reader_needs_no_right_to_write(tmp_path: Path) -> None:
    tally = Tally(tmp_path)
    tally.take([entry(NOON)], NOON)
    tally.close()
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    (tmp_path / NAME).chmod(0o400)
    assert total(figures([tmp_path], Span.HOUR, NOON)) == 1
    assert {
        path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()
    }.keys() >= before.keys()
    with contextlib.closing(files.for_reading(tmp_path / NAME)) as db, pytest.raises(apsw.Error):
        db.execute("DELETE FROM figure")
