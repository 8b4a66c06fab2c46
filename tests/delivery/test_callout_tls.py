"""A roster that is another server is asked under TLS: where it is offered, or under no other."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ulak.delivery.callout import Asked, Callout
from ulak.delivery.demands import Demands
from ulak.delivery.tls import opportunistic, verifying
from ulak.lab.certificate import authority, certificate, server_context
from ulak.rosters.roster import Answer, Known, RosterError

LAB = authority("Lab")
GOOD = server_context(certificate("localhost", issuer=LAB))
OTHER = server_context(certificate("mx9.example.net", issuer=LAB))
RCPT = "RCPT TO:<ada@example.org>"


@dataclass
class Peer:
    """A server that offers TLS, or has it from the first octet on."""

    context: ssl.SSLContext | None = None
    implicit: bool = False
    reply: bytes = b"220 2.0.0 Go ahead\r\n"
    broken: bool = False  # whether there is no TLS behind that
    heard: list[tuple[bool, str]] = field(default_factory=list)  # under TLS?, the command
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        secure = self.implicit
        writer.write(b"220 peer\r\n")
        try:
            while line := (await reader.readline()).decode().strip():
                self.heard.append((secure, line))
                match line[:4].upper():
                    case "LHLO" if self.context is not None and not secure:
                        writer.write(b"250-peer\r\n250-STARTTLS\r\n250 SMTPUTF8\r\n")
                    case "STAR":
                        writer.write(self.reply)
                        await writer.drain()
                        if self.broken:
                            writer.write(b"this is no TLS\r\n")
                            break
                        if self.reply.startswith(b"220"):
                            assert self.context is not None
                            await writer.start_tls(self.context)
                            secure = True
                    case "RCPT" if "nobody" in line:
                        writer.write(b"550 5.1.1 No such user\r\n")
                    case _:
                        writer.write(b"250 2.0.0 Ok\r\n")
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    @property
    def in_clear(self) -> list[str]:
        return [line for secure, line in self.heard if not secure]

    @property
    def under_tls(self) -> list[str]:
        return [line for secure, line in self.heard if secure]


def ask(peer: Peer, demands: Demands, *moments: float) -> list[Answer]:
    """Ask about Ada, each time on a new connection."""
    now = [0.0]

    async def main() -> list[Answer]:
        context = peer.context if peer.implicit else None
        server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        asked = Asked("example.org", "localhost", port, lmtp=True, demands=demands)
        callout = Callout(asked, "mx.example.org", lambda: "nobody", lambda: now[0])
        answers = []
        async with server:
            for moment in moments or (0.0,):
                now[0] = moment
                answers.append(await callout.ask("ada@example.org"))
                await callout.close()
        return answers

    return asyncio.run(main())


def trouble(peer: Peer, demands: Demands) -> str:
    with pytest.raises((RosterError, OSError)) as caught:
        ask(peer, demands)
    assert RCPT not in [line for _, line in peer.heard]
    return str(caught.value)


USED = Demands(tls=opportunistic())


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Demands:
    return Demands(tls=verifying(_ca(tmp_path_factory.mktemp("ca"))), required=True)


def _ca(folder: Path) -> Path:
    file = folder / "lab.pem"
    file.write_bytes(LAB.certificate)
    return file


@pytest.mark.parametrize("context", [GOOD, OTHER])
def test_tls_is_used_where_it_is_offered(context: ssl.SSLContext) -> None:
    peer = Peer(context)
    assert ask(peer, USED) == [Known()]
    assert peer.in_clear == ["LHLO mx.example.org", "STARTTLS"]
    assert peer.under_tls[0] == "LHLO mx.example.org"  # RFC 3207 §4.2: greeted anew
    assert RCPT in peer.under_tls
    peer = Peer()
    assert ask(peer, USED) == [Known()]
    assert RCPT in peer.in_clear
    peer = Peer(context)
    assert ask(peer, Demands()) == [Known()]
    assert "STARTTLS" not in peer.in_clear


def test_what_is_offered_under_tls_counts() -> None:
    with pytest.raises(RosterError, match="SMTPUTF8"):
        asyncio.run(_ask_utf8(Peer(GOOD)))  # it offers that in the clear alone


async def _ask_utf8(peer: Peer) -> None:
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    asked = Asked("example.org", "localhost", port, lmtp=True, demands=USED)
    callout = Callout(asked, "mx.example.org", lambda: "nobody", lambda: 0.0)
    async with server:
        try:
            await callout.ask("çağrı@example.org")
        finally:
            await callout.close()


def test_tls_that_is_required_is_proven(proven: Demands) -> None:
    peer = Peer(GOOD)
    assert ask(peer, proven) == [Known()]
    assert RCPT in peer.under_tls
    assert "certificate is not valid" in trouble(Peer(OTHER), proven)
    assert "offers no TLS" in trouble(Peer(), proven)
    assert "offers no TLS" in trouble(Peer(GOOD, reply=b"454 4.7.0 Not now\r\n"), proven)
    assert trouble(Peer(GOOD, broken=True), proven)


def test_tls_may_begin_with_the_connection(proven: Demands) -> None:
    implicit = Demands(tls=proven.tls, required=True, implicit=True)
    peer = Peer(GOOD, implicit=True)
    assert ask(peer, implicit) == [Known()]
    assert peer.in_clear == []
    assert RCPT in peer.under_tls
    assert "certificate" in trouble(Peer(OTHER, implicit=True), implicit)


@pytest.mark.parametrize(
    ("peer", "tries"),
    [(Peer(GOOD, reply=b"454 4.7.0 Not now\r\n"), 3), (Peer(GOOD, broken=True), 2)],
    ids=["put off", "broken"],
)
def test_tls_that_is_only_used_stops_nobody(peer: Peer, tries: int) -> None:
    """What breaks a handshake is asked in the clear for a quarter of an hour."""
    assert ask(peer, USED, 0.0, 800.0, 1000.0) == [Known()] * 3
    assert peer.in_clear.count("STARTTLS") == tries
    assert peer.in_clear.count(RCPT) == 3


@pytest.mark.parametrize("demands", ["used", "proven"])
def test_no_answer_in_the_clear_is_taken_for_one_under_tls(demands: str, proven: Demands) -> None:
    forged: Sequence[bytes] = (b"250 peer\r\n", b"250 Ok\r\n" * 4)
    peer = Peer(GOOD, reply=b"220 2.0.0 Go ahead\r\n" + b"".join(forged))
    assert "out of turn" in trouble(peer, USED if demands == "used" else proven)
