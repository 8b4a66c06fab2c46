"""Reports of DMARC on a whole server: what others send is read, and what is counted is sent."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.reports.days import SEEN, counted
from tests.reports.samples import aggregate, mail, packed

from ulak.checks.dkim import verify
from ulak.lab.internet import GOOD
from ulak.reports.aggregate import Aggregate
from ulak.reports.reading import read_mail
from ulak.reports.sqlite import SqliteOutgoing

from .client import Client
from .test_delivery import Lab, box, story, until

pytestmark = pytest.mark.slow

HOME = '[domains."example.org"]\nmailboxes = ["ada", "dmarc"]\n'
RECORD = f"v=DMARC1; p=none; rua=mailto:dmarc@{GOOD.domain}"


@pytest.fixture
def lab() -> Iterator[Lab]:
    made = Lab()
    yield made
    made.stop()


def hand_in(server: Any, octets: bytes, to: str, sender: str = "d@example.net") -> str:
    """Send a message; give the reply."""
    with Client(server.port) as client:
        client.hear()
        client.say("EHLO client.example")
        assert client.say(f"MAIL FROM:<{sender}>").startswith("250")
        assert client.say(f"RCPT TO:<{to}>").startswith("250")
        assert client.say("DATA").startswith("354")
        client.write(octets.removesuffix(b"\r\n") + b"\r\n.\r\n")
        return client.hear()


def asked(server: Any, *words: str) -> Any:
    done = server.ulak("reports", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_report_that_arrives_is_read_and_one_that_cannot_be_is_delivered_with_a_note(
    served: Callable[..., Any],
) -> None:
    server = served(HOME + '[reports]\naddresses = ["dmarc@example.org"]\n')
    server.start()
    assert hand_in(server, mail(packed(aggregate())), "dmarc@example.org").startswith("250")
    (kept,) = until(lambda: asked(server, "list", "--days", "10000")["reports"], "the report")
    assert (kept["organization"], kept["source"]) == ("Example Net", "d@example.net")
    until(lambda: box(server, "dmarc"), "the mail")
    assert "192.0.2.7" in server.ulak("reports", "show", str(kept["number"])).stdout

    said = hand_in(server, mail(b"\x1f\x8b no gzip"), "dmarc@example.org")
    until(lambda: len(box(server, "dmarc")) == 2, "the mail that cannot be read")
    assert len(asked(server, "list", "--days", "10000")["reports"]) == 1
    identifier = said.split("Message ")[1].split()[0]
    results = [entry["facts"].get("result") for entry in story(server, identifier)]
    assert "report-unreadable" in results
    told = " ".join(server.ulak("why", identifier).stdout.split())
    assert "no report in it could be read" in told


def with_key(server: Any, lab: Lab) -> None:
    """Let a server sign as example.org."""
    words = ("example.org", "--selector", "s1", "--algorithm", "ed25519", "--json")
    (key,) = json.loads(server.ulak("dkim", "keygen", *words).stdout)["keys"]
    lab.net.zone.put(key["name"], "TXT", [key["record"]])
    done = server.ulak("dkim", "activate", "example.org", "s1")
    assert done.returncode == 0, done.stderr


def shift(data: Path) -> None:
    """Let what was counted today be yesterday's."""
    connection = apsw.Connection(str(data / "reports.db"))
    for table in ("policy", "counted"):
        connection.execute(f"UPDATE {table} SET day = day - 1")
    connection.close()


def reports(lab: Lab) -> list[Aggregate]:
    found = []
    for taken in lab.net.server(GOOD).messages:
        read = read_mail(taken.body)
        if isinstance(read, tuple):
            found += [each for each in read if isinstance(each, Aggregate)]
    return found


def test_what_was_counted_yesterday_reaches_who_asked_for_it_once(
    served: Callable[..., Any], lab: Lab
) -> None:
    lab.net.zone.put(f"_dmarc.{GOOD.domain}", "TXT", [RECORD])
    server = served(HOME + lab.settings())
    outgoing = SqliteOutgoing(server.data / "reports.db")
    seen = SEEN.__class__(
        time=time.time() - 86_400,
        record_domain=GOOD.domain,
        record=RECORD,
        from_domain=GOOD.domain,
        ip="192.0.2.1",
        disposition=SEEN.disposition,
        dkim_aligned=False,
        spf_aligned=True,
        organizational_domain=GOOD.domain,
    )
    outgoing.add(counted(seen, seen).take())
    outgoing.close()
    server.start()
    assert asked(server, "send", "--now") == {"sent": 1}
    (report,) = until(lambda: reports(lab), "the report")
    assert (report.messages, report.published.domain) == (2, GOOD.domain)
    assert report.report_id.endswith("@mx.example.org")
    (parcel,) = asked(server, "sent")["parcels"]
    assert (parcel["state"], parcel["address"]) == ("sent", f"dmarc@{GOOD.domain}")
    told = " ".join(server.ulak("why", parcel["id"]).stdout.split())
    assert f"dmarc@{GOOD.domain}" in told
    assert "delivered to all of its recipients" in told
    os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()
    server.start()
    assert asked(server, "send", "--now") == {"sent": 0}
    assert len(reports(lab)) == 1


def test_mail_that_is_judged_today_is_reported_tomorrow(
    served: Callable[..., Any], lab: Lab
) -> None:
    lab.net.zone.put(f"_dmarc.{GOOD.domain}", "TXT", [RECORD])
    lab.net.zone.put(GOOD.domain, "TXT", ["v=spf1 -all"])
    server = served(HOME + lab.settings(), workers=2)
    server.write()
    with_key(server, lab)
    server.start()
    forged = b"From: boss@%s\r\nSubject: money\r\nDate: Fri, 27 Nov 2026 00:00:00 +0000\r\n\r\nNow!"
    for _ in range(3):
        said = hand_in(
            server, forged % GOOD.domain.encode(), "ada@example.org", f"boss@{GOOD.domain}"
        )
        assert said.startswith("250"), said
    server.stop()
    shift(server.data)
    server.start()
    assert asked(server, "send", "--now") == {"sent": 1}
    (report,) = until(lambda: reports(lab), "the report")
    (taken,) = lab.net.server(GOOD).messages
    (signature,) = asyncio.run(verify(lab.net.zone, taken.body, now=time.time()))
    assert (signature.result, signature.domain) == ("pass", "example.org")
    (row,) = report.rows
    assert (row.ip, row.count, row.disposition) == ("127.0.0.1", 3, "none")
    assert (row.dkim, row.spf) == ("fail", "fail")
    assert [(each.domain, each.result) for each in row.senders] == [(GOOD.domain, "fail")]
    assert report.published.p == "none"
