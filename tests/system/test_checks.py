"""Mail from the honest and from others, on a whole server in the lab: judged, told, put apart."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ulak.checks import arc
from ulak.lab import senders
from ulak.lab.internet import GOOD

from .client import Client
from .test_delivery import Lab, flat, lab, until

__all__ = ["lab"]
pytestmark = pytest.mark.slow

HERE = '[domains."example.org"]\nmailboxes = ["ada"]\n'
HONEST = f"ann@{senders.HONEST}"


def mail(author: str, body: bytes = b"Shall we meet at five?\r\n", extra: bytes = b"") -> bytes:
    return extra + f"From: {author}\r\nSubject: tea\r\n\r\n".encode() + body


def send(
    server: Any,
    what: bytes,
    sender: str = HONEST,
    *,
    source: str = senders.HONEST_IP,
    helo: str = f"mail.{senders.HONEST}",
    to: str = "ada@example.org",
) -> str:
    """Send a message; give the reply to its end."""
    with Client(server.port, source=source) as client:
        client.hear()
        client.say(f"EHLO {helo}")
        assert client.say(f"MAIL FROM:<{sender}>").startswith("250")
        assert client.say(f"RCPT TO:<{to}>").startswith("250")
        client.say("DATA")
        client.write(what.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        return client.hear()


def running(served: Callable[..., Any], lab: Lab, checks: str = "", dns: str = "") -> Any:
    server = served(HERE + lab.settings(more=dns) + f"[checks]\n{checks}\n")
    server.start()
    return server


def box(server: Any, folder: str = "") -> list[bytes]:
    """Give what is new in a folder of ada's."""
    place = server.data / "mail/example.org/ada" / folder / "new"
    return [path.read_bytes() for path in place.iterdir()] if place.is_dir() else []


def test_an_honest_message_arrives_with_its_results_and_without_forged_ones(
    served: Callable[..., Any], lab: Lab
) -> None:
    server = running(served, lab, "received_spf = true")
    forged = b"Authentication-Results: mx.example.org; dkim=pass header.d=bank.example\r\n"
    what = senders.signed(mail(HONEST, extra=forged), senders.HONEST, time.time())
    said = send(server, what)
    assert said.startswith("250 2.0.0"), said
    (kept,) = until(lambda: box(server), "the message")
    told = flat(kept)
    assert "bank.example" not in told
    assert told.count("Authentication-Results: mx.example.org;") == 1
    for word in (
        "iprev=pass", "spf=pass", f"smtp.mailfrom={HONEST}", "dkim=pass",
        f"header.d={senders.HONEST}", "header.s=lab", "dmarc=pass", "Received-SPF: pass",
    ):  # fmt: skip
        assert word in told, word
    assert told.index("Authentication-Results") < told.index("Received: from")
    story = " ".join(server.ulak("why", said.split()[3], "--lang", "en").stdout.split())
    assert f"SPF was checked for {senders.HONEST}: pass." in story
    assert f"A DKIM signature of {senders.HONEST} (selector lab) was checked: pass." in story
    assert "The body is as it was signed" in story
    assert f"DMARC was checked for {senders.HONEST}: pass" in story
    turkish = server.ulak("why", said.split()[3], "--lang", "tr").stdout
    assert "SPF denetlendi" in turkish


@pytest.mark.parametrize(
    ("checks", "what", "sender", "source", "wanted"),
    [
        ("", mail(f"x@{senders.FORGED}"), f"x@{senders.FORGED}", senders.NAMELESS_IP,
         "550 5.7.1 DMARC: the message did not pass, and forged.example asks"),
        ('spf = "enforce"', mail("x@nowhere.example"), f"x@{senders.FIRM}", senders.NAMELESS_IP,
         "550 5.7.23 SPF: firm.example does not let 127.0.0.22 send its mail"),
        ('spf = "enforce"', mail("x@nowhere.example"), f"x@{senders.TROUBLED}",
         senders.NAMELESS_IP, "451 4.7.24 SPF of troubled.example could not be evaluated"),
        ('spf = "enforce"', mail("x@nowhere.example"), f"x@{senders.SILENT}",
         senders.NAMELESS_IP, "451 4.7.24 SPF of quiet.example could not be evaluated"),
        ("", mail(f"x@{senders.TROUBLED}"), "x@nowhere.example", senders.NAMELESS_IP,
         "451 4.7.1 DMARC of troubled.example could not be looked up"),
        ('dkim = "enforce"', mail(HONEST), HONEST, senders.HONEST_IP,
         "550 5.7.20 DKIM: no signature of this message passed"),
        ('dkim = "enforce"', senders.signed(mail("x@nowhere.example"), senders.STALE, time.time()),
         "x@nowhere.example", senders.NAMELESS_IP,
         "550 5.7.21 DKIM: no signature that passed is acceptable here"),
        ('dkim = "enforce"\ndkim_author = true',
         senders.signed(mail("x@nowhere.example"), senders.LIST, time.time() - 5),
         "x@nowhere.example", senders.NAMELESS_IP,
         "550 5.7.22 DKIM: no signature that passed is of the author's domain nowhere.example"),
        ('dkim = "enforce"', senders.signed(mail("x@nowhere.example"), senders.TROUBLED, 1.7e9),
         "x@nowhere.example", senders.NAMELESS_IP,
         "451 4.7.5 DKIM: the key of troubled.example could not be looked up"),
        ('iprev = "enforce"', mail("x@nowhere.example"), "x@nowhere.example", senders.LIAR_IP,
         "550 5.7.25 The reverse DNS of 127.0.0.23 is missing or does not lead back to it"),
        ("one_pass = true", mail("x@nowhere.example"), "x@nowhere.example", senders.NAMELESS_IP,
         "550 5.7.26 The message passed none of the checks"),
        ('spf = "enforce"\niprev = "enforce"', mail("x@nowhere.example"), f"x@{senders.FIRM}",
         senders.NAMELESS_IP,
         "550 5.7.26 The message failed several checks of who sent it: reverse DNS, SPF"),
    ],
)  # fmt: skip
def test_each_refusal_says_its_true_cause(
    served: Callable[..., Any],
    lab: Lab,
    checks: str,
    what: bytes,
    sender: str,
    source: str,
    wanted: str,
) -> None:
    server = running(served, lab, checks)
    said = send(server, what, sender, source=source, helo="client.example")
    assert said.startswith(wanted), said
    assert box(server) == []


