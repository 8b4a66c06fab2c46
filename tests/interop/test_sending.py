"""What is sent on with a message, at Postfix with Dovecot's logins, and at Dovecot's LMTP."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop
from tests.conftest import free_port

from ulak.delivery.attempt import SmtpCarrier
from ulak.delivery.demands import Demands
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.sending import Chunking, Sending, Timeouts
from ulak.delivery.target import Host, Target, Told, Way
from ulak.delivery.tls import opportunistic, verifying
from ulak.lab.mx import Taken
from ulak.mail.envelope import Envelope, RecipientWishes, Wishes
from ulak.queue.item import Body, Message
from ulak.smtp.sasl.client import Credentials

from .postfix import Postfix
from .test_smtp_sink import as_root, dovecot, mailbox, running, with_dovecot

NAME = "postfix.example.net"  # as its certificate has it
ADA = "ada@example.com"
TEXT = b"From: g@example.org\r\nSubject: x\r\n\r\nhello\r\n.dot\r\n"
BINARY = b"From: g@example.org\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\r.\n"


def carry(
    port: int,
    text: bytes | Path = TEXT,
    *,
    way: Way = Way.SMTP,
    name: str = NAME,
    demands: Demands | None = None,
    envelope: dict[str, Any] | None = None,
    **settings: Any,
) -> Outcome:
    """Carry one message to one server; the outcome with all of its dialogue."""
    if isinstance(text, Path):
        body = Body(text.stat().st_size, path=text)
    else:
        body = Body(len(text), data=text)

    async def main() -> Outcome:
        known: dict[str, Any] = {"timeouts": Timeouts(9, 9, 9, 9, 9, 9, 9, 9, 9)}
        if demands is not None:
            known["smarthosts"] = {(name, port): demands}
        sender = SmtpCarrier(
            Sending("relay.example.org", always_dialogue=True, **(known | settings))
        )
        given: dict[str, Any] = {"sender": "g@example.org", "recipients": (ADA,)}
        message = Message("m", Envelope(**(given | (envelope or {}))), body, 0.0)
        host = Host(name, ("127.0.0.1",), port)
        recipients = message.envelope.recipients
        target = Target(way, "k", (host,), told=Told.OPERATOR)
        (outcome,) = await sender.carry(message, recipients, target)
        await sender.close()
        return outcome

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def taken(sink: Any, count: int) -> list[Taken]:
    """Wait until so many messages have come to the end of the line."""
    until(lambda: len(sink.messages) >= count)
    messages: list[Taken] = sink.messages
    return messages


@pytest.mark.parametrize("tls", [False, True])
def test_postfix_takes_chunks(
    sink: Callable[..., Any], postfix: Callable[..., Postfix], tmp_path: Path, *, tls: bool
) -> None:
    end_of_the_line = sink()
    downstream = postfix(end_of_the_line.port)
    large = tmp_path / "large"
    large.write_bytes(TEXT + b".line\r\n" * 100_000)
    for text in (TEXT, large):
        outcome = carry(
            downstream.port,
            text,
            chunking=Chunking.ALWAYS,
            tls=opportunistic() if tls else None,
            timeouts=Timeouts(),
        )
        assert outcome.result is Result.DELIVERED, outcome
        assert bool(outcome.tls) is tls
        assert any(line.startswith("C: BDAT") for line in outcome.dialogue)
    bodies = sorted((m.body for m in taken(end_of_the_line, 2)), key=len)
    until(lambda: "bdat=11 " in downstream.log())
    assert bodies[0].endswith(b"hello\r\n.dot\r\n")
    assert bodies[1].endswith(b".line\r\n" * 100_000)


def test_postfix_takes_no_binary_message_and_gets_none(postfix: Callable[..., Postfix]) -> None:
    downstream = postfix(9)
    outcome = carry(downstream.port, BINARY, envelope={"body": "BINARYMIME"})
    assert (outcome.result, outcome.cause) == (Result.FAILED, "peer-lacks-binarymime")


def test_postfix_refuses_chunks_over_its_limit(
    postfix: Callable[..., Postfix], tmp_path: Path
) -> None:
    downstream = postfix(9, more="message_size_limit = 100000\nsmtpd_discard_ehlo_keywords = size")
    large = tmp_path / "large"
    large.write_bytes(TEXT + b".line\r\n" * 100_000)
    outcome = carry(downstream.port, large, chunking=Chunking.ALWAYS)
    assert (outcome.result, outcome.cause) == (Result.FAILED, "message-too-large")
    assert "after-data" not in outcome.facts


def test_postfix_hears_what_was_asked_for_reports(
    sink: Callable[..., Any], postfix: Callable[..., Postfix]
) -> None:
    """What is behind it has no DSN, so that it tells the sender that it has relayed."""
    end_of_the_line = sink()
    downstream = postfix(end_of_the_line.port)
    outcome = carry(
        downstream.port,
        envelope={
            "wishes": Wishes(ret="HDRS", envid="a b+c"),
            "asked": {ADA: RecipientWishes(frozenset({"SUCCESS"}), "rfc822;x+y@example.org")},
        },
    )
    assert outcome.facts["dsn"] == "passed-on"
    report = next(m for m in taken(end_of_the_line, 2) if not m.sender)
    assert report.recipients == ("g@example.org",)
    assert b"Original-Envelope-Id: a b+c" in report.body
    assert b"Original-Recipient: rfc822;x+y@example.org" in report.body
    assert b"Action: relayed" in report.body


def test_postfix_takes_international_mail(
    sink: Callable[..., Any], postfix: Callable[..., Postfix]
) -> None:
    end_of_the_line = sink()
    downstream = postfix(end_of_the_line.port, more="smtputf8_enable = yes")
    wide = "çağrı@örnek.example"
    outcome = carry(
        downstream.port,
        "Subject: çağrı\r\n\r\nx\r\n".encode(),
        envelope={"sender": wide, "recipients": (wide,), "smtputf8": True},
    )
    assert outcome.result is Result.DELIVERED, outcome
    (message,) = taken(end_of_the_line, 1)
    assert (message.sender, message.recipients) == (wide, (wide,))
    assert "SMTPUTF8" in message.parameters
    without = postfix(9, more="smtputf8_enable = no")
    outcome = carry(without.port, envelope={"sender": wide, "recipients": (ADA,), "smtputf8": True})
    assert (outcome.result, outcome.cause) == (Result.FAILED, "peer-lacks-smtputf8")


def test_mail_with_requiretls_stays_out_of_a_postfix_that_has_none(
    postfix: Callable[..., Postfix],
) -> None:
    downstream = postfix(9)
    strict = {"wishes": Wishes(require_tls=True)}
    outcome = carry(downstream.port, envelope=strict)
    assert (outcome.result, outcome.cause) == (Result.FAILED, "tls-unproven")
    own = downstream.folder / "etc" / "postfix.pem"
    outcome = carry(downstream.port, envelope=strict, proven=lambda: verifying(own))
    assert (outcome.result, outcome.cause) == (Result.FAILED, "peer-lacks-requiretls")
    assert outcome.tls == "TLSv1.3"


# -- logins ---------------------------------------------------------------------------------------

DOORKEEPER = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login scram-sha-256
passdb {{
  driver = static
  args = password=tanstaaf
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}}
service auth {{
  unix_listener {folder}/auth {{
    mode = 0666
  }}
}}
service stats {{
  inet_listener http {{
    address = 127.0.0.1
    port = {port}
  }}
}}
"""


