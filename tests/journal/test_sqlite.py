"""The journal on disk: bounds, damage, crashes, full disks, readers beside the writer."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ulak.journal import files
from ulak.journal.entry import Entry, Kind
from ulak.journal.reader import JournalReader, journals
from ulak.journal.sqlite import Settings, SqliteJournal
from ulak.journal.trace import JournalError
from ulak.log import Form, Log

FAST = Settings(interval=0.01)


def accepted(number: int, when: float = 1.0, size: int = 10) -> Entry:
    return Entry(
        when,
        Kind.ACCEPTED,
        "message-queued",
        message=f"message-{number:06}",
        facts={"sender": "a" * size},
    )


def journal_of(folder: Path, settings: Settings = FAST, now: float = 1.0) -> SqliteJournal:
    return SqliteJournal(folder, settings, clock=lambda: now)


def test_a_process_goes_on_in_the_file_of_the_one_before(tmp_path: Path) -> None:
    for number in range(3):
        journal = journal_of(tmp_path)
        journal.write(accepted(number))
        journal.close()
    assert len(files.listed(tmp_path)) == 1
    assert len(JournalReader([tmp_path]).recent(9)) == 3


def test_all_workers_are_read_as_one_journal(tmp_path: Path) -> None:
    for worker, when in (("1", 2.0), ("2", 1.0)):
        journal = journal_of(tmp_path / worker)
        journal.write(accepted(1, when))
        journal.close()
    reader = JournalReader([tmp_path / "1", tmp_path / "2"])
    assert [e.time for e in reader.about("message-000001")] == [1.0, 2.0]
    assert [e.time for e in reader.recent(9)] == [2.0, 1.0]


def test_a_reader_sees_what_a_writer_at_work_has_written(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    reader = JournalReader([tmp_path])
    for number in range(5):
        journal.write(accepted(number))
        assert journal.flush()
        assert len(reader.recent(9)) == number + 1
    journal.close()


def test_the_disk_it_takes_stays_within_its_bound_and_the_oldest_goes(tmp_path: Path) -> None:
    settings = Settings(max_bytes=2_000_000, interval=0.001)
    journal = journal_of(tmp_path, settings)
    most = 0
    for number in range(5000):
        journal.write(accepted(number, size=1000))
        if number % 50 == 0:
            assert journal.flush()
            most = max(most, sum(p.stat().st_size for p in tmp_path.iterdir()))
    journal.close()
    # One write-ahead log and its index beside the bound.
    assert most < 2_000_000 + 400_000
    reader = JournalReader([tmp_path])
    kept = reader.recent(10_000)
    assert 1000 < len(kept) < 2000
    assert [e.message for e in kept[:2]] == ["message-004999", "message-004998"]
    assert reader.about("message-004500")
    assert not reader.about("message-000001")


def test_what_is_too_old_goes_also_when_nothing_happens(tmp_path: Path) -> None:
    now = [0.0]
    settings = Settings(max_age=1600.0, interval=0.001)
    journal = SqliteJournal(tmp_path, settings, clock=lambda: now[0])
    for _ in range(40):
        now[0] += 100.0
        journal.write(accepted(int(now[0]), now[0]))
        assert journal.flush()
    times = [e.time for e in JournalReader([tmp_path]).recent(100)]
    assert times[0] == 4000.0
    assert 2200.0 <= times[-1] <= 2500.0
    now[0] += 5000.0
    assert journal.flush()  # the new file is begun
    now[0] += 100.0
    assert journal.flush()
    assert JournalReader([tmp_path]).recent(100) == []
    journal.close()


@pytest.mark.parametrize(
    "damage",
    [
        lambda p: p.write_bytes(b"not a database" * 1000),
        lambda p: p.write_bytes(p.read_bytes()[:100] + b"\xff" * (p.stat().st_size - 100)),
        lambda p: p.write_bytes(p.read_bytes()[:3000]),
    ],
)
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    folder = tmp_path / "journal"
    journal = journal_of(folder)
    journal.write(accepted(1))
    journal.close()
    damage(files.named(folder, 1))
    with (tmp_path / "log").open("wb") as file:
        log = Log(file.fileno(), clock=time.time, form=Form.JSON)
        journal = SqliteJournal(folder, FAST, clock=time.time, log=log)
        log.close()
    assert "journal-set-aside" in (tmp_path / "log").read_text()
    journal.write(accepted(2))
    journal.close()
    assert (folder / "journal-00000001.db.damaged").exists()
    assert [e.message for e in JournalReader([folder]).recent(9)] == ["message-000002"]


def test_a_file_of_something_else_is_set_aside(tmp_path: Path) -> None:
    db = files.for_writing(files.named(tmp_path, 1))
    db.execute("CREATE TABLE chunk (x)").fetchall()
    db.close()
    journal = journal_of(tmp_path)
    journal.write(accepted(1))
    journal.close()
    assert len(JournalReader([tmp_path]).recent(9)) == 1


def test_an_empty_file_is_begun(tmp_path: Path) -> None:
    files.named(tmp_path, 1).touch()
    journal = journal_of(tmp_path)
    journal.write(accepted(1))
    journal.close()
    assert len(JournalReader([tmp_path]).recent(9)) == 1


def test_a_file_that_is_damaged_while_it_is_written_costs_only_itself(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    journal.write(accepted(1))
    assert journal.flush()
    db = files.for_writing(files.named(tmp_path, 1))
    db.wal_checkpoint(mode=3)
    with files.named(tmp_path, 1).open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 8192)
    # Another connection's change makes the writer read its pages anew.
    db.execute("PRAGMA user_version=7").fetchall()
    db.close()
    journal.write(accepted(2))
    journal.close()
    assert list(tmp_path.glob("*.damaged"))
    assert [e.message for e in JournalReader([tmp_path]).recent(9)] == ["message-000002"]


def test_a_reader_leaves_a_damaged_file_out_and_says_so(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    journal.write(accepted(1))
    journal.close()
    (tmp_path / "journal-00000002.db").write_bytes(b"nonsense" * 1000)
    reader = JournalReader([tmp_path])
    assert len(reader.about("message-000001")) == 1
    assert len(reader.troubles) == 1
    assert "journal-00000002.db cannot be read in full" in str(reader.troubles[0])


def test_no_journal_at_all_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"There is no journal in .*/nowhere\. Has the server"):
        JournalReader([tmp_path / "nowhere"]).about("message-1")


def test_troubles_are_told_in_every_language() -> None:
    error = JournalError("none", folder="/nowhere")
    assert error.sentences("en") == [str(error)]
    assert error.sentences("tr") == [
        "Şurada günlük yok: /nowhere. Sunucu bu veri klasörüyle hiç çalıştı mı?"
    ]


def test_the_journals_of_all_workers_are_found(tmp_path: Path) -> None:
    for name in ("0", "10", "2", "x"):
        (tmp_path / name).mkdir()
    assert [path.name for path in journals(tmp_path)] == ["0", "2", "10"]
    assert journals(tmp_path / "x") == [tmp_path / "x"]


def test_a_folder_that_cannot_be_used_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match=r"The journal cannot be written in .*/file: "):
        journal_of(tmp_path / "file")


def test_an_entry_that_is_none_is_counted_as_lost_and_takes_nothing_with_it(
    tmp_path: Path,
) -> None:
    journal = journal_of(tmp_path)
    journal.write(accepted(1))
    journal.write(Entry(None, Kind.CLOSED))  # type: ignore[arg-type] # the mistake is wanted
    journal.write(accepted(2))
    journal.close()
    entries = JournalReader([tmp_path]).recent(9)
    assert {e.message for e in entries} == {"", "message-000001", "message-000002"}
    assert [dict(e.facts) for e in entries if e.kind is Kind.LOST] == [{"count": "1"}]


def test_a_long_dialogue_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    lines = tuple(f"C: {n}" for n in range(10_000))
    journal.write(Entry(1.0, Kind.FAILED, message="message-1", dialogue=lines))
    journal.close()
    (entry,) = JournalReader([tmp_path]).about("message-1")
    assert len(entry.dialogue) == 201
    assert (entry.dialogue[0], entry.dialogue[-1]) == ("C: 0", "C: 9999")
    assert entry.dialogue[100] == "… 9800 …"


def test_what_is_written_after_the_end_is_dropped(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    journal.close()
    journal.write(accepted(1))
    journal.close()
    assert JournalReader([tmp_path]).recent(9) == []


def test_entries_from_several_threads_all_arrive(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, Settings(interval=0.0))

    def write(start: int) -> None:
        for number in range(start, start + 2000):
            journal.write(accepted(number))

    threads = [threading.Thread(target=write, args=(n * 2000,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    entries = JournalReader([tmp_path]).recent(10_000)
    assert len({e.message for e in entries}) == len(entries) == 8000


def test_while_the_disk_is_slow_entries_are_dropped_counted_and_told(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, Settings(most_waiting=100, interval=0.001))
    slow = files.for_writing(files.named(tmp_path, 1))
    slow.execute("BEGIN IMMEDIATE")  # the writer waits for us, as for a disk
    started = time.monotonic()
    for number in range(1000):
        journal.write(accepted(number))
    assert time.monotonic() - started < 2.0  # five seconds is what waiting would have taken
    slow.execute("ROLLBACK")
    slow.close()
    assert journal.flush(30.0)
    journal.close()
    entries = JournalReader([tmp_path]).recent(2000)
    lost = sum(int(e.facts["count"]) for e in entries if e.kind is Kind.LOST)
    assert lost >= 800
    assert lost + sum(e.kind is Kind.ACCEPTED for e in entries) == 1000


def test_a_file_that_cannot_be_begun_costs_no_entry_and_doubles_none(tmp_path: Path) -> None:
    settings = Settings(max_bytes=1_500_000, interval=0.001)
    journal = journal_of(tmp_path, settings)
    stone = tmp_path / "journal-00000002.db-wal"  # where SQLite wants to have a file
    stone.mkdir()
    for number in range(500):
        journal.write(accepted(number, size=400))
    journal.flush()  # fills the first file
    for number in range(500, 1000):
        journal.write(accepted(number, size=400))
    journal.flush(0.2)
    stone.rmdir()
    assert journal.flush(30.0)
    journal.close()
    names = [e.message for e in JournalReader([tmp_path]).recent(5000)]
    assert len(names) == len(set(names)) == 1000


def test_a_journal_that_somebody_tidied_away_is_begun_anew(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    journal = journal_of(folder)
    journal.write(accepted(1))
    assert journal.flush()
    shutil.rmtree(folder)
    journal.write(accepted(2))  # this one goes with the file
    assert journal.flush()
    journal.write(accepted(3))
    journal.close()
    assert [e.message for e in JournalReader([folder]).recent(9)] == ["message-000003"]


def test_two_processes_in_one_folder_lose_nothing(tmp_path: Path) -> None:
    """As when a worker is replaced while the old one still drains."""
    settings = Settings(max_bytes=10_000_000, interval=0.001)
    both = [journal_of(tmp_path, settings) for _ in range(2)]
    for number in range(3000):
        both[number % 2].write(accepted(number, size=500))
        if number % 100 == 0:
            both[0].flush()
    for journal in both:
        journal.close()
    names = [e.message for e in JournalReader([tmp_path]).recent(5000)]
    assert len(names) == len(set(names)) == 3000
    assert len(files.listed(tmp_path)) > 1


def operated(number: int, words: str = "") -> Entry:
    return Entry(float(number), Kind.OPERATED, facts={"verb": "hold", "words": words})


def test_what_operators_did_is_found_by_its_kind_alone(tmp_path: Path) -> None:
    """Only chunks with such an entry are read, whatever words stand in others."""
    journal = journal_of(tmp_path)
    journal.write(operated(1))
    assert journal.flush()
    for number in range(2, 50):
        journal.write(Entry(float(number), Kind.CONNECTED, facts={"client": '"operated"'}))
        assert journal.flush()
    journal.write(operated(50))
    journal.close()
    reader = Counting([tmp_path])
    assert [e.time for e in reader.recent(9, (Kind.OPERATED,))] == [50.0, 1.0]
    assert reader.unpacked == 2


class Counting(JournalReader):
    """Counts the chunks that it unpacks."""

    unpacked = 0

    def _entries(self, path: Path, text: str) -> list[Entry]:
        self.unpacked += 1
        return super()._entries(path, text)


@pytest.mark.parametrize("written", [False, True], ids=["left", "written-to"])
def test_a_file_of_before_the_kinds_is_asked_by_kind_as_well(
    tmp_path: Path, *, written: bool
) -> None:
    journal = journal_of(tmp_path)
    for entry in (operated(1), accepted(2, 2.0)):
        journal.write(entry)
        assert journal.flush()
    journal.close()
    (_, path), *_ = files.listed(tmp_path)
    with contextlib.closing(files.for_writing(path)) as db:
        db.execute("DROP TABLE kind")
    if written:
        journal = journal_of(tmp_path)
        journal.write(operated(3))
        journal.close()
    reader = Counting([tmp_path])
    found = [e.time for e in reader.recent(9, (Kind.OPERATED,))]
    assert found == ([3.0, 1.0] if written else [1.0])
    assert reader.unpacked == len(found)


def test_a_reader_is_never_troubled_by_files_that_come_and_go(tmp_path: Path) -> None:
    settings = Settings(max_bytes=1, interval=0.0)
    journal = journal_of(tmp_path, settings)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            for _ in range(200):
                number += 1
                journal.write(accepted(number, size=300))
            journal.flush()

    writer = threading.Thread(target=write)
    writer.start()
    reader = JournalReader([tmp_path])
    troubles: list[str] = []
    for _ in range(100):
        reader.recent(50, causes=["no-such-cause"])
        troubles += map(str, reader.troubles)
        reader.about("message-000001")
        troubles += map(str, reader.troubles)
    stop.set()
    writer.join()
    journal.close()
    assert troubles == []
    assert files.listed(tmp_path)[-1][0] > 3  # they did come and go


WRITER = """
import sys, time
from pathlib import Path
from ulak.journal.entry import Entry, Kind
from ulak.journal.sqlite import Settings, SqliteJournal
journal = SqliteJournal(Path(sys.argv[1]), Settings(interval=0.001), clock=time.time)
number = 0
while True:
    for _ in range(50):
        number += 1
        journal.write(Entry(time.time(), Kind.ACCEPTED, message=f"message-{number:06}"))
    journal.flush()
    print(number, flush=True)
