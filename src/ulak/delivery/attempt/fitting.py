"""What a message needs, and what of it a server can take, as its answer to EHLO says."""

from __future__ import annotations

import asyncio
import mmap
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from ulak.delivery import conclusion
from ulak.delivery.connection import Connection
from ulak.delivery.outcome import Outcome
from ulak.delivery.sending import Chunking, Sending
from ulak.mail.envelope import NO_WISHES, domain_of
from ulak.mail.transport import Octets, is_text, needs_utf8
from ulak.queue.item import Message
from ulak.smtp.client import Offer, Transaction

_LARGEST_HEADER = 1_000_000  # octets
_NOT_REQUIRED = re.compile(rb"(?:^|\n)TLS-Required[ \t]*:[ \t]*No[ \t]*(?:\r?\n|$)", re.IGNORECASE)
_ABOUT_TLS = re.compile(rb"(?:^|\n)TLS-Report-Domain[ \t]*:", re.IGNORECASE)


class Fitting:
    """One message, held against one server after the other.

    `strict`: it goes only where REQUIRETLS is kept (RFC 8689 §4.2.1).
    """

    __slots__ = (
        "_binary",
        "_eight_bit",
        "_lenient",
        "_message",
        "_sending",
        "_utf8",
        "_wished",
        "strict",
    )

    def __init__(self, message: Message, sending: Sending) -> None:
        self._message = message
        self._sending = sending
        envelope, body = message.envelope, message.body
        self.strict = envelope.wishes.require_tls
        self._wished = envelope.wishes is not NO_WISHES or bool(envelope.asked)
        self._lenient: bool | None = None
        self._binary = False  # whether only BINARYMIME can carry it
        self._utf8 = not envelope.sender.isascii()  # whether everybody needs SMTPUTF8
        if body.data is not None:
            self._eight_bit = not body.data.isascii()
        else:
            self._eight_bit = envelope.body != "7BIT"

    @property
    def unclear(self) -> bool:
        """Whether the envelope does not say enough, so that the octets have to be looked at."""
        envelope = self._message.envelope
        return (envelope.smtputf8 and not self._utf8) or envelope.body == "BINARYMIME"

    async def look(self) -> None:
        """Look at the octets."""
        envelope, body = self._message.envelope, self._message.body
        if envelope.smtputf8 and not self._utf8:
            # RFC 6531 §3.4: it is asked for again where the message needs it, and only there.
            self._utf8 = await _ask(needs_utf8, body.data, body.path)
        if envelope.body == "BINARYMIME":
            self._binary = not await _ask(is_text, body.data, body.path)

    async def lenient(self) -> bool:
        """Whether the message says that it may go without TLS (RFC 8689 §3)."""
        if self._lenient is None:
            body = self._message.body
            self._lenient = await _ask(_not_required, body.data, body.path)
        return self._lenient

    async def about_tls(self) -> bool:
        """Whether the message is a report about TLS (RFC 8460 §5.3)."""
        body = self._message.body
        return await _ask(_is_about_tls, body.data, body.path)

    def too_large(self, offer: Offer) -> bool:
        """Whether the server says that it takes no message of this size (RFC 1870 §6.1)."""
        return 0 < offer.size < self._message.body.size

    def batch(
        self, connection: Connection, undecided: list[str]
    ) -> tuple[list[str], Outcome | None]:
        """Choose who is in the next transaction, and say why the server can take nobody else.

        Who is only over the server's limits may be in the one after it.
        """
        offer = connection.core.offer
        failure: Outcome | None = None
        if self._wished or self._binary:
            failure = self._lacking(connection)
            if failure is not None:
                return [], failure
        if "SMTPUTF8" not in offer:
            able = [] if self._utf8 else [r for r in undecided if r.isascii()]
            if len(able) < len(undecided):
                failure = conclusion.lacks_smtputf8(connection)
                undecided = able
        if offer.domains:
            undecided = _in_few_domains(connection, undecided, offer.domains)
        most = self._sending.recipients
        if 0 < offer.recipients < most:
            most = offer.recipients
        return undecided[:most], failure

    def _lacking(self, connection: Connection) -> Outcome | None:
        """Say what the server lacks that the message cannot go without."""
        offer, by = connection.core.offer, self._message.envelope.wishes.deliver_by
        if self.strict and "REQUIRETLS" not in offer:
            return conclusion.lacks_requiretls(connection)
        if self._binary and not self._chunks(offer, "BINARYMIME"):
            return conclusion.lacks_binarymime(connection)
        if by is not None and by.mode == "R":
            # RFC 2852 §4.1.4: what has to come back in time goes on only where that is promised.
            left = by.until - self._sending.clock()
            if "DELIVERBY" not in offer or left < max(offer.number("DELIVERBY"), 1):
                return conclusion.lacks_deliverby(connection)
        return None

    def _chunks(self, offer: Offer, keyword: str) -> bool:
        wanted = self._sending.chunking is not Chunking.OFF
        return wanted and "CHUNKING" in offer and keyword in offer

    def transaction(self, connection: Connection, batch: list[str]) -> Transaction:
        """Make the transaction for a batch."""
        offer, message = connection.core.offer, self._message
        envelope = message.envelope
        body = "8BITMIME" if self._eight_bit else "7BIT"
        chunking = False
        if envelope.body == "BINARYMIME" and self._chunks(offer, "BINARYMIME"):
            body, chunking = "BINARYMIME", True
        elif self._sending.chunking is Chunking.ALWAYS:
            chunking = self._chunks(offer, "CHUNKING")
        utf8 = self._utf8 or not "".join(batch).isascii()
        if not self._wished:
            return Transaction(
                envelope.sender, tuple(batch), message.body.size, body, utf8, chunking
            )
        wishes = envelope.wishes
        if wishes.require_tls and not self.strict:
            wishes = replace(wishes, require_tls=False)
        return Transaction(
            envelope.sender,
            tuple(batch),
            message.body.size,
            body,
            utf8,
            chunking,
            wishes,
            envelope.asked,
            self._sending.clock() if envelope.wishes.deliver_by is not None else 0.0,
        )

    def facts(self, connection: Connection) -> Mapping[str, str]:
        """Give what is to be noted of a transaction beside its replies."""
        offer, facts = connection.core.offer, connection.facts
        if self._eight_bit and "8BITMIME" not in offer:
            # RFC 6152 §3 would have it converted or returned. To convert breaks signatures, and
            # servers that cannot take eight bits have died out: it goes as it is.
            facts = {**facts, "eight-bit": "as-is"}
        if self._wished:
            envelope = self._message.envelope
            wishes = envelope.wishes
            if envelope.asked or wishes.ret or wishes.envid:
                # RFC 3461 §5.2.1, §5.2.2: who reports a delivery from here on.
                facts = {**facts, "dsn": "passed-on" if "DSN" in offer else "not-offered"}
            if wishes.deliver_by is not None and "DELIVERBY" not in offer:
                facts = {**facts, "deliver-by": "not-offered"}
        return facts