@pytest.fixture
def smart_host(
    sink: Callable[..., Any], postfix: Callable[..., Postfix]
) -> Iterator[Callable[[str], tuple[Postfix, Any]]]:
    """Make a Postfix that relays only for who has logged in, as Dovecot judges."""
    from .test_smtp_sink import DOVECOT  # noqa: PLC0415 -- beside its skip

    if DOVECOT is None or os.geteuid() != 0:
        pytest.skip("needs root and Debian's package dovecot-core")
    end_of_the_line = sink()
    folder = Path(tempfile.mkdtemp(prefix="ulak-doorkeeper-"))
    folder.chmod(0o755)
    port = free_port()
    (folder / "dovecot.conf").write_text(DOORKEEPER.format(folder=folder, port=port))
    with running((DOVECOT, "-F", "-c", str(folder / "dovecot.conf")), folder, port):

        def make(mechanisms: str) -> tuple[Postfix, Any]:
            more = (
                "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\n"
                f"smtpd_sasl_path = {folder}/auth\nsmtpd_tls_auth_only = yes\n"
                f"smtpd_sasl_mechanism_filter = {mechanisms}\n"
                "smtpd_recipient_restrictions = permit_sasl_authenticated, reject\n"
                "smtpd_sasl_authenticated_header = yes"
            )
            return postfix(end_of_the_line.port, more=more), end_of_the_line

        yield make
    shutil.rmtree(folder)


