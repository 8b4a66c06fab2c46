"""Exim and OpenSMTPD as destinations, in the clear and over TLS of each kind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ulak.delivery.demands import Demands
from ulak.delivery.outcome import Result
from ulak.delivery.tls import opportunistic, verifying
from ulak.lab.certificate import Certificate, authority, certificate
from ulak.mail.envelope import RecipientWishes, Wishes

from .others import Exim, OpenSMTPD, Server
from .test_sending import ADA, TEXT, carry, taken

NAMES = {Exim: "exim.example.net", OpenSMTPD: "opensmtpd.example.net"}
Start = Callable[..., Server]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the servers change users: needs root")


@pytest.fixture(params=[Exim, OpenSMTPD], ids=["exim", "opensmtpd"])
def kind(request: pytest.FixtureRequest) -> type[Server]:
    found: type[Server] = request.param
    return found


@pytest.fixture
def start(kind: type[Server]) -> Iterator[Start]:
    """Start servers of a kind that end with the test."""
    made: list[Server] = []
    with tempfile.TemporaryDirectory(prefix="ulak-peer-") as folder:
        Path(folder).chmod(0o755)

        def begin(next_port: int, identity: Certificate | None = None) -> Server:
            made.append(kind(Path(folder) / str(len(made)), next_port, identity))
            return made[-1]

        yield begin
        for one in made:
            one.stop()


def test_mail_comes_through_it_as_it_was(sink: Callable[..., Any], start: Start) -> None:
    """Dots, long lines as far as they may be, eight bits, and three megabytes of them."""
    end_of_the_line = sink()
    server = start(end_of_the_line.port)
    large = TEXT + b".line \xc3\xa7\r\n" * 300_000
    for text in (TEXT, TEXT + b"." * 998 + b"\r\n..\r\n", large):
        outcome = carry(server.port, text, envelope={"body": "8BITMIME"})
        assert (outcome.result, outcome.tls) == (Result.DELIVERED, ""), outcome
    bodies = sorted((m.body for m in taken(end_of_the_line, 3)), key=len)
    assert bodies[0].endswith(b"hello\r\n.dot\r\n")
    assert bodies[1].endswith(b"\r\n" + b"." * 998 + b"\r\n..\r\n")
    assert bodies[2].endswith(b".line \xc3\xa7\r\n" * 300_000)


def test_tls_is_taken_where_it_is_offered(
    sink: Callable[..., Any], start: Start, kind: type[Server]
) -> None:
    """Debian 12's OpenSMTPD breaks off every handshake: it gets the mail in the clear."""
    server = start(sink().port, certificate("somebody.else.example"))
    outcome = carry(server.port, tls=opportunistic())
    assert outcome.result is Result.DELIVERED, outcome
    if kind is Exim or "tls-failed" not in outcome.facts:
        assert outcome.tls.startswith("TLSv1."), (outcome, server.log())
    else:
        assert outcome.tls == ""
        assert "alert" in outcome.facts["tls-failed"]


@pytest.mark.parametrize(
    ("named", "expired", "delivered"),
    [(True, False, True), (False, False, False), (True, True, False)],
    ids=["right", "other-name", "expired"],
)
def test_tls_that_is_required_is_proven(
    sink: Callable[..., Any],
    start: Start,
    kind: type[Server],
    tmp_path: Path,
    *,
    named: bool,
    expired: bool,
    delivered: bool,
) -> None:
    """Here OpenSMTPD's broken handshake leaves only one way: the mail waits."""
    root, name = authority(), NAMES[kind]
    trusted = tmp_path / "root.pem"
    trusted.write_bytes(root.certificate)
    shown = name if named else "other.example.net"
    server = start(sink().port, certificate(shown, issuer=root, expired=expired))
    demands = Demands("proven", verifying(trusted), required=True)
    outcome = carry(server.port, name=name, demands=demands)
    broken = kind is OpenSMTPD and "internal error" in outcome.reply
    if delivered and not broken:
        assert outcome.result is Result.DELIVERED, outcome
        assert outcome.tls.startswith("TLSv1."), (outcome.facts, server.log())
    else:
        assert (outcome.result, outcome.cause) == (Result.DEFERRED, "tls-failed"), outcome


def test_tls_that_is_required_and_not_offered_defers(
    sink: Callable[..., Any], start: Start, kind: type[Server]
) -> None:
    server = start(sink().port)
    demands = Demands("proven", verifying(), required=True)
    outcome = carry(server.port, name=NAMES[kind], demands=demands)
    assert (outcome.result, outcome.cause) == (Result.DEFERRED, "tls-failed"), outcome


def test_what_it_refuses_is_understood(
    sink: Callable[..., Any], start: Start, kind: type[Server]
) -> None:
    server = start(sink().port)
    gone = carry(server.port, envelope={"recipients": ("nobody@example.com",)})
    assert gone.result is Result.FAILED, gone
    assert gone.remote
    assert gone.reply.startswith("550")
    if kind is Exim:
        later = carry(server.port, envelope={"recipients": ("later@example.com",)})
        assert (later.result, later.reply[:3]) == (Result.DEFERRED, "451"), later
    large = carry(server.port, TEXT + b"x" * 70 + b"\r\n" + b"line\r\n" * 1_000_000)
    assert (large.result, large.cause) == (Result.FAILED, "message-too-large"), large


def test_what_was_asked_for_reports_is_told_as_far_as_it_knows_it(
    sink: Callable[..., Any], start: Start, kind: type[Server]
) -> None:
    """OpenSMTPD keeps DSN on; Exim does not offer it unless it is told to."""
    server = start(sink().port)
    outcome = carry(
        server.port,
        envelope={
            "wishes": Wishes(ret="HDRS", envid="a b"),
            "asked": {ADA: RecipientWishes(frozenset({"FAILURE"}))},
        },
    )
    assert outcome.result is Result.DELIVERED, outcome
    assert outcome.facts["dsn"] == ("not-offered" if kind is Exim else "passed-on")
