"""The carrier against Postfix's smtp-sink and Dovecot's LMTP, each its own instance."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import uvloop
from tests.conftest import free_port

from ulak.delivery.attempt import SmtpCarrier
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.sending import Sending, Timeouts
from ulak.delivery.target import Host, Target, Way
from ulak.delivery.tls import opportunistic
from ulak.lab.certificate import certificate
from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Message

SINK = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin")
DOVECOT = shutil.which("dovecot", path="/usr/sbin:/usr/bin")
LMTP = Path("/usr/lib/dovecot/lmtp")
TEXT = b"From: grace@example.org\r\nSubject: x\r\n\r\nhello\r\n.dot\r\n"
ADA, BOB = "ada@example.net", "bob@example.net"

with_sink = pytest.mark.skipif(SINK is None, reason="needs smtp-sink: Debian's package postfix")
with_dovecot = pytest.mark.skipif(
    DOVECOT is None or not LMTP.exists(), reason="needs Debian's package dovecot-lmtpd"
)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="Dovecot changes users: needs root")


def until_open(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    pytest.fail(f"nothing came to listen on port {port}")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that other users can look into, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="ulak-interop-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@contextlib.contextmanager
def running(command: Sequence[str], folder: Path, port: int) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=folder, start_new_session=True)
    try:
        until_open(port)
        yield
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def sink(folder: Path, *options: str) -> Iterator[tuple[int, Path]]:
    """Run smtp-sink; give its port and the folder of what it took."""
    assert SINK is not None
    taken = folder / "taken"
    taken.mkdir()
    user: tuple[str, ...] = ()
    if os.geteuid() == 0:
        shutil.chown(taken, "postfix")
        user = ("-u", "postfix")
    port = free_port()
    command = (SINK, *user, *options, "-d", "taken/m.", f"127.0.0.1:{port}", "128")
    with running(command, folder, port):
        yield port, taken


def message(text: bytes = TEXT) -> Message:
    return Message("m", Envelope("grace@example.org", ()), Body(len(text), data=text), 0.0)


def carry(
    target: Target,
    recipients: Sequence[str] = (ADA,),
    count: int = 1,
    text: bytes = TEXT,
    *,
    tls: bool = False,
) -> list[Outcome]:
    async def main() -> list[Outcome]:
        sending = Sending(
            "relay.example.org",
            tls=opportunistic() if tls else None,
            timeouts=Timeouts(5, 5, 5, 5, 5, 5, 5, 5, 5),
        )
        sender = SmtpCarrier(sending)
        found: list[Outcome] = []
        for _ in range(count):
            found += await sender.carry(message(text), recipients, target)
        await sender.close()
        return found

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


def at(port: int, way: Way = Way.SMTP) -> Target:
    return Target(way, "k", (Host("localhost", ("127.0.0.1",), port),))


def bodies(taken: Path) -> list[bytes]:
    return [file.read_bytes() for file in sorted(taken.iterdir())]


@with_sink
@pytest.mark.parametrize("options", [(), ("-p",), ("-e",), ("-8",), ("-E",), ("-e", "-p", "-8")])
def test_smtp_sink_takes_messages_however_little_it_offers(
    folder: Path, options: tuple[str, ...]
) -> None:
    with sink(folder, *options) as (port, taken):
        outcomes = carry(at(port), (ADA, BOB), count=3)
        assert [o.result for o in outcomes] == [Result.DELIVERED] * 6, outcomes
        dumped = bodies(taken)
    assert len(dumped) == 3
    for body in dumped:
        assert b"X-Rcpt-Args: <bob@example.net>" in body
        assert body.rstrip().endswith(b"hello\n.dot")


@with_sink
def test_smtp_sink_speaks_lmtp_with_a_reply_for_everybody(folder: Path) -> None:
    with sink(folder, "-L") as (port, taken):
        outcomes = carry(at(port, Way.LMTP), (ADA, BOB), count=2)
        assert [o.result for o in outcomes] == [Result.DELIVERED] * 4
        assert len(bodies(taken)) == 2


@with_sink
@pytest.mark.parametrize("command", ["mail", "rcpt", "data", "."])
@pytest.mark.parametrize(
    ("option", "result"), [("-r", Result.DEFERRED), ("-f", Result.FAILED), ("-q", Result.DEFERRED)]
)
def test_smtp_sink_refuses_or_hangs_up_at_any_stage(
    folder: Path, command: str, option: str, result: Result
) -> None:
    with sink(folder, option, command) as (port, _):
        outcomes = carry(at(port), (ADA, BOB))
        assert [o.result for o in outcomes] == [result, result], outcomes
        lost_late = option == "-q" and command == "."
        assert all(("after-data" in o.facts) == lost_late for o in outcomes)


CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = lmtp
hostname = {hostname}
postmaster_address = postmaster@example.net
mail_location = maildir:~/Maildir
first_valid_uid = 1
first_valid_gid = 1
ssl = {ssl}
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.key
auth_username_format = %n
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
  unix_listener {folder}/lmtp.sock {{
    mode = 0600
  }}
}}
"""


