"""The server as people start, stop and talk to it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import smtplib
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LOCAL = """
[domains."example.org"]
mailboxes = ["ada", "grace"]
aliases = { info = ["ada@example.org"] }
"""


def arrived(folder: Path, count: int = 1, seconds: float = 60) -> list[bytes]:
    """Wait for so many messages in a Maildir."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = sorted((folder / "new").glob("*")) if folder.exists() else []
        if len(found) >= count:
            return [path.read_bytes() for path in found]
        time.sleep(0.05)
    pytest.fail(f"{folder} has not {count} messages")


def test_a_message_is_taken_and_lies_in_the_maildir_with_its_trace(
    served: Callable[..., Any],
) -> None:
    server = served(LOCAL)
    server.start()
    with smtplib.SMTP("127.0.0.1", server.port, "client.example.net") as smtp:
        smtp.sendmail("g@example.net", ["info@example.org"], "From: g@example.net\n\nhello\n")
    (text,) = arrived(server.data / "mail" / "example.org" / "ada")
    assert text.startswith(b"Return-Path: <g@example.net>")
    assert re.search(rb"\nReceived: from client\.example\.net \(\[127\.0\.0\.1\]", text)
    assert b"\n\nhello\n" in text.replace(b"\r\n", b"\n")
    assert server.stop() == 0


def test_the_story_of_a_message_can_be_told(served: Callable[..., Any]) -> None:
    server = served(LOCAL)
    server.start()
    with smtplib.SMTP("127.0.0.1", server.port, "client.example.net") as smtp:
        smtp.ehlo()
        smtp.mail("g@example.net")
        smtp.rcpt("ada@example.org")
        _, said = smtp.data("From: g@example.net\r\n\r\nhello\r\n")
    arrived(server.data / "mail" / "example.org" / "ada")
    match = re.search(rb"Message (\S+) is", said)
    assert match
    end = time.monotonic() + 60
    while True:
        told = server.ulak("why", match[1].decode(), "--json")
        if '"delivered"' in told.stdout or time.monotonic() > end:
            break
        time.sleep(0.1)
    assert told.returncode == 0, told.stderr
    kinds = [entry["kind"] for entry in json.loads(told.stdout)["entries"]]
    assert "accepted" in kinds
    assert "delivered" in kinds
    turkish = server.ulak("why", match[1].decode(), "--lang", "tr")
    assert turkish.returncode == 0
    assert "teslim" in turkish.stdout


def test_a_second_server_on_the_same_data_is_refused(served: Callable[..., Any]) -> None:
    first = served(LOCAL)
    first.start()
    second = served(LOCAL, data=str(first.data))
    second.write()
    refused = second.ulak("serve")
    assert refused.returncode == 2
    assert str(first.data) in refused.stderr
    assert "Traceback" not in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_port_in_use_is_named(served: Callable[..., Any]) -> None:
    first = served(LOCAL)
    first.start()
    second = served(LOCAL)
    second.port = first.port
    second.write()
    refused = second.ulak("serve")
    assert refused.returncode == 2
    assert f"127.0.0.1:{first.port}" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_every_mistake_of_a_configuration_is_listed(served: Callable[..., Any]) -> None:
    server = served('hostnme = "x"\n[policy]\nvrfy = "maybe"\nmax_recipients = "many"\n')
    server.write()
    refused = server.ulak("serve")
    assert refused.returncode == 2
    for key in ("vrfy", "max_recipients"):
        assert key in refused.stderr


def test_sigterm_lets_a_message_under_way_end(served: Callable[..., Any]) -> None:
    server = served(LOCAL)
    server.start()
    with server.connect() as sock:
        stream = sock.makefile("rwb")
        for line in ("HELO c", "MAIL FROM:<>", "RCPT TO:<ada@example.org>", "DATA"):
            stream.readline()
            stream.write(line.encode() + b"\r\n")
            stream.flush()
        assert stream.readline().startswith(b"354")
        server.process.terminate()
        time.sleep(0.3)
        stream.write(b"From: a@example.net\r\n\r\nx\r\n.\r\n")
        stream.flush()
        assert stream.readline().startswith(b"250")
    assert server.process.wait(30) == 0


