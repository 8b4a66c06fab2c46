"""Two whole servers and a DNS that is signed: what is asked of the first arrives at the second.

Ada is at home and writes to far away; what becomes of it she reads in her mailbox.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import quopri
import re
import smtplib
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.conftest import free_port

from ulak.dns.zone import Zone
from ulak.lab.certificate import authority, certificate
from ulak.lab.nameserver import NameServer

from .test_delivery import flat, until
from .test_submission import SECRET

pytestmark = pytest.mark.slow

ADA, BOB = "ada@home.example", "bob@far.example"
HOME, FAR = "127.0.0.30", "127.0.0.31"
TEXT = b"From: ada@home.example\r\nSubject: tea\r\n\r\nAt five?\r\n"


class World:
    """Both servers, and DNS that says where they are."""

    def __init__(self, served: Callable[..., Any], folder: Path) -> None:
        self.zone = Zone(
            {
                ("home.example", "MX"): [(10, "mx.home.example")],
                ("mx.home.example", "A"): [HOME],
                ("far.example", "MX"): [(10, "mx.far.example")],
                ("mx.far.example", "A"): [FAR],
            },
            authentic=True,
        )
        self.names = NameServer(self.zone)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self.names.start())
        issuer = authority("Test")
        (folder / "ca.pem").write_bytes(issuer.certificate)
        self.trusting = ssl.create_default_context(cadata=issuer.certificate.decode())
        self.port, self.submission = free_port(), free_port()
        tls = {}
        for name in ("mx.home.example", "mx.far.example"):
            chain, key = certificate(name, "127.0.0.1", issuer=issuer).write(folder, name)
            tls[name] = f'tls = {{ certificate = "{chain}", key = "{key}" }}\n'
        self.common = (
            f'[dns]\nservers = ["{self.names.host}:{self.names.port}"]\n'
            f"[delivery]\nport = {self.port}\nallow_private = true\n"
            f'authorities = "{folder}/ca.pem"\nwarn_after = "4h"\n'
            '[delivery.retry]\nfirst = "1s"\nlongest = "1s"\njitter = 0.0\n'
        )
        of_ada = tls["mx.home.example"]
        self.home = served(
            f'[[listener]]\naddress = "127.0.0.1:{self.submission}"\nkind = "submission"\n{of_ada}'
            f'[domains."home.example"]\nmailboxes = ["ada"]\n{self.common}',
            hostname="mx.home.example",
            host=HOME,
            port=self.port,
            tls=of_ada,
        )
        self.far = served(
            '[domains."far.example"]\nmailboxes = ["bob", "çağrı"]\n'
            f'[domains."far.example".aliases]\nback = ["{ADA}"]\n{self.common}'
            "[policy]\nmax_recipients = 2\n",
            hostname="mx.far.example",
            host=FAR,
            port=self.port,
            tls=tls["mx.far.example"],
        )

    def start(self, *, far: bool = True) -> None:
        self.home.start()
        if far:
            self.far.start()
        added = self.home.ulak("account", "add", ADA, given=SECRET + "\n")
        assert added.returncode == 0, added.stderr

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def stop(self) -> None:
        self._do(self.names.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @contextlib.contextmanager
    def ada(self) -> Iterator[smtplib.SMTP]:
        """Log in as Ada."""
        with smtplib.SMTP("127.0.0.1", self.submission, "ada.home.example", timeout=30) as smtp:
            smtp.starttls(context=self.trusting)
            smtp.ehlo()
            smtp.login(ADA, SECRET)
            smtp.ehlo()
            smtp.command_encoding = "utf-8"
            yield smtp

    def send(self, message: bytes, mail: str, *rcpt: str, bdat: bool = False) -> str:
        """Send as Ada, with parameters; give the id."""
        with self.ada() as smtp:
            for command in (f"MAIL FROM:<{ADA}>{mail}", *(f"RCPT TO:{each}" for each in rcpt)):
                code, said = smtp.docmd(command)
                assert code == 250, (command, said)
            if bdat:
                smtp.send(f"BDAT {len(message)} LAST\r\n".encode() + message)
                code, said = smtp.getreply()
            else:
                code, said = smtp.data(message)
        assert code == 250, said
        found = re.search(rb"Message (\S+) is", said)
        assert found
        return found[1].decode()

    def mailbox(self, server: Any, domain: str, name: str, count: int = 1) -> list[bytes]:
        part = quote(name).lower()  # as a path has it
        folder = Path(server.data) / "mail" / domain / part / "new"

        def look() -> list[bytes]:
            files = sorted(folder.glob("*")) if folder.exists() else []
            return [file.read_bytes() for file in files] if len(files) >= count else []

        found: list[bytes] = until(look, f"mail for {name}")
        return found

    def bob(self, count: int = 1) -> list[bytes]:
        return self.mailbox(self.far, "far.example", "bob", count)

    def told(self) -> tuple[bytes, dict[str, str], dict[str, str]]:
        """Give the report in Ada's mailbox: its octets, its fields, and those of its recipient."""
        (report,) = self.mailbox(self.home, "home.example", "ada")
        read = message_from_bytes(report, _class=EmailMessage, policy=policy.default)
        assert (read["Return-Path"], read["Auto-Submitted"]) == ("<>", "auto-replied")
        groups = list(read.iter_parts())[1].get_payload()
        assert isinstance(groups, list)
        whole, one = (
            dict(group.items()) for group in groups[:2] if isinstance(group, EmailMessage)
        )
        return report, whole, one

    def why(self, identifier: str, language: str = "en") -> str:
        return " ".join(self.home.ulak("why", identifier, "--lang", language).stdout.split())