@contextlib.contextmanager
def dovecot(folder: Path, *, ssl: str = "no") -> Iterator[int]:
    """Run Dovecot with the mailboxes ada and bob; give its LMTP port."""
    assert DOVECOT is not None
    port = free_port()
    certificate("localhost").write(folder)
    text = CONFIGURATION.format(folder=folder, port=port, ssl=ssl, hostname="relay.example.org")
    (folder / "dovecot.conf").write_text(text)
    users = [f"{u}::65534:65534::{folder}/mail/{u}::\n" for u in ("ada", "bob")]
    (folder / "users").write_text("".join(users))
    (folder / "mail").mkdir()
    shutil.chown(folder / "mail", 65534, 65534)
    with running((DOVECOT, "-F", "-c", str(folder / "dovecot.conf")), folder, port):
        yield port


def mailbox(folder: Path, user: str) -> list[bytes]:
    return [file.read_bytes() for file in (folder / "mail" / user / "Maildir/new").iterdir()]


@with_dovecot
@as_root
@pytest.mark.parametrize("unix", [False, True])
def test_dovecot_delivers_into_its_maildirs(folder: Path, *, unix: bool) -> None:
    with dovecot(folder) as port:
        target = at(port, Way.LMTP)
        if unix:
            target = Target(Way.LMTP, "k", (Host("dovecot", path=f"{folder}/lmtp.sock"),))
        outcomes = carry(target, (ADA, BOB, "nobody@example.net"), count=2)
        results = [o.result for o in outcomes if o.recipient != "nobody@example.net"]
        assert results == [Result.DELIVERED] * 4, outcomes
        refused = [o for o in outcomes if o.recipient == "nobody@example.net"]
        assert [o.result for o in refused] == [Result.FAILED] * 2
        assert refused[0].reply.startswith("550 5.1.1")
        assert len(mailbox(folder, "ada")) == 2
        assert mailbox(folder, "bob")[0].replace(b"\n", b"\r\n").endswith(TEXT)


@with_dovecot
@as_root
def test_dovecot_takes_lmtp_over_tls(folder: Path) -> None:
    with dovecot(folder, ssl="yes") as port:
        (outcome,) = carry(at(port, Way.LMTP), tls=True)
        assert outcome.result is Result.DELIVERED, outcome
        assert outcome.tls == "TLSv1.3"
        assert len(mailbox(folder, "ada")) == 1


@with_dovecot
@as_root
def test_dovecot_gets_eight_bits_and_a_large_message_whole(folder: Path) -> None:
    text = "From: g@example.org\r\n\r\nçağrı\r\n".encode() + b".line\r\n" * 400_000
    with dovecot(folder) as port:
        (outcome,) = carry(at(port, Way.LMTP), text=text)
        assert outcome.result is Result.DELIVERED, outcome
        assert mailbox(folder, "ada")[0].replace(b"\n", b"\r\n").endswith(text)
