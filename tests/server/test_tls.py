"""TLS on real sockets: begun with STARTTLS (RFC 3207) and from the first octet (RFC 8314)."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from ulak.lab.certificate import authority, certificate
from ulak.server.site import Rules
from ulak.server.tls import TlsContext, context, renew
from ulak.server.wire import CertificateError

from .dialogue import Server, client_context, told
from .running import LOOPS, serve

RULES = Rules("mx.example.org")
TEXT = "From: g@example.net\n\nhi\n"


@pytest.fixture(params=sorted(LOOPS))
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def read_rest(sock: socket.socket) -> bytes:
    got = b""
    while data := sock.recv(1000):
        got += data
    return got


def server_context(folder: Path) -> TlsContext:
    return context(*certificate("mx.example.org").write(folder))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder for spooled messages, beside the certificates."""
    made = tmp_path / "incoming"
    made.mkdir()
    return made


def test_a_message_comes_over_starttls(tmp_path: Path, folder: Path, loop: str) -> None:
    server = Server(folder)

    def client(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, "c.example") as smtp:
            assert smtp.starttls(context=client_context())[0] == 220
            smtp.ehlo()
            assert not smtp.has_extn("starttls")
            smtp.sendmail("g@example.net", ["ada@example.org"], TEXT)

    serve(server, client, tls=server_context(tmp_path), loop=loop)
    trace = server.store.bodies[0].split(b";")[0]
    assert trace.startswith(b"Received: from c.example ([127.0.0.1])\r\n\t(using TLSv1.3 with TLS_")
    assert b"\tby mx.example.org with ESMTPS id " in trace
    assert server.notes.entries[-1].facts["tls"].startswith("TLSv1.3 with TLS_")


def test_a_message_comes_over_implicit_tls(tmp_path: Path, folder: Path, loop: str) -> None:
    server = Server(folder, replace(RULES, body_threshold=1000))

    def client(port: int) -> None:
        with smtplib.SMTP_SSL("127.0.0.1", port, context=client_context()) as smtp:
            smtp.ehlo()
            assert not smtp.has_extn("starttls")
            smtp.sendmail("g@example.net", ["ada@example.org"], TEXT * 40_000)

    serve(server, client, tls=server_context(tmp_path), implicit=True, loop=loop)
    assert b" with ESMTPS id " in server.store.bodies[0]


def test_what_comes_in_clear_behind_starttls_is_never_executed(
    tmp_path: Path, folder: Path, loop: str
) -> None:
    server = Server(folder)

    def client(port: int) -> tuple[bytes, str]:
        with socket.create_connection(("127.0.0.1", port), 5) as sock:
            sock.recv(1000)
            sock.sendall(b"EHLO c.example\r\n")
            sock.recv(1000)
            sock.sendall(b"STARTTLS\r\nMAIL FROM:<evil@example.net>\r\nNOOP\r\n")
            answer = sock.recv(1000)
            with client_context().wrap_socket(sock) as secure:
                secure.sendall(b"NOOP\r\nEHLO c.example\r\nRCPT TO:<ada@example.org>\r\nQUIT\r\n")
                got = b""
                while data := secure.recv(1000):
                    got += data
            return answer, got.decode()

    answer, got = serve(server, client, tls=server_context(tmp_path), loop=loop)
    assert answer == b"220 2.0.0 Ready to start TLS\r\n"
    assert [line[:3] for line in got.split("\r\n") if line[3:4] == " "] == [
        "250",
        "250",
        "503",
        "221",
    ]


def test_the_end_is_said_under_tls_too(tmp_path: Path, folder: Path, loop: str) -> None:
    """Without it nobody could know whether something was cut off."""

    def client(port: int) -> bytes:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as sock,
            client_context().wrap_socket(sock, suppress_ragged_eofs=False) as secure,
        ):
            secure.sendall(b"QUIT\r\n")
            got = b""
            while data := secure.recv(1000):
                got += data
            return got

    server, tls = Server(folder), server_context(tmp_path)
    assert b"221 2.0.0 " in serve(server, client, tls=tls, implicit=True, loop=loop)


@pytest.mark.parametrize("command", ["DATA", "BDAT 100", "BDAT 100 LAST"])
def test_what_comes_in_clear_behind_the_end_of_tls_is_never_executed(
    tmp_path: Path, folder: Path, loop: str, command: str
) -> None:
    """CVE-2026-45185: the client ends TLS within a message and goes on in clear."""
    server = Server(folder)

    def client(port: int) -> bytes:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as sock,
            client_context().wrap_socket(sock) as secure,
        ):
            secure.recv(1000)
            for line in (b"EHLO c", b"MAIL FROM:<>", b"RCPT TO:<ada@example.org>"):
                secure.sendall(line + b"\r\n")
                secure.recv(1000)
            secure.sendall(command.encode() + b"\r\n")
            if command == "DATA":
                secure.recv(1000)
            secure.sendall(b"From: g@example.net\r\n")
            plain = secure.unwrap()
            with contextlib.suppress(OSError):
                plain.sendall(b"Q" * 90 + b"\r\n.\r\nNOOP\r\n")
                return read_rest(plain)
            return b""

    got = serve(server, client, tls=server_context(tmp_path), implicit=True, loop=loop)
    assert b"250" not in got
    assert not server.store.messages
    assert told(server) == ["connected", "closed"]


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00\x01", b"NOOP\r\n" * 200])
def test_a_handshake_that_comes_to_nothing_ends(
    tmp_path: Path, folder: Path, loop: str, said: bytes, *, implicit: bool
) -> None:
    server = Server(folder, replace(RULES, handshake_timeout=0.2))

    def client(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), 5) as sock:
            if not implicit:
                sock.recv(1000)
                sock.sendall(b"EHLO c.example\r\n")
                sock.recv(1000)
                sock.sendall(b"STARTTLS\r\n")
                assert sock.recv(1000).startswith(b"220")
            sock.sendall(said)
            with contextlib.suppress(ConnectionResetError):
                while sock.recv(1000):
                    pass

    serve(server, client, tls=server_context(tmp_path), implicit=implicit, loop=loop)
    assert told(server) == ["connected", "refused", "closed"]
    clear = implicit and not said.startswith(b"\x16")
    assert server.notes.entries[1].cause == ("tls-first" if clear else "tls-failed")