def test_sighup_brings_a_new_mailbox_and_every_connection_is_greeted(
    served: Callable[..., Any],
) -> None:
    server = served(LOCAL)
    server.start()
    server.more = LOCAL.replace('"ada", ', '"ada", "edsger", ')
    server.write()
    os.kill(server.process.pid, signal.SIGHUP)
    end = time.monotonic() + 60
    code, refused = 0, set[int]()
    while time.monotonic() < end and code != 250:
        # Connecting always works; whoever meets a worker that is being replaced hears 421.
        try:
            with smtplib.SMTP("127.0.0.1", server.port) as smtp:
                smtp.ehlo()
                smtp.mail("g@example.net")
                code = smtp.rcpt("edsger@example.org")[0]
        except smtplib.SMTPResponseException as error:  # also the answer to QUIT
            refused.add(error.smtp_code)
        except smtplib.SMTPServerDisconnected:
            refused.add(421)  # it was said in answer to a command before
    assert code == 250
    assert refused <= {421}
    assert server.stop() == 0


def test_a_worker_that_dies_is_replaced(served: Callable[..., Any]) -> None:
    server = served(LOCAL, workers=2)
    server.start()
    end = time.monotonic() + 30
    while "Listening on" not in server.log():  # one greets already; both have to be there
        assert time.monotonic() < end
        time.sleep(0.05)
    killed = server.workers_of()[0]
    os.kill(killed, signal.SIGKILL)
    while killed in (workers := server.workers_of()) or len(workers) < 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    for _ in range(10):
        with smtplib.SMTP("127.0.0.1", server.port, timeout=10) as smtp:
            smtp.noop()


def test_a_worker_that_cannot_start_is_tried_again_until_it_can_and_never_started_twice(
    served: Callable[..., Any],
) -> None:
    server = served(LOCAL)
    server.start()
    journal = server.data / "journal" / "0"
    journal.rename(journal.with_name("aside"))
    journal.write_text("in the way of a new worker")
    server.more += "[limits]\nerrors = 19\n"
    server.write()
    os.kill(server.process.pid, signal.SIGHUP)
    end = time.monotonic() + 30
    while server.log().count('"worker-ended"') < 2:
        assert time.monotonic() < end, server.log()
        time.sleep(0.05)
    os.kill(server.process.pid, signal.SIGHUP)  # while it waits to try again
    journal.unlink()
    while True:
        with contextlib.suppress(OSError), smtplib.SMTP("127.0.0.1", server.port, timeout=5):
            break
        assert time.monotonic() < end, server.log()
    seen = server.log().count('"worker-started"')
    time.sleep(2)  # longer than the wait that was under way
    assert server.log().count('"worker-started"') == seen
    assert len(server.workers_of()) == 1
    assert server.stop() == 0


def test_a_worker_that_is_killed_before_it_is_ready_is_started_again(
    served: Callable[..., Any],
) -> None:
    server = served(LOCAL, workers=2)
    server.begin()
    end = time.monotonic() + 60
    while not (workers := server.workers_of()):
        assert time.monotonic() < end
    os.kill(workers[0], signal.SIGKILL)
    server.greets(end)
    while len(server.workers_of()) < 2 or workers[0] in server.workers_of():
        assert time.monotonic() < end + 15
        time.sleep(0.05)
    assert server.stop() == 0


def test_mail_of_a_worker_that_is_no_more_is_delivered_all_the_same(
    served: Callable[..., Any],
) -> None:
    server = served(LOCAL + "[delivery]\npaused = true\n", workers=2)
    server.start()
    for _ in range(12):
        with smtplib.SMTP("127.0.0.1", server.port) as smtp:
            smtp.sendmail("g@example.net", ["ada@example.org"], "From: g@example.net\n\nhi\n")
    server.stop()
    server.workers, server.more = 1, LOCAL
    server.start()
    assert len(arrived(server.data / "mail" / "example.org" / "ada", 12)) == 12


