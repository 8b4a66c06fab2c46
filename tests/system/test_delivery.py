"""What becomes of mail that a whole server has taken: on the lab, an internet on loopback."""

from __future__ import annotations

import asyncio
import json
import re
import smtplib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ulak.lab.internet import BAD_TLS, GOOD, GREYLISTING, HANGS_UP, KNOWS_NOBODY, Internet
from ulak.lab.mx import Behaviour, ScriptedServer

from .client import Client

pytestmark = pytest.mark.slow

ME = "ada@example.org"
LOCAL = """
[domains."example.org"]
mailboxes = ["ada", "grace"]
[relay]
networks = ["127.0.0.1/32"]
"""


class Lab:
    """The lab's internet in a thread."""

    def __init__(self, net: Internet | None = None) -> None:
        self.net = net or Internet()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.run(self.net.start())

    def run(self, work: Any) -> None:
        """Do something in the thread of the lab, and wait for it."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def settings(self, *, retry: str = "1h", more: str = "") -> str:
        """Give the sections of a configuration by which a server lives in the lab."""
        return (
            f'[dns]\nservers = ["{self.net.name_server}"]\ntimeout = 0.3\n'
            f"[delivery]\nport = {self.net.port}\nallow_private = true\n{more}\n"
            f'[delivery.retry]\nfirst = "{retry}"\njitter = 0.0\n'
        )

    def stop(self) -> None:
        self.run(self.net.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def lab() -> Iterator[Lab]:
    made = Lab()
    yield made
    made.stop()


def until(found: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Wait for something to be there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.05)
    pytest.fail(f"it did not come: {what}")


def send(server: Any, *to: str, sender: str = ME, header: str = "", body: str = "hello") -> str:
    """Send a message; give its id."""
    with smtplib.SMTP("127.0.0.1", server.port, "client.example", timeout=30) as smtp:
        smtp.ehlo()
        code, said = smtp.mail(sender)
        assert code == 250, said
        for each in to:
            code, said = smtp.rcpt(each)
            assert code == 250, said
        code, said = smtp.data(f"From: {ME}\r\nSubject: tea\r\n{header}\r\n{body}\r\n")
    match = re.search(rb"Message (\S+) is", said)
    assert match, (code, said)
    return match[1].decode()


def box(server: Any, name: str = "ada", domain: str = "example.org") -> list[bytes]:
    """Give what lies in a Maildir."""
    folder = Path(server.data) / "mail" / domain / name / "new"
    files = sorted(folder.glob("*")) if folder.exists() else []
    return [path.read_bytes().replace(b"\n", b"\r\n") for path in files]


def story(server: Any, identifier: str) -> list[dict[str, Any]]:
    told = server.ulak("why", identifier, "--json")
    return json.loads(told.stdout)["entries"] if told.returncode == 0 else []


def queued(server: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(server.ulak("queue", "list", "--json").stdout)[
        "recipients"
    ]
    return rows


def put_off(server: Any, count: int = 1) -> list[dict[str, Any]]:
    """Wait until so many recipients, and no others, have been tried and wait."""

    def look() -> list[dict[str, Any]]:
        rows = queued(server)
        return rows if len(rows) == count and all(row["attempts"] for row in rows) else []

    found: list[dict[str, Any]] = until(look, f"{count} deferred")
    return found


def flat(report: bytes) -> str:
    """Give a report's words, whatever lines they are broken into."""
    return " ".join(report.decode("utf-8", "replace").replace("=\r\n", "").split())


def said(entries: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry["kind"] == kind]


def test_each_recipient_has_an_outcome_of_its_own_and_the_sender_one_report(
    served: Callable[..., Any], lab: Lab
) -> None:
    server = served(LOCAL + lab.settings())
    server.start()
    identifier = send(server, "a@good.example", "b@nobody.example", "c@greylist.example")
    (row,) = put_off(server)
    assert (row["recipient"], row["cause"]) == ("c@greylist.example", "greylisted")
    assert row["reply"].startswith("451 4.7.1")
    assert row["host"].startswith("mx.greylist.example")
    (taken,) = lab.net.server(GOOD).messages
    assert taken.recipients == ("a@good.example",)
    (report,) = until(lambda: box(server), "the report")
    assert b"Final-Recipient: rfc822; b@nobody.example" in report
    assert b"a@good.example" not in report.partition(b"message/delivery-status")[0]
    assert b"greylist" not in report
    assert report.startswith(b"Return-Path: <>\r\n")
    entries = story(server, identifier)
    kinds = [entry["kind"] for entry in entries if entry["message"] == identifier]
    assert [kinds.count(kind) for kind in ("delivered", "failed", "deferred")] == [1, 1, 1]
    assert len(said(entries, "reported")) == 1
    shown = server.ulak("queue", "show", identifier, "--lang", "tr")
    assert "451 4.7.1" in shown.stdout
    assert server.ulak("queue", "retry", identifier).returncode == 0
    until(lambda: lab.net.server(GREYLISTING).messages, "the deferred one")
    until(lambda: not queued(server), "an empty queue")
    assert len(box(server)) == 1


