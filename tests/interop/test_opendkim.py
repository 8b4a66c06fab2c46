"""OpenDKIM verifies what we sign, and we verify what it signs with a key file of ours."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from ulak.checks.dkim import Result, verify
from ulak.dns.zone import Zone
from ulak.keys.folder import KeyFolder
from ulak.keys.key import Algorithm, Stage
from ulak.keys.ring import KeyRing
from ulak.keys.signatory import Signatory

OPENDKIM = shutil.which("opendkim", path="/usr/sbin:/usr/bin")
pytestmark = pytest.mark.skipif(OPENDKIM is None, reason="OpenDKIM is not installed")

HEADER = (
    b"From: Ada <ada@example.org>\r\nTo: far@example.net\r\nSubject: hello\r\n again \r\n"
    b"Date: Fri, 27 Nov 2026 03:19:05 +0000\r\nMessage-ID: <a@example.org>\r\n"
)
BODIES = {
    "plain": b"hello \r\n\t there\r\n\r\n\r\n",
    "empty": b"",
    "eight": "günaydın, ışık\r\n".encode(),
    "large": b"a line of text, and another word\r\n" * 30_000,
}


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    made = KeyFolder(tmp_path / "dkim")
    for key in made.make("example.org", "s1", tuple(Algorithm), time.time(), exact=True):
        made.change("example.org", key.selector, Stage.SIGNING, time.time())
    return made


def ran(path: Path) -> str:
    """Let OpenDKIM look at a message, and give what it says."""
    assert OPENDKIM is not None
    line = [OPENDKIM, "-x", f"{path}/conf", "-t", f"{path}/message", "-vvv"]
    return subprocess.run(line, capture_output=True, text=True, check=True, timeout=60).stdout


def said(folder: KeyFolder, path: Path, message: bytes) -> list[tuple[str, str]]:
    """Give the result and the algorithm of each signature, as OpenDKIM finds them."""
    keys = "".join(f"{key.name} {key.record}\n" for key in folder.every()[0])
    (path / "keys").write_text(keys)
    (path / "conf").write_text(f"Mode v\nTestPublicKeys {path}/keys\nSyslog no\n")
    (path / "message").write_bytes(message)
    found = re.findall(r"dkim=(\w+).*?header\.a=([\w-]+)", ran(path), re.DOTALL)
    return sorted((algorithm, result) for result, algorithm in found)


@pytest.mark.parametrize("body", BODIES)
def test_opendkim_verifies_both_signatures(folder: KeyFolder, tmp_path: Path, body: str) -> None:
    ring = KeyRing(folder)
    ring.look()
    message = HEADER + b"\r\n" + BODIES[body]
    signed = Signatory(ring, time.time).sign(message) + message
    good = [("ed25519-sha256", "pass"), ("rsa-sha256", "pass")]
    assert said(folder, tmp_path, signed) == good
    changed = signed.replace(b"Subject: hello", b"Subject: hallo")
    assert {result for _, result in said(folder, tmp_path, changed)} == {"fail"}


@pytest.mark.parametrize("algorithm", Algorithm)
def test_opendkim_signs_with_a_key_file_of_ours(
    folder: KeyFolder, tmp_path: Path, algorithm: Algorithm
) -> None:
    selector = f"s1-{algorithm}"
    (tmp_path / "conf").write_text(
        f"Mode s\nDomain example.org\nSelector {selector}\nSyslog no\n"
        f"KeyFile {folder.path}/example.org/{selector}.pem\nRequireSafeKeys no\n"
        f"SignatureAlgorithm {algorithm}-sha256\nCanonicalization relaxed/simple\n"
    )
    message = HEADER + b"\r\n" + BODIES["plain"]
    (tmp_path / "message").write_bytes(message)
    field = re.search(r"hname='DKIM-Signature' hvalue='([^']*)'", ran(tmp_path))
    assert field is not None
    value = field[1].replace("\n", "\r\n").encode()
    zone = Zone({(each.name, "TXT"): [each.record] for each in folder.every()[0]})
    signed = b"DKIM-Signature: " + value + b"\r\n" + message
    (found,) = asyncio.run(verify(zone, signed, now=time.time()))
    assert (found.result, found.selector) == (Result.PASS, selector), found