@pytest.fixture
def world(served: Callable[..., Any], tmp_path: Path) -> Iterator[World]:
    made = World(served, tmp_path)
    yield made
    made.stop()


def test_who_asks_for_success_hears_of_it_from_the_last_server(world: World) -> None:
    world.start()
    identifier = world.send(
        TEXT, " RET=HDRS ENVID=QQ+2B314", f"<{BOB}> NOTIFY=SUCCESS ORCPT=rfc822;Bob@Far.example"
    )
    (message,) = world.bob()
    assert message.startswith(b"Return-Path: <ada@home.example>")
    assert message.count(b"\nReceived: ") == 2
    assert b"with ESMTPSA id" in message
    assert b"by mx.far.example with ESMTPS id" in message
    report, whole, one = world.told()
    assert whole["Original-Envelope-Id"] == "QQ+314"
    assert whole["Reporting-MTA"] == "dns; mx.far.example"
    assert one["Original-Recipient"] == "rfc822; Bob@Far.example"
    assert one["Final-Recipient"] == f"rfc822; {BOB}"
    assert (one["Action"], one["Status"]) == ("delivered", "2.0.0")
    assert b"At five?" not in report
    assert "handed on" not in world.why(identifier), "home leaves it to the other"
    assert "dsn=passed-on" in world.why(identifier)


def test_a_failure_is_told_with_the_other_servers_words_and_what_they_mean(world: World) -> None:
    world.start()
    world.send(TEXT, " RET=FULL", "<nobody@far.example> NOTIFY=FAILURE", f"<{BOB}> NOTIFY=NEVER")
    report, whole, one = world.told()
    assert "Original-Envelope-Id" not in whole
    assert whole["Reporting-MTA"] == "dns; mx.home.example"
    assert (one["Action"], one["Status"]) == ("failed", "5.1.1")
    assert "Original-Recipient" not in one
    assert one["Remote-MTA"] == "dns; mx.far.example"
    assert one["Diagnostic-Code"].startswith("smtp; 550 5.1.1 <nobody@far.example>")
    assert one["X-Ulak-Cause"] == "no-such-mailbox"
    assert b"At five?" in report
    assert "What you can do" in flat(report)
    world.bob()


def test_a_delay_is_told_and_then_what_became_of_it(world: World) -> None:
    world.home.more = world.home.more.replace("4h", "2s")
    world.start(far=False)
    world.send(TEXT, "", f"<{BOB}> NOTIFY=DELAY")
    report, whole, one = world.told()
    assert (one["Action"], one["Status"][0]) == ("delayed", "4")
    assert one["Will-Retry-Until"]
    assert "goes on trying" in flat(report)
    assert whole["Arrival-Date"]
    world.far.start()
    world.bob()
    assert len(world.mailbox(world.home, "home.example", "ada")) == 1


def test_an_alias_far_away_brings_mail_back_and_is_named(world: World) -> None:
    world.start()
    world.send(TEXT, "", "<Back@far.example> NOTIFY=SUCCESS")
    messages = world.mailbox(world.home, "home.example", "ada", 2)
    (report,) = [message for message in messages if b"delivery-status" in message]
    assert b"Reporting-MTA: dns; mx.home.example" in report
    # Far has told home by which address the message came (RFC 3461 §5.2.1 d).
    assert b"Original-Recipient: rfc822; Back@far.example" in report
    assert b"Final-Recipient: rfc822; ada@home.example" in report


