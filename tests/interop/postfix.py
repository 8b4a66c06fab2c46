"""Postfix as a peer, and what the tests against other software share."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from ulak.lab.certificate import certificate


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
