"""What was found becomes what is drawn: the tree of a diagnosis, the events of a story."""

from __future__ import annotations

import asyncio

import pytest
from tests.diagnose.internet import tangled
from tests.web.pictures.test_pictures import held, shown

from ulak.checks.reason import because, packed
from ulak.diagnose.diagnosis import Diagnosis, to_dict
from ulak.diagnose.domain import spf as looking
from ulak.journal.entry import Entry, Kind
from ulak.journal.memory import MemoryJournal
from ulak.journal.story import Story, tell
from ulak.language import LANGUAGES
from ulak.web.pictures import spf_tree, timeline
from ulak.web.pictures.way import way

START = 1_778_000_000.0
MESSAGE, REPORT, SESSION = "01k5v9x40amessage", "01k5ve7k2bareport", "01k5v9x3z7session"


def diagnosis() -> Diagnosis:
    found = asyncio.run(looking.look(tangled(), "a.example", asyncio.gather))
    return Diagnosis("domain", "a.example", (), found.checks)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tree_of_a_diagnosis_is_drawn(language: str) -> None:
    picture = spf_tree(diagnosis(), language)
    assert picture is not None
    texts = shown(held(picture, language))
    assert {"a.example", "1", "12"} <= set(texts)


def test_a_diagnosis_without_a_tree_has_no_picture() -> None:
    assert spf_tree(Diagnosis("domain", "a.example", (), ()), "en") is None


def test_programs_get_the_tree_as_it_was_counted() -> None:
    told = to_dict(diagnosis(), "en")["checks"][0]
    assert sum(branch["lookups"] for branch in told["tree"] if branch["depth"] == 0) == 12
    assert set(told["tree"][0]) == {"depth", "term", "lookups", "void", "lost"}


def story(language: str = "en", recipients: str = "grace@example.net", due: float = 320) -> Story:
    journal = MemoryJournal()

    def note(after: float, kind: Kind, cause: str = "", message: str = "", **facts: str) -> None:
        named = {name.replace("_", "-"): fact for name, fact in facts.items()}
        session = SESSION if after < 1 else ""
        journal.write(Entry(START + after, kind, cause, session, message, facts=named))

    note(0, Kind.CONNECTED, ip="192.0.2.10", tls="TLSv1.3")
    why = packed([because("spf.none", domain="example.org", ip="192.0.2.10")])
    for check, result in (("spf", "none"), ("dkim", "fail"), ("dmarc", "pass")):
        note(0.1, Kind.CHECKED, check=check, result=result, reasons=why)
    note(0.2, Kind.ACCEPTED, "message-queued", MESSAGE, recipients=recipients, reply="250 2.0.0 ok")
    facts = {"recipient": "grace@example.net", "host": "mx.example.net [192.0.2.8]:25"}
    reply = {"remote": "yes", "reply": "451 4.7.1 Greylisted", "attempt": "1"}
    note(1.5, Kind.DEFERRED, "greylisted", MESSAGE, due=str(START + due), **facts, **reply)
    found = journal.trace(MESSAGE)
    assert found is not None
    return tell(found, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_story_is_drawn_in_its_language(language: str) -> None:
    texts = shown(held(timeline(story(language)), language))
    assert "192.0.2.10 · TLSv1.3" in texts
    assert "mx.example.net: 451 4.7.1" in " ".join(texts)


def test_checks_that_follow_each_other_are_one_event_and_the_worst_gives_its_tone() -> None:
    events = way(story()).events
    assert [event.title for event in events] == [
        "Connected", "Checked", "Accepted", "Put off · Attempt 1", "Next attempt",
    ]  # fmt: skip
    assert events[1].tone == "bad"
    assert events[1].lines[0].text == "spf none · dkim fail · dmarc pass"
    assert [event.tone for event in events[2:]] == ["good", "warn", "muted"]


def test_what_is_to_come_is_told_only_while_it_is() -> None:
    last = way(story()).events[-1]
    assert (last.ahead, last.time) == (True, START + 320)
    assert not way(story(due=-50)).events[-1].ahead


def test_a_recipient_is_named_where_there_are_several() -> None:
    def named(recipients: str) -> bool:
        events = way(story(recipients=recipients)).events
        (event,) = (event for event in events if event.tone == "warn")
        return "grace@example.net" in [line.text for line in event.lines]

    assert not named("grace@example.net")
    assert named("grace@example.net ada@example.net")
