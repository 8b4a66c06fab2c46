"""TLS with `openssl s_client`: what docs/tls.md says is what it meets, and sessions come back."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import free_port
from tests.interop.postfix import program
from tests.server.test_tls_offer import rows

from ulak.lab.certificate import certificate

LOCAL = '[domains."example.org"]\nmailboxes = ["ada", "grace"]\n'

GROUPS = [(g, said) for g, said in rows("Groups of the key exchange") if g != "X25519MLKEM768"]


@pytest.fixture(params=["starttls", "implicit"])
def listening(
    request: pytest.FixtureRequest, served: Callable[..., Any], tmp_path: Path
) -> list[str]:
    """Give the arguments of `s_client` that lead to a server."""
    certificate_of, key = certificate("mx.example.org").write(tmp_path)
    files = f'certificate = "{certificate_of}", key = "{key}"'
    port = free_port()
    server = served(
        LOCAL,
        tls=f"tls = {{ {files} }}\n"
        f'[[listener]]\naddress = "127.0.0.1:{port}"\n'
        f'tls = {{ mode = "implicit", {files} }}',
    )
    server.start()
    if request.param == "implicit":
        return ["-connect", f"127.0.0.1:{port}"]
    return ["-connect", f"127.0.0.1:{server.port}", "-starttls", "smtp"]


def talk(listening: list[str], *options: str, say: str = "QUIT\r\n") -> str:
    """Give all that `s_client` tells of one connection."""
    command = [program("openssl", "openssl"), "s_client", *listening, *options, "-ign_eof"]
    done = subprocess.run(
        command, input=say, capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout + done.stderr


def test_mail_is_spoken_behind_the_handshake(listening: list[str]) -> None:
    said = talk(listening, say="EHLO client.example.net\r\nQUIT\r\n")
    assert "250-mx.example.org greets client.example.net" in said
    assert "221 2.0.0 mx.example.org closing the connection, goodbye" in said
    assert "Compression: NONE" in said


@pytest.mark.parametrize("version", ["tls1", "tls1_1", "tls1_2", "tls1_3"])
def test_a_version_is_spoken_or_refused(listening: list[str], version: str) -> None:
    said = talk(listening, f"-{version}", "-cipher", "ALL:@SECLEVEL=0")
    if version in ("tls1_2", "tls1_3"):
        assert f"Protocol  : TLSv1.{version[-1]}" in said or f", TLSv1.{version[-1]}," in said
        assert "221 2.0.0" in said
    else:
        assert "alert protocol version" in said
        assert "221 2.0.0" not in said


@pytest.mark.parametrize(("group", "said"), GROUPS)
def test_a_group_is_taken(listening: list[str], group: str, said: str) -> None:
    name = {"x25519": "X25519", "x448": "X448"}.get(group, group)
    options = ["-groups", name] + (["-tls1_3"] if "TLSv1.3" in said else [])
    assert "221 2.0.0" in talk(listening, *options)


@pytest.mark.parametrize("version", ["tls1_2", "tls1_3"])
def test_a_session_comes_back_with_its_ticket(
    listening: list[str], version: str, tmp_path: Path
) -> None:
    kept = str(tmp_path / "session.pem")
    first = talk(listening, f"-{version}", "-sess_out", kept, say="NOOP\r\nQUIT\r\n")
    assert re.search(r"^New, TLSv1\.", first, re.MULTILINE), first
    second = talk(listening, f"-{version}", "-sess_in", kept)
    assert re.search(r"^Reused, TLSv1\.", second, re.MULTILINE), second
    assert "221 2.0.0" in second
    assert "Early data was not sent" in second or version == "tls1_2"


def test_a_client_that_comes_for_the_web_is_sent_away(listening: list[str]) -> None:
    assert "alert no application protocol" in talk(listening, "-alpn", "h2,http/1.1")
    said = talk(listening, "-alpn", "http/1.1,smtp")
    assert "ALPN protocol: smtp" in said
    assert "221 2.0.0" in said
