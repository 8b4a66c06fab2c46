"""Mail handed over HTTP to a real server on loopback."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ulak.delivery.handler import Address, HttpCarrier
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.target import Target, Way
from ulak.events.signature import verify
from ulak.lab.certificate import certificate
from ulak.mail.envelope import Envelope, RecipientWishes
from ulak.queue.item import Body, Message

KEY = "http:example.org"
HERE = Target(Way.HTTP, KEY)
TEXT = b"From: g@example.net\r\n\r\nline\r\n"
NOW = 1_800_000_000.0


@dataclass
class Service:
    """A server of HTTP that says what it is told to say, and keeps what it gets."""

    answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n"
    early: bool = False  # answers before it has read the content
    context: ssl.SSLContext | None = None
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            request, *lines = head.strip().split("\r\n")
            fields = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
            content = b""
            if not self.early:
                content = await reader.readexactly(int(fields["content-length"]))
            self.got.append((request, fields, content))
            writer.write(self.answer)
            await writer.drain()
            if not self.answer:
                await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def post(
    service: Service,
    *recipients: str,
    secret: Callable[[], bytes] | None = None,
    timeout: float = 20.0,
    sender: str = "g@example.net",
    body: Body | None = None,
    asked: dict[str, RecipientWishes] | None = None,
    trusted: ssl.SSLContext | None = None,
    url: str = "",
) -> list[Outcome]:
    wide = not all(text.isascii() for text in (sender, *recipients))
    envelope = Envelope(sender, recipients, smtputf8=wide, asked=asked or {})
    message = Message("M1", envelope, body or Body(len(TEXT), TEXT), 1000.0)

    async def main() -> list[Outcome]:
        server = await asyncio.start_server(service.serve, "127.0.0.1", 0, ssl=service.context)
        port = server.sockets[0].getsockname()[1]
        scheme = "https" if service.context is not None else "http"
        address = Address(url or f"{scheme}://localhost:{port}/in?a=b", timeout, 4, secret)
        carrier = HttpCarrier(
            {KEY: address}, lambda: trusted or ssl.create_default_context(), lambda: NOW
        )
        async with server:
            return await carrier.carry(message, recipients, HERE)

    return asyncio.run(main())


def test_the_message_is_the_content_and_the_envelope_stands_in_fields() -> None:
    service = Service()
    asked = {"ada@example.org": RecipientWishes(through="team@example.org")}
    (outcome,) = post(service, "ada@example.org", asked=asked)
    assert (outcome.result, outcome.cause) == (Result.DELIVERED, "delivered")
    ((request, fields, content),) = service.got
    assert request == "POST /in?a=b HTTP/1.1"
    assert content == (
        b"Return-Path: <g@example.net>\r\nDelivered-To: ada@example.org\r\n"
        b"X-Original-To: team@example.org\r\n" + TEXT
    )
    assert fields["content-type"] == "message/rfc822"
    assert fields["ulak-sender"] == "g@example.net"
    assert fields["ulak-recipient"] == "ada@example.org"
    assert fields["ulak-original-recipient"] == "team@example.org"
    assert fields["ulak-message"] == "M1"
    assert "ulak-signature" not in fields


def test_the_same_mail_has_the_same_key_and_other_mail_another() -> None:
    service = Service()
    post(service, "ada@example.org", "grace@example.org")
    post(service, "ada@example.org")
    keys: dict[str, set[str]] = {}
    for _, fields, _ in service.got:
        keys.setdefault(fields["ulak-recipient"], set()).add(fields["idempotency-key"])
    assert [len(each) for each in keys.values()] == [1, 1]
    assert keys["ada@example.org"] != keys["grace@example.org"]


def test_a_secret_signs_time_and_content() -> None:
    service = Service()
    post(service, "ada@example.org", secret=lambda: b"sesame")
    ((_, fields, content),) = service.got
    assert verify(b"sesame", content, fields["ulak-signature"], NOW + 1)
    assert not verify(b"other", content, fields["ulak-signature"], NOW + 1)
    assert not verify(b"sesame", content + b"x", fields["ulak-signature"], NOW + 1)


@pytest.mark.parametrize(
    ("status", "extra", "result", "cause", "wait"),
    [
        ("200 OK", "", Result.DELIVERED, "delivered", ""),
        ("202 Accepted", "", Result.DELIVERED, "delivered", ""),
        ("400 Bad", "", Result.FAILED, "handler-refused", ""),
        ("404 None", "", Result.FAILED, "handler-refused", ""),
        ("422 No", "Retry-After: 5\r\n", Result.FAILED, "handler-refused", ""),
        ("408 Late", "", Result.DEFERRED, "handler-failed", ""),
        ("425 Early", "", Result.DEFERRED, "handler-failed", ""),
        ("429 Many", "Retry-After: 120\r\n", Result.DEFERRED, "handler-busy", "120"),
        ("429 Many", "", Result.DEFERRED, "handler-busy", ""),
        ("500 Oh", "", Result.DEFERRED, "handler-failed", ""),
        ("502 Oh", "Retry-After: 60\r\n", Result.DEFERRED, "handler-busy", "60"),
        (
            "503 Oh",
            "Retry-After: Fri, 15 Jan 2027 08:01:00 GMT\r\n",
            Result.DEFERRED,
            "handler-busy",
            "60",
        ),
        ("503 Oh", "Retry-After: 99999999\r\n", Result.DEFERRED, "handler-busy", "86400"),
        ("503 Oh", "Retry-After: -5\r\n", Result.DEFERRED, "handler-busy", ""),
        ("503 Oh", "Retry-After: soon\r\n", Result.DEFERRED, "handler-busy", ""),
        ("302 Found", "Location: /else\r\n", Result.DEFERRED, "handler-failed", ""),
    ],
)
def test_the_status_decides(status: str, extra: str, result: Result, cause: str, wait: str) -> None:
    text = b"it says\x1b[2J no\n"
    head = f"HTTP/1.1 {status}\r\n{extra}Content-Length: {len(text)}\r\n\r\n"
    service = Service(head.encode() + text)
    (outcome,) = post(service, "ada@example.org")
    assert (outcome.result, outcome.cause) == (result, cause)
    assert outcome.facts["output"] == "it says [2J no"
    assert outcome.facts.get("retry_after", "") == wait
    assert len(service.got) == 1  # no redirection is followed
    if result is Result.FAILED:
        assert "it says [2J no" in outcome.reply


@pytest.mark.parametrize(
    "answer",
    [
        b"220 smtp.example.net ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nbroken\r\n\r\n",
        b"HTTP/1.1 200",
        b"\0" * 300_000,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000,
    ],
)
def test_what_is_no_answer_puts_the_mail_off(answer: bytes) -> None:
    (outcome,) = post(Service(answer), "ada@example.org")
    assert (outcome.result, outcome.cause) == (Result.DEFERRED, "handler-failed")


def test_no_answer_in_time_and_no_server_put_the_mail_off() -> None:
    (outcome,) = post(Service(b""), "ada@example.org", timeout=0.5)
    assert outcome.facts["problem"] == "no answer within 0.5 seconds"
    (outcome,) = post(Service(), "ada@example.org", url="http://127.0.0.1:1/")
    assert outcome.facts["problem"] == "connection refused"


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    service = Service(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2_000_000)
    (outcome,) = post(service, "ada@example.org")
    assert outcome.result is Result.DELIVERED
    assert len(outcome.facts["output"]) == 1000


def test_an_answer_that_comes_before_all_is_sent_counts(tmp_path: Path) -> None:
    data = b"From: a@b\r\n\r\n" + b"y" * 98 + b"\r\n" + b"z\r\n" * 2_000_000
    path = tmp_path / "body"
    path.write_bytes(data)
    service = Service(b"HTTP/1.1 413 Too large\r\nContent-Length: 0\r\n\r\n", early=True)
    (outcome,) = post(service, "ada@example.org", body=Body(len(data), path=path))
    assert outcome.result in (Result.FAILED, Result.DEFERRED)  # the system may have dropped it
    service = Service()
    (outcome,) = post(service, "ada@example.org", body=Body(len(data), path=path))
    assert outcome.result is Result.DELIVERED
    assert service.got[0][2].endswith(data)


def test_a_server_has_to_prove_who_it_is(tmp_path: Path) -> None:
    made = certificate("localhost").write(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*made)
    (outcome,) = post(Service(context=context), "ada@example.org")
    assert outcome.result is Result.DEFERRED
    assert "certificate" in outcome.facts["problem"]
    trusted = ssl.create_default_context(cafile=str(made[0]))
    (outcome,) = post(Service(context=context), "ada@example.org", trusted=trusted)
    assert outcome.result is Result.DELIVERED


@pytest.mark.parametrize("name", ["çağrı", '"a\tb"', "a%0d%0aX: y", "a\r\nX-Evil: y", "\0"])
def test_no_name_makes_a_field_of_its_own(name: str) -> None:
    service = Service()
    post(service, f"{name}@example.org", sender=f"{name}@example.net")
    ((_, fields, content),) = service.got
    assert "x-evil" not in fields
    assert "\r" not in fields["ulak-recipient"]
    assert fields["ulak-recipient"].isascii()
    assert b"\nX-Evil" not in content


def test_mail_that_comes_back_is_a_loop() -> None:
    data = b"Delivered-To: ada@example.org\r\n" + TEXT
    service = Service()
    (outcome,) = post(service, "ada@example.org", body=Body(len(data), data))
    assert (outcome.cause, service.got) == ("delivered-before", [])
