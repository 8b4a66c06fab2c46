"""Servers that keep mail on their own disk while the database of the queue is away."""

from __future__ import annotations

import os
import random
import signal
import smtplib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.postgresql import PostgresServer

from ulak.queue.item import Selection
from ulak.queue.sqlite import open_reader

from .senders import Senders, counted
from .test_cluster import queued, send, settings, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SPILL = "spill = true\n"


@pytest.fixture
def own() -> Iterator[PostgresServer]:
    """Give a server that may be killed."""
    server = PostgresServer()
    yield server
    server.stop()


def spilling(url: str, port: int) -> str:
    store = f'store = "{url}"\n'
    return settings(url, port).replace(store, store + SPILL)


def spilled(folder: Path) -> int:
    """Count the recipients that a server keeps itself."""
    count = 0
    for store in (folder / "spill").glob("*/queue.sqlite"):
        with open_reader(store.parent) as reader:
            count += reader.total(Selection(everything=True))
    return count


def taken(server: Any, name: str) -> bool:
    """Send a message; one whose fate in the database is not known is refused, and not kept here."""
    try:
        send(server, name)
    except smtplib.SMTPDataError as refused:
        if refused.smtp_code != 451:
            raise
        return False
    return True


def test_mail_is_taken_without_the_database_and_delivered_when_it_is_back(
    served: Callable[..., Any], sink: Callable[..., Any], own: PostgresServer
) -> None:
    target = sink()
    server = served(spilling(own.url, target.port), workers=2)
    own.crash()
    server.start()
    for name in ("m1", "m2", "m3", "m4"):
        until(partial(taken, server, name), "mail being kept", 30)
    assert spilled(server.data) >= 4
    listed = server.ulak("queue", "list", "--lang", "en")
    assert listed.returncode == 1
    assert "Messages that this machine alone has" in listed.stderr
    assert not target.messages
    # A new start finds it, too.
    server.kill()
    server.start()
    until(lambda: taken(server, "m5"), "mail being kept after a kill", 30)
    own.start()
    until(lambda: len(target.messages) >= 5, "all five", 30)
    until(lambda: queued(server) == [], "an empty queue")
    assert spilled(server.data) == 0
    assert server.stop() == 0
    assert set(counted([m.body for m in target.messages])) == {"m1", "m2", "m3", "m4", "m5"}


def test_what_is_kept_can_be_looked_at_and_held_until_it_is_there(
    served: Callable[..., Any], sink: Callable[..., Any], own: PostgresServer
) -> None:
    target = sink()
    server = served(spilling(own.url, target.port))
    server.start()
    send(server, "m0")
    until(lambda: len(target.messages) == 1, "the first")
    until(lambda: queued(server) == [], "an empty queue")
    own.crash()
    until(lambda: taken(server, "m1"), "mail being kept", 30)
    assert server.stop() == 0
    own.start()
    (row,) = queued(server)
    assert row["spilled"] is True
    shown = server.ulak("queue", "show", row["id"], "--lang", "en")
    assert "This machine alone has it" in shown.stdout
    held = server.ulak("queue", "hold", "--all", "--lang", "en")
    assert held.returncode == 0, held.stderr
    server.start()
    until(lambda: spilled(server.data) == 0, "all in the database")
    (row,) = queued(server)
    assert row["state"] == "held"
    assert "spilled" not in row
    assert server.ulak("queue", "release", "--all").returncode == 0
    until(lambda: len(target.messages) == 2, "the second")
    assert server.stop() == 0


@pytest.mark.timeout(600)
def test_what_was_kept_arrives_once_although_servers_and_database_are_killed_in_its_replay(
    served: Callable[..., Any], sink: Callable[..., Any], own: PostgresServer
) -> None:
    chance = random.Random(8)
    target = sink()
    server = served(spilling(own.url, target.port))
    server.start()
    senders = Senders(server.port, 4, prefix="s", lines=20)
    kills = Counter[str]()
    for number in range(24):
        own.crash()
        time.sleep(chance.uniform(0.3, 1.0))
        own.start()
        time.sleep(chance.uniform(0.0, 0.4))
        if number % 2:
            for worker in server.workers_of():
                os.kill(worker, signal.SIGKILL)
            kills["worker"] += 1
        else:
            server.kill()
            server.start()
            kills["server"] += 1
    kept = Counter({"kept": spilled(server.data)})
    senders.stop()
    end = time.monotonic() + 150
    lost = senders.acknowledged
    while lost and time.monotonic() < end:
        time.sleep(0.2)
        lost = senders.acknowledged - set(counted([m.body for m in target.messages]))
    assert not lost, f"{len(lost)} of {len(senders.acknowledged)} are lost"
    assert len(senders.acknowledged) > 100
    until(lambda: spilled(server.data) == 0, "nothing being kept")
    assert server.stop() == 0
    copies = counted([m.body for m in target.messages])
    cut = Counter[str]()
    for session in target.server.sessions:
        if not session.quit:
            cut.update(counted([m.body for m in session.taken]))
    doubled = {name: count for name, count in copies.items() if count > 1}
    # What the sender was told to send again may come twice; what a kill cut after DATA, too.
    print(
        f"{dict(kills)}: {len(senders.acknowledged)} acknowledged, 0 lost, {dict(kept)}, "
        f"{len(doubled)} doubled, "
        f"{sum(count - 1 > cut[name] for name, count in doubled.items())} without a cut"
    )
