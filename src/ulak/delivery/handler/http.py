"""Mail handed to a program over HTTP: a POST for each recipient, the message as its content.

The envelope stands in fields of the request. With a secret the request is signed as webhooks are
(`Ulak-Signature: t=SECONDS,v1=HEX`, the HMAC-SHA256 of SECONDS, a dot and the content),
and in any case it has the same `Idempotency-Key` each time the same mail comes to the same
recipient.

The answer decides: 2xx has taken the mail; 4xx does not want it, and what it says is told to the
sender, but 408, 425 and 429 and all else put it off, as long as `Retry-After` says. Redirections
are not followed: the address is the operator's own, wherever it may be.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

import h11

from ulak.delivery.final import LoopError, pieces
from ulak.delivery.handler import outcome
from ulak.delivery.handler.carrier import HandlerCarrier
from ulak.delivery.outcome import Outcome
from ulak.delivery.trouble import words
from ulak.events.signature import FIELD
from ulak.queue.item import Message

_PIECE = 65_536
_LARGEST = 65_536  # octets of an answer that are read
_KEPT = 4096  # octets of its content that are kept
_DELIVERED = range(200, 300)
_REFUSED = range(400, 500)
_NOT_YET = frozenset({408, 425, 429})
_BUSY = frozenset({429, 503})
_LONGEST_WAIT = 86_400  # seconds: nobody makes us wait longer
_DIGITS = re.compile(r"[0-9]{1,9}")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Where mail is sent to, and how. `secret` is read for each request; None: not signed."""

    url: str
    timeout: float = 60.0
    at_once: int = 4
    secret: Callable[[], bytes] | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    retry_after: str = ""
    content: bytes = b""


