"""One's own users log in and send, as themselves, as much as they may, and nobody else does."""

from __future__ import annotations

import contextlib
import json
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import free_port

from ulak.lab.certificate import certificate

SECRET = "correct horse battery"
MESSAGE = b"Subject: hello\r\nBcc: hidden@example.net\r\nTo: far@example.net\r\n\r\nhello\r\n"


def trusting() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


class Proxied(smtplib.SMTP):
    """A client of which a proxy tells that it comes from `ip`."""

    def __init__(self, port: int, ip: str) -> None:
        self.ip = ip
        super().__init__("127.0.0.1", port, "client.example.net", timeout=30)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = socket.create_connection((host, port), timeout)
        sock.sendall(f"PROXY TCP4 {self.ip} 127.0.0.1 40000 25\r\n".encode())
        return sock


class Post:
    """A server of two workers where one submits by STARTTLS, implicit TLS, and through a proxy."""

    def __init__(self, served: Callable[..., Any], sink: Any, folder: Path, more: str = "") -> None:
        chain, key = certificate("mx.example.org").write(folder)
        self.ports = {name: free_port() for name in ("starttls", "implicit", "proxied")}
        self.sink = sink
        listeners = "".join(
            f'[[listener]]\naddress = "127.0.0.1:{port}"\nkind = "submission"\n'
            f"proxy = {json.dumps(['127.0.0.1/32'] if name == 'proxied' else [])}\n"
            f'tls = {{ mode = "{"implicit" if name == "implicit" else "starttls"}",'
            f' certificate = "{chain}", key = "{key}" }}\n'
            for name, port in self.ports.items()
        )
        self.server = served(
            f'{listeners}[domains."example.org"]\nmailboxes = ["ada", "grace"]\n'
            f'[route]\n"*" = "smtp:127.0.0.1:{sink.port}"\n[login]\nban_after = 3\n{more}',
            workers=2,
            tls=f'tls = {{ mode = "starttls", certificate = "{chain}", key = "{key}" }}',
        )
        self.server.start()
        self.config = str(self.server.config)

    def account(self, *words: str, given: str = SECRET + "\n") -> str:
        done = subprocess.run(
            [sys.executable, "-m", "ulak", "account", *words, "--lang=en", "--config", self.config],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextlib.contextmanager
    def client(self, name: str, ip: str = "") -> Iterator[smtplib.SMTP]:
        """Connect, under TLS, to one of the listeners; `mx` is the other one."""
        port = self.ports.get(name, self.server.port)
        smtp: smtplib.SMTP
        if name == "implicit":
            smtp = smtplib.SMTP_SSL("127.0.0.1", port, "c.example.net", context=trusting())
        else:
            smtp = Proxied(port, ip) if ip else smtplib.SMTP("127.0.0.1", port, "c.example.net")
            smtp.starttls(context=trusting())
        with smtp:
            smtp.ehlo()
            yield smtp

    def sent(self, count: int) -> list[bytes]:
        """Wait for so many messages at the next server."""
        end = time.monotonic() + 60
        while len(self.sink.messages) < count:
            assert time.monotonic() < end, self.server.log()
            time.sleep(0.05)
        return [taken.body for taken in self.sink.messages]


@pytest.fixture
def post(served: Callable[..., Any], sink: Callable[..., Any], tmp_path: Path) -> Post:
    return Post(served, sink(), tmp_path)


@pytest.mark.parametrize("name", ["starttls", "implicit", "mx"])
def test_an_account_logs_in_and_its_message_goes_out_in_order(post: Post, name: str) -> None:
    post.account("add", "ada@example.org")
    with post.client(name) as smtp:
        assert "PLAIN" in smtp.esmtp_features["auth"]
        smtp.login("Ada@example.org", SECRET)
        smtp.sendmail("ada@example.org", ["far@example.net"], MESSAGE)
    (message,) = post.sent(1)
    header = message.partition(b"\r\n\r\n")[0] + b"\r\n"
    assert b"\r\nFrom: ada@example.org\r\n" in header
    assert b"\r\nDate: " in header
    assert b"\r\nMessage-ID: <" in header
    assert b"bcc" not in header.lower()
    assert b"with ESMTPSA id" in header


def test_nobody_sends_without_a_login_and_no_password_goes_in_the_clear(post: Post) -> None:
    with smtplib.SMTP("127.0.0.1", post.ports["starttls"], "c.example.net") as smtp:
        smtp.ehlo()
        assert "auth" not in smtp.esmtp_features
        assert smtp.mail("ada@example.org")[0] == 530
        assert smtp.docmd("AUTH PLAIN", "AGFkYQBhZGE=")[0] in (530, 538)
    with post.client("mx") as smtp:
        assert "auth" not in smtp.esmtp_features, "there is no account yet"
    post.account("add", "ada@example.org")
    with post.client("mx") as smtp:
        assert "auth" in smtp.esmtp_features
        assert smtp.mail("stranger@example.net")[0] == 250
        assert smtp.rcpt("ada@example.org")[0] == 250
        assert smtp.rcpt("far@example.net")[0] == 550


def test_an_account_sends_only_as_itself(post: Post) -> None:
    post.account("add", "ada@example.org", "--send-as", "info@example.org")
    with post.client("starttls") as smtp:
        smtp.login("ada@example.org", SECRET)
        code, said = smtp.mail("grace@example.org")
        assert (code, said[:5]) == (550, b"5.7.1")
        with pytest.raises(smtplib.SMTPDataError) as refused:
            smtp.sendmail("ada@example.org", ["far@example.net"], b"From: x@example.net\r\n\r\nx")
        assert b"may not send as this address, but as ada@example.org, info@" in (
            refused.value.smtp_error
        )
        smtp.sendmail("info@example.org", ["far@example.net"], b"From: info@example.org\r\n\r\nx")
    post.sent(1)


def test_changes_of_accounts_are_in_force_at_the_next_login(post: Post) -> None:
    post.account("add", "ada@example.org")
    for words, given, secret, code in (
        (("password", "ada@example.org"), "another horse\n", SECRET, 535),
        (("disable", "ada@example.org"), "", "another horse", 535),
        (("enable", "ada@example.org"), "", "another horse", 235),
        (("remove", "ada@example.org"), "", "another horse", 535),
    ):
        post.account(*words, given=given)
        with post.client("implicit") as smtp:
            if code == 235:
                assert smtp.login("ada@example.org", secret)[0] == code
            else:
                with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
                    smtp.login("ada@example.org", secret)
                assert refused.value.smtp_code == code


def test_what_an_account_sends_is_counted_over_all_workers(post: Post) -> None:
    post.account("add", "ada@example.org", "--messages-per-hour", "3")
    codes = []
    for _ in range(5):  # each connection may come to either worker
        with post.client("starttls") as smtp:
            smtp.login("ada@example.org", SECRET)
            codes.append(smtp.mail("ada@example.org")[0])
            if codes[-1] == 250:
                smtp.rcpt("far@example.net")
                smtp.data(MESSAGE)
    assert codes == [250, 250, 250, 450, 450]


@pytest.mark.slow
def test_a_large_message_is_put_in_order_on_its_way_into_a_file(post: Post) -> None:
    post.account("add", "ada@example.org")
    body = b"x" * 70 + b"\r\n"
    with post.client("starttls") as smtp:
        smtp.login("ada@example.org", SECRET)
        smtp.sendmail("ada@example.org", ["far@example.net"], MESSAGE + body * 40_000)
        forged = b"From: x@example.net\r\n\r\n" + body * 40_000
        with pytest.raises(smtplib.SMTPDataError) as refused:
            smtp.sendmail("ada@example.org", ["far@example.net"], forged)
        assert refused.value.smtp_code == 550
    (message,) = post.sent(1)
    header, _, rest = message.partition(b"\r\n\r\n")
    assert b"bcc" not in header.lower()
    assert b"\r\nFrom: ada@example.org" in header
    assert rest == b"hello\r\n" + body * 40_000
    assert not list((post.server.data / "queue").glob("*/incoming/*"))


@pytest.mark.slow
def test_who_guesses_is_shut_out_by_all_workers_and_over_a_restart(post: Post) -> None:
    post.account("add", "ada@example.org")

    def log_in(ip: str, secret: str) -> int:
        with post.client("proxied", ip) as smtp:
            try:
                return smtp.login("ada@example.org", secret)[0]
            except smtplib.SMTPAuthenticationError as error:
                return error.smtp_code
            except smtplib.SMTPServerDisconnected:
                return 421

    assert log_in("198.51.100.1", SECRET) == 235
    # smtplib tries LOGIN after PLAIN, half a failure more: the second time it is shut out between.
    assert [log_in("192.0.2.7", f"wrong horse {n}") for n in range(3)] == [535, 421, 421]
    assert {log_in("192.0.2.7", SECRET) for _ in range(4)} == {421}
    assert log_in("198.51.100.1", SECRET) == 235
    assert post.server.stop() == 0
    post.server.start()
    assert log_in("192.0.2.7", SECRET) == 421
    bans = json.loads(post.account("bans", "--json"))["bans"]
    assert "192.0.2.7" in [ban.get("address") for ban in bans]
    assert "2 bans were lifted." in post.account("unban", "192.0.2.7")
    assert log_in("192.0.2.7", SECRET) == 235
    assert '"shut-out"' in (post.server.folder / "log").read_text()


def test_a_listener_without_a_certificate_gets_one_and_keeps_it(
    served: Callable[..., Any],
) -> None:
    server = served(tls='tls = { mode = "starttls" }')
    seen = set()
    for _ in range(2):
        server.start()
        with smtplib.SMTP("127.0.0.1", server.port, "c.example.net") as smtp:
            smtp.starttls(context=trusting())
            assert smtp.sock is not None
            assert isinstance(smtp.sock, ssl.SSLSocket)
            seen.add(smtp.sock.getpeercert(binary_form=True))
        assert server.stop() == 0
    assert len(seen) == 1
    assert (server.data / "certificate.key").stat().st_mode & 0o777 == 0o600


def test_without_an_account_the_server_says_how_to_make_one(served: Callable[..., Any]) -> None:
    server = served(f'[[listener]]\naddress = "127.0.0.1:{free_port()}"\nkind = "submission"\n')
    server.start()
    end = time.monotonic() + 60
    while "`ulak account add` makes an account" not in server.log():
        assert time.monotonic() < end, server.log()
        time.sleep(0.05)