def as_ada(authorities: Path, password: str) -> Demands:
    tls = verifying(authorities)
    return Demands("smart", tls, required=True, login=lambda: Credentials("ada", password))


FILTERS = {
    "SCRAM-SHA-256": "static:rest",
    "PLAIN": "!scram-sha-256, static:rest",
    "LOGIN": "!scram-sha-256, !plain, static:rest",
}


@as_root
@pytest.mark.parametrize("mechanism", FILTERS)
def test_postfix_lets_us_in_by_every_mechanism(
    smart_host: Callable[[str], tuple[Postfix, Any]], mechanism: str
) -> None:
    host, end_of_the_line = smart_host(FILTERS[mechanism])
    own = host.folder / "etc" / "postfix.pem"
    demands = Demands(
        "smart", verifying(own), required=True, login=lambda: Credentials("ada", "tanstaaf")
    )
    outcome = carry(host.port, demands=demands)
    assert outcome.result is Result.DELIVERED, (outcome, host.log())
    assert any(line.startswith(f"C: AUTH {mechanism}") for line in outcome.dialogue)
    assert re.search(rb"Authenticated sender: ada\b", taken(end_of_the_line, 1)[0].body)


@as_root
def test_postfix_keeps_us_out_and_nothing_goes_back(
    smart_host: Callable[[str], tuple[Postfix, Any]],
) -> None:
    host, _ = smart_host("static:rest")
    own = host.folder / "etc" / "postfix.pem"
    wrong = Demands(
        "smart", verifying(own), required=True, login=lambda: Credentials("ada", "guess")
    )
    outcome = carry(host.port, demands=wrong)
    assert (outcome.result, outcome.cause) == (Result.DEFERRED, "smart-host-login-failed")
    assert "535 5.7.8" in outcome.reply
    assert not any("guess" in line for line in outcome.dialogue)


# -- LMTP -----------------------------------------------------------------------------------------


@with_dovecot
@as_root
@pytest.mark.parametrize("chunking", [Chunking.AUTO, Chunking.ALWAYS])
def test_dovecot_takes_what_is_asked_over_lmtp(tmp_path: Path, chunking: Chunking) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ulak-interop-"))
    folder.chmod(0o755)
    large = tmp_path / "large"
    large.write_bytes(TEXT + "çağrı\r\n".encode() * 100_000)
    try:
        with dovecot(folder) as port:
            outcome = carry(
                port,
                large,
                way=Way.LMTP,
                name="localhost",
                chunking=chunking,
                envelope={
                    "body": "8BITMIME",
                    "asked": {ADA: RecipientWishes(frozenset({"SUCCESS"}))},
                    "wishes": Wishes(require_tls=True, ret="HDRS"),
                },
            )
            assert outcome.result is Result.DELIVERED, outcome
            chunks = any(line.startswith("C: BDAT") for line in outcome.dialogue)
            assert chunks is (chunking is Chunking.ALWAYS)
            assert outcome.facts["dsn"] == "not-offered"
            (text,) = mailbox(folder, "ada")
            assert text.replace(b"\n", b"\r\n").endswith(large.read_bytes())
    finally:
        shutil.rmtree(folder)