@pytest.mark.parametrize("author", [senders.CAREFUL, senders.TRYING])
def test_what_an_owner_wants_put_apart_lies_in_junk_also_after_a_restart(
    served: Callable[..., Any], lab: Lab, author: str
) -> None:
    server = running(served, lab, dns="paused = true")
    said = send(server, mail(f"x@{author}"), source=senders.NAMELESS_IP)
    assert said.startswith("250"), said
    identifier = said.split()[3]
    shown = " ".join(server.ulak("queue", "show", identifier, "--lang", "en").stdout.split())
    assert "The message was put apart (dmarc-quarantine)" in shown
    assert server.stop() == 0
    server.more = server.more.replace("paused = true", "")
    server.start()
    (kept,) = until(lambda: box(server, ".Junk"), "the message in Junk")
    assert "Ulak-Quarantine: dmarc-quarantine" in flat(kept)
    assert box(server) == []
    story = " ".join(server.ulak("why", identifier, "--lang", "en").stdout.split())
    assert "It was put apart (dmarc-quarantine) and goes into the folder Junk." in story


@pytest.mark.parametrize(
    ("author", "sender"),
    [
        (senders.WATCHING, senders.WATCHING),
        ("nowhere.example", senders.SOFT),
        ("nowhere.example", senders.LOOP),
        ("nowhere.example", senders.FIRM),
        ("nowhere.example", senders.TROUBLED),
    ],
)
def test_what_nobody_asks_to_be_refused_is_taken(
    served: Callable[..., Any], lab: Lab, author: str, sender: str
) -> None:
    server = running(served, lab)
    said = send(server, mail(f"x@{author}"), f"x@{sender}", source=senders.NAMELESS_IP)
    assert said.startswith("250"), said
    (kept,) = until(lambda: box(server), "the message")
    result = {senders.SOFT: "softfail", senders.LOOP: "permerror", senders.FIRM: "fail"}
    assert f"spf={result.get(sender, '')}" in flat(kept)


def test_a_message_of_five_megabytes_is_judged_from_its_file(
    served: Callable[..., Any], lab: Lab
) -> None:
    server = running(served, lab)
    body = b"".join(b"%060d\r\n" % number for number in range(85_000))
    what = senders.signed(mail(HONEST, body), senders.HONEST, time.time())
    assert len(what) > 5_000_000
    assert send(server, what).startswith("250")
    (kept,) = until(lambda: box(server), "the message")
    assert kept.endswith(body.replace(b"\r\n", b"\n"))
    assert b"dkim=pass" in kept[:2000]
    forged = what.replace(b"000042", b"000043", 1)
    assert send(server, forged, f"x@{senders.SOFT}", source=senders.NAMELESS_IP).startswith(
        "550 5.7.1 DMARC"
    )
    assert not list((server.data / "queue").rglob("*.new"))


def test_without_dns_this_machine_can_send_and_nothing_waits(
    served: Callable[..., Any], tmp_path: Path
) -> None:
    del tmp_path
    server = served(HERE + '[dns]\nservers = ["127.0.0.99:5399"]\n')
    server.start()
    begun = time.monotonic()
    for _ in range(3):
        said = send(server, mail(f"x@{senders.FORGED}"), source="127.0.0.1")
        assert said.startswith("250"), said
    assert time.monotonic() - begun < 10
    told = server.ulak("why", said.split()[3], "--lang", "en").stdout
    assert "Who sent it was not checked" in " ".join(told.split())


def test_what_an_alias_leads_on_is_sealed_and_the_next_server_can_believe_it(
    served: Callable[..., Any], lab: Lab
) -> None:
    aliases = f'[domains."example.org".aliases]\naway = ["bob@{GOOD.domain}"]\n'
    server = served(HERE + aliases + lab.settings() + "[checks]\narc_seal = true\n")
    server.write()
    for words in (("keygen", "example.org", "--selector", "s1", "--algorithm", "rsa"),
                  ("activate", "example.org", "s1", "--force")):  # fmt: skip
        done = server.ulak("dkim", *words)
        assert done.returncode == 0, done.stderr
    shown = json.loads(server.ulak("dns", "records", "example.org", "--json").stdout)
    (record,) = [one for one in shown["records"] if "_domainkey" in one["name"]]
    lab.net.zone.put(record["name"], "TXT", [record["value"]])
    server.start()
    what = senders.signed(mail(HONEST), senders.HONEST, time.time())
    assert send(server, what, to="away@example.org").startswith("250")
    taken = until(lambda: lab.net.server(GOOD).messages, "the message")[0].body
    assert taken.startswith(b"ARC-Seal: i=1;")
    found = asyncio.run(arc.verify(lab.net.zone, taken, now=time.time()))
    assert found.passed, [str(reason) for reason in found.reasons]
    assert found.vouched(senders.HONEST)
