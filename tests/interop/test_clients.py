"""Mail from and to the software that people use: swaks, msmtp, smtp-source, Postfix.

Each test starts its own server, and its own Postfix from its own directory.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ulak.lab.certificate import certificate

LOCAL = '[domains."example.org"]\nmailboxes = ["ada", "grace"]\n'


def program(name: str, package: str) -> str:
    """Find a program, or skip and name the package that lacks."""
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/bin")
    if found is None:
        pytest.skip(f"Debian's package {package} is not installed (it brings {name})")
    return found


def run(*command: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, input=given, capture_output=True, text=True, check=False, timeout=60
    )


def arrived(folder: Path, count: int = 1, seconds: float = 30) -> list[bytes]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = sorted((folder / "new").glob("*")) if folder.exists() else []
        if len(found) >= count:
            return [path.read_bytes() for path in found]
        time.sleep(0.05)
    pytest.fail(f"{folder} has not {count} messages")


@pytest.fixture
def secure(served: Callable[..., Any], tmp_path: Path) -> Any:
    """A server that offers STARTTLS; its address is filled in by `port`."""
    cert, key = certificate("mx.example.org").write(tmp_path)
    server = served(LOCAL, tls=f'tls = {{ certificate = "{cert}", key = "{key}" }}')
    server.start()
    return server


def test_swaks_delivers_over_starttls(secure: Any) -> None:
    swaks = program("swaks", "swaks")
    sent = run(
        *(swaks, "--server", "127.0.0.1", "--port", str(secure.port), "--tls"),
        *("--from", "g@example.net", "--to", "ada@example.org", "--helo", "client.example.net"),
    )
    assert sent.returncode == 0, sent.stdout + sent.stderr
    assert "<~  250" in sent.stdout
    (text,) = arrived(secure.data / "mail" / "example.org" / "ada")
    assert b"with ESMTPS" in text


def test_swaks_is_told_of_an_unknown_mailbox(secure: Any) -> None:
    swaks = program("swaks", "swaks")
    sent = run(
        *(swaks, "--server", "127.0.0.1", "--port", str(secure.port), "--pipeline"),
        *("--from", "g@example.net", "--to", "nobody@example.org"),
    )
    assert sent.returncode != 0
    assert "550 5.1.1" in sent.stdout


def test_msmtp_delivers_over_starttls(secure: Any) -> None:
    msmtp = program("msmtp", "msmtp")
    sent = run(
        *(msmtp, "--host=127.0.0.1", f"--port={secure.port}", "--tls=on", "--tls-starttls=on"),
        *("--tls-certcheck=off", "--from=g@example.net", "--auth=off", "ada@example.org"),
        given="From: g@example.net\nSubject: from msmtp\n\n.a line with a dot\n",
    )
    assert sent.returncode == 0, sent.stderr
    (text,) = arrived(secure.data / "mail" / "example.org" / "ada")
    assert b"\n.a line with a dot\n" in text.replace(b"\r\n", b"\n")


def test_smtp_source_sends_a_thousand_messages_and_all_arrive(secure: Any) -> None:
    source = program("smtp-source", "postfix")
    sent = run(
        *(source, "-s", "10", "-m", "1000", "-l", "2000", "-f", "g@example.net"),
        *("-t", "ada@example.org", f"127.0.0.1:{secure.port}"),
    )
    assert sent.returncode == 0, sent.stderr
    assert len(arrived(secure.data / "mail" / "example.org" / "ada", 1000, 60)) == 1000


class Postfix:
    """An instance of Postfix in a directory of its own that relays everything to one host."""

    def __init__(self, folder: Path, next_port: int, tls: str, more: str = "") -> None:
        program("postfix", "postfix")
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as sock:
            self.port: int = sock.getsockname()[1]
        for name in ("etc", "spool", "data"):
            (folder / name).mkdir(parents=True)
        folder.chmod(0o755)  # Postfix's own user has to get in
        shutil.chown(folder / "data", "postfix")
        cert, key = certificate("postfix.example.net").write(folder / "etc", "postfix")
        (folder / "etc" / "main.cf").write_text(
            f"""\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