"""


def test_a_killed_writer_leaves_a_readable_journal(tmp_path: Path) -> None:
    total = 0
    for turn in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(5 + turn)]
        os.kill(process.pid, signal.SIGKILL)
        told += [int(line) for line in process.stdout.read().split()]
        process.stdout.close()
        process.wait()
        total += told[-1]
        reader = JournalReader([tmp_path])
        count = len(reader.recent(1_000_000))
        assert reader.troubles == []
        assert count >= total
        total = count
    assert not list(tmp_path.glob("*.damaged"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_journal_on_a_disk_that_cannot_be_written_is_read(small_disk: Path) -> None:
    folder = small_disk / "journal"
    journal = journal_of(folder)
    journal.write(accepted(1))
    journal.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    reader = JournalReader([folder])
    assert len(reader.about("message-000001")) == 1
    assert reader.troubles == []
    with pytest.raises(JournalError, match="The journal cannot be written"):
        journal_of(folder)


def test_on_a_full_disk_mail_goes_on_and_the_journal_tells_of_the_gap(
    small_disk: Path, tmp_path: Path
) -> None:
    settings = Settings(most_waiting=500, interval=0.001)
    with (tmp_path / "log").open("wb") as file:
        log = Log(file.fileno(), clock=time.time, form=Form.JSON)
        journal = SqliteJournal(small_disk / "j", settings, clock=time.time, log=log)
        journal.write(accepted(0))
        assert journal.flush()
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as full:
            written = 1
            while written:
                try:
                    written = full.write(b"x" * 4096)
                except OSError:
                    written = 0
        for number in range(1, 2001):
            journal.write(accepted(number, size=100))
        journal.flush()
        assert len(JournalReader([small_disk / "j"]).recent(9)) == 1
        filler.unlink()
        assert journal.flush(30.0)
        journal.close()
        log.close()
    entries = JournalReader([small_disk / "j"]).recent(5000)
    lost = sum(int(e.facts["count"]) for e in entries if e.kind is Kind.LOST)
    assert lost >= 1000
    assert lost + sum(e.kind is Kind.ACCEPTED for e in entries) == 2001
    text = (tmp_path / "log").read_text()
    assert text.count("journal-failing") == 1
    assert "journal-resumed" in text
    assert "journal-lost" in text
