"""LMTP: who came over which way stands in the trace, and unix clients have no address."""

from __future__ import annotations

import smtplib
import socket
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from ulak.queue.store import StorageError
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.server.received import protocol
from ulak.server.site import Rules
from ulak.smtp.offers import Offers

from .dialogue import Client, Server
from .running import LOOPS, serve_unix

LMTP = Offers(kind="lmtp")
RULES = Rules("mx.example.org")
HELLO = ("LHLO front.example.net", "MAIL FROM:<grace@example.net>")
TO = ("RCPT TO:<ada@example.org>", "RCPT TO:<team@example.org>")
MESSAGE = ("From: g@example.net", "", "hi", ".")


async def nobody_is_welcome(ip: str, _session: str) -> Reply:
    return catalog.CLIENT_DENIED.reply(ip=ip)


@pytest.mark.parametrize("error", [StorageError("no"), RuntimeError("secret")])
def test_an_error_inside_is_told_for_each_recipient_and_the_dialogue_stays_in_step(
    tmp_path: Path, error: Exception
) -> None:
    server = Server(tmp_path, offers=LMTP)
    server.store.error = error

    async def talk(client: Client) -> None:
        await client.ask(*HELLO, *TO, "DATA")
        said = await client.ask(*MESSAGE, "NOOP")
        assert [line[:3] for line in said] == ["451", "451", "250"]

    server.play(talk)


def test_the_trace_says_that_it_was_lmtp(tmp_path: Path) -> None:
    server = Server(tmp_path, offers=LMTP)

    async def talk(client: Client) -> None:
        await client.ask(*HELLO, *TO, "DATA", *MESSAGE)
        await client.ask("MAIL FROM:<> SMTPUTF8", TO[0], "DATA", *MESSAGE)

    server.play(talk)
    assert b" with LMTP id " in server.store.bodies[0]
    assert b" with UTF8LMTP id " in server.store.bodies[1]


def test_every_way_has_its_word() -> None:
    words = {
        protocol(lmtp=lmtp, extended=True, secure=secure, authenticated=login, smtputf8=smtputf8)
        for lmtp in (False, True)
        for secure in (False, True)
        for login in (False, True)
        for smtputf8 in (False, True)
    }
    kinds = ("ESMTP", "UTF8SMTP", "LMTP", "UTF8LMTP")
    assert words == {kind + end for kind in kinds for end in ("", "S", "A", "SA")}


@pytest.mark.parametrize("loop", sorted(LOOPS))
def test_over_a_unix_socket_nobody_has_an_address(tmp_path: Path, loop: str) -> None:
    """Not on a list, not in a network that may relay, and not one of too many from one address."""
    everywhere = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    rules = replace(RULES, relay=everywhere, max_connections_per_client=1)
    server = Server(tmp_path / "in", rules, offers=LMTP, admit=nobody_is_welcome)
    path = tmp_path / "s"

    def client() -> None:
        with smtplib.LMTP(str(path)), smtplib.LMTP(str(path), local_hostname="front") as lmtp:
            assert lmtp.sendmail("g@example.net", ["ada@example.org", "nobody@example.org"], "x: y")
            refused = lmtp.docmd("MAIL FROM:<>"), lmtp.docmd("RCPT TO:<far@elsewhere.example>")
            assert refused[1][1].endswith(b" does not relay mail for a local client")

    serve_unix(server, path, client, loop=loop)
    assert server.store.bodies[0].startswith(
        b"Received: from front (unix socket)\r\n\tby mx.example.org with LMTP id "
    )
    came = server.notes.entries[0]
    assert came.facts == {"listener": f"unix:{path}"}
    others = [entry for entry in server.notes.entries if entry.cause != "relay-denied"]
    assert not any("ip" in entry.facts for entry in others)


def test_a_client_of_a_unix_socket_may_say_its_end_first(tmp_path: Path) -> None:
    server = Server(tmp_path / "in", offers=LMTP)
    path = tmp_path / "s"

    def client() -> bytes:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(5)
            sock.connect(str(path))
            sock.sendall("\r\n".join([*HELLO, *TO, "DATA", *MESSAGE, ""]).encode())
            sock.shutdown(socket.SHUT_WR)
            got = b""
            while data := sock.recv(65_536):
                got += data
            return got

    got = serve_unix(server, path, client)
    assert got.count(b"\r\n250 2.0.0 Message ") == 2