def test_an_alias_leads_to_many_here_and_elsewhere(served: Callable[..., Any], lab: Lab) -> None:
    aliases = 'aliases = { all = ["ada@example.org", "grace@example.org", "x@good.example"] }\n'
    server = served(LOCAL.replace("[relay]", aliases + "[relay]") + lab.settings())
    server.start()
    # Ada is meant twice, by name and by the alias, and has the message once.
    send(server, "all@example.org", "ada@example.org", sender="far@good.example")
    until(lambda: box(server, "grace"), "mail for grace")
    until(lambda: lab.net.server(GOOD).messages, "mail for x")
    until(lambda: not queued(server), "an empty queue")
    assert len(box(server)) == 1
    assert lab.net.server(GOOD).messages[0].recipients == ("x@good.example",)


def test_a_report_to_an_alias_of_ours_reaches_its_members(
    served: Callable[..., Any], lab: Lab
) -> None:
    aliases = 'aliases = { team = ["grace@example.org", "x@good.example"] }\n'
    server = served(LOCAL.replace("[relay]", aliases + "[relay]") + lab.settings())
    server.start()
    send(server, "b@nobody.example", sender="team@example.org")
    until(lambda: box(server, "grace"), "the report for grace")
    until(lambda: lab.net.server(GOOD).messages, "the report for x")
    assert box(server, "team") == []


def test_a_report_to_nobody_of_ours_makes_no_mailbox(served: Callable[..., Any], lab: Lab) -> None:
    server = served(LOCAL + lab.settings())
    server.start()
    identifier = send(server, "b@nobody.example", sender="nosuch@example.org")
    (failed,) = until(lambda: said(story(server, identifier), "failed"), "the failure")
    assert failed["facts"]["unreported"] == "no-such-mailbox"
    assert not queued(server)
    assert not (server.data / "mail" / "example.org" / "nosuch").exists()
    told = server.ulak("why", identifier, "--lang", "tr").stdout
    assert "gönderenin bu sunucuda posta kutusu olmadığı için" in " ".join(told.split())


@pytest.mark.parametrize("way", ["tcp", "unix"])
def test_lmtp_takes_the_mail_of_a_domain_recipient_by_recipient(
    served: Callable[..., Any], lab: Lab, tmp_path: Path, way: str
) -> None:
    temper = Behaviour(
        lmtp=True, at={"message grace@example.org": "552 5.2.2 Grace's mailbox is full"}
    )
    path = str(tmp_path / "lmtp") if way == "unix" else ""
    lmtp = ScriptedServer(temper, path=path)
    lab.run(lmtp.start())
    deliver = f'deliver = "lmtp:{"unix:" + path if path else f"127.0.0.1:{lmtp.port}"}"\n'
    server = served(LOCAL.replace("[relay]", deliver + "[relay]") + lab.settings())
    server.start()
    send(server, "ada@example.org", "grace@example.org", sender="far@good.example")
    (report,) = until(lambda: lab.net.server(GOOD).messages, "the report")
    assert (report.sender, report.recipients) == ("", ("far@good.example",))
    assert b"Final-Recipient: rfc822; grace@example.org" in report.body
    assert b"Grace's mailbox is full" in report.body
    assert [taken.recipients for taken in lmtp.messages] == [("ada@example.org",)]
    assert not (server.data / "mail").exists() or not box(server)
    lab.run(lmtp.stop())


def test_a_smart_host_takes_all_mail_but_that_of_domains_with_a_route(
    served: Callable[..., Any], lab: Lab, sink: Callable[..., Any]
) -> None:
    smart = sink()
    server = served(
        LOCAL
        + f'[route]\n"*" = "smtp:127.0.0.1:{smart.port}"\n"good.example" = "mx"\n'
        + lab.settings()
    )
    server.start()
    send(server, "a@good.example", "b@does-not-exist.example")
    until(lambda: smart.messages, "mail at the smart host")
    until(lambda: lab.net.server(GOOD).messages, "mail at the MX")
    assert smart.messages[0].recipients == ("b@does-not-exist.example",)