myhostname = postfix.example.net
mydestination =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{next_port}
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_recipient_restrictions = permit_mynetworks, reject
smtp_tls_security_level = {tls}
smtpd_tls_security_level = may
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_tls_received_header = yes
{more}
"""
        )
        lines = ["postlog unix-dgram n - n - 1 postlogd"]
        for line in Path("/usr/share/postfix/master.cf.dist").read_text().split("\n"):
            words = line.split()
            if len(words) < 8 or line[0] in "# \t" or words[0] == "postlog":
                continue
            words[0] = f"127.0.0.1:{self.port}" if words[:2] == ["smtp", "inet"] else words[0]
            words[4] = "n"
            lines.append(" ".join(words))
        (folder / "etc" / "master.cf").write_text("\n".join(lines) + "\n")
        self.process = subprocess.Popen(
            ["/usr/sbin/postfix", "-c", str(folder / "etc"), "start-fg"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + 30
        while True:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), 2) as sock,
            ):
                if sock.recv(100).startswith(b"220"):
                    break
            assert time.monotonic() < end, self.log()
            time.sleep(0.1)

    def log(self) -> str:
        path = self.folder / "maillog"
        return path.read_text() if path.exists() else "no log"

    def stop(self) -> None:
        run("/usr/sbin/postfix", "-c", str(self.folder / "etc"), "stop")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def postfix() -> Iterator[Callable[..., Postfix]]:
    """Make instances of Postfix that end with the test."""
    if os.geteuid() != 0:
        pytest.skip("Postfix changes users: only root can start it")
    with contextlib.suppress(KeyError):
        pwd.getpwnam("postfix")
    made: list[Postfix] = []
    # Not below pytest's own folder, which is for its user alone.
    with tempfile.TemporaryDirectory(prefix="ulak-postfix-") as folder:

        def make(next_port: int, tls: str = "may", more: str = "") -> Postfix:
            Path(folder).chmod(0o755)
            made.append(Postfix(Path(folder) / str(len(made)), next_port, tls, more))
            return made[-1]

        yield make
        for one in made:
            one.stop()


def test_postfix_relays_to_us_over_tls(secure: Any, postfix: Callable[..., Postfix]) -> None:
    upstream = postfix(secure.port, "encrypt")
    with smtplib.SMTP("127.0.0.1", upstream.port) as smtp:
        smtp.sendmail(
            "g@example.net",
            ["ada@example.org", "grace@example.org"],
            "From: g@example.net\nSubject: through Postfix\n\nhello\n",
        )
    (text,) = arrived(secure.data / "mail" / "example.org" / "ada")
    arrived(secure.data / "mail" / "example.org" / "grace")
    assert re.search(rb"from postfix\.example\.net .*?with ESMTPS", text, re.DOTALL)


def test_postfix_hears_our_refusal_and_bounces_with_our_words(
    secure: Any, postfix: Callable[..., Postfix]
) -> None:
    upstream = postfix(secure.port)
    with smtplib.SMTP("127.0.0.1", upstream.port) as smtp:
        smtp.sendmail("ada@example.org", ["nobody@example.org"], "From: ada@example.org\n\nhi\n")
    (report,) = arrived(secure.data / "mail" / "example.org" / "ada")
    assert b"there is no such mailbox here" in report.replace(b"\n   ", b" ")


def test_we_relay_to_postfix_over_tls(
    served: Callable[..., Any], sink: Callable[..., Any], postfix: Callable[..., Postfix]
) -> None:
    end_of_the_line = sink()
    downstream = postfix(end_of_the_line.port)
    server = served(
        f'[relay]\nnetworks = ["127.0.0.0/8"]\n[route]\n"*" = "smtp:127.0.0.1:{downstream.port}"\n'
    )
    server.start()
    with smtplib.SMTP("127.0.0.1", server.port) as smtp:
        for number in range(20):
            smtp.sendmail(
                "g@example.net",
                ["x@example.com"],
                f"From: g@example.net\nX-Number: {number}\n\n.dots\n..more\n",
            )
    end = time.monotonic() + 30
    while len(end_of_the_line.messages) < 20:
        assert time.monotonic() < end, downstream.log()
        time.sleep(0.1)
    body = end_of_the_line.messages[0].body
    assert b"\r\n.dots\r\n..more\r\n" in body
    assert re.search(rb"from mx\.example\.org .*?using TLSv1", body, re.DOTALL)
