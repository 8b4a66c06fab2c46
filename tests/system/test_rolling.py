"""Servers that share a queue are renewed one after the other while mail comes and goes."""

from __future__ import annotations

import json
import smtplib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from tests.postgresql import PostgresServer

from ulak.lab.mx import Act, Behaviour

from .senders import counted
from .test_cluster import queued, send, settings, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


class Failover:
    """Clients that go to the next server where one does not take a message, as MX hosts are tried.

    `refused` counts replies that are for good, `unknown` messages whose fate was not told.
    """

    def __init__(self, ports: Sequence[int], count: int = 4) -> None:
        self.acknowledged: set[str] = set()
        self.refused = Counter[int]()
        self.unknown: list[str] = []
        self.elsewhere = 0
        self._ports = ports
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self, sender: int) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            name = f"m-{sender}-{number}"
            turn = sender + number
            while not self._try(self._ports[turn % len(self._ports)], name):
                turn += 1
                self.elsewhere += 1
                time.sleep(0.01)
            time.sleep(0.02)

    def _try(self, port: int, name: str) -> bool:
        text = f"From: a@example.net\r\nX-Id: {name}\r\n\r\ntext\r\n".encode()
        sent = False
        try:
            with (
                socket.create_connection(("127.0.0.1", port), 10) as sock,
                sock.makefile("rb") as replies,
            ):
                for line in (
                    *(b"", b"HELO client.example", b"MAIL FROM:<a@example.net>"),
                    *(b"RCPT TO:<b@example.com>", b"DATA", text + b".", b"QUIT"),
                ):
                    if line:
                        sent = line.startswith(b"From:")
                        sock.sendall(line + b"\r\n")
                    code = replies.readline()[:3]
                    if line == b"QUIT":
                        return True
                    if not code.startswith((b"2", b"3")):
                        if code.startswith(b"5"):
                            self.refused[int(code)] += 1
                        if sent and not code:
                            self.unknown.append(name)
                        return False
                    if sent:
                        self.acknowledged.add(name)
        except OSError:
            if sent and name not in self.acknowledged:
                self.unknown.append(name)
        return name in self.acknowledged


def members(server: Any) -> dict[str, dict[str, Any]]:
    shown = server.ulak("cluster", "status", "--json")
    assert shown.stdout, shown.stderr
    return {one["name"]: one for one in json.loads(shown.stdout)["members"]}


def ready(server: Any, *words: str) -> None:
    done = server.ulak("cluster", *words, "--lang", "en")
    assert done.returncode == 0, done.stdout + done.stderr


def refused(server: Any) -> None:
    with pytest.raises(ConnectionRefusedError):
        server.connect()


def has_started(server: Any, starts: int) -> bool:
    """Whether a server has started once more; meanwhile nobody gets in."""
    refused(server)
    return bool(server.log().count('"event": "ready"') > starts)


def more(senders: Failover) -> None:
    before = len(senders.acknowledged)
    until(lambda: len(senders.acknowledged) > before + 20, "more mail")


def test_servers_are_renewed_one_after_the_other_and_no_message_is_lost_refused_or_doubled(
    served: Callable[..., Any], sink: Callable[..., Any], database: PostgresServer
) -> None:
    target, url = sink(), database.fresh()
    servers = [
        served(settings(url, target.port) + f'[cluster]\nname = "mx{n}"\n') for n in range(2)
    ]
    for server in servers:
        server.start()
    senders = Failover([server.port for server in servers])
    until(lambda: len(senders.acknowledged) > 20, "the first messages")
    for server in servers:
        ready(server, "drain", "--wait", "--timeout", "60s")
        refused(server)
        assert server.stop() == 0
        more(senders)
        starts = server.log().count('"event": "ready"')
        server.begin()
        until(partial(has_started, server, starts), "its start")
        refused(server)  # it is drained still
        ready(server, "resume", "--wait")
        with server.connect() as sock:
            assert sock.recv(3) == b"220"
    more(senders)
    senders.stop()
    until(lambda: len(target.messages) >= len(senders.acknowledged), "the last message")
    until(lambda: queued(servers[0]) == [], "an empty queue")
    copies = counted([message.body for message in target.messages])
    assert senders.elsewhere > 0
    assert (senders.refused, senders.unknown) == (Counter(), [])
    assert set(copies) == senders.acknowledged
    assert set(copies.values()) == {1}
    for server in servers:
        assert server.stop() == 0


def test_what_waits_in_a_server_that_is_drained_another_delivers_at_once(
    served: Callable[..., Any], sink: Callable[..., Any], database: PostgresServer
) -> None:
    # Its own way leads to a server that says nothing: the attempts hang, and the others wait.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target, url = sink(), database.fresh()
        many = "[delivery]\nconnections_per_destination = 1\n"
        first = served(settings(url, silent.getsockname()[1]) + many + '[cluster]\nname = "a"\n')
        second = served(settings(url, target.port) + '[cluster]\nname = "b"\n')
        first.start()
        second.start()
        send(first, *(f"m{n}" for n in range(8)))
        until(lambda: members(second).get("a", {}).get("messages") == 8, "all in hand")
        begun = time.monotonic()
        ready(second, "drain", "a")  # over the database
        until(lambda: len(target.messages) >= 7, "what waited", 20)
        until(lambda: members(second)["a"]["duty"] == "draining", "word of it", 20)
        assert time.monotonic() - begun < 30
        refused(first)
        first.kill()
        second.stop()


def test_a_server_with_sqlite_is_drained_when_its_queue_is_empty(
    served: Callable[..., Any], sink: Callable[..., Any]
) -> None:
    at: dict[str, Act | str] = {"RCPT": "451 4.2.0 not now"}
    target = sink(Behaviour(at=at))
    server = served(settings("sqlite", target.port), workers=2)
    server.start()
    send(server, "m1")
    waiting = smtplib.SMTP("127.0.0.1", server.port, "client.example", timeout=30)
    waiting.ehlo()
    waiting.mail("a@example.net")
    ready(server, "drain")
    refused(server)
    # Who has begun may end, and is told then.
    assert waiting.rcpt("b@example.com")[0] == 250
    assert waiting.data("From: a@example.net\r\nX-Id: m2\r\n\r\ntext\r\n")[0] == 250
    until(lambda: waiting.noop()[0] == 421, "a last word")
    waiting.close()
    waited = server.ulak("cluster", "drain", "--wait", "--timeout", "1s", "--json")
    assert (waited.returncode, json.loads(waited.stdout)["duty"]) == (1, "draining")
    at.clear()
    ready(server, "drain", "--wait", "--timeout", "50s")
    assert set(counted([message.body for message in target.messages])) == {"m1", "m2"}
    assert queued(server) == []
    ready(server, "resume", "--wait")
    send(server, "m3")
    assert server.stop() == 0