def _not_required(octets: Octets) -> bool:
    """Whether the field TLS-Required says No."""
    return _NOT_REQUIRED.search(_head(octets)) is not None


def _is_about_tls(octets: Octets) -> bool:
    return _ABOUT_TLS.search(_head(octets)) is not None


def _head(octets: Octets) -> bytes:
    end = octets.find(b"\r\n\r\n", 0, _LARGEST_HEADER)
    return bytes(octets[: end if end >= 0 else _LARGEST_HEADER])


def _in_few_domains(connection: Connection, undecided: list[str], most: int) -> list[str]:
    """Choose recipients in no more domains than the session may have (RFC 9422 §4.3)."""
    known = connection.domains
    chosen: list[str] = []
    for recipient in undecided:
        domain = domain_of(recipient)
        if domain in known or len(known) < most:
            known.add(domain)
            chosen.append(recipient)
        else:
            connection.full = True
    return chosen


async def _ask(question: Callable[[Octets], bool], data: bytes | None, path: Path | None) -> bool:
    """Ask something of the octets, of those in a file outside of the loop."""
    if path is None:
        return question(data or b"")
    return await asyncio.to_thread(_ask_file, question, path)


def _ask_file(question: Callable[[Octets], bool], path: Path) -> bool:
    try:
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        ):
            return question(mapped)
    except (OSError, ValueError):  # ValueError: it is empty
        return question(b"")  # sending it will say what is wrong
