"""Mail from and to the software that people use: swaks, msmtp, smtp-source, Postfix.

Each test starts its own server, and its own Postfix from its own directory.
"""

from __future__ import annotations

import re
import smtplib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ulak.lab.certificate import certificate

from .postfix import Postfix, arrived, program, run

LOCAL = '[domains."example.org"]\nmailboxes = ["ada", "grace"]\n'


@pytest.fixture
def secure(served: Callable[..., Any], tmp_path: Path) -> Any:
    """A server that offers STARTTLS; its address is filled in by `port`."""
    cert, key = certificate("mx.example.org").write(tmp_path)
    server = served(LOCAL, tls=f'tls = {{ certificate = "{cert}", key = "{key}" }}')
    server.start()
    return server


def test_swaks_delivers_over_starttls(secure: Any) -> None:
    swaks = program("swaks", "swaks")
    sent = run(
        *(swaks, "--server", "127.0.0.1", "--port", str(secure.port), "--tls"),
        *("--from", "g@example.net", "--to", "ada@example.org", "--helo", "client.example.net"),
    )
    assert sent.returncode == 0, sent.stdout + sent.stderr
    assert "<~  250" in sent.stdout
    (text,) = arrived(secure.data / "mail" / "example.org" / "ada")
    assert b"with ESMTPS" in text


def test_swaks_is_told_of_an_unknown_mailbox(secure: Any) -> None:
    swaks = program("swaks", "swaks")
    sent = run(
        *(swaks, "--server", "127.0.0.1", "--port", str(secure.port), "--pipeline"),
        *("--from", "g@example.net", "--to", "nobody@example.org"),
    )
    assert sent.returncode != 0
    assert "550 5.1.1" in sent.stdout


def test_msmtp_delivers_over_starttls(secure: Any) -> None:
    msmtp = program("msmtp", "msmtp")
    sent = run(
        *(msmtp, "--host=127.0.0.1", f"--port={secure.port}", "--tls=on", "--tls-starttls=on"),
        *("--tls-certcheck=off", "--from=g@example.net", "--auth=off", "ada@example.org"),
        given="From: g@example.net\nSubject: from msmtp\n\n.a line with a dot\n",
    )
    assert sent.returncode == 0, sent.stderr
    (text,) = arrived(secure.data / "mail" / "example.org" / "ada")
    assert b"\n.a line with a dot\n" in text.replace(b"\r\n", b"\n")


def test_smtp_source_sends_a_thousand_messages_and_all_arrive(secure: Any) -> None:
    source = program("smtp-source", "postfix")
    sent = run(
        *(source, "-s", "10", "-m", "1000", "-l", "2000", "-f", "g@example.net"),
        *("-t", "ada@example.org", f"127.0.0.1:{secure.port}"),
    )
    assert sent.returncode == 0, sent.stderr
    assert len(arrived(secure.data / "mail" / "example.org" / "ada", 1000, 60)) == 1000


def test_postfix_relays_to_us_over_tls(secure: Any, postfix: Callable[..., Postfix]) -> None:
    upstream = postfix(secure.port, "encrypt")
    with smtplib.SMTP("127.0.0.1", upstream.port) as smtp:
        smtp.sendmail(
            "g@example.net",
            ["ada@example.org", "grace@example.org"],
            "From: g@example.net\nSubject: through Postfix\n\nhello\n",
        )
    (text,) = arrived(secure.data / "mail" / "example.org" / "ada")
    arrived(secure.data / "mail" / "example.org" / "grace")
    assert re.search(rb"from postfix\.example\.net .*?with ESMTPS", text, re.DOTALL)


def test_postfix_hears_our_refusal_and_bounces_with_our_words(
    secure: Any, postfix: Callable[..., Postfix]
) -> None:
    upstream = postfix(secure.port)
    with smtplib.SMTP("127.0.0.1", upstream.port) as smtp:
        smtp.sendmail("ada@example.org", ["nobody@example.org"], "From: ada@example.org\n\nhi\n")
    (report,) = arrived(secure.data / "mail" / "example.org" / "ada")
    assert b"there is no such mailbox here" in report.replace(b"\n   ", b" ")


def test_we_relay_to_postfix_over_tls(
    served: Callable[..., Any], sink: Callable[..., Any], postfix: Callable[..., Postfix]
) -> None:
    end_of_the_line = sink()
    downstream = postfix(end_of_the_line.port)
    server = served(
        f'[relay]\nnetworks = ["127.0.0.0/8"]\n[route]\n"*" = "smtp:127.0.0.1:{downstream.port}"\n'
    )
    server.start()
    with smtplib.SMTP("127.0.0.1", server.port) as smtp:
        for number in range(20):
            smtp.sendmail(
                "g@example.net",
                ["x@example.com"],
                f"From: g@example.net\nX-Number: {number}\n\n.dots\n..more\n",
            )
    end = time.monotonic() + 30
    while len(end_of_the_line.messages) < 20:
        assert time.monotonic() < end, downstream.log()
        time.sleep(0.1)
    body = end_of_the_line.messages[0].body
    assert b"\r\n.dots\r\n..more\r\n" in body
    assert re.search(rb"from mx\.example\.org .*?using TLSv1", body, re.DOTALL)
