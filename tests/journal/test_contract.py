"""What every journal does: one suite, two journals."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import MappingProxyType

import pytest

from ulak.journal.entry import Entry, Kind
from ulak.journal.memory import MemoryJournal
from ulak.journal.reader import JournalReader
from ulak.journal.sqlite import Settings, SqliteJournal
from ulak.journal.trace import AmbiguousError, What

Both = tuple[MemoryJournal | SqliteJournal, Callable[[], MemoryJournal | JournalReader]]


@pytest.fixture(params=["memory", "sqlite"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Both]:
    """A journal, and a function that gives what reads all that was written to it so far."""
    if request.param == "memory":
        memory = MemoryJournal()
        yield memory, lambda: memory
        return
    journal = SqliteJournal(tmp_path / "1", Settings(interval=0.01), clock=time.time)

    def read() -> JournalReader:
        assert journal.flush()
        return JournalReader([tmp_path / "1"])

    yield journal, read
    journal.close()


def entry(when: float, kind: Kind, **more: object) -> Entry:
    return Entry(when, kind, **more)  # type: ignore[arg-type] # the tests' names are Entry's


def told(entries: Sequence[Entry]) -> list[tuple[float, str]]:
    return [(e.time, str(e.kind)) for e in entries]


ALL = entry(
    12.5,
    Kind.FAILED,
    cause="no-such-mailbox",
    session="session-1",
    message="message-1",
    incident="incident-1",
    facts={"recipient": "çağla@example.org", "reply": '550 5.1.1 "no"\r\n'},
    dialogue=("C: RCPT TO:<çağla@example.org>", "S: 550 5.1.1 no"),
)


def test_an_entry_comes_back_as_it_was_written(both: Both) -> None:
    journal, read = both
    journal.write(ALL)
    assert list(read().about("message-1")) == [ALL]


def test_facts_may_be_any_mapping(both: Both) -> None:
    journal, read = both
    facts = MappingProxyType({"ip": "192.0.2.1"})
    journal.write(Entry(1, Kind.CONNECTED, session="session-1", facts=facts))
    assert read().about("session-1")[0].facts == {"ip": "192.0.2.1"}


def test_a_message_is_told_with_the_session_that_brought_it_and_not_with_its_other_messages(
    both: Both,
) -> None:
    journal, read = both
    journal.write(entry(1, Kind.CONNECTED, session="session-1"))
    journal.write(entry(2, Kind.ACCEPTED, session="session-1", message="message-1"))
    journal.write(entry(3, Kind.ACCEPTED, session="session-1", message="message-2"))
    journal.write(entry(4, Kind.CLOSED, session="session-1"))
    journal.write(entry(5, Kind.DELIVERED, message="message-1"))
    journal.write(entry(6, Kind.CONNECTED, session="session-2"))
    assert told(read().about("message-1")) == [
        (1, "connected"),
        (2, "accepted"),
        (4, "closed"),
        (5, "delivered"),
    ]
    assert [e.time for e in read().about("session-1")] == [1, 2, 3, 4]


def test_entries_are_told_oldest_first_however_they_were_written(both: Both) -> None:
    journal, read = both
    for when in (3, 1, 2):
        journal.write(entry(when, Kind.ATTEMPT, message="message-1"))
    assert [e.time for e in read().about("message-1")] == [1, 2, 3]


@pytest.mark.parametrize("link", ["report", "report-for"])
def test_a_message_is_told_with_its_reports(both: Both, link: str) -> None:
    journal, read = both
    forward = {"report": "report-1"} if link == "report" else {}
    back = {"report-for": "message-1"} if link == "report-for" else {}
    journal.write(entry(1, Kind.FAILED, message="message-1"))
    journal.write(entry(2, Kind.REPORTED, message="message-1", facts=forward))
    read()  # the report is written elsewhere, and later
    journal.write(entry(3, Kind.ACCEPTED, message="report-1", facts=back))
    journal.write(entry(4, Kind.DELIVERED, message="report-1"))
    journal.write(entry(5, Kind.DELIVERED, message="message-2"))
    assert [e.time for e in read().about("message-1")] == [1, 2, 3, 4]


def test_an_incident_is_told_with_what_it_happened_to(both: Both) -> None:
    journal, read = both
    journal.write(entry(1, Kind.CONNECTED, session="session-1"))
    journal.write(entry(2, Kind.INCIDENT, incident="incident-1", session="session-1"))
    journal.write(entry(3, Kind.INCIDENT, incident="incident-2", session="session-2"))
    assert [e.time for e in read().about("incident-1")] == [1, 2]


def test_six_characters_of_an_id_are_enough_where_they_are_unambiguous(both: Both) -> None:
    journal, read = both
    journal.write(entry(1, Kind.ACCEPTED, message="abcdef-1"))
    journal.write(entry(2, Kind.ACCEPTED, message="abcxyz-1"))
    assert [e.time for e in read().about("abcdef")] == [1]
    assert [e.time for e in read().about(" abcxyz-1\n")] == [2]
    assert list(read().about("abcde")) == []
    assert list(read().about("bcdef-")) == []
    assert list(read().about("")) == []


def test_a_whole_id_is_never_ambiguous_however_short(both: Both) -> None:
    journal, read = both
    journal.write(entry(1, Kind.ACCEPTED, message="abc"))
    journal.write(entry(2, Kind.ACCEPTED, message="abcdefgh"))
    journal.write(entry(3, Kind.ACCEPTED, message="abcdef"))
    assert [e.time for e in read().about("abc")] == [1]
    assert [e.time for e in read().about("abcdef")] == [3]


def test_an_ambiguous_id_is_said_to_be_so(both: Both) -> None:
    journal, read = both
    journal.write(entry(1, Kind.ACCEPTED, message="abcdef-1", session="abcdef-2"))
    with pytest.raises(AmbiguousError, match=r"abcdef could be any of abcdef-1, abcdef-2\."):
        read().about("abcdef")


def test_an_id_is_looked_up_as_it_is_and_not_as_a_pattern(both: Both) -> None:
    journal, read = both
    journal.write(entry(1, Kind.ACCEPTED, message="abcdefg"))
    for text in ("%bcdefg", "abc_efg", "abcdef*", "ABCDEFG", "'; --", "[", "\\", "\n"):
        assert list(read().about(text)) == []


def test_a_trace_says_what_an_id_names(both: Both) -> None:
    journal, read = both
    journal.write(ALL)
    for text, what in (("message", "message"), ("session-1", "session"), ("incident", "incident")):
        found = read().trace(text)
        assert found is not None
        assert (found.what, found.id) == (What(what), f"{what}-1")
    assert read().trace("nothing-1") is None


def test_the_last_entries_come_newest_first_and_by_kind_and_cause(both: Both) -> None:
    journal, read = both
    for when in range(1000):
        kind = Kind.REFUSED if when % 100 == 0 else Kind.ACCEPTED
        journal.write(entry(when, kind, cause="relay-denied" if when == 300 else ""))
    assert [e.time for e in read().recent(3)] == [999, 998, 997]
    assert [e.time for e in read().recent(2, kinds=[Kind.REFUSED])] == [900, 800]
    assert [e.time for e in read().recent(9, causes=["relay-denied"])] == [300]
    assert list(read().recent(9, [Kind.ACCEPTED], ["relay-denied"])) == []
    assert list(read().recent(0)) == []


def test_half_a_surrogate_pair_and_not_a_number_cost_nothing_but_themselves(both: Both) -> None:
    journal, read = both
    journal.write(entry(1, Kind.ACCEPTED, message="message-1"))
    journal.write(entry(2, Kind.CONNECTED, session="\ud800", facts={"helo": "\ud800"}))
    journal.write(entry(3, Kind.DELIVERED, message="message-1"))
    assert [e.time for e in read().about("message-1")] == [1, 3]
    assert len(read().recent(9)) == 3


def test_a_refusal_is_found_by_the_whole_id_it_carries_with_its_checks(both: Both) -> None:
    journal, read = both
    mine = {"session": "session-1", "message": "message-1"}
    other = {"session": "session-1", "message": "message-2"}
    check = entry(2, Kind.CHECKED, **mine, facts={"check": "spf"})
    refusal = entry(4, Kind.REFUSED, **mine, facts={"refusal": "0123456789ab"})
    journal.write(entry(1, Kind.CONNECTED, session="session-1"))
    journal.write(check)
    journal.write(entry(3, Kind.CHECKED, **other, facts={"check": "spf"}))
    journal.write(refusal)
    journal.write(entry(5, Kind.CHECKED, **mine, facts={"check": "late"}))
    found = read().refused("0123456789ab")
    assert found is not None
    assert (found.entry, list(found.checks)) == (refusal, [check])
    for wrong in (
        "",
        "0123456789",
        "0123456789ac",
        "session-1",
        "message-1",
        "%",
        "0123456789ab\n",
    ):
        assert read().refused(wrong) is None


@pytest.mark.parametrize("message", ["message-1", ""])
def test_why_takes_the_id_of_a_refusal_for_its_message_or_else_its_session(
    both: Both, message: str
) -> None:
    journal, read = both
    refusal = entry(
        1, Kind.REFUSED, session="session-1", message=message, facts={"refusal": "0123456789ab"}
    )
    journal.write(refusal)
    journal.write(entry(2, Kind.CLOSED, session="session-1"))
    for text in ("0123456789ab", "012345"):
        found = read().trace(text)
        assert found is not None
        assert found.what is (What.MESSAGE if message else What.SESSION)
        assert found.id == (message or "session-1")
        assert found.entries[0] == refusal
