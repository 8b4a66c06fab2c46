"""The journals of all members as one: stories, refusals, what was last, and what is missing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ulak.app.asking.journals import AllJournals, told
from ulak.app.asking.others import FromThread
from ulak.journal import carried
from ulak.journal.entry import Entry, Kind
from ulak.journal.reader import JournalReader
from ulak.journal.sqlite import SqliteJournal
from ulak.journal.story import tell
from ulak.journal.trace import AmbiguousError, JournalError, Trace
from ulak.questions.question import MOST, Answer, Heard, packed, parts, unpacked

T = TypeVar("T")


@dataclass
class Cluster:
    """Nodes by their names, each with a journal; `spoil` changes what each answers."""

    folder: Path
    names: Sequence[str] = ("b", "c")
    silent: tuple[str, ...] = ()
    away: bool = False
    spoil: Callable[[str, Answer], Answer] = lambda _, answer: answer
    asked: list[str] = field(default_factory=list)
    me: str = "a"

    def write(self, member: str, *entries: Entry) -> None:
        journal = SqliteJournal(self.folder / member / "0", clock=lambda: 1.7e9)
        for entry in entries:
            journal.write(entry)
        journal.close()

    async def ask(self, verb: str, arguments: Answer) -> Heard:
        self.asked.append(verb)
        answers = {}
        for name in self.names:
            if name in self.silent:
                continue
            given = unpacked(packed(arguments)) or {}
            answer = self.spoil(name, told(self._reader(name), verb, given))
            assert len(parts(answer)) > 1 or len(packed(answer)) < MOST
            answers[name] = unpacked(packed(answer)) or {}
        return Heard(answers, self.silent, self.away)

    async def close(self) -> None:
        pass

    def look(self, look: Callable[[AllJournals], T]) -> tuple[T, list[str]]:
        """Look at member `a`; give what is seen, and what is told to be missing."""

        async def run() -> tuple[T, list[str]]:
            reader = AllJournals(self._reader("a"), FromThread(self))
            seen = await asyncio.to_thread(look, reader)
            return seen, [trouble.sentence("en") for trouble in reader.troubles]

        return asyncio.run(run())

    def trace(self, identifier: str) -> tuple[Trace | None, list[str]]:
        return self.look(lambda reader: reader.trace(identifier))

    def _reader(self, member: str) -> JournalReader:
        return JournalReader([self.folder / member / "0"])


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """Three members: `b` took a message, `c` failed to deliver it, `a` delivered the report."""
    cluster = Cluster(tmp_path)
    who = {"sender": "ada@example.org", "recipients": "grace@example.net"}
    cluster.write(
        "b",
        Entry(100.0, Kind.CONNECTED, session="session-1", facts={"ip": "192.0.2.1"}),
        Entry(101.0, Kind.ACCEPTED, session="session-1", message="message-1", facts=who),
        Entry(101.5, Kind.ACCEPTED, session="session-1", message="message-2", facts=who),
        Entry(109.0, Kind.CLOSED, session="session-1"),
    )
    cluster.write(
        "c",
        Entry(
            103.0,
            Kind.FAILED,
            "no-such-mailbox",
            message="message-1",
            facts={"recipient": "grace@example.net", "reply": "550 no"},
            dialogue=("C: RCPT TO:<grace@example.net>", "S: 550 no"),
        ),
        Entry(104.0, Kind.REPORTED, message="message-1", facts={"report": "report-1"}),
    )
    cluster.write("a", Entry(105.0, Kind.DELIVERED, message="report-1", facts={"recipient": "x@y"}))
    return cluster


def test_a_story_is_put_together_in_time_order_and_says_who_saw_what(cluster: Cluster) -> None:
    found, troubles = cluster.trace("message-1")
    assert found is not None
    assert troubles == []
    assert [(e.time, str(e.kind), e.facts["member"]) for e in found.entries] == [
        (100.0, "connected", "b"),
        (101.0, "accepted", "b"),
        (103.0, "failed", "c"),
        (104.0, "reported", "c"),
        (105.0, "delivered", "a"),
        (109.0, "closed", "b"),
    ]
    assert found.entries[2].dialogue == ("C: RCPT TO:<grace@example.net>", "S: 550 no")
    sentences = [happening.sentence for happening in tell(found).happenings]
    assert sentences[2].endswith("At server c.")
    assert len(cluster.asked) <= 4


def test_a_shortened_id_is_found_at_another_node_and_told_to_be_ambiguous(cluster: Cluster) -> None:
    found, _ = cluster.trace("session")
    assert found is not None
    assert (str(found.what), found.id) == ("session", "session-1")
    with pytest.raises(AmbiguousError):
        cluster.trace("messag")


def test_where_there_is_nobody_else_entries_are_as_they_were(cluster: Cluster) -> None:
    cluster.names = ()
    found, _ = cluster.trace("report-1")
    assert found is not None
    assert [dict(entry.facts) for entry in found.entries] == [{"recipient": "x@y"}]


def test_who_does_not_answer_is_named(cluster: Cluster) -> None:
    cluster.silent = ("b",)
    found, troubles = cluster.trace("message-1")
    assert found is not None
    assert {entry.facts["member"] for entry in found.entries} == {"a", "c"}
    assert troubles == ["Server b has not answered; what it knows is missing here."]
    nothing, troubles = cluster.trace("session-1")
    assert nothing is None
    assert len(troubles) == 1


def test_a_database_that_is_away_is_told(cluster: Cluster) -> None:
    cluster.away, cluster.names = True, ()
    found, troubles = cluster.trace("report-1")
    assert found is not None
    assert "the database that the servers share cannot be reached" in troubles[0].lower()


def test_a_server_that_has_not_written_anything_yet_asks_all_the_same(cluster: Cluster) -> None:
    (cluster.folder / "a").rename(cluster.folder / "elsewhere")
    found, _ = cluster.trace("message-1")
    assert found is not None
    assert len(found.entries) == 5
    cluster.names = ()
    with pytest.raises(JournalError):
        cluster.trace("message-1")


def test_what_was_last_is_that_of_all(cluster: Cluster) -> None:
    seen, _ = cluster.look(lambda reader: reader.recent(2))
    assert [(e.time, e.facts["member"]) for e in seen] == [(109.0, "b"), (105.0, "a")]
    seen, _ = cluster.look(lambda reader: reader.recent(9, (Kind.ACCEPTED, Kind.FAILED)))
    assert [e.time for e in seen] == [103.0, 101.5, 101.0]
    seen, _ = cluster.look(lambda reader: reader.recent(9, causes=("no-such-mailbox",)))
    assert [e.time for e in seen] == [103.0]


def test_a_refusal_is_found_at_the_node_that_gave_it(cluster: Cluster) -> None:
    refusal = "7k3m9q2xw4tz"
    cluster.write(
        "c",
        Entry(1.0, Kind.CHECKED, session="s", message="m", facts={"check": "spf"}),
        Entry(2.0, Kind.REFUSED, "spf-fail", "s", "m", facts={"refusal": refusal}),
    )
    found, _ = cluster.look(lambda reader: reader.refused(refusal))
    assert found is not None
    assert (found.entry.cause, [c.facts["check"] for c in found.checks]) == ("spf-fail", ["spf"])
    cluster.asked.clear()
    cluster.write("a", Entry(2.0, Kind.REFUSED, "spf-fail", "s", "m", facts={"refusal": "own"}))
    found, _ = cluster.look(lambda reader: reader.refused("own"))
    assert found is not None
    assert cluster.asked == []  # what is known here is asked of nobody
    found, _ = cluster.look(lambda reader: reader.refused("0000"))
    assert found is None


def test_what_is_more_than_an_answer_holds_is_told_to_be_missing(cluster: Cluster) -> None:
    many = [Entry(200.0 + n, Kind.DELIVERED, message="message-1") for n in range(3000)]
    cluster.write("b", *many)
    found, troubles = cluster.trace("message-1")
    assert found is not None
    assert 2000 <= len(found.entries) < 2100
    assert "Not all of the journal of server b" in troubles[0]
    long = {f"fact-{n}": "x" * 15_000 for n in range(40)}
    cluster.write("c", *(Entry(300.0, Kind.FAILED, message="m-long", facts=long),) * 20)
    found, troubles = cluster.trace("m-long")
    assert found is not None
    assert 1 < len(found.entries) < 20
    assert "server c" in troubles[0]


def test_a_damaged_journal_of_another_node_is_told(cluster: Cluster) -> None:
    (file,) = (cluster.folder / "c" / "0").glob("journal-*.db")
    file.write_bytes(b"nonsense" * 1000)
    found, troubles = cluster.trace("message-1")
    assert found is not None
    assert "Not all of the journal of server c" in troubles[0]


def test_a_node_of_another_version_tells_as_much_as_is_understood(cluster: Cluster) -> None:
    def newer(_: str, answer: Answer) -> Answer:
        rows = [
            {**row, "weather": "fine", "place": [*row["place"], 7]} for row in answer["entries"]
        ]
        strange = [
            {"time": 102.0, "kind": "teleported", "message": "message-1", "place": []},
            {"time": 102.0, "kind": "accepted", "message": "message-1"},
            {"time": True, "kind": "accepted", "message": "message-1", "place": [1]},
            {"time": 102.0, "kind": "accepted", "message": "message-1", "place": ["1"]},
            {"kind": "accepted"},
            ["accepted"],
            None,
        ]
        return {"entries": [*strange, *rows], "season": "autumn"}

    whole, _ = cluster.trace("message-1")
    cluster.spoil = newer
    found, _ = cluster.trace("message-1")
    assert found == whole


@pytest.mark.parametrize("entries", [None, 7, "x", {"a": 1}])
def test_an_answer_without_entries_is_none(cluster: Cluster, entries: object) -> None:
    cluster.spoil = lambda member, answer: answer if member == "b" else {"entries": entries}
    found, _ = cluster.trace("message-1")
    assert found is not None
    assert {entry.facts["member"] for entry in found.entries} == {"b"}


def test_what_another_node_tells_is_cut_to_what_an_entry_may_be() -> None:
    row: dict[str, Any] = {
        "time": 1,
        "kind": "failed",
        "place": [1, 2, 3],
        "cause": "c" * 10**6,
        "session": 7,
        "facts": {**{f"f{n}": "v" for n in range(1000)}, "member": "somebody else", 7: 8, "f0": 9},
        "dialogue": ["S: x" * 10**5, 7] * 5000,
    }
    (found,) = carried.taken([row], "b")
    entry = found.entry
    assert (len(entry.cause), entry.session) == (1000, "")
    assert len(entry.facts) <= 201
    assert entry.facts["member"] == "b"
    assert "f0" not in entry.facts
    assert len(entry.dialogue) == 1000
    assert max(map(len, entry.dialogue)) <= 16_000
    assert json.dumps(carried.carried(found))


def test_a_question_that_makes_no_sense_is_one_error(cluster: Cluster) -> None:
    reader = JournalReader([cluster.folder / "b" / "0"])
    given: Mapping[str, Any]
    for verb, given in (
        ("holding", {}),
        ("recent", {"kinds": 7, "causes": [], "limit": 1}),
        ("recent", {"kinds": [], "causes": [], "limit": "many"}),
    ):
        with pytest.raises(ValueError, match=verb):
            told(reader, verb, given)
