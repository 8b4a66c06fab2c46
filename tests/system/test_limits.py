"""Servers with one queue share the limits of destinations, and go on when the database is away."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.postgresql import PostgresServer

from ulak.lab.mx import Behaviour

from .test_cluster import send, settings, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

LIMIT = 5


@pytest.fixture
def own() -> Iterator[PostgresServer]:
    """Give a server that may be killed."""
    server = PostgresServer()
    yield server
    server.stop()


def sites(*servers: Any) -> list[dict[str, Any]]:
    """Give on which terms the workers of all servers send."""
    found: list[dict[str, Any]] = []
    for server in servers:
        told = server.ulak("queue", "sites", "--json")
        assert told.returncode == 0, told.stderr
        found += json.loads(told.stdout)["sites"]
    return found


def test_all_servers_together_keep_to_a_limit_and_to_their_last_part_without_the_database(
    served: Callable[..., Any], sink: Callable[..., Any], own: PostgresServer
) -> None:
    target = sink(Behaviour())
    url = own.fresh()
    more = f"[delivery]\nconnections_per_destination = {LIMIT}\n"
    first, second = (served(settings(url, target.port) + more, workers=2) for _ in range(2))
    first.start()
    second.start()
    for n in range(20):
        send(first, f"a{n}")
        send(second, f"b{n}")
    until(lambda: len(target.messages) == 40, "all forty")
    until(lambda: {site["sharers"] for site in sites(first, second)} == {4}, "four who share")
    # One server tells of all; workers are asked one after the other, and fit when all is quiet.
    until(lambda: sum(site["share"] for site in sites(first)) <= LIMIT, "parts of a limit")
    own.crash()
    until(lambda: all("apart" in site for site in sites(first, second)), "a word of it")
    told = first.ulak("queue", "sites", "--lang", "en").stdout
    assert "has been away since" in told
    assert "limits-apart" in first.log()
    own.start()
    until(lambda: not any("apart" in site for site in sites(first, second)), "its end")
    assert "limits-together" in second.log()
    send(second, "last")
    until(lambda: len(target.messages) == 41, "the last")
    assert first.stop() == second.stop() == 0


def test_a_suspension_by_one_server_holds_for_the_other(
    served: Callable[..., Any], sink: Callable[..., Any], database: PostgresServer
) -> None:
    target = sink(Behaviour(at={"connect": "421 4.7.0 Too many messages, come back in 10 minutes"}))
    url = database.fresh()
    first, second = (served(settings(url, target.port)) for _ in range(2))
    first.start()
    second.start()
    send(first, "m1")
    until(lambda: any("suspended" in site for site in sites(first)), "a suspension")
    time.sleep(5)
    heard = len(target.server.sessions)
    send(second, "m2")
    until(lambda: any("suspended" in site for site in sites(second)), "the same one", 20)
    assert len(target.server.sessions) == heard
    assert first.stop() == second.stop() == 0
