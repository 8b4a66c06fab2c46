"""Every transcript, played whole, in two pieces and octet by octet, has the same outcome."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from ulak.replies import catalog
from ulak.smtp import events
from ulak.smtp.server import Limits, ServerCore

FOLDER = Path(__file__).parent.parent / "transcripts"
FILES = sorted(FOLDER.glob("*/*.smtp"))
Cut = Callable[[bytes], Iterable[bytes]]


def steps(text: str) -> Iterator[tuple[bytes, list[str]]]:
    """Give what the client sends at once and the lines that answer it, in turn."""
    sent, answers = b"", list[str]()
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        mark, _, rest = line.partition(" ")
        if mark in ("C:", "C+") and answers:
            yield sent, answers
            sent, answers = b"", []
        match mark:
            case "C:":
                sent += rest.encode() + b"\r\n"
            case "C+":
                sent += codecs.decode(rest, "unicode_escape").encode("latin-1")
            case "S:":
                answers.append(rest)
            case "===":
                answers.append("CLOSED")
            case _:
                pytest.fail(f"a transcript has the line {line!r}")
    yield sent, answers


class Server:
    """The core with a caller that knows one mailbox and keeps what it takes."""

    def __init__(self) -> None:
        self.core = ServerCore("mx.example.org", Limits(message_size=1000))
        self.messages: list[bytes] = []
        self.chunks: list[bytes] = []
        self.core.greet(catalog.READY.reply(hostname="mx.example.org"))

    def play(self, data: bytes) -> None:
        """Feed octets and answer every event."""
        self.core.feed(data)
        while (event := self.core.next_event()) is not None:
            self.answer(event)

    def answer(self, event: events.Event) -> None:
        core = self.core
        match event:
            case events.Hello(name, extended=True):
                core.client_name = name
                core.answer(event, catalog.HELLO.listing(*core.hello_lines(vrfy=True)))
            case events.Hello(name):
                core.answer(event, catalog.HELLO.reply(hostname=core.hostname, client=name))
            case events.Mail():
                core.answer(event, catalog.SENDER_OK.reply())
            case events.Recipient(address) if address.key in ("ada@example.org", "postmaster@"):
                core.answer(event, catalog.RECIPIENT_OK.reply())
            case events.Recipient(address):
                core.answer(event, catalog.NO_SUCH_MAILBOX.reply(address=address))
            case events.Data():
                core.answer(event, catalog.START_DATA.reply())
            case events.Chunk(data):
                self.chunks.append(data)
            case events.EndOfData(fault=None):
                self.messages.append(b"".join(self.chunks))
                self.chunks.clear()
                core.answer(event, catalog.MESSAGE_QUEUED.reply(id=len(self.messages)))
            case events.EndOfData(fault=fault):
                assert fault is not None
                self.chunks.clear()
                core.answer(event, fault)
            case events.Refused(reply):
                core.answer(event, reply)
            case events.Noop():
                core.answer(event, catalog.NOTHING_DONE.reply())
            case events.Reset():
                core.answer(event, catalog.RESET_DONE.reply())
            case events.Help():
                core.answer(event, catalog.HELP_TEXT.reply())
            case events.Verify() | events.Expand():
                core.answer(event, catalog.VRFY_WITHHELD.reply())
            case events.Quit():
                core.answer(event, catalog.CLOSING.reply(hostname=core.hostname))
            case events.StartTls():
                core.answer(event, catalog.READY_FOR_TLS.reply())


def whole(data: bytes) -> list[bytes]:
    return [data]


def halves(data: bytes) -> list[bytes]:
    return [data[: len(data) // 2], data[len(data) // 2 :]]


def octets(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


@pytest.mark.parametrize("cut", [whole, halves, octets])
@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}/{f.stem}")
def test_a_transcript_goes_as_written(file: Path, cut: Cut) -> None:
    server = Server()
    for sent, expected in steps(file.read_text("utf-8")):
        for piece in cut(sent):
            server.play(piece)
        got = server.core.output().decode("ascii").removesuffix("\r\n").split("\r\n")
        if server.core.closed:
            got.append("CLOSED")
        assert len(got) == len(expected), got
        for have, want in zip(got, expected, strict=True):
            if want.endswith("…"):
                assert have.startswith(want[:-1])
            else:
                assert have == want


def test_the_message_is_kept_octet_by_octet() -> None:
    server = Server()
    server.play(b"HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<ada@example.org>\r\nDATA\r\n")
    server.play(b"From: a\r\n\r\n..dot\r\n...\r\n.x\r\n.\r\n")
    assert server.messages == [b"From: a\r\n\r\n.dot\r\n..\r\nx\r\n"]
