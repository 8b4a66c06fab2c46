"""The story of a message, the search, and what operators did."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest
from tests.web.console.conftest import NOW, Console, token_of
from tests.web.console.server import EVIL, filled

from ulak.journal.deed import By, operated
from ulak.journal.entry import Entry, Kind
from ulak.web.console.audit import deeds
from ulak.web.console.ports import Session

ENTRIES = (
    Entry(
        NOW - 500,
        Kind.CONNECTED,
        session="ses0001aaa",
        facts={"ip": "192.0.2.1", "client": EVIL, "listener": "127.0.0.1:25"},
    ),
    Entry(
        NOW - 499,
        Kind.ACCEPTED,
        session="ses0001aaa",
        message="msg0001aaa",
        facts={"sender": "ada@example.org", "recipients": "grace@example.net", "size": "1000"},
    ),
    Entry(
        NOW - 400,
        Kind.DEFERRED,
        cause="mailbox-full",
        message="msg0001aaa",
        facts={
            "recipient": "grace@example.net",
            "reply": f"452 4.2.2 {EVIL}",
            "host": "mx.example.net",
            "remote": "yes",
            "due": str(NOW + 3600),
            "odd": EVIL,
        },
        dialogue=("C: MAIL FROM:<ada@example.org>", "S: 250 OK", f"S: 452 4.2.2 {EVIL}"),
    ),
    Entry(
        NOW - 300,
        Kind.INCIDENT,
        incident="inc0001aaa",
        message="msg0001aaa",
        facts={"type": "ValueError", "place": "x.py:1", "traceback": f"Traceback\n  {EVIL}"},
    ),
)


@pytest.fixture
def told(console: Console) -> Console:
    asyncio.run(filled(console.server))
    for entry in ENTRIES:
        console.server.journal.write(entry)
    return console


@pytest.mark.parametrize("prefix", ["", "/tr", "/ar"])
def test_a_message_tells_its_story(told: Console, prefix: str) -> None:
    page = told.logged_in("grace").get(f"{prefix}/console/message/msg0001aaa")
    assert page.status_code == 200
    text = page.text
    assert f'href="{prefix}/causes/mailbox-full"' in text
    assert "C: MAIL FROM:&lt;ada@example.org&gt;" in text
    assert f'href="{prefix}/console/session/ses0001aaa"' in text
    assert f'href="{prefix}/console/incident/inc0001aaa"' in text
    assert '<time datetime="' in text
    assert "<svg" in text
    assert "452 4.2.2" in text
    assert "<b>Hello" not in text
    assert "&lt;b&gt;Hello" in text
    assert "body of the message" not in text
    assert "<script>alert" not in text
    assert "/console/queue/ask" not in text


def test_who_may_act_can_act_from_a_story(told: Console) -> None:
    ada = told.logged_in()
    page = ada.get("/console/message/msg0001aaa").text
    data = {"token": token_of(page), "id": "msg0001aaa", "verb": "hold"}
    assert "<strong>1</strong>" in ada.post("/console/queue/ask", data=data).text
    assert 'value="hold"' in page
    assert 'value="release"' not in page
    held = ada.get("/console/message/msg0003ccc").text
    assert 'value="hold"' not in held


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/console/message/msg0001", "/console/message/msg0001aaa"),
        ("/console/message/ses0001aaa", "/console/session/ses0001aaa"),
        ("/console/session/inc0001aaa", "/console/incident/inc0001aaa"),
        ("/tr/console/find?q=msg0001a", "/tr/console/message/msg0001aaa"),
        ("/console/find?q=+ses0001aaa+", "/console/session/ses0001aaa"),
        ("/console/find?q=Example.NET", "/console/queue?domain=Example.NET"),
        ("/console/find?q=", "/console/queue"),
    ],
)
def test_an_id_leads_to_what_it_names(told: Console, path: str, target: str) -> None:
    answer = told.logged_in().get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, target)


@pytest.mark.parametrize("path", ["session/ses0001aaa", "incident/inc0001aaa"])
def test_sessions_and_incidents_have_stories_too(told: Console, path: str) -> None:
    page = told.logged_in().get(f"/console/{path}")
    assert page.status_code == 200
    assert "<script>alert" not in page.text


@pytest.mark.parametrize(
    "identifier", ["nothing0001", "x", "%3Cscript%3E", "a" * 500, "%0a%0d", "ü", "%F0%9F%92%A9"]
)
def test_what_is_not_known_is_said_to_be_so(told: Console, identifier: str) -> None:
    ada = told.logged_in()
    for path in (f"/console/message/{identifier}", f"/console/find?q={identifier}"):
        answer = ada.get(path)
        assert answer.status_code in (404, 303), path
        assert "<script>" not in answer.text
    assert not told.incidents


def test_an_id_that_is_short_for_several_leads_to_each(told: Console) -> None:
    told.server.journal.write(replace(ENTRIES[1], message="msg0001bbb", session=""))
    page = told.logged_in().get("/console/find?q=msg0001").text
    assert 'href="/console/find?q=msg0001aaa"' in page
    assert 'href="/console/find?q=msg0001bbb"' in page


def test_an_address_leads_to_its_mail(told: Console) -> None:
    ada = told.logged_in()
    led = ada.get("/console/find?q=%3CGrace@Example.net%3E")
    assert led.headers["location"] == "/console/queue?address=Grace%40Example.net"
    to = ada.get(led.headers["location"]).text
    assert "msg0001aaa" in to
    assert "msg0002bbb" not in to
    sender = ada.get("/console/queue?address=sender2@example.org").text
    assert "msg0003ccc" in sender
    assert "msg0001aaa" not in sender
    assert "There is nothing of that" in ada.get("/console/find?q=nobody@example.net").text


def test_an_ip_address_leads_to_its_sessions(told: Console) -> None:
    told.server.connected = (
        Session("ses0009xyz", NOW - 5, "2001:db8::1", "mx", "mail", client=EVIL),
        Session("ses0008xyz", NOW - 5, "192.0.2.9", "mx", "mail"),
    )
    ada = told.logged_in()
    page = ada.get("/console/find?q=[2001:DB8:0::1]").text
    assert "ses0009xyz" in page
    assert "ses0008xyz" not in page
    assert "<script>alert" not in page
    assert "There is nothing of that" in ada.get("/console/find?q=192.0.2.7").text


# -- the audit ----------------------------------------------------------------------------------


def test_the_audit_tells_who_did_what_from_where(told: Console) -> None:
    by = By(EVIL, "command")
    for number in range(8):
        told.server.journal.write(operated(NOW + 1, "hold", by, f"msg000{number}", recipient="x@y"))
    told.server.journal.write(operated(NOW + 2, "explode", By(), zone=EVIL))
    told.server.journal.write(operated(NOW + 3, "drop", by, "msg0001aaa", recipient="a@b.example"))
    for prefix in ("", "/tr", "/ar"):
        page = told.logged_in("grace").get(f"{prefix}/console/audit").text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
        assert "<code>explode</code>" in page
        assert "grace@example.org" in page
        assert "127.0.0.1" in page
        assert "a@b.example" in page
        assert len(re.findall("<tr>", page)) >= 5
    page = told.logged_in().get("/console/audit").text
    assert "recipients: 8" in page
    assert "logged in" in page


def test_entries_of_one_deed_stand_together() -> None:
    ada, grace = By("ada", "console", "192.0.2.1"), By("grace", "console", "192.0.2.1")
    entries = [
        operated(10.0, "hold", ada, "m3", recipient="c@x"),
        operated(9.5, "hold", ada, "m2", recipient="b@x"),
        operated(9.5, "hold", ada, "m2", recipient="d@x"),
        operated(9.4, "hold", grace, "m1", recipient="a@x"),
        operated(9.4, "drop", grace, "m1", recipient="a@x"),
        operated(1.0, "drop", grace, "m0", recipient="a@x"),
        operated(0.5, "login", grace),
        operated(0.4, "login", grace),
    ]
    found = deeds(entries)
    assert [(d.verb, d.who, d.count, d.messages) for d in found] == [
        ("hold", "ada", 3, ("m3", "m2")),
        ("hold", "grace", 1, ("m1",)),
        ("drop", "grace", 1, ("m1",)),
        ("drop", "grace", 1, ("m0",)),
        ("login", "grace", 0, ()),
        ("login", "grace", 0, ()),
    ]
    assert found[0].time == 9.5
    assert not found[0].recipient
    assert found[1].recipient == "a@x"
    many = deeds([operated(5.0, "hold", ada, f"m{n}", recipient="a@x") for n in range(9)])
    assert many[0].count == 9
    assert len(many[0].messages) == 5
    assert many[0].more


def test_who_guesses_pushes_nothing_out_of_sight(told: Console) -> None:
    ada = told.logged_in()
    for number in range(900):
        guess = operated(NOW + number, "login-denied", By("x@example.org", "console", "192.0.2.9"))
        told.server.journal.write(guess)
    page = ada.get("/console/audit").text
    assert "ada@example.org" in page
    assert "192.0.2.9" not in page
    assert "Denied logins: 900" in page
    page = ada.get("/console/audit?show=denied").text
    assert "192.0.2.9" in page
    assert "show=denied&amp;limit=1000" in page


def test_more_of_the_audit_can_be_asked_for(told: Console) -> None:
    for number in range(250):
        told.server.journal.write(operated(NOW - 10 * number, "login", By("ada", "console")))
    ada = told.logged_in()
    assert "limit=1000" in ada.get("/console/audit").text
    assert "limit=" not in ada.get("/console/audit?limit=1000").text
    for limit in ("-1", "x", "9" * 50, "0"):
        assert ada.get(f"/console/audit?limit={limit}").status_code == 200