class HttpCarrier(HandlerCarrier[Address]):
    """Posts to the addresses that are known by the keys of their targets.

    `context` makes the TLS that verifies; `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        addresses: Mapping[str, Address],
        context: Callable[[], ssl.SSLContext],
        clock: Callable[[], float],
    ) -> None:
        super().__init__(addresses)
        self._context = context
        self._clock = clock

    async def _carry(
        self, message: Message, recipient: str, handler: Address, turns: asyncio.Semaphore
    ) -> Outcome:
        address = handler
        try:
            async with turns:
                fields = await asyncio.to_thread(self._fields, message, recipient, address)
                async with asyncio.timeout(address.timeout):
                    answer = await self._post(message, recipient, address, fields)
        except LoopError:
            return outcome.looped(recipient)
        except TimeoutError:
            problem = f"no answer within {address.timeout:g} seconds"
            return outcome.failed(recipient, address.url, problem)
        except (OSError, h11.ProtocolError) as error:
            return outcome.failed(recipient, address.url, words(error))
        return self._judged(recipient, address.url, answer)

    def _fields(self, message: Message, recipient: str, address: Address) -> list[tuple[str, str]]:
        """Give the header of a request. Reads the whole message, once."""
        envelope = message.envelope
        identifier, now = key_of(message.id, recipient), str(int(self._clock()))
        signature = None
        if address.secret is not None:
            signature = hmac.new(address.secret(), f"{now}.".encode(), "sha256")
        length = 0
        for piece in pieces(message, recipient, lf=False):
            length += len(piece)
            if signature is not None:
                signature.update(piece)
        wide = envelope.smtputf8
        fields = [
            ("Host", urlsplit(address.url).netloc),
            ("User-Agent", "Ulak"),
            ("Content-Type", "message/global" if wide else "message/rfc822"),
            ("Content-Length", str(length)),
            ("Connection", "close"),
            ("Idempotency-Key", f'"{identifier}"'),
            ("Ulak-Message", message.id),
            ("Ulak-Sender", _safe(envelope.sender)),
            ("Ulak-Recipient", _safe(recipient)),
            ("Ulak-Original-Recipient", _safe(envelope.asked_for(recipient).through or recipient)),
        ]
        if envelope.wishes.quarantine:
            fields.append(("Ulak-Quarantine", envelope.wishes.quarantine))
        if signature is not None:
            fields.append((FIELD, f"t={now},v1={signature.hexdigest()}"))
        return fields

    async def _post(
        self, message: Message, recipient: str, address: Address, fields: list[tuple[str, str]]
    ) -> _Answer:
        parts = urlsplit(address.url)
        secure = parts.scheme == "https"
        reader, writer = await asyncio.open_connection(
            parts.hostname,
            parts.port or _PORTS[parts.scheme],
            ssl=self._context() if secure else None,
            server_hostname=parts.hostname if secure else None,
        )
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request = h11.Request(method="POST", target=path, headers=fields)
        http = h11.Connection(our_role=h11.CLIENT)
        sending: asyncio.Task[None] | None = None
        try:
            writer.write(http.send(request) or b"")
            content = pieces(message, recipient, lf=False)
            # An answer may come before all is sent, and none may be missed for it.
            sending = asyncio.get_running_loop().create_task(_send(http, writer, content))
            return await _answer(http, reader)
        finally:
            if sending is not None:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            writer.transport.abort()

    def _judged(self, recipient: str, url: str, answer: _Answer) -> Outcome:
        said = outcome.shown(answer.content)
        how = f"status {answer.status}"
        if answer.status in _DELIVERED:
            return outcome.delivered(recipient, url, said)
        if answer.status in _REFUSED and answer.status not in _NOT_YET:
            return outcome.refused(recipient, url, said, how)
        wait = self._wait(answer.retry_after)
        if wait or answer.status in _BUSY:
            return outcome.busy(recipient, url, how, wait, said)
        return outcome.failed(recipient, url, how, said)

    def _wait(self, text: str) -> int:
        """Read Retry-After: seconds or a date (RFC 9110 §10.2.3); 0 for nothing or nonsense."""
        if _DIGITS.fullmatch(text):
            return min(int(text), _LONGEST_WAIT)
        try:
            until = parsedate_to_datetime(text).timestamp()
        except (ValueError, TypeError, OverflowError):
            return 0
        return max(0, min(int(until - self._clock()), _LONGEST_WAIT))


def key_of(message: str, recipient: str) -> str:
    """Give what is the same each time the same mail comes to the same recipient, and only then."""
    return hashlib.sha256(f"{message}\n{recipient}".encode()).hexdigest()[:32]


def _safe(text: str) -> str:
    """Write an address into a field: what is not printable ASCII, and `%`, as %XX."""
    return quote(text, safe="!#$&'*+-/=?^_`{|}~@.\"(),:;<>[]\\ ")


async def _send(
    http: h11.Connection, writer: asyncio.StreamWriter, content: Iterator[bytes]
) -> None:
    while piece := await asyncio.to_thread(_next, content):
        writer.write(http.send(h11.Data(data=piece)) or b"")
        await writer.drain()
    writer.write(http.send(h11.EndOfMessage()) or b"")
    await writer.drain()


def _next(content: Iterator[bytes]) -> bytes:
    return next((piece for piece in content if piece), b"")


async def _answer(http: h11.Connection, reader: asyncio.StreamReader) -> _Answer:
    """Read an answer; of a long one the beginning."""
    status, retry_after, kept, size = 0, "", b"", 0
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            piece = await reader.read(_PIECE)
            size += len(piece)
            if size > _LARGEST and status:
                return _Answer(status, retry_after, kept)
            http.receive_data(piece)
        elif isinstance(event, h11.Response):
            status = event.status_code
            for name, value in event.headers:
                if name == b"retry-after":
                    retry_after = value.decode("ascii", "replace").strip()
        elif isinstance(event, h11.Data):
            kept += bytes(event.data)[: _KEPT - len(kept)]
        elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
            if not status:
                problem = "the connection was closed without an answer"
                raise ConnectionError(problem)
            return _Answer(status, retry_after, kept)
