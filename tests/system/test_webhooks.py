"""What happens to mail is told: to receivers, whatever dies when, and to who follows the stream."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.events.receiver import SECRET, Receiver

from ulak.accounts.access import AccessToken, hashed, mint
from ulak.accounts.sqlite import SqliteAccessTokens
from ulak.lab.mx import Act, Behaviour

from .senders import rounds
from .test_sending import Shop, message
from .web import Web


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


def hooked(receiver: Receiver, more: str = "") -> str:
    return (
        f'[[webhook]]\nurl = "http://127.0.0.1:{receiver.port}/"\nsecret = "secret"\n'
        f"private = true\n{more}\n"
    )


def secret(web: Web) -> None:
    (web.server.folder / "secret").write_bytes(SECRET + b"\n")


def token(web: Web, scope: str) -> str:
    made = mint(b"e" * 24)
    tokens = SqliteAccessTokens(web.server.folder / "data" / "access.db")
    tokens.add(AccessToken("follower", hashed(made), (scope,), 1.0))
    tokens.close()
    return made


def test_a_bounce_and_a_delivery_are_told_signed(
    served: Callable[..., Any], sink: Callable[..., Any], receiver: Receiver
) -> None:
    unknown = Act(raw=b"550 5.1.1 no such user\r\n")
    target = sink(Behaviour(at={"RCPT": unknown}), Behaviour())
    shop = Shop(served, target.port, hooked(receiver))
    secret(shop.web)
    shop.web.start()
    _, first = shop.send(message(1))
    shop.web.wait(lambda: len(receiver.events) == 1)
    _, second = shop.send(message(1))
    assert second["cause"] == "on-suppression-list", "what was refused as unknown is remembered"
    (event,) = receiver.events
    assert (event["event"], event["message"]) == ("bounced", first["id"])
    assert (event["recipient"], event["cause"]) == ("u1@example.net", "no-such-mailbox")
    assert event["sender"] == "ada@example.org"
    assert "550 5.1.1" in event["reply"]
    listed = shop.web.server.ulak("webhook", "list", "--json")
    (told,) = json.loads(listed.stdout)["webhooks"]
    assert (told["waiting"], told["failures"]) == (0, 0)
    tried = shop.web.server.ulak("webhook", "test")
    assert (tried.returncode, "has taken the event" in tried.stdout) == (0, True), tried.stderr
    assert receiver.events[-1]["event"] == "test"
    assert receiver.forged == 0
    assert shop.web.server.stop() == 0


def test_events_can_be_followed_and_resumed(
    served: Callable[..., Any], sink: Callable[..., Any]
) -> None:
    shop = Shop(served, sink().port)
    shown = token(shop.web, "events:read")
    shop.web.start()

    def follow(last: str, wanted: int) -> list[tuple[str, dict[str, Any]]]:
        link = http.client.HTTPConnection("127.0.0.1", shop.web.port, timeout=20)
        headers = {"authorization": f"Bearer {shown}"} | ({"last-event-id": last} if last else {})
        link.request(
            "GET", "/api/v1/events?event=delivered&from_domain=example.org", headers=headers
        )
        answer = link.getresponse()
        assert answer.status == 200
        assert answer.getheader("content-type", "").startswith("text/event-stream")
        started.set()
        found: list[tuple[str, dict[str, Any]]] = []
        place = ""
        while len(found) < wanted:
            line = answer.readline().decode().rstrip("\n")
            if line.startswith("id: "):
                place = line.removeprefix("id: ")
            elif line.startswith("data: "):
                found.append((place, json.loads(line.removeprefix("data: "))))
        link.close()
        return found

    started = threading.Event()
    heard: list[tuple[str, dict[str, Any]]] = []
    thread = threading.Thread(target=lambda: heard.extend(follow("", 3)))
    thread.start()
    started.wait(20)
    ids = [shop.send(message(n))[1]["id"] for n in range(3)]
    thread.join(30)
    assert sorted(event["message"] for _, event in heard) == sorted(ids)
    rest = follow(heard[0][0], 2)
    assert [event["message"] for _, event in rest] == [event["message"] for _, event in heard[1:]]
    assert shop.web.server.stop() == 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_delivery_is_told_although_server_and_receiver_die(
    served: Callable[..., Any], sink: Callable[..., Any], receiver: Receiver
) -> None:
    chance = random.Random(2104)
    target = sink()
    shop = Shop(served, target.port, hooked(receiver, 'events = ["delivered"]'))
    secret(shop.web)
    shop.web.start()
    server, done, over = shop.web.server, set[str](), threading.Event()

    def run(first: int) -> None:
        number = first
        while not over.is_set():
            status, told = shop.send(message(number), f"order-{number}")
            if status == 202:
                done.add(told["id"])
                number += 2
            else:
                time.sleep(0.05)

    threads = [threading.Thread(target=run, args=(first,)) for first in range(2)]
    for thread in threads:
        thread.start()
    for number in rounds(10, lambda: len(done) > 20):
        time.sleep(chance.uniform(0.3, 1.0))
        receiver.status = chance.choice([200, 200, 500])
        if number % 2:
            os.kill(chance.choice(shop.web.workers), signal.SIGKILL)
            shop.web.wait(lambda: len(server.workers_of()) >= 2)
        else:
            server.kill()
            shop.web.start()
    over.set()
    for thread in threads:
        thread.join()
    receiver.status = 200
    end = time.monotonic() + 90
    told = Counter[str]()
    while time.monotonic() < end and done - set(told):
        time.sleep(0.5)
        told = Counter(event["message"] for event in receiver.events)
    assert len(done) > 20
    assert not done - set(told), f"{len(done - set(told))} of {len(done)} were never told"
    assert receiver.forged == 0
    assert server.stop() == 0
