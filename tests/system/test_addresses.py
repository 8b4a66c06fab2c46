"""Who gets the mail, in a whole server: rosters, details, forwarding and handlers."""

from __future__ import annotations

import re
import smtplib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.postgresql import PostgresServer

from ulak.lab.internet import GOOD

from .client import Client
from .test_delivery import Lab, box, lab, queued, said, send, story, until

__all__ = ["lab"]
pytestmark = pytest.mark.slow

HERE = """
[domains."example.org"]
mailboxes = ["ada"]
aliases = { away = ["x@good.example"] }
separator = "+"
detail_folder = "create"
roster = { kind = "file", path = "list" }
[forwarding]
srs = true
"""
FAR = "far@good.example"


def rcpt(server: Any, sender: str, *recipients: str) -> list[str]:
    with Client(server.port) as client:
        client.hear()
        client.say("EHLO client.example")
        client.say(f"MAIL FROM:<{sender}>")
        return [client.say(f"RCPT TO:<{recipient}>") for recipient in recipients]


def test_forwarded_mail_goes_in_our_name_and_reports_about_it_find_the_sender(
    served: Callable[..., Any], lab: Lab
) -> None:
    server = served(HERE + lab.settings())
    (server.folder / "list").write_text("grace\n")
    server.start()
    identifier = send(server, "away@example.org", sender=FAR)
    (there,) = until(lambda: lab.net.server(GOOD).messages, "the forwarded mail")
    assert re.fullmatch(
        r"SRS0=[A-Z2-7]{8}=[A-Z2-7]{2}=good\.example=far@example\.org", there.sender
    )
    until(lambda: not queued(server), "an empty queue")
    (delivered,) = said(story(server, identifier), "delivered")
    assert delivered["facts"]["srs"] == there.sender
    assert "(SRS)" in server.ulak("why", identifier, "--lang", "en").stdout

    with smtplib.SMTP("127.0.0.1", server.port, "client.example", timeout=30) as smtp:
        smtp.sendmail("", there.sender, "From: x@good.example\r\nSubject: report\r\n\r\nNo.\r\n")
    until(lambda: len(lab.net.server(GOOD).messages) == 2, "the report")
    report = lab.net.server(GOOD).messages[1]
    assert (report.sender, report.recipients) == ("", (FAR,))

    forged = there.sender.replace("=far@", "=eve@")
    assert rcpt(server, "", forged)[0].startswith("550 5.1.1 ")
    shown = server.ulak("check", "address", there.sender, "--lang", "en")
    assert shown.returncode == 0
    assert FAR in shown.stdout


def test_a_roster_that_changes_is_followed_and_one_that_is_away_refuses_nobody(
    served: Callable[..., Any], lab: Lab
) -> None:
    server = served(HERE + lab.settings())
    names = server.folder / "list"
    server.start()
    (answer,) = rcpt(server, FAR, "grace@example.org")
    assert answer.startswith("451 4.3.0 <grace@example.org>")
    incident = re.search(r"\(incident (\w+)\)", answer)
    assert incident is not None
    assert "FileNotFoundError" in server.ulak("why", incident[1], "--lang", "en").stdout
    names.write_text("grace\n")

    def taken() -> bool:
        return rcpt(server, FAR, "grace@example.org")[0].startswith("250 ")

    until(taken, "the roster that is back")
    assert rcpt(server, FAR, "joan@example.org")[0].startswith("550 5.1.1 ")
    send(server, "grace+Shop@example.org", sender=FAR)
    until(lambda: list(server.data.rglob("mail/example.org/grace/.shop/new/*")), "grace's mail")


def test_a_database_that_is_away_refuses_nobody_and_is_asked_again_when_it_is_back(
    served: Callable[..., Any],
) -> None:
    database = PostgresServer()
    server = served(f"""
[domains."example.org"]
mailboxes = ["ada"]
[domains."example.org".roster]
kind = "postgresql"
database = "{database.url}"
query = "SELECT target FROM users WHERE name = :local"
keep = "0s"
keep_unknown = "0s"
""")
    try:
        database.crash()
        server.start()
        (answer,) = rcpt(server, FAR, "grace@example.org")
        assert answer.startswith("451 4.3.0 <grace@example.org>")
        incident = re.search(r"\(incident (\w+)\)", answer)
        assert incident is not None
        assert "postgres at" in server.ulak("why", incident[1], "--lang", "en").stdout
        assert rcpt(server, FAR, "ada@example.org")[0].startswith("250 ")
        database.start()
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE users AS SELECT 'grace' AS name, '' AS target")
        until(
            lambda: rcpt(server, FAR, "grace@example.org")[0].startswith("250 "),
            "the database that is back",
        )
        assert rcpt(server, FAR, "joan@example.org")[0].startswith("550 5.1.1 ")
        shown = server.ulak("check", "address", "grace@example.org", "--lang", "en")
        assert shown.returncode == 0
    finally:
        database.stop()


SCRIPT = """#!{python} -I
import os, sys
text = sys.stdin.read()
name = os.environ["USER"]
if name == "bad":
    print("only tickets are taken here")
    sys.exit(65)
open({folder!r} + "/" + name, "w").write(os.environ["SENDER"] + "\\n" + text)
"""


def test_a_program_takes_mail_and_what_it_does_not_want_goes_back_with_its_words(
    served: Callable[..., Any], lab: Lab, tmp_path: Path
) -> None:
    program = tmp_path / "ticket"
    program.write_text(SCRIPT.format(python=sys.executable, folder=str(tmp_path)))
    program.chmod(0o700)
    tickets = (
        f'[domains."tickets.example"]\nmailboxes = ["*"]\ndeliver = ["{program}", "-x"]\n'
        'handler = { timeout = "30s" }\nseparator = "+"\n'
    )
    server = served(HERE + tickets + lab.settings())
    server.start()
    identifier = send(server, "new+7@tickets.example", sender="ada@example.org")
    until((tmp_path / "new").exists, "the ticket")
    until(lambda: not queued(server), "an empty queue")
    told = (tmp_path / "new").read_text()
    assert told.startswith("ada@example.org\nReturn-Path: <ada@example.org>\n")
    (delivered,) = said(story(server, identifier), "delivered")
    assert delivered["facts"]["handler"].endswith("ticket -x")

    send(server, "bad@tickets.example", sender="ada@example.org")
    (report,) = until(lambda: box(server), "the report")
    assert b"only tickets are taken here" in report
