"""One message sent by hand: what `ulak send` does, without its words."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from pathlib import Path

from ulak.app.identifiers import Identifiers
from ulak.delivery.attempt import SmtpCarrier
from ulak.delivery.demands import Demands
from ulak.delivery.outcome import Outcome
from ulak.delivery.sending import Sending
from ulak.delivery.target import Host, Target, Told, Way
from ulak.delivery.tls import opportunistic, verifying
from ulak.mail.envelope import NO_WISHES, Envelope, RecipientWishes, Wishes
from ulak.queue.item import Body, Message
from ulak.smtp.sasl.client import Credentials


class NoSuchHostError(Exception):
    """The server's name has no address; the text says what the system says."""


class AuthoritiesError(Exception):
    """A file has no certificates that could be believed; the text is its path."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a message is sent.

    `tls` is `opportunistic`, `required`, `implicit` or `off`; `authorities` are those that are
    believed, None the system's; `trusted`: a server that is not proven may have the password.
    """

    tls: str = "opportunistic"
    authorities: Path | None = None
    login: Credentials | None = None
    trusted: bool = False
    wishes: Wishes = NO_WISHES
    notify: frozenset[str] = frozenset()


def send(
    server: tuple[str, int],
    sender: str,
    recipients: Sequence[str],
    data: bytes,
    hostname: str,
    manner: Manner,
) -> list[Outcome]:
    """Send a message to one server, once; give an outcome for each recipient.

    The message's line ends become CRLF. Raises NoSuchHostError, AuthoritiesError and OSError.
    """
    host, port = server
    demands = _demands(manner)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NoSuchHostError(error.strerror or str(error)) from error
    addresses = tuple(dict.fromkeys(str(info[4][0]) for info in found))
    body = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    ascii_only = all(text.isascii() for text in (sender, *recipients))
    asked = RecipientWishes(manner.notify)
    message = Message(
        Identifiers(time.time)(),
        Envelope(
            sender,
            tuple(recipients),
            smtputf8=not ascii_only or not body.isascii(),
            body="7BIT" if body.isascii() else "8BITMIME",
            wishes=manner.wishes,
            asked=dict.fromkeys(recipients, asked) if manner.notify else {},
        ),
        Body(len(body), body),
        time.time(),
    )
    target = Target(Way.SMTP, f"{host}:{port}", (Host(host, addresses, port),), told=Told.OPERATOR)
    sending = Sending(
        hostname,
        opportunistic(),
        proven=partial(verifying, manner.authorities),
        smarthosts={(host, port): demands},
        ports=frozenset(),
        always_dialogue=True,
    )
    return asyncio.run(_carry(message, recipients, target, sending))


def _demands(manner: Manner) -> Demands:
    proven = manner.tls in ("required", "implicit")
    tls = opportunistic() if manner.tls == "opportunistic" else None
    try:
        if proven or manner.authorities is not None:
            tls = verifying(manner.authorities) if proven else tls
    except ssl.SSLError as error:
        raise AuthoritiesError(str(manner.authorities)) from error
    return Demands(
        "by hand",
        tls,
        required=proven,
        implicit=manner.tls == "implicit",
        login=None if manner.login is None else _given(manner.login),
        trusted=manner.trusted,
    )


def _given(login: Credentials) -> Callable[[], Credentials]:
    return lambda: login


async def _carry(
    message: Message, recipients: Sequence[str], target: Target, sending: Sending
) -> list[Outcome]:
    carrier = SmtpCarrier(sending)
    try:
        return await carrier.carry(message, recipients, target)
    finally:
        await carrier.close()


def offered(dialogue: Sequence[str]) -> frozenset[str]:
    """Give the keywords that a server has offered in its last answer to EHLO."""
    keywords: set[str] = set()
    hello = False
    for line in dialogue:
        if line.startswith("C: "):
            hello = line.startswith("C: EHLO ")
            keywords = set() if hello else keywords
        elif hello and line.startswith(("S: 250-", "S: 250 ")):
            keywords.add(line[7:].partition(" ")[0].upper())
    return frozenset(keywords)


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
