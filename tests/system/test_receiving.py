"""What a server is promised to say and to refuse, asked of a whole one by its configuration."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import free_port

import ulak
from ulak.dns.records import Status
from ulak.dns.zone import Zone
from ulak.lab.certificate import authority, certificate
from ulak.lab.internet import BLOCKLIST, BROKEN_BLOCKLIST, LISTED, Internet

from .client import Client
from .test_serve import arrived

LOCAL = """
[domains."example.org"]
mailboxes = ["ada", "grace"]
aliases = { team = ["ada@example.org", "far@example.net"], away = ["far@example.net"] }
moved = { old = "new@example.net" }
[domains."example.com"]
mailboxes = ["ada"]
"""


def told(server: Any, identifier: str, kind: str, count: int) -> list[dict[str, str]]:
    """Give the facts of the entries of a kind in a story, once there are so many."""
    end = time.monotonic() + 60
    while True:
        said = server.ulak("why", identifier, "--json")
        entries = json.loads(said.stdout)["entries"] if said.returncode == 0 else []
        found = [entry["facts"] for entry in entries if entry["kind"] == kind]
        if len(found) >= count:
            return found
        assert time.monotonic() < end, said
        time.sleep(0.1)


# -- what is told ---------------------------------------------------------------------------

VRFY = {
    "withhold": {"ada@example.org": 252, "nobody@example.org": 252, "x@example.net": 252},
    "verify": {
        "ada@example.org": 250,
        "grace": 250,
        "away@example.org": 251,
        "nobody@example.org": 550,
        "old@example.org": 551,
        "x@example.net": 551,
        "ada": 553,
    },
    "refuse": {"ada@example.org": 502, "nobody@example.org": 502},
}
EXPN = {
    "withhold": {"team@example.org": 252, "nobody@example.org": 252},
    "expand": {"team@example.org": 250, "ada@example.org": 550},
    "refuse": {"team@example.org": 502},
}


@pytest.mark.parametrize(
    ("vrfy", "expn"), [("withhold", "withhold"), ("verify", "expand"), ("refuse", "refuse")]
)
def test_vrfy_and_expn_answer_as_configured(
    served: Callable[..., Any], vrfy: str, expn: str
) -> None:
    server = served(f'{LOCAL}[policy]\nvrfy = "{vrfy}"\nexpn = "{expn}"\n')
    server.start()
    with Client(server.port) as client:
        client.hear()
        hello = client.say("EHLO c.example.net")
        assert ("VRFY" in hello) is (vrfy != "refuse")
        assert ("EXPN" in hello) is (expn != "refuse")
        said = {user: client.say(f"VRFY {user}") for user in VRFY[vrfy]}
        assert {user: int(text[:3]) for user, text in said.items()} == VRFY[vrfy]
        if vrfy == "withhold":
            assert len(set(said.values())) == 1
        said = {user: client.say(f"EXPN {user}") for user in EXPN[expn]}
        assert {user: int(text[:3]) for user, text in said.items()} == EXPN[expn]


def test_a_client_is_told_where_a_mailbox_has_moved(served: Callable[..., Any]) -> None:
    server = served(LOCAL)
    server.start()
    with Client(server.port) as client:
        client.hear()
        client.say("EHLO c.example.net")
        client.say("MAIL FROM:<g@example.net>")
        said = client.say("RCPT TO:<Old@example.org>")
    assert said.startswith("551 5.1.6")
    assert "<new@example.net>" in said


# -- messages that are refused --------------------------------------------------------------

BAD = {
    "missing-from": (b"To: a@example.org\r\n\r\nx", "554 5.6.0"),
    "several-from": (b"From: a@b.c\r\nFrom: d@e.f\r\n\r\nx", "554 5.6.0"),
    "nul-in-message": (b"From: a@b.c\r\n\r\nx\0y", "554 5.6.0"),
    "header-line-too-long": (b"From: a@b.c\r\nX: " + b"y" * 999 + b"\r\n\r\nx", "554 5.6.0"),
    "header-too-large": (b"From: a@b.c\r\n" + b"X: y\r\n" * 20_000 + b"\r\nx", "554 5.6.0"),
    "malformed-message": (b"From: a@b.c\r\nno field here\r\n\r\nx", "554 5.6.0"),
    "routing-loop": (b"Received: x\r\n" * 6 + b"From: a@b.c\r\n\r\nx", "554 5.4.6"),
    "message-too-large": (b"From: a@b.c\r\n\r\n" + (b"y" * 70 + b"\r\n") * 4000, "552 5.3.4"),
}


def test_every_kind_of_bad_message_has_a_row_of_its_own_that_is_explained(
    served: Callable[..., Any],
) -> None:
    server = served(f'{LOCAL}[policy]\nmax_hops = 5\nmax_message_size = "200KB"\n')
    server.start()
    with Client(server.port) as client:
        client.hear()
        assert "SIZE 200000" in client.say("EHLO c.example.net")
        said = {name: client.send(text) for name, (text, _) in BAD.items()}
        assert client.say("MAIL FROM:<g@example.net> SIZE=200001").startswith("552 5.3.4")
        assert client.send(wishes=" SIZE=200000").startswith("250")
    assert {name: text[:9] for name, text in said.items()} == {
        name: code for name, (_, code) in BAD.items()
    }
    assert {name: ulak.explain(text).cause for name, text in said.items()} == {n: n for n in BAD}


def test_a_recipient_too_many_is_put_off_and_the_others_get_the_message(
    served: Callable[..., Any],
) -> None:
    server = served(f"{LOCAL}[policy]\nmax_recipients = 2\n")
    server.start()
    with Client(server.port) as client:
        client.hear()
        client.say("EHLO c.example.net")
        client.say("MAIL FROM:<g@example.net>")
        names = ("ada", "grace", "team", "ada")
        said = [client.say(f"RCPT TO:<{name}@example.org>") for name in names]
        assert [text[:9] for text in said] == ["250 2.1.5"] * 2 + ["452 4.5.3"] * 2
        assert client.say("DATA").startswith("354")
        assert client.say("From: g@example.net", "", "x", ".").startswith("250")
    assert len(arrived(server.data / "mail" / "example.org" / "grace")) == 1


def test_only_clients_of_the_relay_networks_may_send_to_foreign_domains(
    served: Callable[..., Any],
) -> None:
    server = served(f'{LOCAL}[relay]\nnetworks = ["127.0.0.7/32"]\n')
    server.start()
    rcpt = ["x@example.net", "nobody@example.org", "@a.b,@c.d:ada@example.org", "Postmaster"]
    rcpt.append("Postmaster@[127.0.0.1]")  # RFC 5321 §4.1.3: where the client has come to
    codes = {}
    for source in ("127.0.0.1", "127.0.0.7"):
        with Client(server.port, source=source) as client:
            client.hear()
            client.say("EHLO c.example.net")
            client.say("MAIL FROM:<g@example.net>")
            codes[source] = [client.say(f"RCPT TO:<{to}>")[:9] for to in rcpt]
    rest = ["550 5.1.1", "250 2.1.5", "250 2.1.5", "250 2.1.5"]
    assert codes == {"127.0.0.1": ["550 5.7.1", *rest], "127.0.0.7": ["250 2.1.5", *rest]}


# -- clients that are refused ---------------------------------------------------------------


def test_connections_over_the_limits_hear_421(served: Callable[..., Any]) -> None:
    server = served(f"{LOCAL}[limits]\nconnections = 3\nconnections_per_client = 2\n")
    server.start()
    with contextlib.ExitStack() as stack:

        def greeting(source: str) -> str:
            client = Client(server.port, source=source)
            said = client.hear()
            if said.startswith("421"):
                with client:
                    assert client.hear() == ""
            else:
                stack.enter_context(client)
            return said[:9]

        assert [greeting("127.0.0.5")[:3] for _ in range(2)] == ["220", "220"]
        assert greeting("127.0.0.5") == "421 4.7.0"
        # The server may still be counting out whoever has just left.
        end = time.monotonic() + 60
        while (third := greeting("127.0.0.6"))[:3] != "220":
            assert third == "421 4.3.2"
            assert time.monotonic() < end
        assert greeting("127.0.0.7") == "421 4.3.2"


@pytest.fixture
def lists() -> Iterator[tuple[Zone, str]]:
    """The DNS of the lab, in a thread: its zone, and where it is asked."""
    net = Internet()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(net.start(), loop).result(20)
    yield net.zone, net.name_server
    asyncio.run_coroutine_threadsafe(net.stop(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def asking(name_server: str, *zones: str) -> str:
    return (
        f'{LOCAL}[dns]\nservers = ["{name_server}"]\ntimeout = 0.3\nattempts = 1\n'
        '[policy]\ndeny = ["127.0.0.77"]\n'
        + "".join(f'[[policy.dnsbl]]\nzone = "{zone}"\n' for zone in zones)
        + "[limits]\nrefused_timeout = 1\nerrors = 5\n"
    )


def test_a_refused_client_is_greeted_with_554_and_then_only_heard_to_quit(
    served: Callable[..., Any], lists: tuple[Zone, str]
) -> None:
    server = served(asking(lists[1], BLOCKLIST))
    server.start()
    for source, word in ((LISTED, BLOCKLIST), ("127.0.0.77", "deny list")):
        with Client(server.port, source=source) as client:
            greeting = client.hear()
            assert greeting.startswith("554 5.7.1")
            assert word in greeting
            said = [client.say(line)[:3] for line in ("EHLO c", "MAIL FROM:<>", "QUIT")]
            assert said == ["503", "503", "221"]
            assert client.hear() == ""
    with Client(server.port, source=LISTED) as client:
        client.hear()
        assert client.hear().startswith("421 4.4.2")  # unasked: its time is up
        assert client.hear() == ""
    with Client(server.port, source=LISTED) as client:
        client.hear()
        assert [client.say("NOOP")[:3] for _ in range(6)] == ["503"] * 5 + ["421"]
        assert client.hear() == ""
    with Client(server.port) as client:
        assert client.hear().startswith("220")


def test_who_may_relay_is_not_looked_up(
    served: Callable[..., Any], lists: tuple[Zone, str]
) -> None:
    server = served(asking(lists[1], BLOCKLIST) + f'[relay]\nnetworks = ["{LISTED}"]\n')
    server.start()
    with Client(server.port, source=LISTED) as client:
        assert client.hear().startswith("220")


def test_a_list_that_cannot_be_asked_refuses_nobody_and_the_journal_says_so(
    served: Callable[..., Any], lists: tuple[Zone, str]
) -> None:
    zone, name_server = lists
    zone.put("*.outside.example", "A", ["192.0.2.1"])
    zone.put("*.mute.example", "A", Status.TIMEOUT)
    zone.put("*.failing.example", "A", Status.SERVFAIL)
    reasons = {
        BROKEN_BLOCKLIST: "127.255.255.254",
        "mute.example": "timeout",
        "failing.example": "servfail",
        "outside.example": "outside 127.0.0.0/8",
    }
    server = served(asking(name_server, *reasons))
    server.start()
    with Client(server.port, source=LISTED) as client:
        assert client.hear().startswith("220")
        client.say("EHLO c.example.net")
        said = client.send()
    match = re.match(r"250 2\.0\.0 Message (\S+) is", said)
    assert match, said
    found = {
        facts["zone"]: facts
        for facts in told(server, match[1], "checked", len(reasons))
        if facts["check"] == "dnsbl"
    }
    assert {zone: facts["result"] for zone, facts in found.items()} == dict.fromkeys(
        reasons, "could-not-ask"
    )
    for name, reason in reasons.items():
        assert reason in found[name]["why"]


# -- time -----------------------------------------------------------------------------------


def test_a_client_has_the_time_and_the_commands_that_are_configured(
    served: Callable[..., Any],
) -> None:
    server = served(
        f"{LOCAL}[limits]\ncommand_timeout = 1\ndata_timeout = 1\nerrors = 3\nidle_commands = 4\n"
    )
    server.start()
    with Client(server.port) as silent, Client(server.port) as stuck:
        silent.hear()
        stuck.hear()
        for line in ("HELO c", "MAIL FROM:<>", "RCPT TO:<ada@example.org>", "DATA"):
            stuck.say(line)
        for client in (silent, stuck):
            assert client.hear().startswith("421 4.4.2")
            assert client.hear() == ""
    with Client(server.port) as client:
        client.hear()
        assert [client.say("WRONG")[:3] for _ in range(4)] == ["500"] * 3 + ["421"]
    with Client(server.port) as client:
        client.hear()
        assert [client.say("NOOP")[:3] for _ in range(5)] == ["250"] * 4 + ["421"]


# -- TLS and addresses ----------------------------------------------------------------------


@pytest.fixture
def papers(tmp_path: Path) -> tuple[str, ssl.SSLContext]:
    """The certificate of a listener, as settings, and one who trusts it."""
    issuer = authority("Test")
    chain, key = certificate("mx.example.org", issuer=issuer).write(tmp_path)
    trusting = ssl.create_default_context(cadata=issuer.certificate.decode())
    return f'[listener.tls]\ncertificate = "{chain}"\nkey = "{key}"\n', trusting


def test_starttls_and_implicit_tls_are_had_by_configuration_and_the_trace_tells_them(
    served: Callable[..., Any], papers: tuple[str, ssl.SSLContext]
) -> None:
    files, trusting = papers
    implicit = free_port()
    more = f'[[listener]]\naddress = "127.0.0.1:{implicit}"\n{files}mode = "implicit"\n'
    server = served(LOCAL, tls=files + more)
    server.start()
    with Client(server.port) as client:
        client.hear()
        assert "STARTTLS" in client.say("EHLO c.example.net")
        assert client.send(wishes=" SMTPUTF8").startswith("250")
        client.say("HELO c.example.net")
        assert client.send().startswith("250")
        assert client.say("STARTTLS", "NOOP", "NOOP").startswith("220")
        client.start_tls(trusting)
        # The first reply is the one to EHLO: what was sent behind STARTTLS is forgotten.
        assert "STARTTLS" not in client.say("EHLO c.example.net")
        assert client.say("STARTTLS").startswith("503")
        assert client.send().startswith("250")
    with Client(implicit, trusting=trusting) as client:
        assert client.hear().startswith("220")
        assert "STARTTLS" not in client.say("EHLO c.example.net")
        assert client.send(wishes=" SMTPUTF8").startswith("250")
    with Client(implicit) as client:
        assert client.say("EHLO c.example.net").startswith("554 5.7.10 ")
    texts = b"".join(arrived(server.data / "mail" / "example.org" / "ada", 4))
    words = re.findall(rb"with (\S+) id", texts)
    assert sorted(words) == [b"ESMTPS", b"SMTP", b"UTF8SMTP", b"UTF8SMTPS"]


def test_mail_comes_over_ipv6(served: Callable[..., Any]) -> None:
    port = free_port()
    server = served(LOCAL, tls=f'[[listener]]\naddress = "[::1]:{port}"')
    server.start()
    with Client(port, host="::1") as client:
        assert client.hear().startswith("220")
        assert client.say("EHLO [IPv6:::1]").startswith("250")
        assert client.send().startswith("250")
    (text,) = arrived(server.data / "mail" / "example.org" / "ada")
    assert b"\nReceived: from [IPv6:::1] ([IPv6:::1])" in text.replace(b"\r\n", b"\n")


# -- what goes wrong here -------------------------------------------------------------------


def test_an_error_inside_is_451_with_an_incident_that_can_be_told(
    served: Callable[..., Any],
) -> None:
    server = served(f'{LOCAL}[queue]\nlarge_message = "100KB"\n')
    server.start()
    (folder,) = server.data.rglob("incoming")
    folder.rmdir()
    folder.write_text("no folder any more")
    with Client(server.port) as client:
        client.hear()
        client.say("EHLO c.example.net")
        said = client.send(b"From: a@b.c\r\n\r\n" + (b"y" * 70 + b"\r\n") * 3000)
        assert client.send().startswith("250")
    match = re.match(r"451 4\.3\.0 .*incident (\w+)", said)
    assert match, said
    assert "NotADirectoryError" not in said
    (facts, *_) = told(server, match[1], "incident", 1)
    assert "NotADirectoryError" in json.dumps(facts)


def test_a_wrong_configuration_is_told_on_sighup_and_changes_nothing(
    served: Callable[..., Any],
) -> None:
    server = served(LOCAL)
    server.start()
    before = server.workers_of()
    server.more = f'{LOCAL}[policy]\nvrfy = "perhaps"\n[limits]\nerrors = "x"\n'
    server.write()
    os.kill(server.process.pid, signal.SIGHUP)
    end = time.monotonic() + 60
    while not all(key in server.log() for key in ("policy.vrfy", "limits.errors")):
        assert time.monotonic() < end, server.log()
        time.sleep(0.05)
    assert server.workers_of() == before
    with Client(server.port) as client:
        assert client.hear().startswith("220")


def test_clients_that_wait_hear_421_when_the_server_stops(served: Callable[..., Any]) -> None:
    server = served(LOCAL, workers=2)
    server.start()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(server.port)) for _ in range(20)]
        for client in clients:
            client.hear()
            client.say("EHLO c.example.net")
        server.process.terminate()
        assert {client.hear()[:9] for client in clients} == {"421 4.3.2"}
    assert server.process.wait(30) == 0


@pytest.mark.slow
def test_a_message_of_50_mb_is_never_whole_in_memory(
    served: Callable[..., Any], lists: tuple[Zone, str]
) -> None:
    server = served(f'{LOCAL}[dns]\nservers = ["{lists[1]}"]\n')
    server.start()
    (pid,) = server.workers_of()

    def most() -> int:
        match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        assert match
        return int(match[1])

    before = most()
    with Client(server.port) as client:
        client.hear()
        client.say("EHLO c.example.net")
        said = client.send(b"From: a@b.c\r\n\r\n" + (b"y" * 70 + b"\r\n") * 692_000)
        assert said.startswith("250")
    (text,) = arrived(server.data / "mail" / "example.org" / "ada")
    assert len(text) > 49_000_000
    assert most() - before < 30_000
