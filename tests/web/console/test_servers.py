"""The page of the servers that share a queue: what it shows, and what an operator can do there."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.cluster.test_problems import SOUND
from tests.web.console.conftest import NOW, TABLE, Console, token_of
from tests.web.console.server import EVIL

from ulak.cluster import words
from ulak.cluster.member import Duty, InHand, Member, Order, Spilled, Stand
from ulak.cluster.problems import problems
from ulak.language import LANGUAGES
from ulak.queue.depth import Depth
from ulak.queue.item import Counts, State
from ulak.web.application import application
from ulak.web.console.piece import piece
from ulak.web.console.ports import OperationError, Trouble
from ulak.web.console.sharing import Servers
from ulak.web.site import Site

SERVING = Stand(Duty.SERVING, NOW - 60, InHand(31, 32, 33))
MX1 = Member(
    "mx1", "mx1.example.org", "/d", "1.0", 1, NOW - 90, 1, SERVING, (1,), NOW - 1, 1.0, 0.01
)
MX2 = replace(MX1, name="mx2", host="mx2.example.org", stand=Stand(Duty.DRAINED, NOW - 30))
QUEUE = Depth(Counts(7, {State.READY: 5, State.HELD: 2}), 4, NOW - 500)


def shared(*members: Member, **more: object) -> Servers:
    database = replace(SOUND, **more)  # type: ignore[arg-type]  # fields by their names
    found = problems(members, database)
    return Servers("mx1", members, tuple(found), database, QUEUE)


@pytest.fixture
def cluster(tmp_path: Path, kept: str) -> Iterator[Console]:
    made = Console(tmp_path, kept)
    made.server.member = "mx1"
    made.server.sharing = shared(MX1, MX2)
    made.app = application(Site("mx.example.org"), [piece(made.desk, TABLE)], str)
    yield made
    made.close()


def shown(client: TestClient, path: str = "/console/servers") -> str:
    """Give what is between the marks of a page, words alone."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    main = answer.text.partition("<main")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", main)).split())


def form_of(page: str) -> dict[str, str]:
    """Give what the form that orders something sends."""
    form = page.partition('servers/do"')[2].partition("</form>")[0]
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form)
    return {name: html.unescape(value) for name, value in found}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_shows_what_the_command_shows(cluster: Console, lang: str) -> None:
    prefix = "" if lang == "en" else f"/{lang}"
    page = shown(cluster.logged_in(), f"{prefix}/console/servers")
    for part in ("mx1", "mx2.example.org", "31", "32", "33", "1.0", "2026-11-18", "s1"):
        assert part in page
    for name in ("duty.serving", "duty.drained", "fine", "standby.sync"):
        assert words.say(lang, name) in page
    assert "15.4" in page
    assert words.say(lang, "head.seen") in page
    assert not re.search(r"\{[a-z]", page)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_wrong_is_said_in_the_same_sentences(cluster: Console, lang: str) -> None:
    spilled = replace(SERVING, spilled=Spilled(4711, 2_600_000))
    silent = replace(MX2, age=60.0, rival=NOW)
    sharing = shared(replace(MX1, stand=spilled), silent, wanted="", autovacuum=False)
    cluster.server.sharing = sharing
    prefix = "" if lang == "en" else f"/{lang}"
    page = shown(cluster.logged_in(), f"{prefix}/console/servers")
    assert len(sharing.problems) == 5
    for problem in sharing.problems:
        told = words.sentence(problem, lang).replace("`", "")
        assert told in page, problem.key
    assert words.say(lang, "fine") not in page
    assert words.say(lang, "duty.silent") in page
    assert page.count("2.6 MB") == 1


def test_who_may_only_look_sees_it_and_has_nothing_to_press(cluster: Console) -> None:
    reader = cluster.logged_in("grace")
    page = reader.get("/console/servers").text
    assert "mx2" in page
    assert "servers/ask" not in page
    assert reader.get("/console/servers/ask?name=mx1&order=drain").status_code == 403
    form = {"token": token_of(page), "name": "mx1", "order": "drain", "once": "0" * 32}
    assert reader.post("/console/servers/do", data=form).status_code == 403
    assert cluster.server.orders == []
    # What was written for one who may act is not shown to one who may not, and back.
    assert "servers/ask" in cluster.logged_in("ada").get("/console/servers").text


def test_a_server_is_taken_out_of_service_once_after_a_question_and_is_in_the_audit(
    cluster: Console,
) -> None:
    client = cluster.logged_in()
    page = client.get("/console/servers").text
    assert 'href="/console/servers/ask?name=mx1&amp;order=drain"' in page
    assert 'href="/console/servers/ask?name=mx2&amp;order=resume"' in page
    ask = client.get("/console/servers/ask?name=mx1&order=drain")
    assert "Take mx1 out of service?" in ask.text
    assert "nobody takes mail, and nobody delivers" in ask.text  # mx2 is drained already
    assert cluster.server.orders == []
    form = form_of(ask.text)
    for _ in range(2):
        answer = client.post("/console/servers/do", data=form)
        assert answer.status_code == 303
    ((name, order, by),) = cluster.server.orders
    assert (name, order) == ("mx1", Order.DRAIN)
    assert by.facts() == {"who": "ada@example.org", "from": "console", "ip": "127.0.0.1"}
    assert "has been asked to drain" in shown(client, answer.headers["location"])
    assert "took the server out of service" in shown(client, "/console/audit")


