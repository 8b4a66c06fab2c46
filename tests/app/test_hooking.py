"""Events over real HTTP: verified TLS, no private addresses, and answers as they are meant."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.events.receiver import SECRET, Receiver

from ulak.app.hooking import HttpSend
from ulak.dns import Zone
from ulak.events.event import Event as HookEvent
from ulak.events.event import Wanted, What
from ulak.events.hook import Answered, Hook
from ulak.events.outbox import Outbox
from ulak.events.postman import Postman
from ulak.events.sqlite import SqliteOutbox
from ulak.lab.certificate import certificate
from ulak.log import Event, Log


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


def send(hook: Hook, zone: Zone | None = None, context: ssl.SSLContext | None = None) -> Answered:
    ask = HttpSend(zone or Zone({}), context or ssl.create_default_context())
    return asyncio.run(ask(hook, b'{"events":[]}', {"content-type": "application/json"}))


def near(receiver: Receiver, **how: Any) -> Hook:
    url = f"http://127.0.0.1:{receiver.port}/events?x=1"
    return Hook(url, SECRET, **{"private": True, **how})


def test_what_a_receiver_answers_is_told(receiver: Receiver) -> None:
    assert send(near(receiver)).taken
    receiver.status, receiver.fields = 503, {"retry-after": "77"}
    answered = send(near(receiver))
    assert (answered.taken, answered.told, answered.after) == (False, "HTTP 503", 77.0)
    receiver.status = 302
    receiver.fields = {"location": f"http://127.0.0.1:{receiver.port}/elsewhere"}
    assert not send(near(receiver)).taken, "redirects are not followed"
    receiver.status = 410
    assert send(near(receiver)).gone


def test_a_receiver_that_says_nothing_is_not_waited_for(receiver: Receiver) -> None:
    receiver.hangs = 3.0
    assert "no answer within 0.3 seconds" in send(near(receiver, timeout=0.3)).told


def test_nobody_there_is_a_problem_and_no_exception() -> None:
    assert not send(Hook("http://127.0.0.1:1/", SECRET, private=True)).taken
    assert "it has no address" in send(Hook("https://nowhere.example/", SECRET)).told


def test_a_private_address_is_only_for_whom_the_operator_says(receiver: Receiver) -> None:
    zone = Zone({("inside.example", "A"): ["127.0.0.1"]})
    url = f"https://inside.example:{receiver.port}/"
    assert "private addresses" in send(Hook(url, SECRET), zone).told
    assert "private addresses" in send(Hook(f"https://127.0.0.1:{receiver.port}/", SECRET)).told
    assert "private addresses" in send(Hook("https://[::ffff:10.0.0.1]/", SECRET)).told
    assert "in clear" in send(near(receiver, private=False)).told
    assert not receiver.requests


def test_a_certificate_that_nobody_vouches_for_is_not_believed(tmp_path: Path) -> None:
    made = certificate("hook.example")
    files = made.write(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, files))
    receiver = Receiver(context)
    zone = Zone({("hook.example", "A"): ["127.0.0.1"], ("other.example", "A"): ["127.0.0.1"]})
    hook = Hook(f"https://hook.example:{receiver.port}/", SECRET, private=True)
    assert "certificate" in send(hook, zone).told.lower()
    believed = ssl.create_default_context(cafile=str(files[0]))
    assert send(hook, zone, believed).taken
    other = Hook(f"https://other.example:{receiver.port}/", SECRET, private=True)
    assert not send(other, zone, believed).taken, "the name counts"
    receiver.stop()


class Said:
    def __init__(self) -> None:
        self.events: list[tuple[Event, dict[str, Any]]] = []

    def emit(self, event: Event, **facts: Any) -> None:
        self.events.append((event, facts))


def test_a_postman_tries_again_and_goes_on_in_order(tmp_path: Path, receiver: Receiver) -> None:
    """Against a real server: refused, then taken; and another that is gone is switched off."""
    gone = Receiver()
    gone.status = 410
    said = Said()
    hooks = [near(receiver), near(gone)]
    store = SqliteOutbox(tmp_path / "outbox.db")
    now = [1_000.0]

    async def run() -> None:
        wanted = [(hook.url, Wanted()) for hook in hooks]
        outbox = Outbox(store, wanted, most=1000, incident=str)
        for number in range(120):
            outbox.note(HookEvent(What.DELIVERED, now[0], f"M{number}"))
        await outbox.flush()
        postman = Postman(
            store,
            hooks,
            HttpSend(Zone({}), ssl.create_default_context()),
            clock=lambda: now[0],
            chance=lambda: 0.5,
            log=cast("Log", said),
            incident=str,
        )
        receiver.status = 500
        failures, wait = await postman._turn(hooks[0], 0)
        assert (failures, wait) == (1, 5.0)
        assert store.state(hooks[0].url).problem == "HTTP 500"
        failures, wait = await postman._turn(hooks[0], failures)
        assert (failures, wait) == (2, 10.0)
        receiver.status = 200
        for _ in range(3):
            failures, wait = await postman._turn(hooks[0], failures)
            assert (failures, wait) == (0, 0.0)
        assert await postman._turn(hooks[0], 0) == (0, 1.0)
        assert await postman._turn(hooks[1], 0) == (0, 60.0)
        gone.status = 200
        assert await postman._turn(hooks[1], 0) == (0, 60.0), "off is off"

    asyncio.run(run())
    assert [event["message"] for event in receiver.events] == [f"M{n}" for n in range(120)]
    ids = [int(event["id"]) for event in receiver.events]
    assert ids == sorted(set(ids))
    assert not gone.events
    assert [event for event, _ in said.events] == [
        Event.WEBHOOK_FAILED,
        Event.WEBHOOK_FAILED,
        Event.WEBHOOK_RESUMED,
        Event.WEBHOOK_GONE,
    ]
    assert store.state(hooks[1].url).waiting == 120
    gone.stop()
    store.close()
    assert json.dumps(receiver.requests)


def test_what_is_three_days_old_is_given_up_and_said(tmp_path: Path, receiver: Receiver) -> None:
    receiver.status = 500
    said = Said()
    store = SqliteOutbox(tmp_path / "outbox.db")
    hook = near(receiver)
    store.add([(1_000.0, "{}", [hook.url]), (300_000.0, "{}", [hook.url])], 100)
    postman = Postman(
        store, [hook], HttpSend(Zone({}), ssl.create_default_context()),
        clock=lambda: 300_000.0, chance=lambda: 0.5, log=cast("Log", said), incident=str,
    )  # fmt: skip
    asyncio.run(postman._turn(hook, 0))
    assert store.state(hook.url).waiting == 1
    assert said.events[-1] == (Event.WEBHOOK_DROPPED, {"url": hook.url, "count": 1})
    store.close()
