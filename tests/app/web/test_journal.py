"""What the web notes is found by whoever asks for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ulak import config as settings
from ulak.app.places import Places
from ulak.app.record import journal_of, web_journal_of
from ulak.journal.entry import Entry, Kind
from ulak.journal.reader import JournalReader


def test_an_incident_of_the_web_is_found_beside_those_of_workers(tmp_path: Path) -> None:
    chosen = replace(settings.load(None, tmp_path), workers=1)
    journals = [journal_of(chosen, 0), web_journal_of(chosen)]
    for number, journal in enumerate(journals):
        journal.write(Entry(1.0, Kind.INCIDENT, incident=f"incident{number}", facts={}))
        journal.close()
    reader = JournalReader(Places(tmp_path).journals())
    assert [entry.incident for entry in reader.about("incident0")] == ["incident0"]
    assert [entry.incident for entry in reader.about("incident1")] == ["incident1"]


def test_a_server_that_had_no_web_has_no_journal_of_one(tmp_path: Path) -> None:
    chosen = replace(settings.load(None, tmp_path), workers=1)
    journal_of(chosen, 0).close()
    assert Places(tmp_path).journals() == [tmp_path / "journal" / "0"]