def test_the_next_mx_host_takes_what_the_first_cannot(served: Callable[..., Any], lab: Lab) -> None:
    for name, first in (("dead", "mx.unreachable.example"), ("busy2", "mx.busy.example")):
        lab.net.zone.put(f"{name}.example", "MX", [(20, GOOD.host), (10, first)])
    server = served(LOCAL + lab.settings())
    server.start()
    send(server, "a@dead.example")
    send(server, "a@busy2.example")
    until(lambda: len(lab.net.server(GOOD).messages) == 2, "mail at the second host")
    assert not queued(server)


@pytest.mark.parametrize(
    ("address", "cause", "status"),
    [
        ("x@null.example", "null-mx", "5.1.10"),
        ("x@no-such-domain.example", "domain-not-found", "5.1.2"),
        ("x@nohost.example", "no-mail-host", "5.4.4"),
    ],
)
def test_mail_for_a_domain_that_takes_none_comes_back_at_once(
    served: Callable[..., Any], lab: Lab, address: str, cause: str, status: str
) -> None:
    server = served(LOCAL + lab.settings())
    server.start()
    identifier = send(server, address, header="Content-Language: tr\r\n")
    (report,) = until(lambda: box(server), "the report")
    assert f"Status: {status}\r\n".encode() in report
    assert b"Content-Language: tr\r\n" in report
    (failed,) = said(story(server, identifier), "failed")
    assert failed["cause"] == cause


def test_a_domain_that_cannot_be_looked_up_waits(served: Callable[..., Any], lab: Lab) -> None:
    server = served(LOCAL + lab.settings())
    server.start()
    for domain in ("servfail", "silent", "unreachable", "busy", "hangup"):
        send(server, f"x@{domain}.example")
    rows = {row["domain"]: row for row in put_off(server, 5)}
    causes = {name.partition(".")[0]: row["cause"] for name, row in rows.items()}
    assert causes["servfail"] == causes["silent"] == "dns-failed"
    assert causes["unreachable"] == "connection-failed"
    assert causes["hangup"] == "connection-lost"
    assert rows["busy.example"]["reply"].startswith("421 4.3.2")
    assert box(server) == []
    assert len(lab.net.server(HANGS_UP).sessions) == 1
    for row in rows.values():
        for language in ("en", "tr"):
            told = server.ulak("why", row["id"], "--lang", language)
            assert told.returncode == 0, told.stderr
            assert "Traceback" not in told.stderr


def test_a_server_whose_tls_is_broken_gets_the_mail_in_the_clear(
    served: Callable[..., Any], lab: Lab
) -> None:
    server = served(LOCAL + lab.settings())
    server.start()
    send(server, "a@badtls.example")
    send(server, "a@good.example")
    (clear,) = until(lambda: lab.net.server(BAD_TLS).messages, "mail in the clear")
    (safe,) = until(lambda: lab.net.server(GOOD).messages, "mail over TLS")
    assert clear.tls == ""
    assert safe.tls.startswith("TLSv1.")


def test_a_delay_is_told_once_and_in_the_end_the_mail_comes_back(
    served: Callable[..., Any], lab: Lab
) -> None:
    times = 'warn_after = "1s"\ngive_up_after = "6s"\n'
    server = served(LOCAL + lab.settings(retry="1s", more=times))
    server.start()
    identifier = send(server, "x@busy.example", header="Content-Language: tr\r\n")
    reports = until(lambda: len(box(server)) >= 2 and box(server), "two reports", 40)
    assert len(reports) == 2
    actions = sorted(re.findall(rb"\r\nAction: (\w+)\r\n", b"".join(reports)))
    assert actions == [b"delayed", b"failed"]
    assert all(b"Content-Language: tr\r\n" in report for report in reports)
    until(lambda: not queued(server), "an empty queue")
    assert len(said(story(server, identifier), "reported")) == 2


