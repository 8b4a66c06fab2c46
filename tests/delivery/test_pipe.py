"""Mail handed to programs: real processes, their exit codes, and names that would be commands."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from ulak.delivery.handler import PipeCarrier, Program
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.target import Target, Way
from ulak.mail.envelope import Envelope, RecipientWishes, Wishes
from ulak.queue.item import Body, Message
from ulak.rosters.roster import RosterError

KEY = "pipe:example.org"
HERE = Target(Way.PIPE, KEY)
TEXT = b"Return-Path: <forged@x>\r\nFrom: g@example.net\r\n\r\nline\r\n.dot\r\n"
SCRIPT = """#!{python} -I
import os, subprocess, sys, time
folder = {folder!r}
local = os.environ["LOCAL"].partition("+")[0]
if local == "deaf":
    sys.exit(0)
text = sys.stdin.buffer.read()
with open(folder + "/" + str(os.getpid()), "w") as file:
    file.write(repr((sys.argv[1:], dict(os.environ), text, os.getcwd())))
if local.isdigit():
    print("it said\\x1b[0m\\nmore")
    sys.exit(int(local))
if local == "killed":
    os.kill(os.getpid(), 9)
if local == "slow":
    child = subprocess.Popen(["sleep", "600"])
    open(folder + "/child", "w").write(str(child.pid))
    time.sleep(600)
if local == "leaves":
    subprocess.Popen(["sleep", "600"])
if local == "much":
    sys.stdout.write("x" * 5_000_000)
