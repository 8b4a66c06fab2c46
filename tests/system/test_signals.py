"""What SIGTERM, SIGHUP and a restart do to whoever is in the middle of something.

A chunk under way is a message under way, and may end; a login may not, for no mail is lost by it.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import free_port
from tests.queue.test_migration import version_1

from .client import Client
from .test_serve import arrived
from .test_submission import SECRET

ADA = "ada@example.org"
TEXT = b"From: g@example.net\r\n\r\nhello\r\n"
NAME, PASSWORD = (base64.b64encode(word.encode()).decode() for word in (ADA, SECRET))


class Post:
    """A server with a submission listener in clear, where SCRAM alone may be used."""

    def __init__(self, served: Callable[..., Any], more: str = "") -> None:
        self.submission = free_port()
        self.server = served(
            f'[[listener]]\naddress = "127.0.0.1:{self.submission}"\nkind = "submission"\n'
            f'[domains."example.org"]\nmailboxes = ["ada"]\n{more}'
        )
        self.server.start()
        assert self.server.ulak("account", "add", ADA, given=SECRET + "\n").returncode == 0

    def in_a_chunk(self) -> Client:
        """A client that has sent the first half of a message, and part of the second."""
        client = Client(self.server.port)
        client.hear()
        client.say("EHLO c.example.net")
        client.say("MAIL FROM:<g@example.net>")
        client.say(f"RCPT TO:<{ADA}>")
        client.write(b"BDAT 10\r\n" + TEXT[:10])
        assert client.hear().startswith("250 2.0.0")
        client.write(f"BDAT {len(TEXT) - 10} LAST\r\n".encode() + TEXT[10:15])
        return client

    def in_a_login(self) -> Client:
        """A client that was asked for the next step of its login."""
        client = Client(self.submission)
        client.hear()
        client.say("EHLO c.example.net")
        first = base64.b64encode(f"n,,n={ADA},r=abcdefgh".encode()).decode()
        assert client.say(f"AUTH SCRAM-SHA-256 {first}").startswith("334 ")
        return client

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.server.process.pid, number)


def between(client: Client) -> Client:
    """Say no more until the chunk is over: then the next one may come."""
    client.write(TEXT[15:])
    return client


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_message_in_chunks_may_end_and_a_login_is_told_to_come_again(
    served: Callable[..., Any], number: signal.Signals
) -> None:
    post = Post(served)
    server = post.server
    if number is signal.SIGHUP:
        server.more += "\n[limits]\nerrors = 19\n"
        server.write()
    before = server.workers_of()
    with post.in_a_chunk() as sender, post.in_a_login() as user:
        post.signal(number)
        assert user.hear().startswith("421 4.3.2")
        assert user.hear() == ""
        between(sender)
        said = sender.hear()
        assert said.startswith("250 2.0.0 Message "), said
    if number is signal.SIGTERM:
        assert server.process.wait(30) == 0
        server.start()
    arrived(server.data / "mail" / "example.org" / "ada")
    end = time.monotonic() + 60
    while set(before) & set(server.workers_of()):
        assert time.monotonic() < end
        time.sleep(0.05)
    with post.in_a_login() as user:  # the new worker knows the account, too
        assert user.say("*").startswith("501 5.7.0")


@pytest.mark.parametrize("renewed", [False, True])
def test_who_comes_while_the_last_messages_end_is_refused_and_does_not_wait(
    served: Callable[..., Any], tmp_path: Path, *, renewed: bool
) -> None:
    web, unix = free_port(), tmp_path / "mail"
    more = f'[[listener]]\naddress = "unix:{unix}"\nkind = "lmtp"\n'
    post = Post(served, f'{more}[web]\naddress = "127.0.0.1:{web}"\n[limits]\nshutdown = "50s"\n')
    with post.in_a_chunk() as sender:
        if renewed:  # a worker that is being replaced leaves its clients to the one after it
            post.server.more += "errors = 19\n"
            post.server.write()
            post.signal(signal.SIGHUP)
            end = time.monotonic() + 30
            while '"event": "draining"' not in post.server.log():
                assert time.monotonic() < end
                time.sleep(0.05)
            post.server.connect().close()
        post.signal(signal.SIGTERM)
        for port in (post.server.port, post.submission, web):
            gone(("127.0.0.1", port))
        assert not unix.exists()
        assert post.server.process.poll() is None
        between(sender)
        assert sender.hear().startswith("250 2.0.0 Message ")
    assert post.server.process.wait(30) == 0


def gone(address: tuple[str, int]) -> None:
    """Wait until nobody is let in any more."""
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(address, 5).close()
        except OSError:
            return
        assert time.monotonic() < end
        time.sleep(0.05)


def test_chunks_that_were_acknowledged_are_no_message_before_the_last_one(
    served: Callable[..., Any],
) -> None:
    post = Post(served)
    with post.in_a_chunk():
        post.server.kill()
    post.server.start()
    listed = post.server.ulak("queue", "list", "--json")
    assert json.loads(listed.stdout) == {"recipients": []}
    assert not (post.server.data / "mail").exists()


def test_what_waits_for_its_time_outlives_a_restart(served: Callable[..., Any]) -> None:
    more = '[relay]\nnetworks = ["127.0.0.1/32"]\n'
    post = Post(served, more)
    server = post.server
    server.stop()
    server.more = server.more.replace('"submission"', '"submission"\nlogin = "off"')
    server.start()
    with Client(post.submission) as client:
        client.hear()
        assert "FUTURERELEASE" in client.say("EHLO c.example.net")
        assert client.send(b"To: ada\r\nFrom: g@example.net\r\n\r\nx", wishes=" HOLDFOR=15")
        due = time.time() + 15
    assert server.stop() == 0
    server.start()
    (row,) = json.loads(server.ulak("queue", "list", "--json").stdout)["recipients"]
    assert row["cause"] == "held-for-release"
    arrived(server.data / "mail" / "example.org" / "ada")
    assert time.time() > due - 1


def test_a_folder_of_the_version_before_is_taken_over_with_its_mail(
    served: Callable[..., Any], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    version_1(data / "queue" / "0")
    server = served(
        '[delivery]\npaused = true\n[domains."example.org"]\nmailboxes = ["ada"]\n', data=str(data)
    )
    server.start()
    rows = json.loads(server.ulak("queue", "list", "--json").stdout)["recipients"]
    assert {row["id"] for row in rows} == {"m1", "m2"}
    assert all(row["wishes"] == {} for row in rows)
    assert "There are no accounts yet" in server.ulak("account", "list", "--lang=en").stdout
    assert server.ulak("account", "add", ADA, given=SECRET + "\n").returncode == 0
    assert server.ulak("queue", "drop", "--all").returncode == 0
    with Client(server.port) as client:
        client.hear()
        client.say("EHLO c.example.net")
        assert client.send(wishes=" RET=HDRS ENVID=x").startswith("250")
    (row,) = json.loads(server.ulak("queue", "list", "--json").stdout)["recipients"]
    assert row["wishes"] == {"ret": "HDRS", "envid": "x"}
    assert server.stop() == 0