def test_a_report_is_never_reported(served: Callable[..., Any], lab: Lab) -> None:
    server = served(LOCAL + lab.settings())
    server.start()
    identifier = send(server, "x@nobody.example", sender="")
    (failed,) = until(lambda: said(story(server, identifier), "failed"), "the failure")
    assert failed["facts"]["unreported"] == "null-reverse-path"
    # A report that cannot be delivered ends too: the sender's domain does not take it.
    second = send(server, "x@nobody.example", sender="y@null.example")
    (told,) = until(lambda: said(story(server, second), "reported"), "the report")
    report = told["facts"]["report"]
    until(lambda: said(story(server, report), "failed"), "the report's failure")
    assert not queued(server)
    assert not said(story(server, report), "reported")
    assert lab.net.server(KNOWS_NOBODY).messages == []


@pytest.mark.parametrize("to", ["postmaster@example.org", "PostMaster", "postmaster@b.example"])
def test_postmaster_has_mail_whoever_else_has(served: Callable[..., Any], to: str) -> None:
    server = served(LOCAL + '[domains."b.example"]\nmailboxes = []\n')
    server.start()
    send(server, to, sender="")
    domain = to.partition("@")[2] or "example.org"
    until(lambda: box(server, "postmaster", domain), "mail for postmaster")


def test_an_operator_changes_the_queues_of_all_workers(
    served: Callable[..., Any], lab: Lab
) -> None:
    server = served(LOCAL + lab.settings(), workers=3)
    server.start()
    for number in range(12):
        send(server, f"x{number}@greylist.example")
    rows = put_off(server, 12)
    stores = [path for path in (server.data / "queue").rglob("*.sqlite*") if path.is_file()]
    assert len({path.parent for path in stores}) == 3
    first, second, third, fourth = (row["id"] for row in rows[:4])

    def did(*words: str) -> int:
        done = server.ulak("queue", *words, "--json")
        assert done.returncode in (0, 1), done.stderr
        count: int = json.loads(done.stdout)["count"]
        return count

    assert did("hold", first, second) == 2
    assert did("retry", "--all") == 12 - 2
    until(lambda: len(queued(server)) == 2, "all but what is held")
    assert {row["state"] for row in queued(server)} == {"held"}
    assert did("release", first) == 1
    until(lambda: len(queued(server)) == 1, "the released one")
    assert did("drop", second) == 1
    assert len(lab.net.server(GREYLISTING).messages) == 11
    assert did("bounce", third) == 0
    assert box(server) == []
    for _ in range(6):
        send(server, "y@busy.example")
    put_off(server, 6)
    assert did("bounce", "--domain", "busy.example") == 6
    until(lambda: len(box(server)) == 6, "six reports")
    assert fourth not in {row["id"] for row in queued(server)}


def test_what_waits_is_delivered_by_the_server_that_comes_after(
    served: Callable[..., Any], lab: Lab
) -> None:
    server = served(LOCAL + lab.settings(retry="3s"), workers=2)
    server.start()
    for number in range(8):
        send(server, f"x{number}@greylist.example")
    put_off(server, 8)
    assert server.stop() == 0
    server.start()
    until(lambda: not queued(server), "an empty queue")
    got = sorted(taken.recipients[0] for taken in lab.net.server(GREYLISTING).messages)
    assert got == [f"x{number}@greylist.example" for number in range(8)]


@pytest.mark.parametrize("form", ["json", "pretty"])
def test_the_log_tells_what_became_of_mail(served: Callable[..., Any], lab: Lab, form: str) -> None:
    log = f'[log]\nformat = "{form}"\nlevel = "debug"\n'
    lists = '[[policy.dnsbl]]\nzone = "broken-dnsbl.example"\n'
    server = served(LOCAL + lab.settings() + log + lists)
    server.start()
    with Client(server.port, source="127.0.0.9") as stranger:  # the others may relay
        assert stranger.hear().startswith("220")
    identifier = send(server, "a@good.example", "b@nobody.example", "c@busy.example")
    put_off(server)
    until(lambda: box(server), "the report")
    assert server.ulak("queue", "drop", identifier).returncode == 0
    assert server.stop() == 0
    lines = (server.folder / "log").read_text("utf-8").splitlines()
    if form == "json":
        told = [json.loads(line) for line in lines if line.startswith("{")]
        assert all({"time", "level", "event"} <= set(line) for line in told)
        events = {line["event"] for line in told}
        (failed,) = [line for line in told if line["event"] == "failed"]
        assert (failed["message"], failed["recipient"]) == (identifier, "b@nobody.example")
    else:
        events = {word for line in lines for word in line.split()}
    assert events >= {
        "started",
        "listening",
        "ready",
        "connected",
        "check-failed",
        "message-accepted",
        "delivered",
        "deferred",
        "failed",
        "reported",
        "operated",
        "closed",
        "stopped",
    }
