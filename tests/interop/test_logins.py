"""Logins by the software that people use: swaks, msmtp, curl, gsasl, openssl, smtplib, scramp.

The server is a whole one, with an account, an issuer of tokens and an authority for certificates.
"""

from __future__ import annotations

import base64
import json
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from scramp import ScramClient  # type: ignore[import-untyped] # it has no types
from tests.interop.postfix import program, run

from ulak.lab.certificate import authority, certificate

ADA, PASSWORD = "ada@example.org", "correct horse"
FROM_TO = ("--from", ADA, "--to", ADA)


@dataclass
class Door:
    """A server at whose `port` one can log in, and what a client may bring to it."""

    served: Any
    port: int
    token: str
    certificate: Path
    key: Path

    @property
    def mailbox(self) -> Path:
        folder: Path = self.served.data / "mail" / "example.org" / "ada" / "new"
        return folder

    def arrived(self) -> bytes:
        """Give the one message that has arrived."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            found = list(self.mailbox.glob("*"))
            if found:
                assert len(found) == 1
                return found[0].read_bytes()
            time.sleep(0.05)
        pytest.fail(f"nothing arrived:\n{self.served.log()}")


@pytest.fixture
def door(served: Callable[..., Any], tmp_path: Path) -> Iterator[Door]:
    members = authority("Members")
    (tmp_path / "members.pem").write_bytes(members.certificate)
    cert, key = certificate("mx.example.org", "127.0.0.1").write(tmp_path)
    issuer = rsa.generate_private_key(65537, 2048)
    (tmp_path / "jwks.json").write_text(RSAAlgorithm.to_jwk(issuer.public_key()))
    claims = {"iss": "https://id.example", "aud": "ulak", "exp": time.time() + 300, "email": ADA}
    token = jwt.encode(claims, issuer, "RS256")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    server = served(
        f'[[listener]]\naddress = "127.0.0.1:{port}"\nkind = "submission"\n'
        f'tls = {{ certificate = "{cert}", key = "{key}", clients = "{tmp_path}/members.pem" }}\n'
        f'[[login.issuer]]\nissuer = "https://id.example"\naudience = ["ulak"]\n'
        f'keys = "{tmp_path}/jwks.json"\n'
        f'[domains."example.org"]\nmailboxes = ["ada"]\n'
    )
    server.start()
    added = run(
        *(sys.executable, "-m", "ulak", "account", "add", ADA, "--config", str(server.config)),
        given=f"{PASSWORD}\n",
    )
    assert added.returncode == 0, added.stderr
    card = certificate(ADA, issuer=members).write(tmp_path, "card")
    yield Door(server, port, token, *card)
    assert server.stop() == 0
    told = server.log() + "".join(
        file.read_bytes().decode("latin-1") for file in server.data.glob("journal/**/*.db*")
    )
    secret = base64.b64encode(f"\0{ADA}\0{PASSWORD}".encode()).decode()
    assert not [word for word in (PASSWORD, secret, token[-40:]) if word in told]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks_logs_in(door: Door, mechanism: str) -> None:
    swaks = program("swaks", "swaks")
    sent = run(
        *(swaks, "--server", "127.0.0.1", "--port", str(door.port), "--tls", *FROM_TO),
        *("--auth", mechanism, "--auth-user", ADA, "--auth-password", PASSWORD),
    )
    assert sent.returncode == 0, sent.stdout + sent.stderr
    assert b"with ESMTPSA" in door.arrived()


def test_swaks_is_told_that_an_old_way_is_not_offered(door: Door) -> None:
    swaks = program("swaks", "swaks")
    sent = run(
        *(swaks, "--server", "127.0.0.1", "--port", str(door.port), "--tls", *FROM_TO),
        *("--auth", "CRAM-MD5", "--auth-user", ADA, "--auth-password", PASSWORD),
    )
    assert sent.returncode == 28, sent.stdout + sent.stderr


def test_swaks_with_a_wrong_password_hears_535(door: Door) -> None:
    swaks = program("swaks", "swaks")
    sent = run(
        *(swaks, "--server", "127.0.0.1", "--port", str(door.port), "--tls", *FROM_TO),
        *("--auth", "PLAIN", "--auth-user", ADA, "--auth-password", "wrong"),
    )
    assert sent.returncode == 28
    assert "535 5.7.8 The user name or the password is wrong" in sent.stdout


def test_swaks_cannot_log_in_without_tls(door: Door) -> None:
    swaks = program("swaks", "swaks")
    sent = run(
        *(swaks, "--server", "127.0.0.1", "--port", str(door.port), *FROM_TO),
        *("--auth", "PLAIN", "--auth-user", ADA, "--auth-password", PASSWORD),
    )
    assert sent.returncode == 28
    assert "AUTH PLAIN" not in sent.stdout


@pytest.mark.parametrize(
    "method", ["plain", "login", "scram-sha-256", "oauthbearer", "xoauth2", "external"]
)
def test_msmtp_logs_in(door: Door, method: str, tmp_path: Path) -> None:
    msmtp = program("msmtp", "msmtp")
    secret = door.token if method in ("oauthbearer", "xoauth2") else PASSWORD
    (tmp_path / "secret").write_text(secret)
    card = (f"--tls-cert-file={door.certificate}", f"--tls-key-file={door.key}")
    sent = run(
        *(msmtp, "--host=127.0.0.1", f"--port={door.port}", "--tls=on", "--tls-certcheck=off"),
        *(f"--auth={method}", f"--user={ADA}", f"--passwordeval=cat {tmp_path}/secret"),
        *(card if method == "external" else ()),
        *(f"--from={ADA}", ADA),
        given="Subject: x\n\nhello\n",
    )
    assert sent.returncode == 0, sent.stderr
    assert b"with ESMTPSA" in door.arrived()


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"])
def test_curl_logs_in(door: Door, mechanism: str, tmp_path: Path) -> None:
    curl = program("curl", "curl")
    (tmp_path / "message").write_bytes(b"Subject: x\r\n\r\nhello\r\n")
    bearer = ("-u", f"{ADA}:", "--oauth2-bearer", door.token)
    sent = run(
        *(curl, "-sS", "--ssl-reqd", "-k", f"smtp://127.0.0.1:{door.port}"),
        *("--login-options", f"AUTH={mechanism}", "--mail-from", ADA, "--mail-rcpt", ADA),
        *(bearer if "OAUTH" in mechanism else ("-u", f"{ADA}:{PASSWORD}")),
        *("-T", str(tmp_path / "message")),
    )
    assert sent.returncode == 0, sent.stderr
    assert b"with ESMTPSA" in door.arrived()


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"])
def test_gsasl_logs_in_bound_to_the_connection_or_not(door: Door, mechanism: str) -> None:
    gsasl = program("gsasl", "gsasl")
    done = run(
        *(gsasl, "--smtp", f"--connect=127.0.0.1:{door.port}", "-m", mechanism, "--x509-ca-file="),
        *("-a", ADA, "-p", PASSWORD, *(() if mechanism.endswith("PLUS") else ("--no-cb",))),
    )
    assert "235 2.7.0" in done.stdout + done.stderr
    assert "server trusted" in done.stdout + done.stderr


def test_gsasl_with_a_wrong_password_stays_outside(door: Door) -> None:
    gsasl = program("gsasl", "gsasl")
    done = run(
        *(gsasl, "--smtp", f"--connect=127.0.0.1:{door.port}", "-m", "SCRAM-SHA-256-PLUS"),
        *("--x509-ca-file=", "-a", ADA, "-p", "wrong"),
    )
    assert "535 5.7.8" in done.stdout + done.stderr


def test_openssl_logs_in_by_hand(door: Door) -> None:
    openssl = program("openssl", "openssl")
    with subprocess.Popen(
        [openssl, "s_client", "-quiet", "-crlf", "-starttls", "smtp", f"127.0.0.1:{door.port}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        plain = base64.b64encode(f"\0{ADA}\0{PASSWORD}".encode())
        heard = []
        # The last line of the answer to EHLO in clear is said by s_client itself.
        for line in (b"EHLO c.example", b"AUTH PLAIN", plain, b"QUIT"):
            client.stdin.write(line + b"\n")
            client.stdin.flush()
            while True:
                heard.append(client.stdout.readline())
                if heard[-1][3:4] == b" " and not heard[-1].startswith(b"250 HELP-"):
                    break
            if line.startswith(b"EHLO") and heard[-1] != b"250 HELP\r\n":
                pytest.fail(f"{heard}")
    assert b"334 \r\n" in heard
    assert b"235 2.7.0 You are logged in\r\n" in heard


def test_smtplib_logs_in(door: Door) -> None:
    with smtplib.SMTP("127.0.0.1", door.port, timeout=30) as client:
        client.starttls()
        client.login(ADA, PASSWORD)
        client.sendmail(ADA, [ADA], "Subject: x\r\n\r\nhello\r\n")
    assert b"with ESMTPSA" in door.arrived()


@pytest.mark.parametrize("plus", ["", "-PLUS"])
def test_scramp_logs_in(door: Door, plus: str) -> None:
    with smtplib.SMTP("127.0.0.1", door.port, timeout=30) as client:
        client.starttls()
        client.ehlo()
        assert isinstance(client.sock, ssl.SSLSocket)
        binding = ("tls-server-end-point", client.sock) if plus else None
        scram = ScramClient([f"SCRAM-SHA-256{plus}"], ADA, PASSWORD, channel_binding=binding)

        def respond(challenge: bytes | None = None) -> str:
            if not challenge:
                return str(scram.get_client_first())
            if challenge.startswith(b"v="):
                scram.set_server_final(challenge.decode())
                return ""
            scram.set_server_first(challenge.decode())
            return str(scram.get_client_final())

        code, _ = client.auth(f"SCRAM-SHA-256{plus}", respond, initial_response_ok=True)
        assert code == 235


def test_the_story_of_a_login_is_told(door: Door) -> None:
    with smtplib.SMTP("127.0.0.1", door.port, timeout=30) as client:
        client.starttls()
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(ADA, "wrong", initial_response_ok=False)
        client.login(ADA, PASSWORD)
    end = time.monotonic() + 30
    while "logged-in" not in door.served.log() and time.monotonic() < end:
        time.sleep(0.05)
    lines = [json.loads(li) for li in door.served.log().split("\n") if '"logged-in"' in li]
    told = door.served.ulak("why", lines[-1]["session"], "--lang", "en")
    words = " ".join(told.stdout.split())
    assert f"127.0.0.1 wanted to log in as {ADA} by PLAIN" in words
    assert f"127.0.0.1 logged in as {ADA} by PLAIN." in words
    assert "C: (credentials)" in told.stdout
