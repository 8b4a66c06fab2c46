"""Programs send over HTTP: what was answered arrives, once, however the processes die."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ulak.accounts.access import AccessToken, hashed, mint
from ulak.accounts.account import Account
from ulak.accounts.sqlite import SqliteAccessTokens, SqliteAccounts

from .senders import rounds
from .web import Web

RETRY = '[delivery.retry]\nfirst = "1s"\nfactor = 1.0\nlongest = "1s"\njitter = 0.0\n'
ACCOUNT = "ada@example.org"


class Shop:
    """A program with a token, and the server that it sends with."""

    def __init__(self, served: Callable[..., Any], target: int, rest: str = "") -> None:
        hop = f'[route]\n"*" = "smtp:127.0.0.1:{target}"\n'
        submission = "[submission]\nmessages_per_hour = 0\nrecipients_per_hour = 0\n"
        self.web = Web(served, rest=hop + submission + RETRY + rest)
        data = self.web.server.folder / "data"
        accounts = SqliteAccounts(data / "accounts.db")
        accounts.add(Account(ACCOUNT))
        accounts.close()
        self.token = mint(b"t" * 24)
        tokens = SqliteAccessTokens(data / "access.db")
        scopes = ("messages:send",)
        tokens.add(AccessToken("shop", hashed(self.token), scopes, 1.0, account=ACCOUNT))
        tokens.close()

    def send(self, body: dict[str, Any], key: str = "") -> tuple[int, dict[str, Any]]:
        """Send a message, later where the server asks for that; status 0 where no answer came."""
        while True:
            status, told, wait = self._send(body, key)
            if status != 429:
                return status, told
            time.sleep(wait)

    def _send(self, body: dict[str, Any], key: str) -> tuple[int, dict[str, Any], int]:
        link = http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=20)
        headers = {
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json",
            **({"idempotency-key": key} if key else {}),
        }
        try:
            link.request("POST", "/api/v1/messages", json.dumps(body), headers)
            answer = link.getresponse()
            wait = int(answer.getheader("retry-after") or 0)
            return answer.status, json.loads(answer.read()), wait
        except (OSError, http.client.HTTPException, ValueError):
            return 0, {}, 0
        finally:
            link.close()

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        status, text = self.web.ask(path, authorization=f"Bearer {self.token}")
        return status, json.loads(text)


def message(number: int) -> dict[str, Any]:
    return {
        "from": f"Ada <{ACCOUNT}>",
        "to": [f"u{number}@example.net"],
        "subject": f"order {number}",
        "text": f"order {number}\n",
    }


def orders(bodies: list[bytes]) -> Counter[str]:
    return Counter(body.partition(b"\r\n\r\n")[2].decode().strip() for body in bodies)


def test_a_program_sends_and_reads_what_came_of_it(
    served: Callable[..., Any], sink: Callable[..., Any]
) -> None:
    target = sink()
    shop = Shop(served, target.port)
    shop.web.start()
    status, told = shop.send(message(1), "order-1")
    assert status == 202, told
    again = shop.send(message(1), "order-1")
    assert again == (202, {**told, "again": True})
    assert shop.send(message(2), "order-1")[0] == 409
    status, refused = shop.send({**message(3), "from": "eve@example.com"})
    assert (status, refused["cause"]) == (422, "sender-not-owned")
    shop.web.wait(lambda: len(target.messages) == 1)
    time.sleep(0.5)
    assert orders([m.body for m in target.messages]) == {"order 1": 1}
    shop.web.wait(lambda: "delivered" in str(shop.get(f"/api/v1/messages/{told['id']}")))
    status, story = shop.get(f"/api/v1/messages/{told['id']}")
    assert status == 200
    assert [one["stands"] for one in story["recipients"]] == ["delivered"]
    assert shop.get("/api/v1/messages/none")[0] == 404
    assert shop.web.server.stop() == 0


def test_a_known_dead_address_is_refused_to_programs_too(
    served: Callable[..., Any], sink: Callable[..., Any]
) -> None:
    target = sink()
    shop = Shop(served, target.port)
    shop.web.start()
    assert shop.web.server.ulak("suppression", "add", "u1@example.net").returncode == 0
    time.sleep(1.1)  # an empty list is looked at once a second
    status, told = shop.send(message(1))
    assert (status, told["cause"]) == (422, "on-suppression-list")
    assert told["recipients"][0]["state"] == "refused"
    assert shop.web.server.stop() == 0


def test_equal_requests_at_the_same_time_are_one_message(
    served: Callable[..., Any], sink: Callable[..., Any]
) -> None:
    target = sink()
    shop = Shop(served, target.port)
    shop.web.start()
    answers: list[tuple[int, dict[str, Any]]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(shop.send(message(1), "k")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in answers} == {202}
    assert len({told["id"] for _, told in answers}) == 1
    assert sum(not told["again"] for _, told in answers) == 1
    shop.web.wait(lambda: bool(target.messages))
    time.sleep(0.5)
    assert len(target.messages) == 1
    assert shop.web.server.stop() == 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_repeated_request_sends_once_although_everything_is_killed(
    served: Callable[..., Any], sink: Callable[..., Any]
) -> None:
    """Each order is asked for under its key until it is answered; killed are workers and web."""
    chance = random.Random(9110)
    target = sink()
    shop = Shop(served, target.port)
    shop.web.start()
    server, done, over = shop.web.server, dict[int, str](), threading.Event()

    def run(first: int) -> None:
        number = first
        while not over.is_set():
            status, told = shop.send(message(number), f"order-{number}")
            if status == 202:
                done[number] = told["id"]
                number += 4
            elif status not in (0, 503, 500):
                raise AssertionError((status, told))
            else:
                time.sleep(0.02)

    threads = [threading.Thread(target=run, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for number in rounds(24, lambda: len(done) > 50):
        time.sleep(chance.uniform(0.2, 0.7))
        if number % 3:
            victims = [*shop.web.workers, *([shop.web.process] if number % 2 else [])]
            os.kill(chance.choice(victims), signal.SIGKILL)
            shop.web.wait(lambda: len(server.workers_of()) >= 2)
        else:
            server.kill()
            shop.web.start()
    over.set()
    for thread in threads:
        thread.join()
    end = time.monotonic() + 60
    wanted = {f"order {number}" for number in done}
    while wanted - set(orders([m.body for m in target.messages])) and time.monotonic() < end:
        time.sleep(0.2)
    found = orders([m.body for m in target.messages])
    assert len(done) > 50
    assert not wanted - set(found)
    cut = Counter[str]()
    for session in target.server.sessions:
        if not session.quit:
            cut.update(orders([m.body for m in session.taken]))
    doubled = {name: count for name, count in found.items() if count > 1}
    assert all(count - 1 <= cut[name] for name, count in doubled.items()), doubled
    assert server.stop() == 0


def test_the_receipt_is_there_if_and_only_if_the_message_was(tmp_path: Path) -> None:
    """A process that puts under keys is killed: what it had answered is known, and not twice."""
    script = Path(__file__).with_name("putting.py")
    answered: list[str] = []
    for number in range(5):
        process = subprocess.Popen(
            [sys.executable, str(script), str(tmp_path / "queue"), str(number)],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        lines = range(30 + 7 * number)
        answered += [process.stdout.readline().decode().strip() for _ in lines]
        process.kill()
        process.wait()
        process.stdout.close()
    from ulak.queue.item import Selection  # noqa: PLC0415 -- the queue of the test above only
    from ulak.queue.sqlite import open_reader  # noqa: PLC0415 -- as above

    with open_reader(tmp_path / "queue") as reader:
        queued = {row.id for row in reader.list(Selection(everything=True))}
        receipts = {name for name in queued if reader.receipt(f"key {name}") is not None}
        assert set(answered) - {""} <= queued
        assert receipts == queued
