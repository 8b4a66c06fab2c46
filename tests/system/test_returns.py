"""Bounces and complaints that come later find their message, its recipient and its sender."""

from __future__ import annotations

import json
import smtplib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.events.receiver import Receiver

from .test_sending import Shop, message
from .test_webhooks import hooked, secret

RETURNS = """
[domains."example.org"]
mailboxes = ["ada", "feedback"]
[returns]
domain = "bounces.example.org"
complaints = ["feedback@example.org"]
"""
DSN = """From: MAILER-DAEMON@mx.example.net
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I could not deliver it.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; somebody.else@elsewhere.example
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 No such user here

--b--
"""
ARF = """From: fbl@example.net
To: feedback@example.org
Subject: complaint
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

A reader complains.

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Feedback/1.0
Version: 1
Original-Mail-From: <{quoted}>

--b
Content-Type: text/rfc822-headers

From: ada@example.org
Subject: order

--b--
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


class World:
    def __init__(self, served: Any, sink: Any, receiver: Receiver) -> None:
        self.receiver, self.target = receiver, sink()
        self.shop = Shop(served, self.target.port, RETURNS + hooked(receiver))
        secret(self.shop.web)
        self.shop.web.start()

    def sent(self, number: int) -> tuple[str, str]:
        """Send a message; give its id, and the reverse-path with which it left."""
        status, told = self.shop.send(message(number))
        assert status == 202, told
        name = f"u{number}@example.net"
        self.shop.web.wait(lambda: any(m.recipients == (name,) for m in self.target.messages))
        (taken,) = [m for m in self.target.messages if m.recipients == (name,)]
        return told["id"], taken.sender

    def comes(self, sender: str, to: str, text: str) -> tuple[int, bytes]:
        """Let a mail come over port 25."""
        with smtplib.SMTP("127.0.0.1", self.shop.web.server.port, timeout=20) as link:
            link.ehlo("mx.example.net")
            link.mail(sender)
            answer = link.rcpt(to)
            if answer[0] == 250:
                answer = link.data(text)
            return answer

    def event(self, what: str) -> dict[str, Any]:
        events = self.receiver.events
        self.shop.web.wait(
            lambda: any(one["event"] == what for one in self.receiver.events), seconds=20
        )
        events = self.receiver.events
        return next(one for one in events if one["event"] == what)

    def inbox(self, name: str) -> list[str]:
        folder = self.shop.web.server.folder / "data" / "mail" / "example.org" / name
        found = [*folder.glob("new/*"), *folder.glob("cur/*")]
        return [file.read_text("utf-8", "replace") for file in found]

    def suppressed(self) -> list[dict[str, Any]]:
        done = self.shop.web.server.ulak("suppression", "list", "--json")
        told: list[dict[str, Any]] = json.loads(done.stdout)["addresses"]
        return told


@pytest.fixture
def world(
    served: Callable[..., Any], sink: Callable[..., Any], receiver: Receiver
) -> Iterator[World]:
    made = World(served, sink, receiver)
    yield made
    assert made.shop.web.server.stop() == 0


def test_a_late_bounce_finds_its_message_and_its_sender(world: World) -> None:
    identifier, path = world.sent(1)
    assert path.startswith(f"return+{identifier}-")
    assert path.endswith("@bounces.example.org")
    # Some servers do not keep the case of what stands before the @.
    code, said = world.comes("", path.upper(), DSN.format(to=path, action="failed"))
    assert code == 250, said
    event = world.event("bounced")
    assert (event["message"], event["recipient"]) == (identifier, "u1@example.net")
    assert (event["cause"], event["late"]) == ("no-such-mailbox", "yes")
    (entry,) = world.suppressed()
    assert (entry["address"], entry["message"]) == ("u1@example.net", identifier)
    world.shop.web.wait(lambda: len(world.inbox("ada")) == 1)
    assert "Undelivered Mail Returned to Sender" in world.inbox("ada")[0]
    told = world.shop.web.server.ulak("why", identifier, "--json")
    story = json.loads(told.stdout)
    assert [one["stands"] for one in story["recipients"]] == ["failed"]
    assert any("reported later" in one["sentence"] for one in story["entries"])


def test_what_is_only_late_changes_nothing_but_is_passed_on(world: World) -> None:
    _, path = world.sent(1)
    code, _ = world.comes("", path, DSN.format(to=path, action="delayed"))
    assert code == 250
    world.shop.web.wait(lambda: len(world.inbox("ada")) == 1)
    assert world.suppressed() == []
    assert not [one for one in world.receiver.events if one["event"] == "bounced"]


def test_return_addresses_that_were_made_up_are_refused(world: World) -> None:
    _, path = world.sent(1)
    local = path.partition("@")[0]
    other = local.translate(str.maketrans("abcdefgh", "bcdefgha"))
    for forged in (other, local[:-1] + ("a" if local[-1] != "a" else "b"), "return+x-y-z", "ada"):
        code, said = world.comes("", f"{forged}@bounces.example.org", "Subject: x\n\nx\n")
        assert code == 550, (forged, said)
    time.sleep(0.5)
    assert world.inbox("ada") == []
    assert world.suppressed() == []


def test_an_answer_by_a_program_reaches_the_sender_and_ends_there(world: World) -> None:
    identifier, path = world.sent(1)
    code, _ = world.comes(
        "u1@example.net", path, "From: u1@example.net\nSubject: I am away\n\nback on Monday\n"
    )
    assert code == 250
    world.shop.web.wait(lambda: len(world.inbox("ada")) == 1)
    assert "I am away" in world.inbox("ada")[0]
    assert world.suppressed() == []
    told = json.loads(world.shop.web.server.ulak("why", identifier, "--json").stdout)
    assert [one["stands"] for one in told["recipients"]] == ["delivered"]


def test_a_complaint_finds_its_message_by_the_address_that_it_quotes(world: World) -> None:
    identifier, path = world.sent(1)
    code, _ = world.comes("fbl@example.net", "feedback@example.org", ARF.format(quoted=path))
    assert code == 250
    event = world.event("complained")
    assert (event["message"], event["recipient"]) == (identifier, "u1@example.net")
    assert event["feedback"] == "abuse"
    (entry,) = world.suppressed()
    assert (entry["cause"], entry["for"]) == ("complaint", "example.org")
    world.shop.web.wait(lambda: len(world.inbox("feedback")) == 1)
    status, told = world.shop.send(message(1))
    assert (status, told["cause"]) == (422, "on-suppression-list")


def test_a_complaint_that_quotes_nothing_of_ours_is_mail_as_any_other(world: World) -> None:
    world.sent(1)
    text = ARF.format(quoted="return+aaaaaaaa-aaaaaaaa-aaaaaaaaaaaaaaaa@bounces.example.org")
    code, _ = world.comes("fbl@example.net", "feedback@example.org", text)
    assert code == 250
    world.shop.web.wait(lambda: len(world.inbox("feedback")) == 1)
    assert world.suppressed() == []
    assert not [one for one in world.receiver.events if one["event"] == "complained"]
