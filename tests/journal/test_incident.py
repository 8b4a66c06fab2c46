"""Incidents: an id for the peer, a traceback for us."""

from __future__ import annotations

import json
import time
from pathlib import Path

from ulak.journal.entry import Kind
from ulak.journal.incident import incident
from ulak.journal.memory import MemoryJournal
from ulak.log import Form, Log
from ulak.mail.envelope import domain_of


def test_an_incident_is_in_the_log_and_the_journal_under_its_id(tmp_path: Path) -> None:
    journal = MemoryJournal()
    with (tmp_path / "log").open("wb") as file:
        log = Log(file.fileno(), clock=time.time, form=Form.JSON)
        try:
            domain_of(None)  # type: ignore[arg-type] # the mistake is wanted
        except TypeError as error:
            given = incident(
                error,
                new_id=lambda: "INC123",
                journal=journal,
                log=log,
                clock=lambda: 5.0,
                session="session-1",
            )
        log.close()
    assert given == "INC123"
    (entry,) = journal.about("INC123")
    assert (entry.time, entry.kind, entry.session) == (5.0, Kind.INCIDENT, "session-1")
    assert entry.facts["type"] == "TypeError"
    assert entry.facts["place"].startswith("ulak/mail/envelope.py:")
    assert entry.facts["place"].endswith(" in domain_of")
    assert entry.facts["traceback"].startswith("Traceback (most recent call last):\n")
    (line,) = (tmp_path / "log").read_text().split("\n")[:-1]
    logged = json.loads(line)
    assert (logged["event"], logged["id"], logged["session"]) == ("incident", "INC123", "session-1")
    assert logged["traceback"] == entry.facts["traceback"]
    assert "message" not in logged


def test_an_error_that_cannot_be_told_is_still_an_incident(tmp_path: Path) -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise ZeroDivisionError

    def deep(n: int) -> None:
        if n:
            deep(n - 1)
        raise MuteError

    journal = MemoryJournal()
    with (tmp_path / "log").open("wb") as file, Log(file.fileno(), clock=time.time) as log:
        for error in (MuteError(), RecursionError(), KeyboardInterrupt()):
            incident(error, new_id=lambda: "I1", journal=journal, log=log, clock=time.time)
        try:
            deep(900)
        except MuteError as error:
            incident(error, new_id=lambda: "I1", journal=journal, log=log, clock=time.time)
    assert [e.facts["type"] for e in journal.entries][:3] == [
        "test_an_error_that_cannot_be_told_is_still_an_incident.<locals>.MuteError",
        "RecursionError",
        "KeyboardInterrupt",
    ]
    assert all(len(e.facts["traceback"]) < 17_000 for e in journal.entries)
