"""Servers that share one queue in PostgreSQL: killed, cut off from it, and looked at."""

from __future__ import annotations

import json
import os
import random
import signal
import smtplib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from tests.kills.cluster import prepare
from tests.postgresql import PostgresServer

from ulak.lab.mx import Behaviour

from .senders import Senders, counted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

RETRY = '[delivery.retry]\nfirst = "1s"\nfactor = 1.0\nlongest = "1s"\njitter = 0.0\n'


@pytest.fixture
def own() -> Iterator[PostgresServer]:
    """Give a server that may be killed."""
    server = PostgresServer()
    yield server
    server.stop()


def settings(url: str, port: int) -> str:
    return (
        f'[relay]\nnetworks = ["127.0.0.0/8"]\n[route]\n"*" = "smtp:127.0.0.1:{port}"\n'
        f'[queue]\nstore = "{url}"\n{RETRY}'
    )


def until(true: Callable[[], Any], what: str, patience: float = 40.0) -> Any:
    end = time.monotonic() + patience
    while not (found := true()):
        if time.monotonic() > end:
            pytest.fail(f"waited in vain for {what}")
        time.sleep(0.1)
    return found


def send(server: Any, *names: str) -> None:
    with smtplib.SMTP("127.0.0.1", server.port, "client.example", timeout=30) as smtp:
        for name in names:
            smtp.sendmail(
                "a@example.net",
                ["b@example.com"],
                f"From: a@example.net\r\nX-Id: {name}\r\n\r\ntext\r\n",
            )


