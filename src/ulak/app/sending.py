"""One message sent by hand: what `ulak send` does, without its words."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence
from email.utils import formatdate
from pathlib import Path

from ulak.app.identifiers import Identifiers
from ulak.delivery.attempt import SmtpCarrier
from ulak.delivery.outcome import Outcome
from ulak.delivery.sending import Sending
from ulak.delivery.target import Host, Target, Way
from ulak.delivery.tls import opportunistic
from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Message


class NoSuchHostError(Exception):
    """The server's name has no address; the text says what the system says."""


def send(
    server: tuple[str, int], sender: str, recipients: Sequence[str], data: bytes, hostname: str
) -> list[Outcome]:
    """Send a message to one server, once; give an outcome for each recipient.

    The message's line ends become CRLF. Raises NoSuchHostError.
    """
    host, port = server
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NoSuchHostError(error.strerror or str(error)) from error
    addresses = tuple(dict.fromkeys(str(info[4][0]) for info in found))
    body = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    ascii_only = all(text.isascii() for text in (sender, *recipients))
    header = body.partition(b"\r\n\r\n")[0]
    message = Message(
        Identifiers(time.time)(),
        Envelope(
            sender,
            tuple(recipients),
            smtputf8=not ascii_only or not header.isascii(),
            body="7BIT" if body.isascii() else "8BITMIME",
        ),
        Body(len(body), body),
        time.time(),
    )
    target = Target(Way.SMTP, f"{host}:{port}", (Host(host, addresses, port),))
    return asyncio.run(_carry(message, recipients, target, hostname))


async def _carry(
    message: Message, recipients: Sequence[str], target: Target, hostname: str
) -> list[Outcome]:
    carrier = SmtpCarrier(
        Sending(hostname, opportunistic(), ports=frozenset(), always_dialogue=True)
    )
    try:
        return await carrier.carry(message, recipients, target)
    finally:
        await carrier.close()


def sample(sender: str, recipients: Sequence[str], hostname: str) -> bytes:
    """Write a small message for who has none at hand."""
    return (
        f"From: <{sender}>\r\nTo: {', '.join(f'<{to}>' for to in recipients)}\r\n"
        f"Subject: A message sent by hand\r\nDate: {formatdate(localtime=False)}\r\n"
        f"Message-ID: <{Identifiers(time.time)()}@{hostname}>\r\n\r\n"
        "This message was sent with `ulak send`.\r\n"
    ).encode()


def read(path: Path) -> bytes:
    """Read a message from a file. Raises OSError."""
    return path.read_bytes()