def test_an_operator_holds_releases_and_drops(served: Callable[..., Any]) -> None:
    server = served(LOCAL + "[delivery]\npaused = true\n")
    server.start()
    with smtplib.SMTP("127.0.0.1", server.port) as smtp:
        for to in ("ada", "grace"):
            smtp.sendmail("g@example.net", [f"{to}@example.org"], "From: g@example.net\n\nhi\n")
    listed = json.loads(server.ulak("queue", "list", "--json").stdout)
    assert len(listed["recipients"]) == 2
    identifier = listed["recipients"][0]["id"]
    assert server.ulak("queue", "hold", identifier).returncode == 0
    states = {
        row["id"]: row["state"]
        for row in json.loads(server.ulak("queue", "list", "--json").stdout)["recipients"]
    }
    assert states[identifier] == "held"
    other = server.ulak("queue", "retry", "--domain", "example.net")
    assert (other.returncode, other.stdout.count("No recipient in the queue fits")) == (1, 1)
    assert server.ulak("queue", "release", identifier).returncode == 0
    assert server.ulak("queue", "drop", "--all").returncode == 0
    assert told_verbs(server, identifier, 3) == ["hold", "release", "drop"]
    assert told_verbs(server, listed["recipients"][1]["id"], 1) == ["drop"]
    assert json.loads(server.ulak("queue", "list", "--json").stdout)["recipients"] == []
    with smtplib.SMTP("127.0.0.1", server.port) as smtp:
        smtp.sendmail("g@example.net", ["ada@example.org"], "From: g@example.net\n\nhi\n")
    server.stop()
    assert server.ulak("queue", "list").returncode == 0
    assert server.ulak("queue", "hold", "--all").returncode == 0
    (row,) = json.loads(server.ulak("queue", "list", "--json").stdout)["recipients"]
    assert told_verbs(server, row["id"], 1) == ["hold"]


def told_verbs(server: Any, identifier: str, count: int) -> list[str]:
    """Give what a message's story says that an operator did; it is noted a moment later."""
    end = time.monotonic() + 60
    found: list[str] = []
    while time.monotonic() < end and len(found) < count:
        entries = json.loads(server.ulak("why", identifier, "--json").stdout)["entries"]
        found = [each["facts"]["verb"] for each in entries if each["kind"] == "operated"]
    return found


def test_a_flood_of_octets_is_only_answered(served: Callable[..., Any]) -> None:
    server = served(LOCAL)
    server.start()
    for octets in (b"\x00" * 100_000, b"\xff\r\n" * 1000, b"GET / HTTP/1.1\r\n\r\n", b"\r\n" * 500):
        with server.connect() as sock:
            sock.settimeout(5)
            try:
                sock.sendall(octets)
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65_536):
                    pass
            except OSError:
                pass
    with smtplib.SMTP("127.0.0.1", server.port) as smtp:
        assert smtp.noop()[0] == 250


def test_a_journal_that_no_worker_writes_any_more_is_bounded_all_the_same(
    served: Callable[..., Any],
) -> None:
    limits = '[journal]\nmax_size = "1MB"\n[log]\nlevel = "warning"\n'
    server = served(LOCAL, workers=2)
    server.start()
    text = "From: g@example.net\r\n\r\nhi\r\n"
    for _ in range(3):
        with smtplib.SMTP("127.0.0.1", server.port, timeout=30) as smtp:
            smtp.sendmail("g@example.net", ["ada@example.org"], text)
    server.stop()
    left = server.data / "journal" / "1"
    # As if it had been written for long, with as much as it was allowed then.
    (source,) = left.glob("journal-*.db")
    for number in range(1000, 1100):
        (left / f"journal-{number:08}.db").write_bytes(source.read_bytes())
    before = sum(path.stat().st_size for path in left.iterdir())
    assert before > 1_000_000
    server.workers, server.more = 1, LOCAL + limits
    server.start()
    server.stop()
    assert sum(path.stat().st_size for path in left.iterdir()) <= 600_000