def queued(server: Any) -> list[dict[str, Any]]:
    listed = server.ulak("queue", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    rows: list[dict[str, Any]] = json.loads(listed.stdout)["recipients"]
    return rows


def test_two_servers_share_a_queue_and_commands_show_and_change_all_of_it(
    served: Callable[..., Any], sink: Callable[..., Any], database: PostgresServer
) -> None:
    target = sink(Behaviour(at={"RCPT": "451 4.2.0 not now"}))
    url = database.fresh()
    first, second = (served(settings(url, target.port), workers=2) for _ in range(2))
    first.start()
    second.start()
    send(first, "m1", "m2")
    send(second, "m3")
    until(lambda: sum(row["attempts"] > 0 for row in queued(first)) == 3, "the first attempts")
    assert [row["id"] for row in queued(first)] == [row["id"] for row in queued(second)]
    held = second.ulak("queue", "hold", "--all", "--lang", "en")
    assert held.returncode == 0, held.stderr
    until(lambda: {row["state"] for row in queued(first)} == {"held"}, "all of it held", 10)
    shown = first.ulak("queue", "show", queued(second)[0]["id"], "--lang", "en")
    assert shown.returncode == 0, shown.stderr
    assert first.stop() == second.stop() == 0
    # Without a server, too.
    assert len(queued(first)) == 3
    assert first.ulak("queue", "release", "--all").returncode == 0
    assert {row["state"] for row in queued(second)} == {"ready"}
    assert second.ulak("queue", "drop", "--all").returncode == 0
    assert queued(first) == []


def test_what_a_server_had_another_delivers(
    served: Callable[..., Any], sink: Callable[..., Any], database: PostgresServer
) -> None:
    refusing = sink(Behaviour(at={"RCPT": "451 4.2.0 not now"}))
    target = sink()
    url = database.fresh()
    prepare(url)
    first = served(settings(url, refusing.port))
    first.start()
    send(first, "m1", "m2", "m3")
    until(lambda: refusing.server.sessions, "an attempt")
    first.kill()
    second = served(settings(url, target.port))
    second.start()
    until(lambda: len(target.messages) == 3, "all three", 120)
    until(lambda: queued(second) == [], "an empty queue")
    assert second.stop() == 0


def test_mail_in_a_queue_of_before_is_delivered_when_the_queue_moves_to_a_database(
    served: Callable[..., Any], sink: Callable[..., Any], database: PostgresServer
) -> None:
    refusing = sink(Behaviour(at={"RCPT": "451 4.2.0 not now"}))
    target = sink()
    server = served(settings("sqlite", refusing.port), workers=2)
    server.start()
    send(server, "m1", "m2", "m3")
    until(lambda: len(queued(server)) == 3, "all three queued")
    assert server.stop() == 0
    server.more = settings(database.fresh(), target.port)
    server.write()
    assert len(queued(server)) == 3
    server.start()
    send(server, "m4")
    until(lambda: len(target.messages) == 4, "all four")
    until(lambda: queued(server) == [], "an empty queue")
    assert server.stop() == 0


def test_who_works_on_a_queue_of_before_beside_that_of_all_has_a_place_of_its_own_for_each(
    served: Callable[..., Any], sink: Callable[..., Any], database: PostgresServer
) -> None:
    """Two that take one place push each other out of it, and one of them sends nothing."""
    refusing = sink(Behaviour(at={"RCPT": "451 4.2.0 not now"}))
    url = database.fresh()
    server = served(settings("sqlite", refusing.port), workers=2)
    server.start()
    send(server, "m1")
    assert server.stop() == 0
    server.more = settings(url, refusing.port)
    server.start()

    def places() -> list[tuple[int, int]]:
        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT number, divides FROM ulak.sharer ORDER BY number")
            return found.fetchall()

    until(lambda: [divides for _, divides in places()] == [3] * 3, "three that share limits")
    before = places()
    time.sleep(3)
    assert places() == before
    assert server.ulak("queue", "drop", "--all").returncode == 0
    assert server.stop() == 0
    server.start()
    until(lambda: [divides for _, divides in places()] == [2] * 2, "what is empty to need no part")
    assert server.stop() == 0


def test_without_its_database_a_server_refuses_at_once_and_goes_on_when_it_is_back(
    served: Callable[..., Any], sink: Callable[..., Any], own: PostgresServer
) -> None:
    target = sink()
    server = served(settings(own.url, target.port))
    own.crash()
    server.start()  # even then it comes up, and says what is the matter
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(server, "m0")
    assert refused.value.smtp_code == 451
    own.start()

    def taken() -> bool:
        try:
            send(server, "m1")
        except smtplib.SMTPDataError:
            return False
        return True

    until(taken, "mail being taken", 20)
    until(lambda: len(target.messages) == 1, "the first message")
    own.crash()
    for _ in range(3):
        begun = time.monotonic()
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send(server, "m2")
        assert refused.value.smtp_code == 451
        assert time.monotonic() - begun < 10
    own.start()
    until(taken, "mail being taken again", 20)
    until(lambda: len(target.messages) == 2, "the second message")
    assert counted([m.body for m in target.messages]) == Counter({"m1": 2})
    assert server.stop() == 0


@pytest.mark.timeout(600)
def test_what_was_acknowledged_arrives_although_servers_and_their_database_are_killed(
    served: Callable[..., Any], sink: Callable[..., Any], own: PostgresServer
) -> None:
    chance = random.Random(5432)
    target = sink()
    prepare(own.url)
    servers = [served(settings(own.url, target.port)) for _ in range(2)]
    for server in servers:
        server.start()
    senders = [Senders(server.port, 4, prefix=f"s{n}") for n, server in enumerate(servers)]
    kills = Counter[str]()
    for number in range(30):
        time.sleep(chance.uniform(0.2, 0.6))
        victim = servers[number % 2]
        match number % 5:
            case 0 | 1:
                victim.kill()
                victim.start()
                kills["server"] += 1
            case 2:
                for worker in victim.workers_of():
                    os.kill(worker, signal.SIGKILL)
                kills["worker"] += 1
            case 3:
                for pid in own.children:  # one connection of somebody, or a process of the server
                    if chance.random() < 0.3:
                        os.kill(pid, signal.SIGTERM)
                kills["connections"] += 1
            case _:
                own.crash()
                own.start()
                kills["database"] += 1
    for each in senders:
        each.stop()
    acknowledged = set().union(*(each.acknowledged for each in senders))
    end = time.monotonic() + 150
    lost = acknowledged
    while lost and time.monotonic() < end:
        time.sleep(0.2)
        lost = acknowledged - set(counted([m.body for m in target.messages]))
    assert not lost, f"{len(lost)} of {len(acknowledged)} are lost"
    assert len(acknowledged) > 300
    for server in servers:
        assert server.stop() == 0
    copies = counted([m.body for m in target.messages])
    cut = Counter[str]()
    for session in target.server.sessions:
        if not session.quit:
            cut.update(counted([m.body for m in session.taken]))
    doubled = {name: count for name, count in copies.items() if count > 1}
    print(
        f"{dict(kills)}: {len(acknowledged)} acknowledged, 0 lost, {len(doubled)} doubled, "
        f"{sum(count - 1 > cut[name] for name, count in doubled.items())} without a cut"
    )
