"""The workers of all servers together: what others told, as far as it is understood here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.app.test_operation import Asking

from ulak import config as settings
from ulak.app import asked
from ulak.app.asking.answers import Answers
from ulak.app.asking.lately import Lately
from ulak.app.asking.understood import understood
from ulak.app.asking.workers import together
from ulak.app.control import Answer, Control, Request
from ulak.app.operation import LiveOperation
from ulak.app.places import Places
from ulak.dns.zone import Zone
from ulak.journal import figures
from ulak.journal.entry import Kind
from ulak.journal.figures import Span, add_up
from ulak.journal.memory import MemoryJournal
from ulak.questions.question import Heard, Question
from ulak.queue.depth import Depth
from ulak.queue.item import Counts
from ulak.web.console.absent import Missing
from ulak.web.console.ports import Now

EMPTY = Depth(Counts(0, {}), 0, None, {}, {})
NOW: dict[str, Any] = {
    "started": 5.0,
    "connections": 1,
    "transfers": 0,
    "attempts": 2,
    "outgoing": 0,
    "paused": False,
    "counted": {"accepted": 7},
}
SESSION: dict[str, Any] = {
    "id": "s1",
    "since": 9.0,
    "ip": "192.0.2.1",
    "listener": "127.0.0.1:25",
    "stage": "ready",
    "sender": None,
}
SUSPENDED: dict[str, Any] = {
    "why": "dead",
    "since": 1.0,
    "until": 2.0,
    "times": 1,
    "rule": "r",
    "cause": "c",
    "reply": "421 no",
    "host": "h",
}
SITE: dict[str, Any] = {
    "site": "example.net",
    "source": "default",
    "domains": ["example.net"],
    "active": 1,
    "waiting": 2,
    "window": 3,
    "most": 20,
    "interval": 0.0,
    "suspended": SUSPENDED,
}
LAST: dict[str, Any] = {"time": 3.0, "result": "deferred", "cause": "greylisted", "reply": "451 x"}
PLACE: dict[str, Any] = {
    "key": "mx:a.example",
    "way": "smtp",
    "domains": ["example.net"],
    "active": 1,
    "ready": 0,
    "connections": 1,
    "idle": 0,
    "delivered": 1,
    "deferred": 1,
    "failed": 0,
    "last": LAST,
}
ZONE: dict[str, Any] = {
    "zone": "list.example",
    "listed": 1,
    "unlisted": 2,
    "unanswered": 0,
    "skipped": 0,
    "resting": None,
    "last_listed": None,
    "last_trouble": None,
}
ROWS = {
    "sessions": ("sessions", SESSION),
    "destinations": ("destinations", PLACE),
    "sites": ("sites", SITE),
    "blocklists": ("zones", ZONE),
}


def heard(verb: str, row: Mapping[str, Any], **silent: Any) -> Heard:
    worker = row if verb == "now" else {ROWS[verb][0]: [row], "total": 1, "limit": 20}
    return Heard({"b": {"workers": [worker], "expected": 2}}, **silent)


def test_the_workers_of_all_are_added_up_and_named() -> None:
    told = together("now", [NOW, NOW], heard("now", NOW, silent=("c",)), "a", 3)
    assert (told.expected, told.members) == (5, ("a", "b"))
    now = asked.now(told.answers, EMPTY, 9.0, told.expected, told.members)
    assert (now.workers, now.expected, now.connections) == (3, 5, 3)
    assert now.counted == {"accepted": 21}
    told = together(
        "sessions", [{"sessions": [SESSION], "total": 1}], heard("sessions", SESSION), "a"
    )
    assert {s.member for s in asked.sessions(told.answers, 9).shown} == {"a", "b"}
    site = {"sites": [SITE], "total": 1}
    places = {"destinations": [PLACE], "total": 1, "limit": 20}
    both = together("destinations", [places], heard("destinations", PLACE), "a").answers
    (place,) = asked.destinations(both, [site, site], EMPTY, 9).shown
    assert (place.active, place.delivered) == (2, 2)


def test_where_there_is_nobody_else_nothing_is_added() -> None:
    told = together("now", [NOW], Heard(), "", 1)
    assert (list(told.answers), told.expected, told.members) == ([NOW], 1, ())


def test_paused_is_said_where_all_are() -> None:
    paused = {**NOW, "paused": True}
    assert asked.now([paused, paused], EMPTY, 9.0, 2).paused
    assert not asked.now([paused, NOW], EMPTY, 9.0, 2).paused


@pytest.mark.parametrize("verb", ROWS)
def test_what_another_version_tells_besides_is_left(verb: str) -> None:
    name, row = ROWS[verb]
    whole = {name: [{**row, "weather": "fine"}], "total": 1, "season": "autumn"}
    read = understood(verb, json.loads(json.dumps(whole)))
    assert read is not None
    assert len(read[name]) == 1


@pytest.mark.parametrize(
    ("verb", "change"),
    [
        ("sessions", {"stage": "dreaming"}),
        ("sessions", {"since": "yesterday"}),
        ("sessions", {"since": 1e300}),
        ("sessions", {"since": -1.0}),
        ("sessions", {"ip": 7}),
        ("sessions", {"octets": "1"}),
        ("sessions", {"accepted": True}),
        ("destinations", {"way": "pigeon"}),
        ("destinations", {"domains": [7]}),
        ("destinations", {"domains": None}),
        ("destinations", {"active": 1 << 70}),
        ("destinations", {"last": {**LAST, "result": "eaten"}}),
        ("destinations", {"last": {**LAST, "time": "x"}}),
        ("destinations", {"last": {"time": 1.0}}),
        ("destinations", {"suspended": {}}),
        ("sites", {"suspended": {**SUSPENDED, "why": "moody"}}),
        ("sites", {"suspended": {**SUSPENDED, "until": None}}),
        ("sites", {"interval": -1}),
        ("sites", {"waiting": "2"}),
        ("sites", {"window": "many"}),
        ("blocklists", {"listed": None}),
        ("blocklists", {"last_listed": {"time": 1.0}}),
    ],
)
def test_a_row_that_is_not_understood_is_left_out_and_the_others_are_not(
    verb: str, change: dict[str, Any]
) -> None:
    name, row = ROWS[verb]
    read = understood(verb, {name: [row, {**row, **change}, None], "total": "many"})
    assert read is not None
    assert [dict(one) for one in read[name]] == [row]
    assert read["total"] == 1


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("now", {**NOW, "connections": -1}),
        ("now", {**NOW, "counted": [1]}),
        ("now", {**NOW, "counted": {"accepted": "7"}}),
        ("now", {"started": 5.0}),
        ("sessions", {"sessions": None}),
        ("sessions", {}),
    ],
)
def test_an_answer_that_is_none_is_left_out(verb: str, answer: dict[str, Any]) -> None:
    assert understood(verb, answer) is None
    told = together(verb, [], Heard({"b": {"workers": [answer, 7]}, "c": {"workers": 3}}), "a")
    assert list(told.answers) == []


def test_figures_of_several_servers_are_added_up() -> None:
    span, now = Span.HOUR, 1_000_000.0
    slot = span.begin(now)
    own = add_up([(slot, {"accepted": 2, "refused no-such-mailbox": 1})], span, now)
    there = figures.told(add_up([(slot, {"accepted": 3}), (slot + 60, {"failed": 1})], span, now))
    series = there["series"]
    assert isinstance(series, list)
    strange = [["accepted", "", [1]], ["dreamt", "", [1] * span.slots], 7, ["accepted"], None]
    theirs = figures.taken(json.loads(json.dumps({**there, "series": series + strange})), span, now)
    both = figures.together([own, theirs])
    assert both.counts(Kind.ACCEPTED)[0] == 5
    assert (both.total(Kind.REFUSED), both.total(Kind.FAILED)) == (1, 1)
    for nothing in ({}, {"begin": slot, "series": 7}, {"begin": slot - 60, "series": series}):
        assert figures.taken(nothing, span, now).series == ()


# -- asking and answering -------------------------------------------------------------------------


class Others:
    """Servers that say what they are told to say."""

    me = "a"

    def __init__(self, answer: Callable[[str, Mapping[str, Any]], Heard]) -> None:
        self._answer = answer
        self.asked: list[str] = []
        self.slow = asyncio.Event()
        self.slow.set()
        self.last = Heard()

    @property
    def silent(self) -> tuple[str, ...]:
        return self.last.silent

    @property
    def away(self) -> bool:
        return self.last.away

    async def ask(self, verb: str, arguments: Mapping[str, Any]) -> Heard:
        self.asked.append(verb)
        await self.slow.wait()
        self.last = self._answer(verb, arguments)
        return self.last

    async def close(self) -> None:
        pass


def test_who_looks_waits_for_the_others_once_and_never_again() -> None:
    async def work() -> None:
        others = Others(lambda verb, _: heard(verb, NOW))
        lately = Lately(others, "now")
        first = await lately()
        assert set(first.answers) == {"b"}
        others.slow.clear()
        lately._when -= 5.0
        assert await lately() == first  # one is under way, and nobody waits for it
        assert await lately() == first
        await asyncio.sleep(0)
        assert others.asked == ["now", "now"]
        others.slow.set()

    asyncio.run(work())


@pytest.fixture
def resting(tmp_path: Path) -> Asking:
    """A server that does not run."""
    file = tmp_path / "ulak.toml"
    file.write_text('hostname = "mx.example.org"\ndata = "data"\n')
    return Asking(file, MemoryJournal())


def test_the_console_tells_of_all_servers_and_of_who_is_missing(resting: Asking) -> None:
    def answer(verb: str, given: Mapping[str, Any]) -> Heard:
        silent = {"silent": ("c",)}
        if verb == "figures":
            span, now = Span(given["span"]), given["now"]
            made = figures.told(add_up([(span.begin(now), {"accepted": 4})], span, now))
            return Heard({"b": made}, ("c",))
        return heard(verb, NOW if verb == "now" else ROWS[verb][1], **silent)

    async def work() -> None:
        others = Others(answer)
        chosen = settings.load(resting.config)
        operation = LiveOperation(chosen, resting.journal, Zone({}), lambda: 1e6, others)
        now: Now = await operation.now()
        assert (now.members, now.workers, now.running) == (("b",), 1, True)
        assert now.missing == operation.missing() == Missing(("c",))
        assert operation.member == "a"
        assert [s.member for s in (await operation.sessions()).shown] == ["b"]
        (place,) = (await operation.destinations()).shown
        assert place.key == "mx:a.example"
        assert (await operation.figures(Span.HOUR)).total(Kind.ACCEPTED) == 4
        operation.close()

    asyncio.run(work())


def test_a_server_answers_from_its_workers_and_resumes_a_site_for_somebody(tmp_path: Path) -> None:
    asked_of: list[Request] = []

    async def handle(request: Request) -> Answer:
        asked_of.append(request)
        if request.verb == "resume-site":
            return {"count": 2}
        return {"sites": [SITE], "total": 1}

    async def work() -> None:
        places = Places(tmp_path)
        control = Control(places.control(0), handle)
        await control.start()
        errors: list[BaseException] = []

        def note(error: BaseException) -> str:
            errors.append(error)
            return "I1"

        answers = Answers(places, 2, note)
        told = await answers(Question("q", "sites", {"limit": 5}))
        assert told == {"workers": [{"sites": [SITE], "total": 1}], "expected": 2}
        assert asked_of[-1].limit == 5
        by = {"who": "ada", "via": "command", "ip": "", "more": 1}
        told = await answers(Question("q", "resume-site", {"site": "example.net", "by": by}))
        assert told == {"count": 2}
        assert (asked_of[-1].site, asked_of[-1].by.who) == ("example.net", "ada")
        told = await answers(Question("q", "figures", {"span": "hour", "now": 1e6}))
        assert told["series"] == []
        seen = len(asked_of)
        for verb, given in (
            ("drop", {}),  # what is not meant for all is nobody's
            ("sites", {"limit": -1}),
            ("figures", {"span": "eon", "now": 1e6}),
            ("figures", {"span": "hour"}),
            ("resume-site", {"site": 7, "by": {}}),
            ("dream", {}),
        ):
            assert await answers(Question("q", verb, given)) == {"error": "not-understood"}
        assert len(asked_of) == seen
        assert errors == []
        await control.stop()

    asyncio.run(work())