"""


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    folder = tmp_path / "seen"
    folder.mkdir()
    return folder


@pytest.fixture
def program(tmp_path: Path, seen: Path) -> Path:
    path = tmp_path / "take it"
    path.write_text(SCRIPT.format(python=sys.executable, folder=str(seen)))
    path.chmod(0o700)
    return path


def told(seen: Path) -> list[tuple[list[str], dict[str, str], bytes, str]]:
    files = (path for path in seen.iterdir() if path.name.isdigit())
    return [eval(path.read_text()) for path in files]


async def placed(recipient: str) -> tuple[str, str]:
    local, _, domain = recipient.rpartition("@")
    if local == "unplaced":
        problem = "no answer"
        raise RosterError(problem, "I7")
    user, _, detail = local.partition("+")
    return f"{user}@{domain}", detail


def hand(
    program: Path,
    *recipients: str,
    sender: str = "g@example.net",
    body: Body | None = None,
    timeout: float = 30.0,
    at_once: int = 4,
    asked: dict[str, RecipientWishes] | None = None,
) -> list[Outcome]:
    envelope = Envelope(
        sender, recipients, asked=asked or {}, wishes=Wishes(quarantine="dmarc-quarantine")
    )
    message = Message("M1", envelope, body or Body(len(TEXT), TEXT), 1000.0)
    programs = {KEY: Program((str(program), "-a", "b c"), timeout, at_once)}

    async def main() -> list[Outcome]:
        return await PipeCarrier(programs, placed).carry(message, recipients, HERE)

    return asyncio.run(main())


def test_a_program_gets_the_message_and_the_envelope_and_nothing_else(
    program: Path, seen: Path
) -> None:
    asked = {"ada+shop@example.org": RecipientWishes(through="team@example.org")}
    (outcome,) = hand(program, "ada+shop@example.org", asked=asked)
    assert (outcome.result, outcome.cause) == (Result.DELIVERED, "delivered")
    assert outcome.facts["handler"].endswith("take it' -a 'b c'")
    ((words, environment, text, folder),) = told(seen)
    assert words == ["-a", "b c"]
    assert folder == "/"
    assert environment.pop("PATH")
    environment.pop("LC_CTYPE", None)  # of Python's own making
    assert environment == {
        "LANG": "C.UTF-8",
        "SENDER": "g@example.net",
        "RECIPIENT": "ada+shop@example.org",
        "LOCAL": "ada+shop",
        "DOMAIN": "example.org",
        "USER": "ada",
        "DETAIL": "shop",
        "ORIGINAL_RECIPIENT": "team@example.org",
        "MESSAGE_ID": "M1",
        "QUARANTINE": "dmarc-quarantine",
    }
    assert text == (
        b"Return-Path: <g@example.net>\nDelivered-To: ada+shop@example.org\n"
        b"X-Original-To: team@example.org\nFrom: g@example.net\n\nline\n.dot\n"
    )


@pytest.mark.parametrize(
    ("code", "result", "cause"),
    [
        (0, Result.DELIVERED, "delivered"),
        (os.EX_NOUSER, Result.FAILED, "no-such-mailbox"),
        (os.EX_DATAERR, Result.FAILED, "handler-refused"),
        (os.EX_NOHOST, Result.FAILED, "handler-refused"),
        (os.EX_NOPERM, Result.FAILED, "handler-refused"),
        (os.EX_TEMPFAIL, Result.DEFERRED, "handler-failed"),
        (os.EX_SOFTWARE, Result.DEFERRED, "handler-failed"),
        (1, Result.DEFERRED, "handler-failed"),
        (127, Result.DEFERRED, "handler-failed"),
    ],
)
def test_the_exit_code_decides(program: Path, code: int, result: Result, cause: str) -> None:
    (outcome,) = hand(program, f"{code}@example.org")
    assert (outcome.result, outcome.cause) == (result, cause)
    assert outcome.facts["output"] == "it said [0m more"
    if cause == "handler-refused":
        assert "it said [0m more" in outcome.reply
    if cause == "handler-failed":  # what a broken program writes is not for strangers
        assert outcome.reply.endswith(f"has failed: exit code {code}")


def test_a_program_that_is_ended_or_missing_puts_the_mail_off(
    program: Path, tmp_path: Path
) -> None:
    (outcome,) = hand(program, "killed@example.org")
    assert (outcome.result, outcome.facts["problem"]) == (Result.DEFERRED, "ended by signal 9")
    (outcome,) = hand(tmp_path / "none", "ada@example.org")
    assert outcome.facts["problem"] == "no such file or directory"
    (outcome,) = hand(program, "unplaced@example.org")
    assert (outcome.result, outcome.facts["problem"]) == (Result.DEFERRED, "incident I7")


def test_a_program_that_takes_too_long_ends_with_all_that_it_has_started(
    program: Path, seen: Path
) -> None:
    (outcome,) = hand(program, "slow@example.org", timeout=3.0)
    assert outcome.result is Result.DEFERRED
    assert outcome.facts["problem"] == "not done within 3 seconds"
    assert gone(int((seen / "child").read_text()))


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has waited for yet has."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    return False


def test_what_a_program_leaves_behind_holds_nobody_up(program: Path) -> None:
    begun = time.monotonic()
    (outcome,) = hand(program, "leaves@example.org")
    assert outcome.result is Result.DELIVERED
    assert time.monotonic() - begun < 60


def test_output_is_bounded_and_a_program_that_reads_nothing_is_no_error(program: Path) -> None:
    outcomes = hand(program, "much@example.org", "deaf@example.org", body=large())
    assert [each.result for each in outcomes] == [Result.DELIVERED] * 2
    assert len(outcomes[0].facts["output"]) == 1000


def large() -> Body:
    data = b"From: a@b\r\n\r\n" + b"x" * 78 + b"\r\n" + b"y\r\n" * 100_000
    return Body(len(data), data)


def test_a_large_message_comes_from_its_file(program: Path, seen: Path, tmp_path: Path) -> None:
    data = large().data or b""
    path = tmp_path / "body"
    path.write_bytes(data)
    (outcome,) = hand(program, "ada@example.org", body=Body(len(data), path=path))
    assert outcome.result is Result.DELIVERED
    ((_, _, text, _),) = told(seen)
    assert text.endswith(data.replace(b"\r\n", b"\n"))
    path.unlink()
    (outcome,) = hand(program, "ada@example.org", body=Body(len(data), path=path))
    assert outcome.result is Result.DEFERRED


def test_mail_that_comes_back_is_a_loop(program: Path, seen: Path) -> None:
    data = b"Delivered-To: ADA@example.org\r\n" + TEXT
    (outcome,) = hand(program, "ada@example.org", body=Body(len(data), data))
    assert outcome.cause == "delivered-before"
    assert told(seen) == []


@pytest.mark.parametrize(
    "name", ["-oX/etc/x", "$(touch /etc/x)", "`id`", "a;id", "../../etc/passwd", '"a b"', "çağrı"]
)
def test_no_recipient_and_no_sender_is_a_command(program: Path, seen: Path, name: str) -> None:
    address = f"{name}@example.org"
    hand(program, address, sender=address)
    ((words, environment, text, _),) = told(seen)
    assert words == ["-a", "b c"]
    assert (environment["SENDER"], environment["RECIPIENT"]) == (address, address)
    assert text.startswith(f"Return-Path: <{address}>\n".encode())


def test_what_no_environment_can_hold_puts_the_mail_off(program: Path) -> None:
    (outcome,) = hand(program, "a\0b@example.org")
    assert outcome.result is Result.DEFERRED


def test_each_recipient_has_a_run_of_its_own_and_few_run_at_once(program: Path, seen: Path) -> None:
    outcomes = hand(program, *(f"user{n}@example.org" for n in range(5)), at_once=2)
    assert [each.result for each in outcomes] == [Result.DELIVERED] * 5
    assert {env["RECIPIENT"] for _, env, _, _ in told(seen)} == {
        f"user{n}@example.org" for n in range(5)
    }
