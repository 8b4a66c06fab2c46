"""The lab's servers and certificates, talked to by Python's own client."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from ulak.lab.certificate import Certificate, authority, certificate, server_context
from ulak.lab.mx import CLOSE, Act, Behaviour, ScriptedServer

T = TypeVar("T")


def talk(server: ScriptedServer, client: Callable[[smtplib.SMTP], T]) -> T:
    def in_thread() -> T:
        with smtplib.SMTP("127.0.0.1", server.port, "client.example.org", timeout=5) as smtp:
            return client(smtp)

    async def main() -> T:
        async with server:
            return await asyncio.to_thread(in_thread)

    return asyncio.run(main())


def send(smtp: smtplib.SMTP) -> None:
    smtp.sendmail("g@example.org", ["ada@example.net"], b"From: g\r\n\r\n.hi\r\n")


def test_what_a_server_takes_is_kept() -> None:
    server = ScriptedServer()
    talk(server, send)
    (taken,) = server.messages
    assert (taken.sender, taken.recipients) == ("g@example.org", ("ada@example.net",))
    assert taken.body == b"From: g\r\n\r\n.hi\r\n"
    assert server.sessions[0].quit


def test_an_act_for_one_address_goes_before_that_for_all() -> None:
    at: dict[str, Act | str] = {
        "RCPT": "450 4.2.0 Later",
        "RCPT ada@example.net": "250 2.1.5 You may",
    }

    def client(smtp: smtplib.SMTP) -> dict[str, tuple[int, bytes]]:
        return smtp.sendmail("g@example.org", ["ada@example.net", "bob@example.net"], "hi")

    refused = talk(ScriptedServer(Behaviour(at=at)), client)
    assert refused == {"bob@example.net": (450, b"4.2.0 Later")}


def test_an_act_can_be_for_the_first_times_only() -> None:
    server = ScriptedServer(Behaviour(at={"RCPT": Act("450 4.7.1 Greylisted", times=1)}))

    def client(smtp: smtplib.SMTP) -> None:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(smtp)
        send(smtp)

    talk(server, client)
    assert len(server.messages) == 1


def test_every_connection_has_its_behaviour_and_the_last_one_stays() -> None:
    server = ScriptedServer(Behaviour(name="first"), Behaviour(name="second"))

    def greeting() -> str:
        with socket.create_connection(("127.0.0.1", server.port), 5) as sock:
            return sock.recv(100).decode()

    async def main() -> list[str]:
        async with server:
            return [await asyncio.to_thread(greeting) for _ in range(3)]

    assert [g.split(" ")[1] for g in asyncio.run(main())] == ["first", "second", "second"]


def test_a_server_can_hang_up() -> None:
    def client(smtp: smtplib.SMTP) -> None:
        with pytest.raises(smtplib.SMTPServerDisconnected):
            send(smtp)

    talk(ScriptedServer(Behaviour(at={"DATA": CLOSE})), client)


def verifying(above: Certificate, tmp_path: Path) -> ssl.SSLContext:
    file = tmp_path / "authority.pem"
    file.write_bytes(above.certificate)
    return ssl.create_default_context(cafile=str(file))


def test_a_certificate_of_the_labs_authority_is_verified(tmp_path: Path) -> None:
    above = authority()
    good = certificate("localhost", "127.0.0.1", issuer=above)
    server = ScriptedServer(Behaviour(tls=server_context(good)))

    def client(smtp: smtplib.SMTP) -> None:
        smtp.starttls(context=verifying(above, tmp_path))
        send(smtp)

    talk(server, client)
    assert server.messages[0].tls == "TLSv1.3"


@pytest.mark.parametrize("kind", ["expired", "other name", "self-signed"])
def test_a_bad_certificate_is_refused_by_a_client_that_looks(tmp_path: Path, kind: str) -> None:
    above = authority()
    bad = {
        "expired": lambda: certificate("127.0.0.1", issuer=above, expired=True),
        "other name": lambda: certificate("other.example", issuer=above),
        "self-signed": lambda: certificate("127.0.0.1"),
    }[kind]()

    def client(smtp: smtplib.SMTP) -> None:
        with pytest.raises(ssl.SSLCertVerificationError):
            smtp.starttls(context=verifying(above, tmp_path))

    talk(ScriptedServer(Behaviour(tls=server_context(bad))), client)


def test_a_key_is_readable_by_nobody_else(tmp_path: Path) -> None:
    _, key = certificate("localhost").write(tmp_path)
    assert key.stat().st_mode & 0o077 == 0
