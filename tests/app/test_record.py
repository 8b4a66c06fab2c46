"""What goes into the journal is said in the log, too, where it matters now."""

from __future__ import annotations

from typing import Any, cast

from ulak.app.record import Record
from ulak.checks.reason import because, packed
from ulak.checks.scanner import Finding, Result, failed
from ulak.journal.memory import MemoryJournal
from ulak.log import Event, Log
from ulak.policy import content


class Said:
    """A log that is a list."""

    def __init__(self) -> None:
        self.events: list[tuple[Event, dict[str, Any]]] = []

    def emit(self, event: Event, **facts: Any) -> None:
        self.events.append((event, facts))


def told(finding: Finding) -> list[tuple[Event, dict[str, Any]]]:
    said = Said()
    record = Record(MemoryJournal(), cast("Log", said))
    verdict = content.judge([(finding, content.Rules())], size=10)
    for entry in verdict.entries(1.0, "session", "message"):
        record.write(entry)
    return said.events


def test_a_scanner_that_fails_is_said_in_a_sentence() -> None:
    reason = because("scanner.closed", scanner="av")
    ((event, facts),) = told(failed("av", "clamd", reason))
    assert event is Event.SCANNER_FAILED
    assert facts["said"] == str(reason)
    assert facts["message"] == "message"
    assert packed([reason]) not in facts.values()


def test_one_that_answers_is_nothing_for_the_log() -> None:
    assert told(Finding("av", "clamd", Result.VIRUS, signature="Eicar")) == []
