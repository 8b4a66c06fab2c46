"""What the pages check, programs have checked too, on the same bench."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from tests.diagnose.internet import NOW
from tests.web.api.test_api import fits
from tests.web.tools.test_check import SIGNED
from tests.web.tools.world import World

from ulak.web import api, tools
from ulak.web.application import application
from ulak.web.site import Site
from ulak.web.tools import Runs


def client_of(world: World, runs: Runs | None = None) -> TestClient:
    bench = tools.Bench(world.ports(), runs)
    ports = api.Ports(lambda: NOW, lambda _request, _weight: None)
    pieces = [tools.piece(bench), api.piece(ports, world.incident, api.checking(bench))]
    return TestClient(
        application(Site("mx.example.org"), pieces, world.incident), raise_server_exceptions=False
    )


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    with client_of(world) as made:
        yield made


def test_an_address_a_domain_and_a_message_are_checked(client: TestClient) -> None:
    for path, what in (("ip/198.51.100.66", "ip"), ("domain/well.example", "domain")):
        answer = client.get(f"/api/v1/check/{path}?lang=tr")
        assert answer.status_code == 200, answer.text
        fits("Diagnosis", answer.json())
        assert answer.json()["what"] == what
        assert answer.json()["language"] == "tr"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cache-control"] == "no-store"  # it is so now, and not in an hour
    answer = client.post(
        "/api/v1/check/message", content=SIGNED, headers={"content-type": "message/rfc822"}
    )
    fits("Diagnosis", answer.json())
    assert {"dkim", "dmarc"} <= {check["check"] for check in answer.json()["checks"]}


@pytest.mark.parametrize(
    "path", ["ip/here", "ip/198.51.100.66.7", "domain/no_domain_at_all..", "domain/%20"]
)
def test_what_is_no_address_and_no_domain_is_a_problem(client: TestClient, path: str) -> None:
    answer = client.get(f"/api/v1/check/{path}")
    assert answer.status_code in (400, 404)
    fits("Problem", answer.json())


def test_an_empty_message_is_a_problem(client: TestClient) -> None:
    answer = client.post(
        "/api/v1/check/message", content=b" \r\n", headers={"content-type": "message/rfc822"}
    )
    assert answer.status_code == 400


def test_pages_and_programs_share_what_a_visitor_may_ask(client: TestClient) -> None:
    statuses = []
    for number in range(8):
        statuses.append(client.get(f"/check/ip?ip=198.51.100.{number}").status_code)
        statuses.append(client.get(f"/api/v1/check/ip/203.0.113.{number}").status_code)
    assert statuses[:12] == [200] * 12
    assert statuses[12:] == [429] * 4


def test_checks_that_do_not_end_are_given_up(world: World) -> None:
    runs = Runs(world.clock, world.new_id, world.incident, patience=0.5)
    world.gate = asyncio.Event()
    with client_of(world, runs) as client:
        answer = client.get("/api/v1/check/domain/well.example")
    assert answer.status_code == 504
    assert answer.headers["retry-after"]
    fits("Problem", answer.json())
