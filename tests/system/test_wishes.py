"""What a client asked for, end to end: a whole server, its queue, its Maildirs, its reports."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Callable
from typing import Any

import pytest

from .test_delivery import box, flat, until

pytestmark = pytest.mark.slow

GRACE = "grace@example.org"
HERE = """
[domains."example.org"]
mailboxes = ["ada", "bob", "grace"]
[domains."example.org".aliases]
team = ["ada@example.org", "bob@example.org"]
boss = ["ada@example.org"]
"""


def test_success_is_told_of_mailboxes_and_of_aliases_as_it_was_asked_for(
    served: Callable[..., Any],
) -> None:
    server = served(HERE)
    server.start()
    with smtplib.SMTP("127.0.0.1", server.port, "client.example", timeout=30) as smtp:
        smtp.ehlo()
        assert smtp.has_extn("dsn")
        for command in (
            f"MAIL FROM:<{GRACE}> ENVID=QQ314159 RET=FULL",
            "RCPT TO:<bob@example.org> NOTIFY=NEVER",
            "RCPT TO:<team@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Team@example.com",
            "RCPT TO:<boss@example.org> NOTIFY=SUCCESS",
        ):
            assert smtp.docmd(command)[0] == 250, command
        code, said = smtp.data(f"From: {GRACE}\r\nSubject: tea\r\n\r\nAt five?\r\n")
    assert code == 250
    identifier = said.decode().split()[2]

    def all_told() -> list[bytes]:
        reports = box(server, "grace")
        return reports if len(reports) == 2 else []

    reports = {
        action: report
        for report in until(all_told, "two reports")
        for action in ("delivered", "expanded")
        if f"Action: {action}".encode() in report
    }
    assert len(box(server, "ada")) == len(box(server, "bob")) == 1
    expanded, delivered = reports["expanded"], reports["delivered"]
    assert b"Original-Envelope-Id: QQ314159\r\n" in expanded
    assert b"Original-Recipient: rfc822; Team@example.com\r\n" in expanded
    assert b"Final-Recipient: rfc822; team@example.org\r\n" in expanded
    assert b"Final-Recipient: rfc822; ada@example.org\r\n" in delivered
    assert b"bob@example.org" not in delivered.partition(b"delivery-status")[2]
    assert "team@example.org stands for several addresses." in flat(expanded)
    assert json.loads(server.ulak("queue", "list", "--json").stdout) == {"recipients": []}
    told = " ".join(server.ulak("why", identifier, "--lang", "en").stdout.split())
    assert "A note that the message was delivered to ada@example.org was queued" in told
    assert "was sent on to the members of team@example.org." in told
