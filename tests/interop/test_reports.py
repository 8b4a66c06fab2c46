"""Reports that were asked for, with Postfix before and behind us (RFC 3461)."""

from __future__ import annotations

import contextlib
import email
import email.policy
import os
import smtplib
import tempfile
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from .postfix import Postfix, arrived, run
from .test_clients import LOCAL

SENDER = "grace@example.org"
TEXT = f"From: {SENDER}\r\nSubject: tea\r\nMessage-ID: <1@example.org>\r\n\r\nAt five?\r\n"


@pytest.fixture
def peer() -> Iterator[Callable[[int], Postfix]]:
    """Make instances of Postfix that end with the test."""
    if os.geteuid() != 0:
        pytest.skip("Postfix changes users: only root can start it")
    made: list[Postfix] = []
    with tempfile.TemporaryDirectory(prefix="ulak-postfix-") as folder:
        Path(folder).chmod(0o755)

        def make(next_port: int) -> Postfix:
            made.append(Postfix(Path(folder) / str(len(made)), next_port, "may"))
            return made[-1]

        yield make
        for one in made:
            one.stop()


@pytest.fixture
def home(served: Callable[..., Any]) -> Any:
    """Where ada and grace have their mailboxes."""
    server = served(LOCAL)
    server.start()
    return server


def send(port: int, recipient: str, mail: str = " RET=HDRS ENVID=QQ+2B314") -> str:
    """Send a message to ada with parameters; give what was said to it."""
    with smtplib.SMTP("127.0.0.1", port, "client.example", timeout=30) as smtp:
        smtp.ehlo()
        for command in (f"MAIL FROM:<{SENDER}>{mail}", f"RCPT TO:<ada@example.org>{recipient}"):
            code, said = smtp.docmd(command)
            assert code == 250, (command, said)
        code, said = smtp.data(TEXT)
        assert code == 250, said
    return said.decode()


def reports(home: Any, count: int = 1) -> list[EmailMessage]:
    """Give what came to grace, when so much has come."""
    found = arrived(home.data / "mail" / "example.org" / "grace", count)
    policy = email.policy.default
    return [email.message_from_bytes(r, _class=EmailMessage, policy=policy) for r in found]


def fields(report: EmailMessage) -> tuple[EmailMessage, EmailMessage]:
    """Give the fields of the message and those of its one recipient."""
    assert report.get_content_type() == "multipart/report"
    (_, status, back) = report.iter_parts()
    assert isinstance(back, EmailMessage)
    assert back.get_content_type() == "text/rfc822-headers"
    assert "Subject: tea" in back.get_content()
    assert isinstance(status, EmailMessage)
    groups = status.get_payload()
    assert isinstance(groups, list)
    message, recipient = groups
    assert isinstance(message, EmailMessage)
    assert isinstance(recipient, EmailMessage)
    return message, recipient


def test_postfix_relays_to_us_and_its_client_hears_of_the_delivery(
    home: Any, peer: Callable[[int], Postfix]
) -> None:
    upstream = peer(home.port)
    send(upstream.port, " NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;A+2Bda@example.com")
    (report,) = reports(home)
    message, recipient = fields(report)
    assert message["Original-Envelope-Id"] == "QQ+314"
    assert message["Reporting-MTA"] == "dns; mx.example.org"
    assert recipient["Original-Recipient"] == "rfc822; A+da@example.com"
    assert recipient["Final-Recipient"] == "rfc822; ada@example.org"
    assert recipient["Action"] == "delivered"
    assert recipient["Status"] == "2.0.0"
    # The duty was ours: Postfix has not told that it relayed.
    time.sleep(1)
    assert len(reports(home)) == 1


def test_postfix_passes_on_that_nobody_is_to_be_told(
    home: Any, peer: Callable[[int], Postfix]
) -> None:
    upstream = peer(home.port)
    send(upstream.port, " NOTIFY=NEVER")
    arrived(home.data / "mail" / "example.org" / "ada")
    send(upstream.port, " NOTIFY=FAILURE", mail="")
    arrived(home.data / "mail" / "example.org" / "ada", 2)
    time.sleep(1)
    assert not (home.data / "mail" / "example.org" / "grace" / "new").exists()


@pytest.mark.parametrize("dsn", [True, False])
def test_a_relay_over_postfix_is_told_by_who_knows(
    served: Callable[..., Any], home: Any, peer: Callable[[int], Postfix], *, dsn: bool
) -> None:
    """Postfix behind us takes the duty over where it offers DSN; where it does not, we tell."""
    downstream = peer(home.port)
    if not dsn:
        etc = str(downstream.folder / "etc")
        setting = "smtpd_discard_ehlo_keywords=dsn"
        assert run("/usr/sbin/postconf", "-c", etc, "-e", setting).returncode == 0
        assert run("/usr/sbin/postfix", "-c", etc, "reload").returncode == 0
        _until_dsn_is_gone(downstream.port)
    first = served(
        f'[relay]\nnetworks = ["127.0.0.0/8"]\n[route]\n"*" = "smtp:127.0.0.1:{downstream.port}"\n'
    )
    first.start()
    identifier = send(first.port, " NOTIFY=SUCCESS").split()[2]
    arrived(home.data / "mail" / "example.org" / "ada")
    (report,) = reports(home)
    message, recipient = fields(report)
    if dsn:
        assert recipient["Action"] == "delivered"
        assert message["Original-Envelope-Id"] == "QQ+314"
        assert b"by postfix.example.net" in report.as_bytes()
    else:
        assert recipient["Action"] == "relayed"
        assert recipient["Remote-MTA"] == "dns; [127.0.0.1]"
        assert str(recipient["Diagnostic-Code"]).startswith("smtp; 250 2.0.0 Ok: queued as")
    told = " ".join(first.ulak("why", identifier, "--lang", "en").stdout.split())
    assert ("A note that the message was handed on" in told) == (not dsn)


def _until_dsn_is_gone(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(OSError), smtplib.SMTP("127.0.0.1", port, timeout=5) as smtp:
            smtp.ehlo()
            if not smtp.has_extn("dsn"):
                return
        time.sleep(0.2)
    pytest.fail("Postfix offers DSN still")
