"""A message that a program of ours hands in: a session of submission without a connection.

All that a session of RFC 6409 asks is asked in the same words by the same code: who may send as
whom, how much, to whom, in what form. What differs is that the client is known already, and that
it hears causes and not only replies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ulak.accounts.account import Account
from ulak.queue.item import Receipt
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.server import notes
from ulak.server.received import Hop
from ulak.server.session import Session
from ulak.server.site import Site
from ulak.smtp import events
from ulak.smtp.offers import Offers

_NEVER = 1 << 30


@dataclass(frozen=True, slots=True)
class Handed:
    """What is handed in: by whom, from which IP address, in which envelope.

    `key` and `digest` are those of the receipt, `""` for none; `utf8` asks for SMTPUTF8.
    """

    account: Account
    ip: str
    sender: str
    recipients: tuple[str, ...]
    octets: bytes
    utf8: bool = False
    key: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What one recipient, or the message, was answered. `reply` is on one line."""

    recipient: str
    cause: str
    reply: str
    taken: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of it. `id` is the message's, `""` where it was not taken: `whole` says why."""

    id: str
    recipients: tuple[Said, ...]
    whole: Said


class _Ear(asyncio.Transport):
    """Hears what a session says, in place of a client's socket."""

    def __init__(self) -> None:
        super().__init__()
        self._heard = bytearray()
        self._fresh = asyncio.Event()
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 -- as asyncio has it
        del name
        return default

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self._heard += data
        self._fresh.set()

    def close(self) -> None:
        self.closed = True
        self._fresh.set()

    def abort(self) -> None:
        self.close()

    def can_write_eof(self) -> bool:
        return False

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    async def reply(self) -> list[str]:
        """Give the lines of the next reply; none where the session is over."""
        lines: list[str] = []
        while True:
            while b"\r\n" in self._heard:
                line, _, rest = bytes(self._heard).partition(b"\r\n")
                self._heard[:] = rest
                lines.append(line.decode("utf-8", "replace"))
                if line[3:4] != b"-":
                    return lines
            if self.closed:
                return lines
            self._fresh.clear()
            await self._fresh.wait()


class HandedIn(Session):
    """The session of one message."""

    __slots__ = ("_ear", "_handed", "_last", "_states")

    def __init__(self, site: Site, offers: Offers, handed: Handed) -> None:
        super().__init__(site, set(), None, offers)
        self.ip = handed.ip
        self._handed = handed
        self._ear = _Ear()
        self._transport = self._ear
        self._entrance.account = handed.account
        self._last: Reply | None = None
        self._states: list[Said] = []
        # A program may name many recipients that are refused, and is told of each.
        self.core.limits = replace(self.core.limits, errors=_NEVER, cheap_commands=_NEVER)
        self.core.authenticate(handed.account.address)

    async def run(self, answer: Callable[[str, Sequence[Said]], str]) -> Answered:
        """Hand the message in; `answer` gives the text of its receipt."""
        site, handed = self._site, self._handed
        site.journal.write(notes.connected(site.clock(), self.id, self.ip, 0, None, {"via": "api"}))
        try:
            return await self._run_through(answer)
        finally:
            self._transport = None
            self.core.close()
            if not self._busy:
                self.forget()
            facts = {
                **self._facts(), "accepted": str(self.accepted), "refused": str(self.refused)
            }  # fmt: skip
            site.journal.write(notes.closed(site.clock(), self.id, facts))
            del handed

    async def _run_through(self, answer: Callable[[str, Sequence[Said]], str]) -> Answered:
        handed = self._handed
        name = f"[IPv6:{self.ip}]" if ":" in self.ip else f"[{self.ip}]" if self.ip else "localhost"
        await self._ask(f"EHLO {name}")
        size = len(handed.octets)
        utf8 = " SMTPUTF8" if handed.utf8 else ""
        said = await self._ask(f"MAIL FROM:<{handed.sender}> SIZE={size} BODY=8BITMIME{utf8}")
        if not said.taken:
            return Answered("", (), said)
        for recipient in handed.recipients:
            one = await self._ask(f"RCPT TO:<{recipient}>")
            self._states.append(replace(one, recipient=recipient))
        states = tuple(self._states)
        if not any(one.taken for one in states):
            return Answered("", states, states[0])
        if handed.key and self.transaction is not None:

            def receipt(identifier: str) -> Receipt:
                return Receipt(handed.key, handed.digest, answer(identifier, states))

            self.transaction.receipt = receipt
        self.data_received(f"BDAT {size} LAST\r\n".encode() + handed.octets)
        whole = await self._heard()
        identifier = self._last.facts.get("id", "") if self._last is not None else ""
        return Answered(identifier if whole.taken else "", states, whole)

    async def _ask(self, command: str) -> Said:
        self.data_received(command.encode("utf-8", "replace") + b"\r\n")
        return await self._heard()

    async def _heard(self) -> Said:
        lines = await self._ear.reply()
        last, text = self._last, " ".join(lines)
        if not lines or last is None or not text.startswith(str(last.code)):
            code = text[:1]
            cause = catalog.SESSION_FAILED.name if code != "2" else ""
            return Said("", cause, text, code == "2")
        return Said("", last.cause, str(last), last.positive)

    def _refuse(self, reply: Reply, **facts: str) -> Reply:
        self._last = super()._refuse(reply, **facts)
        return self._last

    def _conclude(self, event: events.EndOfData | events.EndOfChunk, reply: Reply) -> None:
        self._last = reply
        super()._conclude(event, reply)

    def _facts(self) -> dict[str, str]:
        return {**super()._facts(), "via": "api"}

    def _hop(self) -> Hop:
        return replace(super()._hop(), extended=True)