def test_international_mail_arrives_as_it_was_written(world: World) -> None:
    world.start()
    message = TEXT.replace(b"tea", "çay".encode())
    world.send(message, " SMTPUTF8 BODY=8BITMIME", "<çağrı@far.example>")
    (came,) = world.mailbox(world.far, "far.example", "çağrı")
    assert "Subject: çay\r\n".encode() in came.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert b"with UTF8SMTPSA id" in came
    assert b"by mx.far.example with UTF8SMTPS id" in came
    world.send(message, " SMTPUTF8 RET=HDRS", "<yok@far.example>", "<çok@far.example>")
    (report,) = world.mailbox(world.home, "home.example", "ada")
    assert b"message/global-delivery-status" in report
    shown = quopri.decodestring(report).decode("utf-8", "replace")
    for name in ("yok", "çok"):
        assert f"; {name}@far.example" in shown
    assert "\nSubject: çay" in shown


def test_a_binary_message_arrives_octet_for_octet(world: World) -> None:
    world.start()
    binary = TEXT + b"\0\r.\n.\r\n\xff" * 50_000
    world.send(binary, " BODY=BINARYMIME", f"<{BOB}>", bdat=True)
    (came,) = world.bob()
    assert came.endswith(binary.partition(b"\r\n\r\n")[2])


def test_requiretls_is_kept_on_the_whole_way(world: World) -> None:
    world.start()
    identifier = world.send(TEXT, " REQUIRETLS", f"<{BOB}>")
    world.bob()
    sessions = json.loads(world.home.ulak("why", identifier, "--json").stdout)["entries"]
    (delivered,) = [entry for entry in sessions if entry["kind"] == "delivered"]
    assert delivered["facts"]["tls"].startswith("TLSv1.3")
    # It goes on asking for it, also where it is answered from (RFC 8689 §5).
    world.send(TEXT, " REQUIRETLS RET=FULL", "<nobody@far.example>")
    report, _, one = world.told()
    assert one["Status"] == "5.1.1"
    assert b"At five?" not in report


def test_requiretls_goes_back_where_dns_is_not_signed(world: World) -> None:
    world.zone.authentic = False
    world.start()
    identifier = world.send(TEXT, " REQUIRETLS", f"<{BOB}>")
    report, _, one = world.told()
    assert (one["Status"], one["X-Ulak-Cause"]) == ("5.7.10", "tls-unproven")
    assert b"At five?" not in report
    assert "DNSSEC" in flat(report)
    assert "DNSSEC" in world.why(identifier, "tr")
    assert not (Path(world.far.data) / "mail").exists()


def test_priority_goes_along_and_a_stranger_is_told_that_it_does_not_count(world: World) -> None:
    world.start()
    identifier = world.send(TEXT, " MT-PRIORITY=4", f"<{BOB}>")
    (came,) = world.bob()
    assert b"priority 4" in came.partition(b"by mx.home.example")[2]
    entries = json.loads(world.home.ulak("why", identifier, "--json").stdout)["entries"]
    assert "priority" in json.dumps(entries)


def test_a_time_limit_is_kept(world: World) -> None:
    world.start()
    world.send(TEXT, " BY=600;R", f"<{BOB}>")
    world.bob()
    assert world.far.stop() == 0
    world.send(TEXT, " BY=3;R ENVID=late", f"<{BOB}>")
    report, whole, one = world.told()
    assert whole["Original-Envelope-Id"] == "late"
    assert whole["Deliver-By-Date"]
    assert (one["Action"], one["Status"]) == ("failed", "5.4.7")
    assert one["X-Ulak-Cause"] == "deliver-by-passed"
    assert "You set a time limit" in flat(report)


def test_a_message_for_later_waits_and_then_goes(world: World) -> None:
    world.start()
    identifier = world.send(TEXT, " HOLDFOR=600", f"<{BOB}>")
    (row,) = json.loads(world.home.ulak("queue", "list", "--json").stdout)["recipients"]
    assert row["cause"] == "held-for-release"
    assert "as the sender asked" in world.why(identifier)
    assert "gönderenin istediği gibi" in world.why(identifier, "tr")
    begun = time.time()
    world.send(TEXT, " HOLDFOR=4", f"<{BOB}>")
    world.bob()
    assert time.time() - begun >= 3.9


def test_no_more_recipients_come_at_once_than_the_server_says(world: World) -> None:
    world.start()
    world.send(TEXT, "", f"<{BOB}>", *(f"<x{n}@far.example>" for n in range(4)))
    world.bob()
    report, _, _ = world.told()
    assert report.count(b"Final-Recipient: ") == 4
    # Without knowing the limit some would have heard 452 and waited.
    (bob,) = world.bob()
    assert bob
    assert json.loads(world.home.ulak("queue", "list", "--json").stdout)["recipients"] == []
