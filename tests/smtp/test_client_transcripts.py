"""Every client transcript, played whole, in two pieces and octet by octet, goes as written."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from ulak.mail.envelope import NO_WISHES, DeliverBy, RecipientWishes
from ulak.smtp.client import ClientCore, Login, Step, Transaction
from ulak.smtp.sasl.client import Credentials

FOLDER = Path(__file__).parent.parent / "transcripts" / "client"
FILES = sorted(FOLDER.glob("*.dialogue"))
Cut = Callable[[bytes], Iterable[bytes]]


NONCE = "rOprNGfwEbeRWgbNEkqO"  # RFC 7677 §3
KINDS = {"eight-bit": "8BITMIME", "binary": "BINARYMIME"}


def transaction(sender: str, recipients: list[str], options: Iterable[str]) -> Transaction:
    """Read the words behind `with`; the time is 0."""
    size, body, wishes = 0, "7BIT", NO_WISHES
    asked: dict[str, RecipientWishes] = {}
    words = tuple(options)
    for option in words:
        name, _, value = option.partition("=")
        of, _, recipient = name.partition(":")
        one = asked.get(recipient, RecipientWishes())
        match of:
            case "size":
                size = int(value)
            case "eight-bit" | "binary":
                body = KINDS[of]
            case "ret":
                wishes = replace(wishes, ret=value)
            case "envid":
                wishes = replace(wishes, envid=value.replace("_", " "))
            case "auth":
                wishes = replace(wishes, auth=value)
            case "require-tls":
                wishes = replace(wishes, require_tls=True)
            case "priority":
                wishes = replace(wishes, priority=int(value))
            case "by":
                until, _, mode = value.partition(";")
                by = DeliverBy(float(until), mode[0], mode.endswith("T"))
                wishes = replace(wishes, deliver_by=by)
            case "notify":
                asked[recipient] = replace(one, notify=frozenset(value.split(",")))
            case "orcpt":
                asked[recipient] = replace(one, orcpt=value)
            case "through":
                asked[recipient] = replace(one, through=value)
            case _:
                assert of in ("smtputf8", "chunking"), option
    return Transaction(
        sender,
        tuple(recipients),
        size=size,
        body=body,
        smtputf8="smtputf8" in words,
        chunking="chunking" in words,
        wishes=wishes,
        asked=asked,
    )


class Player:
    """Plays one transcript."""

    def __init__(self, cut: Cut) -> None:
        self.core = ClientCore("client.example.org")
        self.cut = cut
        self.step = Step.WAIT
        self.recipients: list[str] = []
        self.coming = b""
        self.expected: list[str] = []
        self.told: list[str] | None = None

    def play(self, text: str) -> None:
        for line in text.split("\n"):
            mark, _, rest = line.partition(" ")
            if mark.startswith("S"):
                self.settle()
                raw = codecs.decode(rest, "unicode_escape").encode("latin-1")
                self.coming += raw if mark == "S+" else rest.encode() + b"\r\n"
                continue
            self.feed()
            match mark:
                case "C:":
                    self.expected.append(rest)
                case "===":
                    self.settle()
                    assert self.step.name.lower() == rest
                    self.step = Step.WAIT
                    self.told = [] if rest in ("done", "over") else None
                case "=":
                    assert self.told is not None
                    self.told.append(rest)
                case ">":
                    self.settle()
                    self.act(*rest.split(" "))
                case _:
                    assert line.startswith("#") or not line
        self.feed()
        self.settle()

    def feed(self) -> None:
        for piece in self.cut(self.coming) if self.coming else ():
            step = self.core.feed(piece)
            if step is not Step.WAIT:
                self.step = step
        self.coming = b""

    def settle(self) -> None:
        """Compare what was said and what was answered with what stands there."""
        said = self.core.output().decode()
        assert said == "".join(line + "\r\n" for line in self.expected)
        self.expected = []
        if self.told is not None:
            assert self.facts() == self.told
            self.told = None

    def facts(self) -> list[str]:
        core = self.core
        if not self.recipients:
            found = []
        else:
            found = [
                f"{recipient}: {answer.reply} ({answer.stage.value})"
                for recipient, answer in zip(self.recipients, core.answers, strict=True)
                if answer is not None
            ]
        failure = core.failure
        if failure is not None and not (failure.reply and failure.reply.code == 221):
            kind = failure.reply or ("babble" if failure.babble else "lost")
            found.append(f"failure: {kind} ({failure.stage.value})")
        if found and core.usable:
            found.append("usable")
        return found

    def act(self, verb: str, *words: str) -> None:
        core = self.core
        match verb:
            case "lmtp":
                self.core = ClientCore("client.example.org", lmtp=True)
            case "login":
                credentials = Credentials(words[0], words[1])
                login = Login(
                    credentials, NONCE, readable="readable" in words, clear="clear" in words
                )
                secure = "secure" in words
                self.core = ClientCore("client.example.org", secure=secure, login=login)
            case "starttls":
                self.core = ClientCore("client.example.org", starttls=True)
            case "tls":
                core.tls_started()
            case "message":
                core.body_sent()
            case "chunk":
                core.chunk(int(words[0]), last="last" in words)
                if "last" in words:
                    core.body_sent()
            case "quit":
                assert core.quit()
                self.recipients = []
            case "lost":
                self.step = core.connection_lost("gone")
            case "send":
                at = words.index("with") if "with" in words else len(words)
                self.recipients = list(words[2:at])
                options = words[at + 1 :]
                self.step = core.begin(transaction(words[0], self.recipients, options))
            case _:
                pytest.fail(f"a transcript says > {verb}")


def whole(data: bytes) -> list[bytes]:
    return [data]


def halves(data: bytes) -> list[bytes]:
    return [data[: len(data) // 2], data[len(data) // 2 :]]


def octets(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


@pytest.mark.parametrize("cut", [whole, halves, octets])
@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_client_transcript_goes_as_written(file: Path, cut: Cut) -> None:
    Player(cut).play(file.read_text("utf-8"))


def test_the_dialogue_is_kept_without_the_message() -> None:
    core = ClientCore("client.example.org")
    core.feed(b"220 mx.exa")
    core.feed(b"mple.net\r\n")
    core.feed(b"250-mx.example.net\r\n250 PIPELINING\r\n")
    for _ in range(2):
        core.begin(Transaction("g@example.org", ("ada@example.net",)))
        core.feed(b"250 ok\r\n250 ok\r\n354 go\r\n")
        core.body_sent()
        core.feed(b"250 taken\r\n")
    assert core.dialogue() == (
        "S: 220 mx.example.net",
        "C: EHLO client.example.org",
        "S: 250-mx.example.net",
        "S: 250 PIPELINING",
        "C: MAIL FROM:<g@example.org>",
        "C: RCPT TO:<ada@example.net>",
        "C: DATA",
        "S: 250 ok",
        "S: 250 ok",
        "S: 354 go",
        "=: the message",
        "S: 250 taken",
    )


def test_a_dialogue_with_a_thousand_recipients_keeps_its_ends() -> None:
    core = ClientCore("client.example.org")
    core.feed(b"220 mx\r\n")
    core.feed(b"250-mx\r\n250 PIPELINING\r\n")
    core.begin(Transaction("g@example.org", tuple(f"u{i}@example.net" for i in range(1000))))
    for _ in range(1000):
        core.feed(b"550 " + b"x" * 1000 + b"\r\n")
    lines = core.dialogue()
    assert len(lines) <= 201
    assert all(len(line) <= 520 for line in lines)
    assert lines[0] == "S: 220 mx"


def test_half_a_reply_out_of_turn_is_no_beginning_of_the_next_one() -> None:
    core = ClientCore("client.example.org")
    core.feed(b"220 mx\r\n")
    assert core.feed(b"250 mx\r\n25") is Step.READY
    assert core.begin(Transaction("g@example.org", ("ada@example.net",))) is Step.OVER
    assert core.failure is not None
    assert core.failure.babble
