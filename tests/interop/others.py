"""Exim and OpenSMTPD as peers: their packages exclude Postfix, so `unpack.sh` only unpacks them."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from ulak.lab.certificate import Certificate

PEERS = Path(__file__).parents[2] / ".venv" / "peers"


def unpacked(name: str, program: str) -> str:
    """Find a program of an unpacked package, or skip and say how to get it."""
    found = PEERS / name / program
    if not found.exists():
        pytest.skip(f"{name} is not unpacked: run `make .venv/peers` as root, on Debian")
    return str(found)


class Server:
    """A server in a folder of its own that relays everything to one port."""

    user = ""

    def __init__(self, folder: Path, next_port: int, identity: Certificate | None) -> None:
        self.folder = folder
        folder.mkdir(mode=0o755)
        with socket.create_server(("127.0.0.1", 0)) as sock:
            self.port: int = sock.getsockname()[1]
        self._tls = None
        if identity is not None:
            self._tls = identity.write(folder)
            shutil.chown(self._tls[1], self.user)
        with (folder / "out").open("wb") as out:
            self.process = subprocess.Popen(
                self.command(next_port), stdout=out, stderr=out, start_new_session=True
            )
        self._wait()

    def command(self, next_port: int) -> list[str]:
        raise NotImplementedError

    def _wait(self) -> None:
        end = time.monotonic() + 30
        while True:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), 2) as sock,
            ):
                if sock.recv(100).startswith(b"220"):
                    return
            assert time.monotonic() < end, self.log()
            time.sleep(0.1)

    def log(self) -> str:
        return "\n".join(
            path.read_text(errors="replace")
            for path in (self.folder / "out", *self.folder.glob("log/*"))
            if path.exists()
        )

    def stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)


class Exim(Server):
    user = "Debian-exim"

    def command(self, next_port: int) -> list[str]:
        exim, folder = unpacked("exim", "usr/sbin/exim4"), self.folder
        for name in ("spool", "log"):
            (folder / name).mkdir()
            shutil.chown(folder / name, self.user)
        tls = "tls_advertise_hosts =\n"
        if self._tls is not None:
            tls = (
                "tls_advertise_hosts = *\n"
                f"tls_certificate = {self._tls[0]}\ntls_privatekey = {self._tls[1]}\n"
            )
        path = folder / "exim.conf"
        path.write_text(
            f"""\
exim_path = {exim}
keep_environment =
primary_hostname = exim.example.net
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
daemon_smtp_ports = {self.port}
local_interfaces = 127.0.0.1
disable_ipv6 = true
host_lookup =
rfc1413_hosts =
message_size_limit = 5M
acl_smtp_rcpt = check
acl_smtp_data = accept
{tls}
begin acl
check:
  deny local_parts = nobody
       message = no such person here
  defer local_parts = later
        message = not just now
  accept
begin routers
next:
  driver = manualroute
  route_list = * 127.0.0.1 byname
  self = send
  transport = relay
begin transports
relay:
  driver = smtp
  port = {next_port}
  allow_localhost
  hosts_avoid_tls = *
begin retry
* * F,1d,1m
"""
        )
        path.chmod(0o644)
        return [exim, "-C", str(path), "-bdf", "-q1s"]


class OpenSMTPD(Server):
    user = "root"

    def command(self, next_port: int) -> list[str]:
        smtpd, folder = unpacked("opensmtpd", "usr/sbin/smtpd"), self.folder
        (folder / "spool").mkdir(mode=0o711)
        listen = f"listen on 127.0.0.1 port {self.port} hostname opensmtpd.example.net"
        pki = ""
        if self._tls is not None:
            pki = f'pki own cert "{self._tls[0]}"\npki own key "{self._tls[1]}"\n'
            listen = listen.replace(" hostname", " tls pki own hostname")
        path = folder / "smtpd.conf"
        path.write_text(
            f"""\
{pki}
smtp max-message-size 5M
{listen}
action "out" relay host smtp://127.0.0.1:{next_port}
match from any for any rcpt-to "nobody@example.com" reject
match from any for any action "out"
"""
        )
        path.chmod(0o600)
        # Where its spool is was decided when it was built: ours is put there, for it alone.
        own = (
            "mkdir -p /var/spool/smtpd /var/lib/opensmtpd/empty && "
            f"mount --bind {shlex.quote(str(folder / 'spool'))} /var/spool/smtpd && "
            f"exec {shlex.quote(smtpd)} -d -f {shlex.quote(str(path))}"
        )
        return ["unshare", "-m", "--propagation", "private", "sh", "-c", own]
