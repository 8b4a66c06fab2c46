"""Refusals in a journal on disk: found by an index, in files of an older Ulak, over all workers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import apsw

from ulak.journal import files
from ulak.journal.chunks import APPLICATION
from ulak.journal.entry import Entry, Kind
from ulak.journal.reader import JournalReader
from ulak.journal.sqlite import Settings, SqliteJournal

FAST = Settings(interval=0.01)
OLD = f"""
PRAGMA application_id = {APPLICATION};
CREATE TABLE chunk (
  id INTEGER PRIMARY KEY, last REAL NOT NULL, ids TEXT NOT NULL, entries TEXT NOT NULL
);
"""


def refused(number: int, when: float = 1.0) -> Entry:
    return Entry(
        when,
        Kind.REFUSED,
        "client-denied",
        session=f"session-{number}",
        facts={"refusal": f"{number:012}"},
    )


def write(folder: Path, *entries: Entry) -> None:
    journal = SqliteJournal(folder, FAST, clock=lambda: 1.0)
    for entry in entries:
        journal.write(entry)
    journal.close()


def test_a_journal_of_an_older_ulak_is_read_and_written_on(tmp_path: Path) -> None:
    tmp_path.mkdir(exist_ok=True)
    path = files.named(tmp_path, 1)
    with apsw.Connection(str(path)) as db:
        db.execute(OLD)
        row = [1.0, "refused", "client-denied", "session-old", "", "", {}, []]
        db.execute(
            "INSERT INTO chunk (last, ids, entries) VALUES (1.0, ?, ?)",
            ("\nsession-old\n", json.dumps([row])),
        )
    db.close()
    reader = JournalReader([tmp_path])
    assert reader.refused("000000000001") is None
    assert reader.troubles == []
    write(tmp_path, refused(1))
    assert files.listed(tmp_path) == [(1, path)]
    found = reader.refused("000000000001")
    assert found is not None
    assert found.entry.session == "session-1"
    assert [e.session for e in reader.about("session-old")] == ["session-old"]


def test_refusals_of_all_workers_and_all_files_are_found(tmp_path: Path) -> None:
    write(tmp_path / "1", *(refused(number) for number in range(700)))
    write(tmp_path / "2", refused(1000))
    (tmp_path / "2" / "journal-00000001.db").rename(tmp_path / "2" / "journal-00000007.db")
    write(tmp_path / "2", Entry(2.0, Kind.CLOSED, session="session-1000"), refused(1001))
    reader = JournalReader([tmp_path / "1", tmp_path / "2"])
    for number in (0, 255, 256, 699, 1000, 1001):
        found = reader.refused(f"{number:012}")
        assert found is not None
        assert found.entry.session == f"session-{number}"
    assert reader.refused("000000000700") is None


def test_a_chunk_has_the_checks_of_a_refusal_in_the_next(tmp_path: Path) -> None:
    fill = [Entry(1.0, Kind.CLOSED, session="other")] * 255
    check = Entry(1.0, Kind.CHECKED, session="s", message="m", facts={"check": "spf"})
    refusal = replace(check, kind=Kind.REFUSED, facts={"refusal": "000000000009"})
    journal = SqliteJournal(tmp_path, Settings(interval=0.5), clock=lambda: 1.0)
    for entry in (*fill, check, refusal):
        journal.write(entry)
    journal.close()
    found = JournalReader([tmp_path]).refused("000000000009")
    assert found is not None
    assert list(found.checks) == [check]


def test_what_is_asked_costs_no_search(tmp_path: Path) -> None:
    """Strangers ask: SQLite must go by the index, and unpack a chunk or two."""
    write(tmp_path, *(refused(number) for number in range(2000)))
    with apsw.Connection(str(files.named(tmp_path, 1))) as db:
        from ulak.journal.reader import _ABOUT_REFUSAL  # noqa: PLC0415 -- the plan of this very query

        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {_ABOUT_REFUSAL}", ("x",))]
    db.close()
    assert plan
    assert all(step.startswith("SEARCH") for step in plan)
