"""Through a proxy or a server in front: whose connection it is, for everything that asks."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from ulak.server.proxy import Header
from ulak.server.site import Rules
from ulak.smtp.offers import Offers

from .dialogue import Client, Server, client_context, server_context, told
from .doors import doorkeeper
from .proxying import binary, line, tls
from .running import serve

RULES = Rules("mx.example.org")
LOOPBACK = (ip_network("127.0.0.0/8"),)
NEAR = (ip_network("192.0.2.0/24"),)
CLIENT = Header("198.51.100.7", 40_000, "192.0.2.1", 465)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "incoming"
    made.mkdir()
    return made


def test_tls_comes_right_behind_the_header(folder: Path) -> None:
    server = Server(folder, proxies=LOOPBACK)

    def client(port: int) -> bytes:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        secure = client_context().wrap_bio(incoming, outgoing)
        with pytest.raises(ssl.SSLWantReadError):
            secure.do_handshake()
        with socket.create_connection(("127.0.0.1", port), 5) as sock:
            sock.sendall(binary(CLIENT) + outgoing.read())
            heard = b""
            while not heard:
                incoming.write(sock.recv(65_536))
                try:
                    secure.do_handshake()
                    sock.sendall(outgoing.read())
                    heard = secure.read(1000)
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
            return heard

    heard = serve(server, client, tls=server_context(), implicit=True)
    assert heard.startswith(b"220 ")
    assert server.notes.entries[0].facts["ip"] == "198.51.100.7"


def test_the_journal_knows_the_client_and_the_proxy(folder: Path) -> None:
    server = Server(folder, proxies=NEAR)

    async def talk(client: Client) -> None:
        await client.send(binary(CLIENT, [tls("TLSv1.3", "TLS_AES_128_GCM_SHA256")]))
        assert client.take() == ["220 mx.example.org ESMTP Ulak"]
        assert server.site.per_client == {"198.51.100.7": 1}
        await client.ask("QUIT")

    server.play(talk)
    connected, closed = server.notes.entries
    assert connected.facts == {
        "ip": "198.51.100.7",
        "port": "40000",
        "proxy": "192.0.2.9",
        "proxy-tls": "TLSv1.3 with TLS_AES_128_GCM_SHA256",
    }
    assert closed.facts["ip"] == "198.51.100.7"


def test_the_trace_field_names_the_client(folder: Path) -> None:
    server = Server(folder, proxies=NEAR)

    async def talk(client: Client) -> None:
        await client.send(line(CLIENT))
        await client.ask("EHLO c.example", "MAIL FROM:<>", "RCPT TO:<ada@example.org>", "DATA")
        answer = await client.ask("From: g@example.net", "", "hi", ".")
        assert answer[0].startswith("250")

    server.play(talk)
    assert server.store.bodies[0].startswith(b"Received: from c.example ([198.51.100.7])")


def test_a_proxy_may_have_many_connections_and_each_client_few(folder: Path) -> None:
    server = Server(folder, replace(RULES, max_connections_per_client=1), proxies=NEAR)

    async def talk(client: Client) -> None:
        others = [Client(server, client.loop, "192.0.2.9") for _ in range(3)]
        assert server.site.per_client == {"192.0.2.9": 4}
        await client.send(line(CLIENT))
        assert client.take() == ["220 mx.example.org ESMTP Ulak"]
        await others[0].send(line(CLIENT))
        assert others[0].take()[0].startswith("421 4.7.0 mx.example.org has too many connections")
        await others[1].send(line(replace(CLIENT, ip="198.51.100.8")))
        assert others[1].take() == ["220 mx.example.org ESMTP Ulak"]
        for other in others:
            other.transport.close()
        await client.settle()

    server.play(talk)
    assert not server.site.connections
    assert not server.site.per_client


def test_a_full_server_says_so_before_the_header(folder: Path) -> None:
    server = Server(folder, replace(RULES, max_connections=0), proxies=NEAR)

    async def talk(client: Client) -> None:
        assert client.take()[0].startswith("421 4.3.2 mx.example.org has too many connections")

    server.play(talk)
    assert not server.site.per_client


def test_a_proxy_that_only_looks_whether_the_port_is_open_leaves_no_trace(folder: Path) -> None:
    server = Server(folder, proxies=NEAR)

    async def talk(client: Client) -> None:
        assert client.take() == []

    server.play(talk)
    assert told(server) == []
    assert not server.site.connections


def test_a_header_that_is_none_is_in_the_journal(folder: Path) -> None:
    server = Server(folder, proxies=NEAR)

    async def talk(client: Client) -> None:
        await client.send(b"\x16\x03\x01\x02\x00")

    server.play(talk)
    assert told(server) == ["connected", "refused", "closed"]
    assert server.notes.entries[1].cause == "bad-proxy-header"
    assert server.notes.entries[1].facts["problem"] == "what came first is no PROXY header"


def test_a_client_that_is_refused_behind_the_header_gets_nothing_into_the_queue(
    folder: Path,
) -> None:
    """What came in the same piece as the header must not be taken for a session."""
    server = Server(
        folder, replace(RULES, max_connections_per_client=0), tls="implicit", proxies=NEAR
    )
    said = (
        b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<ada@example.org>\r\nDATA\r\nFrom: a@b.c\r\n\r\n.\r\n"
    )

    async def talk(client: Client) -> None:
        await client.send(line(CLIENT) + said)
        assert client.take() == ["CLOSED"]

    server.play(talk)
    assert not server.store.messages


@pytest.mark.parametrize("name", ["drain", "expire"])
def test_a_proxy_that_says_nothing_is_let_go(folder: Path, name: str) -> None:
    server = Server(folder, proxies=NEAR)

    async def talk(client: Client) -> None:
        call: Any = getattr(client.session, name)
        call()
        await client.settle()
        assert client.take()[-1] == "CLOSED"

    server.play(talk)


def test_who_is_spoken_for_is_the_client_for_everything(folder: Path) -> None:
    server = Server(folder, fronts=NEAR)

    async def talk(client: Client) -> None:
        assert client.take() == ["220 mx.example.org ESMTP Ulak"]
        await client.ask("XCLIENT NAME=spike.example ADDR=198.51.100.7 PORT=4711")
        assert server.site.per_client == {"198.51.100.7": 1}
        await client.ask("EHLO c.example", "MAIL FROM:<>", "RCPT TO:<ada@example.org>", "DATA")
        answer = await client.ask("From: g@example.net", "", "hi", ".")
        assert answer[0].startswith("250")

    server.play(talk)
    assert server.store.bodies[0].startswith(b"Received: from c.example ([198.51.100.7])")
    front, client, accepted, closed = server.notes.entries
    assert front.facts["ip"] == "192.0.2.9"
    assert client.facts == {
        "ip": "198.51.100.7",
        "port": "4711",
        "front": "192.0.2.9",
        "name": "spike.example",
    }
    assert accepted.facts["ip"] == closed.facts["ip"] == "198.51.100.7"
    assert not server.site.per_client


def test_a_login_in_front_is_a_login_here(folder: Path) -> None:
    server = Server(folder, fronts=NEAR, doorkeeper=doorkeeper())

    async def talk(client: Client) -> None:
        client.take()
        core = client.session.core
        assert (await client.ask("XCLIENT LOGIN=ADA@example.org"))[0].startswith("220")
        assert core.authenticated == "ada@example.org"
        assert core.standing.authenticated
        # It was said in a command of its own, and stays when the address follows.
        assert (await client.ask("XCLIENT ADDR=198.51.100.7"))[0].startswith("220")
        assert core.authenticated == "ada@example.org"
        await client.ask("EHLO c.example", "MAIL FROM:<ada@example.org>")
        assert await client.ask("RCPT TO:<far@example.net>") == ["250 2.1.5 Recipient accepted"]

    server.play(talk)
    assert server.notes.entries[1].facts["account"] == "ada@example.org"
    assert server.notes.entries[1].facts["mechanism"] == "XCLIENT"


def test_a_login_that_nobody_here_has_changes_nothing(folder: Path) -> None:
    for keeper in (doorkeeper(), None):
        server = Server(folder, fronts=NEAR, doorkeeper=keeper)

        async def talk(client: Client) -> None:
            client.take()
            answer = await client.ask("EHLO front.example", "XCLIENT LOGIN=who@example.org")
            assert answer[-1].startswith("535 5.7.8 ")
            assert client.session.core.authenticated == ""
            assert client.session.ip == "192.0.2.9"
            assert (await client.ask("MAIL FROM:<>", "RSET"))[0].startswith("250")
            assert (await client.ask("XCLIENT PORT=1"))[0].startswith("220")

        server.play(talk)
        assert told(server) == ["connected", "refused", "connected", "closed"]
        assert server.notes.entries[1].cause == "authentication-failed"


def test_a_login_can_be_taken_back(folder: Path) -> None:
    server = Server(folder, fronts=NEAR, doorkeeper=doorkeeper())

    async def talk(client: Client) -> None:
        await client.ask("XCLIENT LOGIN=ada@example.org", "XCLIENT LOGIN=[UNAVAILABLE]")
        assert client.session.core.authenticated == ""
        assert client.session.account is None

    server.play(talk)


def test_who_goes_while_a_login_is_looked_up_is_counted_once(folder: Path) -> None:
    server = Server(folder, fronts=NEAR, doorkeeper=doorkeeper())

    async def talk(client: Client) -> None:
        client.session.data_received(b"XCLIENT LOGIN=ada@example.org ADDR=198.51.100.7\r\n")
        client.transport.close()
        await client.settle()

    server.play(talk)
    assert server.site.connections == 0
    assert not server.site.per_client


def test_a_client_that_has_too_many_connections_hears_so_through_the_front(folder: Path) -> None:
    server = Server(folder, replace(RULES, max_connections_per_client=1), fronts=NEAR)

    async def talk(client: Client) -> None:
        client.take()
        other = Client(server, client.loop, "198.51.100.7")
        answer = await client.ask("XCLIENT ADDR=198.51.100.7")
        assert answer[0].startswith("421 4.7.0 mx.example.org has too many connections from 198.")
        other.transport.close()
        await other.settle()

    server.play(talk)
    assert not server.site.per_client


@pytest.mark.parametrize("mode", ["starttls", "implicit"])
def test_a_front_may_speak_under_tls_and_tls_stays(folder: Path, mode: str) -> None:
    server = Server(folder, fronts=NEAR, tls=mode, offers=Offers(tls=mode == "starttls"))

    async def talk(client: Client) -> None:
        client.take()
        if mode == "starttls":
            await client.ask("EHLO front.example", "STARTTLS")
        await client.begin_tls()
        client.take()
        assert await client.ask("XCLIENT ADDR=198.51.100.7") == ["220 mx.example.org ESMTP Ulak"]
        lines = await client.ask("EHLO c.example")
        assert not [line for line in lines if "STARTTLS" in line or "XCLIENT" in line]

    server.play(talk)
    assert server.notes.entries[-1].facts["tls"].startswith("TLSv1.3")


def test_behind_a_proxy_it_is_the_client_of_the_header_who_may_speak_for_others(
    folder: Path,
) -> None:
    server = Server(folder, proxies=NEAR, fronts=(ip_network("198.51.100.0/24"),))

    async def talk(client: Client) -> None:
        await client.send(line(CLIENT))
        assert client.take() == ["220 mx.example.org ESMTP Ulak"]
        assert await client.ask("XCLIENT ADDR=203.0.113.1") == ["220 mx.example.org ESMTP Ulak"]
        answer = await client.ask("XCLIENT ADDR=203.0.113.2")
        assert answer == ["550 5.7.0 You may not speak for another client here"]

    server.play(talk)
