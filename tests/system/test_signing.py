"""What accounts hand in to a running server arrives with signatures that others verify."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dkim as dkimpy  # type: ignore[import-untyped] # it has no types
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.conftest import free_port

from ulak.checks.dkim import Key, Result, Signer, verify
from ulak.dns.zone import Zone
from ulak.keys.folder import KeyFolder
from ulak.keys.key import DkimKey
from ulak.lab.certificate import certificate

from .client import Client
from .test_submission import SECRET, trusting

BOTH = {("example.org", "s1-rsa"), ("example.org", "s1-ed25519")}
HEADER = "From: ada@example.org\r\nTo: far@example.net\r\nBcc: x@example.net\r\nSubject: {}\r\n\r\n"
_SECONDS = 30


class Post:
    """A server of two workers where ada may log in, in front of a sink, with keys that sign."""

    def __init__(self, served: Callable[..., Any], sink: Any, folder: Path) -> None:
        chain, key = certificate("mx.example.org").write(folder)
        self.port, self.sink = free_port(), sink
        self.server = served(
            f'[[listener]]\naddress = "127.0.0.1:{self.port}"\nkind = "submission"\n'
            f'tls = {{ mode = "implicit", certificate = "{chain}", key = "{key}" }}\n'
            '[domains."example.org"]\nmailboxes = ["ada"]\n'
            'aliases = { list = ["far@example.net"] }\n'
            '[domains."bücher.example"]\nmailboxes = ["ada"]\n'
            f'[route]\n"*" = "smtp:127.0.0.1:{sink.port}"\n'
            '"nowhere.example" = "smtp:127.0.0.1:1"\n'
            "[queue]\nlarge_message = 100000\n",
            workers=2,
        )
        self.server.start()
        self.keys = KeyFolder(self.server.data / "dkim")
        self.ulak("account", "add", "ada@example.org", "--send-as", "ada@bücher.example")
        self.ulak("dkim", "keygen", "example.org", "--selector", "s1")
        for selector in ("s1-rsa", "s1-ed25519"):
            self.ulak("dkim", "activate", "example.org", selector, "--force")

    def ulak(self, *words: str) -> str:
        done = self.server.ulak(*words, "--lang", "en", given=SECRET + "\n")
        assert done.returncode == 0, done.stderr
        out: str = done.stdout
        return out

    @contextlib.contextmanager
    def ada(self) -> Iterator[Client]:
        with Client(self.port, trusting=trusting()) as client:
            client.hear()
            client.say("EHLO client.example")
            login = base64.b64encode(f"\0ada@example.org\0{SECRET}".encode()).decode()
            assert client.say(f"AUTH PLAIN {login}").startswith("235")
            yield client

    def hand_in(self, message: bytes, sender: str = "ada@example.org", wishes: str = "") -> str:
        """Hand in a message of ada; give its id."""
        with self.ada() as client:
            assert client.say(f"MAIL FROM:<{sender}>{wishes}").startswith("250")
            assert client.say("RCPT TO:<far@example.net>").startswith("250")
            assert client.say("DATA").startswith("354")
            client.write(message + b"\r\n.\r\n")
            said = client.hear()
        assert said.startswith("250"), said
        return said.split(" ")[3]

    def arrived(self, count: int) -> bytes:
        """Wait for so many messages; give the last."""
        end = time.monotonic() + _SECONDS
        while len(self.sink.messages) < count:
            assert time.monotonic() < end, self.server.log()
            time.sleep(0.02)
        body: bytes = self.sink.messages[count - 1].body
        return body

    def verified(self, message: bytes, *more: DkimKey) -> set[tuple[str, str]]:
        """Give domain and selector of each signature; we and another program verify them."""
        records = {key.name: key.record for key in (*self.keys.every()[0], *more)}
        zone = Zone({(name, "TXT"): [record] for name, record in records.items()})
        found = asyncio.run(verify(zone, message, now=time.time()))
        assert all(each.result is Result.PASS for each in found), found

        def ask(name: bytes, timeout: float = 5) -> bytes:
            del timeout
            return records[name.decode().removesuffix(".")].encode()

        for number in range(len(found)):
            assert dkimpy.DKIM(message).verify(number, dnsfunc=ask)
        return {(each.domain, each.selector) for each in found}


@pytest.fixture
def post(served: Callable[..., Any], sink: Callable[..., Any], tmp_path: Path) -> Post:
    return Post(served, sink(), tmp_path)


def test_mail_of_an_account_arrives_with_two_valid_signatures(post: Post) -> None:
    message = (HEADER.format("hello") + "hello\r\n").encode()
    identifier = post.hand_in(message)
    assert post.verified(post.arrived(1)) == BOTH
    told = " ".join(post.ulak("why", identifier).split())
    assert "It was signed with DKIM; domain and selectors: example.org (s1-ed25519," in told

    line = "x" * 70 + "\r\n"
    post.hand_in((HEADER.format("large") + line * 70_000).encode())  # 5 MB
    large = post.arrived(2)
    assert len(large) > 5_000_000
    assert post.verified(large) == BOTH

    eight = HEADER.format("eight") + "günaydın, ışık\r\n" * 3
    post.hand_in(eight.encode(), wishes=" BODY=8BITMIME")
    assert post.verified(post.arrived(3)) == BOTH


def test_mail_beyond_ascii_is_signed_for_the_a_label(post: Post) -> None:
    post.ulak("dkim", "keygen", "bücher.example", "--selector", "s9", "--algorithm", "rsa")
    post.ulak("dkim", "activate", "bücher.example", "s9", "--force")
    message = HEADER.format("Günaydın").replace("ada@example.org", "ada@bücher.example")
    assert "bücher" in message
    post.hand_in((message + "ışık\r\n").encode(), "ada@bücher.example", " SMTPUTF8 BODY=8BITMIME")
    assert post.verified(post.arrived(1)) == {("xn--bcher-kva.example", "s9")}


def test_a_running_server_takes_new_keys_and_lets_go_of_old_ones(post: Post) -> None:
    message = (HEADER.format("hello") + "hello\r\n").encode()

    def signed_by(wanted: set[tuple[str, str]], *more: DkimKey) -> None:
        """A worker has been told, and looks at its leisure."""
        end = time.monotonic() + _SECONDS
        while True:
            post.hand_in(message)
            count = len(post.sink.messages)
            if post.verified(post.arrived(max(count, 1)), *more) == wanted:
                return
            assert time.monotonic() < end
            time.sleep(0.1)

    signed_by(BOTH)
    post.ulak("dkim", "keygen", "example.org", "--selector", "s2", "--algorithm", "ed25519")
    post.ulak("dkim", "activate", "example.org", "s2", "--force")
    signed_by(BOTH | {("example.org", "s2")})
    for _, selector in BOTH:
        post.ulak("dkim", "retire", "example.org", selector)
    signed_by({("example.org", "s2")})
    key = post.keys.read("example.org", "s2")
    (post.keys.path / "example.org/s2.pem").chmod(0o644)
    signed_by({("example.org", "s2")}, key)  # it is in memory


def test_strangers_mail_that_is_passed_on_stays_as_it_was_signed(post: Post) -> None:
    private = Ed25519PrivateKey.generate()
    message = b"From: bob@foreign.example\r\nTo: list@example.org\r\n\r\nhello \r\n\r\n"
    header, _, body = message.partition(b"\r\n\r\n")
    signer = Signer([Key("foreign.example", "f", private)])
    message = signer.sign(header + b"\r\n", body, time.time()) + message
    with Client(post.server.port) as client:
        client.hear()
        client.say("EHLO client.example")
        client.say("MAIL FROM:<bob@foreign.example>")
        assert client.say("RCPT TO:<list@example.org>").startswith("250")
        client.say("DATA")
        client.write(message + b".\r\n")
        assert client.hear().startswith("250")
    found = post.verified(post.arrived(1), DkimKey("foreign.example", "f", private))
    assert found == {("foreign.example", "f")}


def test_a_report_is_signed_with_the_key_of_the_domain_above(post: Post) -> None:
    with post.ada() as client:
        client.say("MAIL FROM:<ada@example.org>")
        assert client.say("RCPT TO:<bob@nowhere.example>").startswith("250")
        client.say("DATA")
        client.write((HEADER.format("lost") + "hello\r\n.\r\n").encode())
        assert client.hear().startswith("250")
    end = time.monotonic() + _SECONDS
    while "bounce" not in (said := post.server.ulak("queue", "bounce", "--all", "--lang=en")).args:
        assert time.monotonic() < end
    assert said.returncode == 0, said.stderr
    folder = post.server.data / "mail/example.org/ada/new"
    while not (files := list(folder.glob("*")) if folder.exists() else []):
        assert time.monotonic() < end, post.server.log()
        time.sleep(0.05)
    report = files[0].read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert b"\r\nFrom: " in report
    assert b"postmaster@mx.example.org" in report
    assert post.verified(report) == BOTH


def test_a_server_that_starts_with_a_key_for_all_to_read_signs_nothing_with_it(
    post: Post,
) -> None:
    assert post.server.process is not None
    post.server.process.terminate()
    post.server.process.wait(30)
    for path in (post.keys.path / "example.org").glob("*.pem"):
        path.chmod(0o644)
    post.server.start()
    with post.ada() as client:
        client.say("MAIL FROM:<ada@example.org>")
        client.say("RCPT TO:<far@example.net>")
        client.say("DATA")
        client.write((HEADER.format("hello") + "hello\r\n.\r\n").encode())
        said = client.hear()
    assert said.startswith("451 4.7.5 The message could not be signed"), said
    log = post.server.log()
    assert "dkim-key-refused" in log
    assert "PRIVATE" not in log
    told = post.ulak("why", said.rsplit(" ", 1)[-1].rstrip(")"))
    assert "others may read it" in told
