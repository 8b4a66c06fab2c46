"""What strangers say is told to people, and acts on nothing: no log, no screen, no report.

And what one's own users say when they log in is told to nobody (RFC 4954 §4, §9).
"""

from __future__ import annotations

import base64
import email
import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import free_port
from tests.system.hostile import Hostile
from tests.system.test_serve import LOCAL, arrived

from ulak.lab.certificate import certificate
from ulak.lab.mx import Act, Behaviour

# A colour, a name for the window, a line of its own, text from right to left, a page's script.
HOSTILE = "\x1b[31m\x1b]0;x\x07\u202e\u2028<script>alert(1)</script>\x00\x9b2J"
SAID = (
    b"550-5.7.1 No \x1b[31m\x1b]0;x\x07\xe2\x80\xae\xe2\x80\xa8<script>alert(1)</script>\r\n"
    b"550-5.7.1 \x00\x9b2J\rBcc: evil@example.net\r\n"
    b"550 5.7.1 " + b"x" * 3000 + b"\r\n"
)


def acts(text: str) -> list[str]:
    """Give the characters that do something to a screen, or end a line unseen."""
    wrong = [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
    return sorted(set(wrong))


@pytest.fixture
def attacked(served: Callable[..., Any], sink: Callable[..., Any]) -> Any:
    """A server whose smart host refuses in a hostile way, and a hostile client has been there."""
    port = sink(Behaviour(at={"RCPT": Act(raw=SAID)})).port
    more = f'[relay]\nnetworks = ["127.0.0.1/32"]\n[route]\n"*" = "smtp:127.0.0.1:{port}"\n'
    server = served(LOCAL + more + '[log]\nformat = "json"\nlevel = "debug"\n')
    server.start()
    with Hostile(server.port) as client:
        client.send(f"EHLO {HOSTILE}\r\nNOOP {HOSTILE}\r\n{HOSTILE}\r\n".encode())
        client.send(b"VRFY \xff\xfe\x1b\r\nEHLO <script>alert(1)</script>.example\r\n")
        client.send(b"EHLO c.example\r\nMAIL FROM:<ada@example.org> RET=FULL ENVID=a+2Bb+3Dc\r\n")
        client.send(b"RCPT TO:<far@example.net> ORCPT=rfc822;<script>+2B@example.net\r\nDATA\r\n")
        header = f"From: ada@example.org\r\nSubject: {HOSTILE}\r\nX: {HOSTILE}\r\n".replace(
            "\0", ""
        )
        client.send(header.encode() + b"\r\nhello\r\n.\r\nQUIT\r\n")
        replies = client.rest(5)
        assert replies[-2:] == ["250", "221"], replies
    return server


def test_a_report_tells_hostile_words_and_obeys_none(attacked: Any) -> None:
    (octets,) = arrived(attacked.data / "mail" / "example.org" / "ada")
    report: Any = email.message_from_bytes(octets)
    assert "Bcc" not in report
    text, status, returned = report.get_payload()
    assert "<script>alert(1)</script>" in text.get_payload(decode=True).decode()
    assert acts(text.get_payload(decode=True).decode().replace("\r\n", "\n")) == []
    about, recipient = status.get_payload()
    assert about["Original-Envelope-Id"] == "a+b=c"
    assert set(map(str.lower, recipient.keys())) <= {
        *("original-recipient", "final-recipient", "action", "status", "remote-mta"),
        *("diagnostic-code", "last-attempt-date", "x-ulak-cause"),
    }
    assert recipient["Status"].startswith("5.")
    code = recipient["Diagnostic-Code"]
    assert code.startswith("smtp; 550 5.7.1")
    assert acts(" ".join(code.split())) == []
    assert all(len(line) <= 998 for line in octets.split(b"\n"))
    # The message itself goes back as it was: it is its author's.
    assert returned.get_content_type() == "message/rfc822"
    assert b"\nSubject: \x1b[31m" in octets


def test_logs_and_stories_of_hostile_words_are_lines_of_text(attacked: Any) -> None:
    arrived(attacked.data / "mail" / "example.org" / "ada")
    log = (attacked.folder / "log").read_text("utf-8")
    assert acts(log) == []
    records = [json.loads(line) for line in log.split("\n") if line.startswith("{")]
    events = [record["event"] for record in records]
    assert len(events) > 5
    assert all(len(line) < 20_000 for line in log.split("\n"))
    ids = {i for record in records for i in (record.get("session"), record.get("message")) if i}
    assert ids
    for identifier in ids:
        for language in ("en", "tr"):
            told = attacked.ulak("why", identifier, "--lang", language)
            assert acts(told.stdout.replace("\u200b", "")) == [], identifier
        as_json = attacked.ulak("why", identifier, "--json").stdout
        assert as_json.count("\n") == 1
        assert acts(as_json) == []
    assert acts(attacked.ulak("queue", "list").stdout) == []


SECRET = "correct-horse-battery"
MORE = "another-secret-of-hers"


def b64(text: str) -> bytes:
    return base64.b64encode(text.encode())


def test_no_password_is_ever_written_down(served: Callable[..., Any], tmp_path: Path) -> None:
    cert, key = certificate("mx.example.org").write(tmp_path)
    port = free_port()
    server = served(
        LOCAL + '[log]\nformat = "json"\nlevel = "debug"\n[login]\nban_after = 100\n'
        f'[[listener]]\naddress = "127.0.0.1:{port}"\nkind = "submission"\n'
        f'tls = {{ certificate = "{cert}", key = "{key}" }}\n'
    )
    server.write()
    subprocess.run(
        [
            *(sys.executable, "-m", "ulak", "account", "add", "ada@example.org"),
            *("--config", str(server.config)),
        ],
        input=f"{SECRET}\n",
        text=True,
        check=True,
        capture_output=True,
    )
    server.start()
    plain = b64(f"\0ada@example.org\0{SECRET}")
    name, secret, more = b64("ada@example.org"), b64(SECRET), b64(MORE)
    dialogues: list[tuple[bytes, ...]] = [
        (b"AUTH PLAIN " + plain,),
        (b"AUTH PLAIN", plain),
        (b"auth login", name, secret),
        (b"AUTH LOGIN " + name, secret),
        (b"AUTH LOGIN", name, more),
        (b"AUTH PLAIN " + b64(f"\0ada@example.org\0{MORE}"),),
        (b"AUTH PLAIN " + b64(f"\0{SECRET}\0ada@example.org"),),  # the wrong way round
        (b"AUTH LOGIN", secret, name),
        (b"AUTH PLAIN " + secret,),
        (b"AUTH " + secret,),
        (b"AUTH PLAIN " + plain + b" " + secret,),
        (b"AUTH PLAIN", plain, secret),  # and once more, where a command is expected
        (b"AUTH LOGIN\r\n" + name + b"\r\n" + secret,),  # without waiting
        (b"AUTH CRAM-MD5", plain, secret),
        (b"AUTHENTICATE PLAIN " + plain,),
    ]
    answers = []
    for tls in (True, False):
        for dialogue in dialogues:
            with Hostile(port) as client:
                client.send(b"EHLO c.example\r\n")
                client.until(2)
                if tls:
                    client.send(b"STARTTLS\r\n")
                    client.until(1)
                    client.begin_tls()
                    client.send(b"EHLO c.example\r\n")
                    client.until(1)
                for line in dialogue:
                    client.send(line + b"\r\n")
                    answers += client.until(1)
                client.send(b"RSET\r\nQUIT\r\n")
                client.rest()
    assert answers.count("235") >= 5
    assert {"334", "501", "504", "535", "538", "500"} <= set(answers)
    assert server.stop() == 0
    told = (server.folder / "log").read_bytes()
    files = [path for path in Path(server.data).rglob("*") if path.is_file()]
    assert len(files) > 3
    for path in files:
        told += path.read_bytes()
    for word in (SECRET, MORE):
        assert word.encode() not in told
    # Of base64, any part that is long enough to be known again, whatever stands before it.
    for given in (plain, secret, more):
        assert given.rstrip(b"=")[:-2] not in told
    assert re.search(rb'"event": *"', told)
