"""A message in chunks on its way into the queue."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from ulak.server.site import Rules
from ulak.smtp.offers import Offers

from .dialogue import Client, Server, kept, told
from .test_session import files_of

RULES = Rules("mx.example.org")
TEXT = b"From: g@example.net\r\n\r\nhi\r\n.\r\nQUIT\r\n"
BINARY = b"From: g@example.net\r\nMIME-Version: 1.0\r\n\r\n" + bytes(range(256)) * 4


async def begin(client: Client, kind: str = "") -> None:
    """Come as far as the first chunk."""
    client.take()
    said = await client.ask(
        "EHLO c.example", f"MAIL FROM:<grace@example.net>{kind}", "RCPT TO:<ada@example.org>"
    )
    assert said[-1].startswith("250 2.1.5"), said


def chunk(data: bytes, *, last: bool = False) -> bytes:
    """Write one chunk."""
    return b"BDAT %d%b\r\n%b" % (len(data), b" LAST" if last else b"", data)


@pytest.mark.parametrize("threshold", [10, 1_000_000])
@pytest.mark.parametrize(
    ("kind", "message"), [("", TEXT), (" BODY=BINARYMIME", BINARY)], ids=["text", "binary"]
)
def test_every_octet_is_kept(tmp_path: Path, kind: str, message: bytes, threshold: int) -> None:
    server = Server(tmp_path, replace(RULES, body_threshold=threshold))

    async def talk(client: Client) -> None:
        await begin(client, kind)
        await client.send(
            chunk(message[:7]), chunk(message[7:500]), chunk(message[500:], last=True)
        )
        assert client.take()[-1].startswith("250 2.0.0 Message")

    server.play(talk)
    assert kept(server) == [message]
    envelope = server.store.messages[0].envelope
    assert envelope.body == (kind.removeprefix(" BODY=") or "7BIT")
    assert told(server) == ["connected", "accepted", "closed"]


def test_chunks_come_under_tls_too(tmp_path: Path) -> None:
    server = Server(tmp_path, tls="starttls", offers=Offers(tls=True))

    async def talk(client: Client) -> None:
        client.take()
        await client.ask("EHLO c.example", "STARTTLS")
        await client.begin_tls()
        await begin(client, " BODY=BINARYMIME")
        data = chunk(BINARY, last=True)
        await client.send(*(data[i : i + 1] for i in range(len(data))))
        assert client.take()[0].startswith("250 2.0.0 Message")

    server.play(talk)
    assert kept(server) == [BINARY]


@pytest.mark.parametrize("threshold", [10, 1_000_000])
@pytest.mark.parametrize("sent", [chunk(b"x" * 50), b"BDAT 100 LAST\r\nshort"])
def test_a_connection_that_is_cut_leaves_nothing(
    tmp_path: Path, threshold: int, sent: bytes
) -> None:
    server = Server(tmp_path, replace(RULES, body_threshold=threshold))

    async def talk(client: Client) -> None:
        await begin(client)
        await client.send(sent)
        client.session.eof_received()
        client.transport.close()

    server.play(talk)
    assert not server.store.messages
    assert not list(tmp_path.iterdir())
    assert server.site.held == 0


def test_the_octets_of_a_chunk_earn_time_and_a_stalled_one_does_not(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(RULES, min_data_rate=10))

    async def talk(client: Client) -> None:
        await begin(client)
        await client.wait(200)
        await client.send(b"BDAT 20000 LAST\r\n" + b"x" * 5000)
        await client.wait(250)
        await client.send(b"x" * 5000)
        await client.wait(250)
        assert not client.transport.closed
        await client.wait(60)
        assert client.take()[-2:] == [
            "421 4.4.2 mx.example.org waited 300 seconds in vain and closes the connection",
            "CLOSED",
        ]

    server.play(talk)
    assert not server.store.messages


def test_a_slow_chunk_that_has_no_message_is_cut_too(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def talk(client: Client) -> None:
        client.take()
        await client.ask("EHLO c.example")
        await client.send(b"BDAT 1000000\r\n")
        for _ in range(5):
            await client.wait(100)
            await client.send(b"x")
        assert client.take()[-1] == "CLOSED"

    server.play(talk)


def test_a_message_in_chunks_may_end_when_the_server_stops(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def talk(client: Client) -> None:
        await begin(client)
        await client.send(chunk(b"From: g@example.net\r\n\r\n"))
        client.session.drain()
        await client.send(b"BDAT 4 LAST\r\n")
        client.session.drain()
        await client.send(b"hi\r\n")
        assert [line[:3] for line in client.take()] == ["250", "250"]
        client.session.drain()
        assert [line[:3] for line in client.take()] == ["421", "CLO"]

    server.play(talk)
    assert len(server.store.messages) == 1


def test_a_full_disk_is_told_with_the_chunk_that_met_it(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(RULES, body_threshold=1000))

    async def talk(client: Client) -> None:
        await begin(client)
        with files_of(3_000_000):
            await client.send(chunk(b"x" * 2_000_000), chunk(b"x" * 2_000_000))
        assert [line[:9] for line in client.take()] == ["250 2.0.0", "452 4.3.1"]
        assert server.site.held == 0
        await client.send(chunk(b"NOOP\r\n", last=True))
        assert [line[:9] for line in client.take()] == ["503 5.5.1"]
        await begin(client)
        await client.send(chunk(b"From: a@b\r\n\r\n", last=True))
        assert [line[:9] for line in client.take()] == ["250 2.0.0"]

    server.play(talk)
    assert len(server.store.messages) == 1


def test_an_error_inside_ends_the_message_and_nothing_else(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def talk(client: Client) -> None:
        await begin(client)
        server.store.error = RuntimeError("secret")
        await client.send(chunk(b"From: a@b\r\n\r\n", last=True))
        assert client.take() == ["451 4.3.0 Something failed here, try again later (incident INC1)"]
        await client.send(chunk(b"x"))
        assert client.take()[0].startswith("503 5.5.1")

    server.play(talk)


def test_a_message_that_is_stored_keeps_the_next_chunk_waiting(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def talk(client: Client) -> None:
        server.store.gate = asyncio.Event()
        await begin(client)
        client.session.data_received(chunk(TEXT, last=True) + chunk(b"x", last=True))
        await asyncio.sleep(0)
        assert client.take() == []
        server.store.gate.set()
        await client.settle()
        assert [line[:9] for line in client.take()] == ["250 2.0.0", "503 5.5.1"]

    server.play(talk)
    assert kept(server) == [TEXT]
