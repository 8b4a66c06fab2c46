"""The stream of events: what is in it, where it goes on, and when it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest
from starlette.testclient import TestClient
from tests.web.api.test_api import World

from ulak.events.event import Event, Wanted, What
from ulak.web import api
from ulak.web.api.streaming import follow
from ulak.web.application import application
from ulak.web.site import Site


class Source:
    """Follows `web.api.ports.Events`: places are numbers."""

    def __init__(self, *events: Event | None) -> None:
        self.events = list(events)
        self.gone = 0

    async def begin(self, place: str) -> str | None:
        if not place:
            return str(len(self.events))
        return place if place.isdigit() else None

    async def after(self, place: str) -> Sequence[tuple[str, Event | None]]:
        start = max(int(place), self.gone)
        return [(str(n + 1), one) for n, one in enumerate(self.events) if n >= start][:2]

    async def lost(self, place: str) -> bool:
        return int(place) < self.gone


def event(number: int, what: What = What.DELIVERED, sender: str = "ada@example.org") -> Event:
    return Event(what, 1000.0, f"M{number}", sender, "b@example.net")


def told(source: Source, place: str = "0", wanted: Wanted | None = None, turns: int = 40) -> str:
    left = turns

    async def pause(_seconds: float) -> None:
        await asyncio.sleep(0)

    async def still() -> bool:
        nonlocal left
        left -= 15
        return left > 0

    async def run() -> str:
        chosen = wanted or Wanted()
        return "".join([part async for part in follow(source, place, chosen, still, pause)])

    return asyncio.run(run())


def test_events_come_with_their_place() -> None:
    text = told(Source(event(1), None, event(2, What.BOUNCED)))
    first, second, *_ = text.split("\n\n")
    assert first.split("\n")[:2] == ["id: 1", "event: delivered"]
    assert json.loads(first.split("\n")[2].removeprefix("data: "))["message"] == "M1"
    assert second.split("\n")[:2] == ["id: 3", "event: bounced"]


def test_it_goes_on_where_it_was_left() -> None:
    source = Source(event(1), event(2), event(3))
    assert "M3" in told(source, "2")
    assert "M1" not in told(source, "2")


def test_only_what_is_wanted_is_told_but_the_place_goes_on() -> None:
    source = Source(event(1), event(2, What.BOUNCED), event(3, sender="eve@example.com"))
    text = told(source, "0", Wanted(frozenset({"bounced"})))
    assert "M1" not in text
    assert "event: bounced" in text
    assert "id: 3\n\n" in text, "who comes back need not hear again what was not for it"
    assert "M3" not in told(source, "0", Wanted(domains=frozenset({"example.org"})))


def test_what_is_kept_no_more_is_said_first() -> None:
    source = Source(event(1), event(2), event(3))
    source.gone = 2
    assert told(source, "0").startswith("event: lost\ndata: {}\n\nid: 3\n")


def test_silence_is_broken_and_a_token_that_is_gone_ends_it() -> None:
    text = told(Source(), turns=40)
    assert text == ": \n\n" * 2


@pytest.fixture
def client() -> tuple[TestClient, World]:
    world = World()
    ports = api.Ports(lambda: 1000.0, world.count, world.tokens, events=Source(event(1)))
    app = application(Site(), [api.piece(ports, world.incident)], world.incident)
    return TestClient(app), world


def test_who_follows_needs_a_token_and_a_place_that_is_one(
    client: tuple[TestClient, World],
) -> None:
    asked, world = client
    assert asked.get("/api/v1/events").status_code == 401
    headers = {"authorization": f"Bearer {world.tokens.make('queue:read')}"}
    assert asked.get("/api/v1/events", headers=headers).status_code == 403
    headers = {"authorization": f"Bearer {world.tokens.make('events:read')}"}
    answer = asked.get("/api/v1/events", headers={**headers, "last-event-id": "nonsense"})
    assert answer.status_code == 400
    assert asked.get("/api/v1/events?event=opened", headers=headers).status_code == 400
    told = asked.get("/api/v1/openapi.json").json()["paths"]["/events"]["get"]
    assert list(told["responses"]["200"]["content"]) == ["text/event-stream"]
