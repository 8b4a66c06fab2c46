"""Messages by BDAT: counted, whole or not at all, and binary ones octet for octet."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.delivery.carrying import (
    ADA,
    BOB,
    QUICK,
    TEXT,
    attempt,
    carrier,
    message,
    run,
    several,
    until,
)
from tests.delivery.carrying import to as target_of

from ulak.delivery.outcome import Result
from ulak.delivery.sending import Chunking, Timeouts
from ulak.delivery.target import Way
from ulak.delivery.tls import opportunistic
from ulak.lab.certificate import certificate, server_context
from ulak.lab.mx import CLOSE, SILENCE, Act, Behaviour, ScriptedServer
from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Message

CHUNKED = ("PIPELINING", "8BITMIME", "CHUNKING", "BINARYMIME")
ONE_BY_ONE = ("8BITMIME", "CHUNKING", "BINARYMIME")
BINARY = (
    b"From: g@example.org\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\r.\n.\r\n\xff"
    + b"x" * 2000
)


def binary(body: bytes | Path = BINARY) -> Message:
    return message(body, body="BINARYMIME")


def large(folder: Path, line: bytes = b"\0.\r\n\xff binary \n") -> Path:
    file = folder / "body"
    file.write_bytes(b"From: g@example.org\r\n\r\n" + line * 100_000)
    return file


@pytest.mark.parametrize("extensions", [CHUNKED, ONE_BY_ONE])
def test_a_binary_message_arrives_octet_for_octet(extensions: tuple[str, ...]) -> None:
    outcomes, mx = attempt(Behaviour(extensions=extensions), what=binary())
    assert outcomes[ADA].result is Result.DELIVERED
    (taken,) = mx.messages
    assert taken.body == BINARY
    assert taken.parameters == "BODY=BINARYMIME"
    assert taken.chunks == (len(BINARY),)


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("extensions", [CHUNKED, ONE_BY_ONE])
def test_a_large_binary_message_goes_from_its_file_in_chunks(
    tmp_path: Path, extensions: tuple[str, ...], *, tls: bool
) -> None:
    file = large(tmp_path)
    context = server_context(certificate("mx.example.net")) if tls else None
    outcomes, mx = attempt(
        Behaviour(extensions=extensions, tls=context),
        what=binary(file),
        tls=opportunistic(),
        timeouts=Timeouts(),
    )
    assert outcomes[ADA].result is Result.DELIVERED
    (taken,) = mx.messages
    assert taken.body == file.read_bytes()
    assert len(taken.chunks) == -(-file.stat().st_size // 65_536)


def test_a_binary_message_is_never_sent_where_it_cannot_be_carried() -> None:
    lines = Behaviour(extensions=("PIPELINING", "8BITMIME", "CHUNKING"))
    outcome, taken = several(lines, Behaviour(extensions=("BINARYMIME",)), what=binary())
    assert (outcome.result, outcome.cause) == (Result.FAILED, "peer-lacks-binarymime")
    assert outcome.reply.startswith("554 5.6.3")
    assert taken == [0, 0]
    outcome, taken = several(lines, Behaviour(extensions=CHUNKED), what=binary())
    assert (outcome.result, taken) == (Result.DELIVERED, [0, 1])


def test_a_binary_message_that_is_made_of_lines_goes_as_lines(tmp_path: Path) -> None:
    """Some clients say BINARYMIME of everything; what 8BITMIME can carry is not returned."""
    text = "From: g@example.org\r\n\r\nçağrı\r\n".encode()
    file = tmp_path / "body"
    file.write_bytes(text)
    for what in (binary(text), binary(file)):
        outcomes, mx = attempt(Behaviour(extensions=("8BITMIME",)), what=what)
        assert outcomes[ADA].result is Result.DELIVERED
        assert (mx.messages[0].body, mx.messages[0].parameters) == (text, "BODY=8BITMIME")
        outcomes, mx = attempt(Behaviour(extensions=CHUNKED), what=what)
        assert mx.messages[0].parameters == "BODY=BINARYMIME"


def test_binary_messages_are_returned_where_chunking_is_off() -> None:
    outcomes, _ = attempt(Behaviour(extensions=CHUNKED), what=binary(), chunking=Chunking.OFF)
    assert outcomes[ADA].cause == "peer-lacks-binarymime"


def test_a_message_of_lines_goes_by_data_unless_it_is_set_otherwise() -> None:
    for chunking, command in ((Chunking.AUTO, "DATA"), (Chunking.ALWAYS, f"BDAT {len(TEXT)} LAST")):
        outcomes, mx = attempt(Behaviour(extensions=CHUNKED), chunking=chunking)
        assert outcomes[ADA].result is Result.DELIVERED
        assert command in mx.commands
        assert mx.messages[0].body == TEXT
    outcomes, mx = attempt(Behaviour(), chunking=Chunking.ALWAYS)
    assert "DATA" in mx.commands


def test_lines_that_go_by_chunks_have_no_bare_line_ends(tmp_path: Path) -> None:
    evil = b"From: g@example.org\r\n\r\none\n.\nRSET\r.\rtwo\r\n.\rthree"
    mended = b"From: g@example.org\r\n\r\none\r\n.\r\nRSET . two\r\n. three\r\n"
    file = tmp_path / "body"
    file.write_bytes(evil)
    for what in (message(evil), message(file)):
        _, mx = attempt(Behaviour(extensions=CHUNKED), what=what, chunking=Chunking.ALWAYS)
        assert mx.messages[0].body == mended


def test_lmtp_answers_the_last_chunk_for_everybody(tmp_path: Path) -> None:
    lmtp = Behaviour(extensions=CHUNKED, lmtp=True, at={f"message {BOB}": "452 4.2.2 Full"})
    outcomes, mx = attempt(
        lmtp, what=binary(large(tmp_path)), recipients=(ADA, BOB), way=Way.LMTP, timeouts=Timeouts()
    )
    assert (outcomes[ADA].result, outcomes[BOB].result) == (Result.DELIVERED, Result.DEFERRED)
    assert mx.messages[0].recipients == (ADA,)


@pytest.mark.parametrize("extensions", [CHUNKED, ONE_BY_ONE])
def test_a_file_that_is_shorter_than_it_was_never_gets_a_last_chunk(
    tmp_path: Path, extensions: tuple[str, ...]
) -> None:
    file = large(tmp_path)
    size = file.stat().st_size
    for wrong in (size + 1, size - 1):
        what = Message(
            "m", Envelope("g@example.org", (ADA,), body="BINARYMIME"), Body(wrong, path=file), 0.0
        )
        outcomes, mx = attempt(Behaviour(extensions=extensions), what=what, timeouts=Timeouts())
        assert outcomes[ADA].cause == "message-unreadable"
        assert not any(command.endswith("LAST") for command in mx.commands)
        assert mx.messages == []


@pytest.mark.parametrize("extensions", [CHUNKED, ONE_BY_ONE])
@pytest.mark.parametrize(
    ("reply", "result"), [("552 5.3.4 Too big", Result.FAILED), ("452 4.3.1 Full", Result.DEFERRED)]
)
def test_a_refused_chunk_decides_for_everybody(
    tmp_path: Path, extensions: tuple[str, ...], reply: str, result: Result
) -> None:
    outcomes, mx = attempt(
        Behaviour(extensions=extensions, at={"BDAT": reply}),
        what=binary(large(tmp_path)),
        recipients=(ADA, BOB),
        timeouts=Timeouts(),
    )
    for outcome in outcomes.values():
        assert (outcome.result, outcome.reply) == (result, reply)
        assert "after-data" not in outcome.facts
    assert mx.messages == []


def test_no_octet_of_a_message_goes_to_a_server_that_takes_nobody() -> None:
    outcomes, mx = attempt(
        Behaviour(extensions=CHUNKED, at={"RCPT": "550 5.1.1 No"}), what=binary()
    )
    assert outcomes[ADA].result is Result.FAILED
    assert not any(command.startswith("BDAT") for command in mx.commands)


@pytest.mark.parametrize(("end", "late"), [("body", False), ("message", True)])
def test_only_after_the_last_chunk_a_message_may_come_twice(
    tmp_path: Path, end: str, *, late: bool
) -> None:
    outcome, taken = several(
        Behaviour(extensions=CHUNKED, at={end: CLOSE}),
        Behaviour(extensions=CHUNKED),
        what=binary(large(tmp_path, b"\0" * 1000)),
        timeouts=Timeouts(),
    )
    assert taken == [0, 0 if late else 1]
    assert (outcome.facts.get("after-data") == "yes") is late


def test_a_server_that_answers_no_chunk_is_given_up(tmp_path: Path) -> None:
    outcome, _ = several(
        Behaviour(extensions=ONE_BY_ONE, at={"BDAT": SILENCE}),
        what=binary(large(tmp_path)),
        timeouts=QUICK,
    )
    assert outcome.cause == "peer-timed-out"
    assert outcome.facts["stage"] == "message"


def test_a_server_that_does_not_read_holds_the_chunks_back(tmp_path: Path) -> None:
    file = tmp_path / "body"
    with file.open("wb") as out:
        out.truncate(50_000_000)

    async def main() -> None:
        deaf = Behaviour(extensions=CHUNKED, at={"body": Act(delay=60, close=True)})
        async with ScriptedServer(deaf) as mx:
            sender = carrier(timeouts=QUICK)
            task = asyncio.create_task(sender.carry(binary(file), (ADA,), target_of(mx)))
            await until(lambda: any(c.startswith("BDAT") for c in mx.commands))
            await asyncio.sleep(0.2)
            (connection,) = sender.pool._open
            assert connection._reading is not None
            assert connection._reading.left > 30_000_000
            (outcome,) = await task
            assert outcome.cause == "peer-timed-out"
            await sender.close()

    run(main)