@pytest.mark.parametrize("said", [b"", b"EHLO c.example\r\n", b"GET / HTTP/1.1\r\n\r\n"])
def test_who_speaks_in_clear_where_tls_comes_first_reads_what_to_do(
    tmp_path: Path, folder: Path, loop: str, said: bytes
) -> None:
    server = Server(folder, replace(RULES, handshake_timeout=0.2))

    def client(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), 5) as sock:
            sock.sendall(said)
            return read_rest(sock)

    got = serve(server, client, tls=server_context(tmp_path), implicit=True, loop=loop)
    assert got == (
        b"554 5.7.10 mx.example.org speaks TLS from the first octet on this port; "
        b"choose TLS (not STARTTLS) in your program\r\n"
    )
    assert told(server) == ["connected", "refused", "closed"]


@pytest.mark.parametrize("implicit", [False, True])
def test_a_handshake_octet_by_octet_earns_no_time(
    tmp_path: Path, folder: Path, loop: str, *, implicit: bool
) -> None:
    server = Server(folder, replace(RULES, handshake_timeout=0.3))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client_context().wrap_bio(incoming, outgoing).do_handshake()
    hello = outgoing.read()

    def client(port: int) -> int:
        with socket.create_connection(("127.0.0.1", port), 5) as sock:
            if not implicit:
                sock.recv(1000)
                sock.sendall(b"EHLO c.example\r\n")
                sock.recv(1000)
                sock.sendall(b"STARTTLS\r\n")
                assert sock.recv(1000).startswith(b"220")
            sock.settimeout(0.02)
            for sent, octet in enumerate(hello):
                try:
                    sock.sendall(bytes([octet]))
                    if not sock.recv(1):
                        return sent
                except TimeoutError:
                    pass
                except ConnectionError:
                    return sent
            return len(hello)

    sent = serve(server, client, tls=server_context(tmp_path), implicit=implicit, loop=loop)
    assert sent < len(hello)
    assert server.notes.entries[1].facts["problem"] == "the handshake took too long"


def test_handshakes_count_among_the_connections(tmp_path: Path, folder: Path) -> None:
    server = Server(folder, replace(RULES, max_connections=1))

    def client(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), 5) as one:
            two = socket.create_connection(("127.0.0.1", port), 5)
            with two, contextlib.suppress(ConnectionResetError):
                assert two.recv(100) == b""
            one.sendall(b"\x16")

    serve(server, client, tls=server_context(tmp_path), implicit=True)


def test_a_certificate_can_be_renewed_while_it_is_in_use(tmp_path: Path, folder: Path) -> None:
    tls = server_context(tmp_path)
    newer = certificate("mx.example.org").write(tmp_path, "newer")

    def serial(port: int) -> bytes | None:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            smtp.starttls(context=client_context())
            assert isinstance(smtp.sock, ssl.SSLSocket)
            return smtp.sock.getpeercert(binary_form=True)

    def client(port: int) -> tuple[bytes | None, bytes | None]:
        before = serial(port)
        renew(tls, *newer)
        return before, serial(port)

    before, after = serve(Server(folder), client, tls=tls)
    assert before != after
    assert after == ssl.PEM_cert_to_DER_cert(newer[0].read_text())


def test_a_certificate_that_cannot_be_used_says_why_and_changes_nothing(tmp_path: Path) -> None:
    chain, key = certificate("mx.example.org").write(tmp_path)
    _, other = certificate("mx.example.org").write(tmp_path, "other")
    live = context(chain, key)
    with pytest.raises(CertificateError, match=r"server\.pem and .*other\.key cannot be used"):
        renew(live, chain, other)
    with pytest.raises(CertificateError, match=r"none\.key cannot be read: No such file"):
        renew(live, chain, tmp_path / "none.key")
    with pytest.raises(CertificateError, match=r"none\.pem cannot be read: No such file"):
        context(tmp_path / "none.pem", key)


def test_the_journal_tells_why_a_certificate_of_a_client_is_not_believed(
    tmp_path: Path, folder: Path
) -> None:
    (tmp_path / "ca.pem").write_bytes(authority("Members").certificate)
    tls = context(*certificate("mx.example.org").write(tmp_path), tmp_path / "ca.pem")
    card = certificate("ada@example.org").write(tmp_path, "card")
    server = Server(folder)

    def client(port: int) -> None:
        showing = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        showing.check_hostname = False
        showing.verify_mode = ssl.CERT_NONE
        showing.load_cert_chain(*card)
        with smtplib.SMTP_SSL("127.0.0.1", port, context=showing) as smtp:
            assert smtp.noop()[0] == 250

    serve(server, client, tls=tls, implicit=True)
    assert server.notes.entries[-1].facts["doubt"] == "depth zero self signed cert"