def test_without_the_token_of_its_form_nothing_is_ordered(cluster: Console) -> None:
    client = cluster.logged_in()
    form = form_of(client.get("/console/servers/ask?name=mx2&order=resume").text)
    assert client.post("/console/servers/do", data={**form, "token": "x"}).status_code == 403
    assert client.post("/console/servers/do", data={**form, "order": "kill"}).status_code == 400
    assert client.post("/console/servers/do", data={**form, "once": "1"}).status_code == 400
    assert client.post("/console/servers/do", data={**form, "name": ""}).status_code == 400
    assert cluster.server.orders == []
    assert client.post("/console/servers/do", data=form).status_code == 303
    assert [order for _, order, _ in cluster.server.orders] == [Order.RESUME]


def test_what_nobody_is_called_cannot_be_asked_for(cluster: Console) -> None:
    client = cluster.logged_in()
    answer = client.get("/console/servers/ask", params={"name": EVIL, "order": "drain"})
    assert answer.status_code == 404
    assert EVIL not in answer.text
    assert client.get("/console/servers/ask?name=mx1&order=kill").status_code == 400


def test_the_names_of_servers_are_no_markup(cluster: Console) -> None:
    evil = replace(MX2, name=EVIL, host=EVIL, version=EVIL, age=60.0)
    cluster.server.sharing = shared(MX1, evil)
    client = cluster.logged_in()
    assert EVIL not in client.get("/console/servers").text
    ask = client.get("/console/servers/ask", params={"name": EVIL, "order": "resume"})
    assert EVIL not in ask.text
    form = form_of(ask.text)
    client.post("/console/servers/do", data=form)
    assert [name for name, _, _ in cluster.server.orders] == [EVIL]


def test_what_was_asked_and_is_not_heard_yet_can_be_taken_back(cluster: Console) -> None:
    cluster.server.sharing = shared(MX1, replace(MX2, wanted=Order.RESUME))
    page = cluster.logged_in().get("/console/servers").text
    assert "has been asked to serve again" in page
    assert "name=mx2&amp;order=drain" in page


@pytest.mark.parametrize("lang", LANGUAGES)
def test_where_the_database_is_away_the_page_says_so_and_what_this_server_says(
    cluster: Console, lang: str
) -> None:
    itself = replace(MX1, stand=replace(SERVING, spilled=Spilled(3, 5000)))
    found = tuple(problems([itself], None))
    cluster.server.sharing = Servers("mx1", (itself,), found)
    prefix = "" if lang == "en" else f"/{lang}"
    page = shown(cluster.logged_in(), f"{prefix}/console/servers")
    assert "451" in page
    assert "queue.spill" in page
    assert "`" not in page
    assert "/d/spill" in page
    assert words.say(lang, "fine") not in page
    cluster.server.sharing = Servers("mx1", ())
    assert cluster.logged_in().get(f"{prefix}/console/servers").status_code == 200


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    "trouble",
    [OperationError(Trouble.DATABASE), OperationError(Trouble.NO_SERVER, server="mx2")],
    ids=lambda trouble: trouble.name,
)
def test_an_order_that_cannot_be_given_is_told_and_may_be_tried_again(
    cluster: Console, lang: str, trouble: OperationError
) -> None:
    client = cluster.logged_in()
    prefix = "" if lang == "en" else f"/{lang}"
    ask = client.get(f"{prefix}/console/servers/ask?name=mx2&order=resume").text
    form = form_of(ask)
    cluster.server.trouble = trouble
    answer = client.post(f"{prefix}/console/servers/do", data=form)
    assert answer.status_code == 503
    assert not re.search(r"\{[a-z]", answer.text.partition("<main")[2])
    cluster.server.trouble = None
    assert client.post(f"{prefix}/console/servers/do", data=form).status_code == 303


def test_it_keeps_itself_fresh_at_one_look_for_all(cluster: Console) -> None:
    first, second = cluster.logged_in("ada"), cluster.logged_in("ada")
    before = cluster.server.looks
    first.get("/console/servers")
    assert "mx2" in second.get("/console/servers").text
    assert cluster.server.looks == before + 1


def test_where_a_server_has_its_queue_for_itself_there_is_no_such_page(console: Console) -> None:
    client = console.logged_in()
    assert "/console/servers" not in client.get("/console/visits").text
    assert client.get("/console/servers").status_code == 404


def test_navigation_leads_to_it(cluster: Console) -> None:
    page = cluster.logged_in("grace").get("/console/visits").text
    assert '<a href="/console/servers">Servers</a>' in page
