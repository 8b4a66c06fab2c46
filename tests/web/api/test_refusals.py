"""What programs are told of a refusal: as much as the page tells, as often, and for as long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from starlette.testclient import TestClient
from tests.journal.test_refusal import EVERY, SECRET, checked, refused
from tests.web.api.test_api import fits
from tests.web.test_why import ID, OTHER, SEEN, World

from ulak.diagnose.reply import Verdict
from ulak.journal.refusal import _OF_ALL, _OF_SOME, seen
from ulak.language import LANGUAGES
from ulak.replies import texts
from ulak.replies.catalog import CATALOG
from ulak.web import api
from ulak.web.api.operation import Operation
from ulak.web.application import application
from ulak.web.refusals import Why, piece
from ulak.web.site import Site

PLACE = f"/api/v1/why/{ID}"


def client_of(why: Why) -> TestClient:
    def incident(error: BaseException) -> str:
        raise AssertionError from error

    ports = api.Ports(lambda: 0.0, lambda _request, _weight: None)
    pieces = [piece(why), api.piece(ports, incident, api.refusals(why))]
    return TestClient(application(Site("mx.example.org"), pieces, incident))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    with client_of(world.why()) as made:
        yield made


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_is_told_cause_evidence_and_steps(client: TestClient, language: str) -> None:
    answer = client.get(f"{PLACE}?lang={language}")
    assert answer.status_code == 200
    told = answer.json()
    fits("Refusal", told)
    written = texts.cause("spf-fail", language).with_facts(SEEN.facts)
    assert (told["cause"], told["title"]) == ("spf-fail", written.title)
    assert told["reply"] == {"code": 550, "enhanced": "5.7.23"}
    assert told["facts"] == SEEN.facts
    assert [one["step"] for one in told["fix"]] == list(written.fix_sender)
    (check,) = told["checks"]
    assert (check["check"], check["result"], check["decided"]) == ("spf", "fail", True)
    assert "v=spf1 -all" in check["reasons"][0]["text"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-language"] == language


@pytest.mark.parametrize("cause", [*CATALOG, "a-cause-of-tomorrow"])
def test_nothing_is_told_that_is_not_on_the_list(
    world: World, client: TestClient, cause: str
) -> None:
    facts = {name.replace("-", "_"): f"{SECRET}-{name}" for name in EVERY}
    checks = tuple(checked(name, who=SECRET) for name in ("spf", "rspamd", "dnsbl"))
    world.seen[ID] = seen(refused(cause, checks, **{**facts, "sender": "zeynep@example.org"}))
    told = client.get(PLACE).json()
    fits("Refusal", told)
    assert set(told["facts"]) <= {*_OF_ALL, *_OF_SOME.get(cause, ())}
    assert [check["check"] for check in told["checks"]] == ["spf"]
    listed = [f"{SECRET}-{name}" for name in _OF_SOME.get(cause, ())]
    left = client.get(PLACE).text
    for fact in sorted(listed, key=len, reverse=True):
        left = left.replace(fact, "")
    assert SECRET not in left
    assert "zeynep" not in left


@pytest.mark.parametrize("path", [OTHER, ID[:-1], ID + "0", "x", "1=1--", "%F0%9F%92%A9"])
def test_unknown_too_old_and_no_id_at_all_are_one_and_the_same(
    world: World, client: TestClient, path: str
) -> None:
    never = client.get(f"/api/v1/why/{OTHER}")
    answer = client.get(f"/api/v1/why/{path}")
    assert (answer.status_code, answer.text) == (404, never.text)
    assert dict(answer.headers) == dict(never.headers)
    fits("Problem", answer.json())
    again = client.post(f"/api/v1/why/{path}/check")
    assert (again.status_code, again.text) == (404, never.text)
    assert not world.checked


def test_hostile_words_of_a_client_are_words_of_json(world: World, client: TestClient) -> None:
    hostile = "\u202e</script>\r\n`x`"
    world.seen[ID] = replace(SEEN, facts={"client": hostile}, sender_domain=hostile)
    told = client.get(PLACE).json()
    assert told["facts"]["client"] == told["sender_domain"] == "?</script> 'x'"


def test_looking_asks_nobody_and_checking_says_what_came_of_it(
    world: World, client: TestClient
) -> None:
    client.get(PLACE)
    assert not world.checked
    told = client.post(f"{PLACE}/check?lang=tr")
    assert told.status_code == 200
    fits("RefusalNow", told.json())
    assert told.json()["verdict"] == Verdict.NOT_CONFIRMED
    assert world.checked == [SEEN]
    assert "--ip" not in told.text  # advice for who sits at a command line
    assert told.headers["cache-control"] == "no-store"
    world.made = None
    assert client.post(f"{PLACE}/check").status_code == 504


def test_what_no_check_can_tell_is_not_checked(world: World, client: TestClient) -> None:
    for told in (
        replace(SEEN, cause="no-such-mailbox"),
        replace(SEEN, cause="several-from"),
        replace(SEEN, facts={}),
    ):
        world.seen[ID] = told
        answer = client.post(f"{PLACE}/check")
        assert answer.status_code == 422
        fits("Problem", answer.json())
    assert not world.checked


def test_page_and_api_count_together(world: World) -> None:
    with client_of(world.why(requests=3, checks=2)) as client:
        assert client.get(f"/why/{ID}").status_code == 200
        assert client.get(PLACE).status_code == 200
        assert client.get(f"/api/v1/why/{OTHER}").status_code == 404
        answer = client.get(PLACE)
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "20"
        assert client.get(f"/why/{ID}").status_code == 429
    with client_of(world.why(checks=2)) as client:
        assert client.post(f"/why/{ID}").status_code == 200
        codes = [client.post(f"{PLACE}/check").status_code for _ in range(2)]
        assert codes == [200, 429]


def test_where_nobody_may_check_there_is_no_such_operation(world: World) -> None:
    with client_of(world.why(checks=0)) as client:
        assert client.get(PLACE).status_code == 200
        assert client.post(f"{PLACE}/check").status_code == 404
        paths = client.get("/api/v1/openapi.json").json()["paths"]
    assert "/why/{refusal}" in paths
    assert "/why/{refusal}/check" not in paths


WHY = World().why(requests=10**9, checks=10**9)
schema = schemathesis.openapi.from_dict(
    client_of(WHY).get("/api/v1/openapi.json").json()
).include(path_regex="^/why/")  # fmt: skip
schema.app = client_of(WHY).app


@schema.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_breaks_what_is_told_of_refusals(case: Any) -> None:
    case.call_and_validate()


def test_the_operations_need_no_token() -> None:
    found: tuple[Operation, ...] = api.refusals(WHY)
    assert [(one.method, one.scope, one.fresh) for one in found] == [
        ("GET", "", True),
        ("POST", "", True),
    ]
