"""Greylisting by whole servers: several workers and a file, two servers and a database."""

from __future__ import annotations

import json
import smtplib
import time
from collections.abc import Callable

import psycopg
from tests.conftest import Served
from tests.postgresql import PostgresServer

GREY = """
[domains."example.org"]
mailboxes = ["ada"]
[checks]
spf = "off"
dkim = "off"
dmarc = "off"
arc = "off"
iprev = "off"
helo = "off"
[delivery]
paused = true
[policy.greylist]
on = true
delay = "2s"
"""


def reply(server: Served, sender: str) -> tuple[int, str]:
    """Name ada as a recipient over a connection of its own; give what is answered."""
    with smtplib.SMTP(server.host, server.port, "client.example.net", 20) as client:
        client.ehlo()
        client.mail(sender)
        code, said = client.rcpt("ada@example.org")
        return code, said.decode()


def until(true: Callable[[], bool], patience: float = 20.0) -> None:
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_all_workers_know_whom_one_of_them_has_put_off(served: Callable[..., Served]) -> None:
    server = served(GREY, workers=3)
    server.start()
    code, said = reply(server, "joe@client.example.net")
    assert code == 451
    assert "please try again in 2 minutes" in said
    until(lambda: reply(server, "joe@client.example.net")[0] == 250)
    time.sleep(0.5)  # until it is written
    assert {reply(server, "joe@client.example.net")[0] for _ in range(20)} == {250}
    refusal = said.split()[-1].rstrip(")")
    told = server.ulak("why", refusal)
    assert "127.0.0.0/24" in told.stdout, (said, told)
    server.stop()
    server.start()
    assert reply(server, "joe@client.example.net")[0] == 250, "it was forgotten"
    assert server.stop() == 0
    assert "Traceback" not in server.log()


def test_what_one_server_has_let_in_another_knows(
    served: Callable[..., Served], database: PostgresServer
) -> None:
    store = f'{GREY}\n[queue]\nstore = "{database.fresh()}"\n'
    one, other = served(store), served(store)
    one.start()
    other.start()
    assert reply(one, "joe@client.example.net")[0] == 451
    until(lambda: reply(one, "joe@client.example.net")[0] == 250)
    time.sleep(0.5)  # until it is written
    assert reply(other, "joe@client.example.net")[0] == 250
    assert reply(other, "eve@client.example.net")[0] == 451
    assert one.stop() == other.stop() == 0


def test_without_the_database_nobody_is_put_off_and_the_log_says_so_once(
    served: Callable[..., Served], database: PostgresServer
) -> None:
    url = database.fresh()
    server = served(f'{GREY}\n[queue]\nstore = "{url}"\n')
    server.start()
    assert reply(server, "joe@client.example.net")[0] == 451
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE ulak.triplet RENAME TO gone")
        assert reply(server, "eve@client.example.net")[0] == 250
        time.sleep(2.5)
        assert reply(server, "adam@client.example.net")[0] == 250
        connection.execute("ALTER TABLE ulak.gone RENAME TO triplet")
    until(lambda: reply(server, "cain@client.example.net")[0] == 451)
    server.stop()
    events = [
        json.loads(line)["event"] for line in server.log().splitlines() if line.startswith("{")
    ]
    assert events.count("clients-unknown") == 1
    assert events.count("clients-known") == 1
