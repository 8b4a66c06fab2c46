"""Programs send messages and change the suppression list: what is read, and what is answered."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from tests.web.api.test_api import NOW, World, fits

from ulak.accounts.access import AccessToken, hashed, mint
from ulak.journal.entry import Entry, Kind
from ulak.journal.trace import Trace, What
from ulak.mail.message import first, split
from ulak.web.api.ports import Conflict, Taken, Turned
from ulak.web.console.ports import OperationError, Trouble

MESSAGE = {
    "from": "Ada <ada@example.org>",
    "to": ["bob@example.net"],
    "cc": ["carol@example.net"],
    "bcc": ["dave@example.net"],
    "subject": "Günaydın",
    "text": "hello\n",
}


def token(world: World, account: str = "ada@example.org", *scopes: str) -> str:
    made = mint(b"s" * 24)
    scopes = scopes or ("messages:send",)
    world.tokens.known[hashed(made)] = AccessToken(
        "shop", hashed(made), scopes, NOW, account=account
    )
    return made


@pytest.fixture
def world() -> World:
    return World()


def send(world: World, body: Any, key: str = "", **how: Any) -> Any:
    headers = {"idempotency-key": key} if key else {}
    return world.post("/messages", token(world), json=body, headers=headers, **how)


def test_a_message_is_made_and_handed_in(world: World) -> None:
    answer = send(world, MESSAGE)
    assert answer.status_code == 202, answer.text
    fits("Taken", answer.json())
    assert answer.json()["recipients"][0] == {"recipient": "bob@example.net", "state": "accepted"}
    (handed,) = world.post_office.handed
    assert (handed.account, handed.sender) == ("ada@example.org", "ada@example.org")
    assert handed.recipients == ("bob@example.net", "carol@example.net", "dave@example.net")
    header = split(handed.octets)[0]
    assert b"dave" not in handed.octets, "who is in bcc is in no header"
    assert first(header, "Cc") == "carol@example.net"
    assert not handed.utf8
    assert (handed.key, handed.digest) == ("", "")


def test_the_envelope_may_be_another_one(world: World) -> None:
    envelope = {"from": "bounce@example.org", "to": ["x@example.net", "x@example.net"]}
    assert send(world, {**MESSAGE, "envelope": envelope}).status_code == 202
    (handed,) = world.post_office.handed
    assert (handed.sender, handed.recipients) == ("bounce@example.org", ("x@example.net",))


def test_a_whole_message_goes_as_it_is(world: World) -> None:
    raw = b"From: ada@example.org\nTo: b@example.net\nBcc: c@example.net\nSubject: x\n\nhi\n"
    kind = {"content-type": "message/rfc822"}
    answer = world.post("/messages", token(world), content=raw, headers=kind)
    assert answer.status_code == 202, answer.text
    handed = world.post_office.handed[-1]
    assert handed.octets == raw.replace(b"\n", b"\r\n")
    assert handed.sender == "ada@example.org"
    assert handed.recipients == ("b@example.net", "c@example.net")
    where = "/messages?from=bounce@example.org&to=d@example.net&to=e@example.net"
    assert world.post(where, token(world), content=raw, headers=kind).status_code == 202
    handed = world.post_office.handed[-1]
    assert handed.sender == "bounce@example.org"
    assert handed.recipients == ("d@example.net", "e@example.net")
    answer = world.post("/messages", token(world), content=b"Subject: x\n\nhi", headers=kind)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "x\r\nBcc: eve@example.com"},
        {"from": "Ada\r\nBcc: x <ada@example.org>"},
        {"to": ["bob@example.net\r\nRCPT TO:<eve@example.com>"]},
        {"headers": [{"name": "Bcc", "value": "x"}]},
        {"headers": [{"name": "X-Note", "value": "x\nBcc: y"}]},
        {"attachments": [{"type": "text/csv", "content": "???"}]},
        {"envelope": {"to": ["nobody"]}},
        {"to": ["no address"]},
    ],
)
def test_what_makes_no_message_is_told_by_its_part(world: World, change: dict[str, Any]) -> None:
    answer = send(world, {**MESSAGE, **change})
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] == "urn:ulak:problem:no-message"
    assert not world.post_office.handed


@pytest.mark.parametrize("body", [{}, {"to": ["a@b.example"]}, {**MESSAGE, "x": 1}, []])
def test_what_does_not_fit_the_description_is_refused(world: World, body: Any) -> None:
    assert send(world, body).status_code == 400


def test_somebody_has_to_get_it(world: World) -> None:
    assert send(world, {"from": "ada@example.org", "text": "x"}).status_code == 422


def test_a_key_is_that_of_its_token_and_its_request(world: World) -> None:
    send(world, MESSAGE, "order-17")
    send(world, MESSAGE, "order-17")
    send(world, {**MESSAGE, "subject": "Other"}, "order-17")
    send(world, MESSAGE, "order-18")
    one, again, other, next_one = world.post_office.handed
    assert one.key == again.key == other.key != next_one.key
    assert one.digest == again.digest == next_one.digest != other.digest
    assert "order-17" not in one.key
    assert send(world, MESSAGE, "with a space").status_code == 400


def test_what_the_worker_says_is_told(world: World) -> None:
    office = world.post_office
    office.answer = Conflict()
    assert send(world, MESSAGE, "k").status_code == 409
    refused = ({"recipient": "bob@example.net", "state": "refused", "cause": "x", "reply": "y"},)
    office.answer = Turned("sender-not-owned", "550 5.7.1 <x>: no", refused)
    answer = send(world, MESSAGE)
    assert (answer.status_code, answer.json()["cause"]) == (422, "sender-not-owned")
    assert answer.json()["recipients"] == list(refused)
    assert "550 5.7.1" in answer.json()["detail"]
    office.answer = Turned("account-messages", "450 4.7.1 enough")
    answer = send(world, MESSAGE)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "600")
    office.answer = Turned("storage-failed", "451 4.3.0 no")
    answer = send(world, MESSAGE)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    office.answer = Turned("no-account")
    assert send(world, MESSAGE).status_code == 403
    office.answer = OperationError(Trouble.NOT_RUNNING)
    assert send(world, MESSAGE).status_code == 503
    office.answer = Taken("M1", "<1@x.example>", (), again=True)
    assert send(world, MESSAGE).json()["again"] is True


def test_a_token_without_an_account_sends_nothing(world: World) -> None:
    answer = world.post("/messages", token(world, ""), json=MESSAGE)
    assert answer.status_code == 403
    assert not world.post_office.handed


def test_a_story_is_for_the_account_that_has_sent(world: World) -> None:
    facts = {"sender": "ada@example.org", "account": "Ada@Example.org"}
    entry = Entry(NOW, Kind.ACCEPTED, message="M1", facts=facts)
    told = {"recipient": "bob@example.net", "resolver": "192.0.2.53: SERVFAIL", "member": "mx9"}
    put_off = Entry(NOW, Kind.DEFERRED, "dns-failed", message="M1", facts=told)
    world.server.traces["M1"] = Trace(What.MESSAGE, "M1", (entry, put_off))
    world.server.traces["S1"] = Trace(What.SESSION, "S1", (entry,))
    answer = world.get("/messages/M1", token(world))
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == "M1"
    assert "bob@example.net" in answer.text
    assert "192.0.2.53" not in answer.text  # who answers us is nobody's business
    assert "mx9" not in answer.text  # nor which server of ours it was
    assert world.get("/messages/M1", token(world, "eve@example.org")).status_code == 404
    assert world.get("/messages/S1", token(world)).status_code == 404
    assert world.get("/messages/none", token(world)).status_code == 404
    assert world.get("/messages/M1", token(world, "")).status_code == 404


def test_attachments_go_in_base64(world: World) -> None:
    content = base64.b64encode(b"a,b\r\n1,2\r\n").decode()
    files = [{"name": "a.csv", "type": "text/csv", "content": content}]
    assert send(world, {**MESSAGE, "attachments": files}).status_code == 202
    assert content.encode() in world.post_office.handed[0].octets


def test_addresses_are_suppressed_and_let_go(world: World) -> None:
    may = token(world, "", "suppression:write")
    given = {"address": "Bob@EXAMPLE.net", "for": "example.org", "days": 2, "note": "asked"}
    answer = world.post("/suppressions", may, json=given)
    assert answer.status_code == 200, answer.text
    fits("Suppressed", answer.json())
    told = answer.json()
    assert (told["address"], told["for"], told["cause"]) == (
        "Bob@example.net",
        "example.org",
        "by-hand",
    )
    assert told["until"] == NOW + 2 * 86400
    for where in ("", "?address=Bob@example.NET", "?domain=example.net"):
        answer = world.get(f"/suppressions{where}", may)
        fits("Suppressions", answer.json())
        assert answer.json() == {"addresses": [told], "total": 1, "offset": 0}, where
    assert world.get("/suppressions?address=bob@example.net", may).json()["total"] == 0
    headers = {"authorization": f"Bearer {may}"}
    for domain, count in (("example.com", 0), ("example.org", 1)):
        path = f"/api/v1/suppressions?address=Bob@example.net&for={domain}"
        answer = world.client.delete(path, headers=headers)
        assert answer.json() == {"address": "Bob@example.net", "count": count}
    named = {"recipient": "Bob@example.net", "for": "example.org"}
    assert [(verb, facts) for verb, _, facts in world.server.noted] == [
        ("suppress", named),
        ("unsuppress", named),
    ]
    assert world.post("/suppressions", may, json={"address": "bob"}).status_code == 400
    only_read = token(world, "", "suppression:read")
    assert world.post("/suppressions", only_read, json=given).status_code == 403
    assert json.dumps(told)
