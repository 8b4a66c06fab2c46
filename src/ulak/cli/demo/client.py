"""A mail client as if typed by hand: it says line after line and keeps the whole dialogue."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Self

_PATIENCE = 10.0  # seconds for one reply


class Broken(StrEnum):
    """How a dialogue can break off, as `texts/` names it."""

    UNREACHABLE = "unreachable"
    SILENT = "silent"
    CLOSED = "closed"


class ConversationError(Exception):
    """A dialogue broke off; `last` is the last line of it, `""` if there was none."""

    def __init__(self, how: Broken, last: str = "") -> None:
        super().__init__(str(how))
        self.how, self.last = how, last


@dataclass(slots=True)
class Client:
    """One connection to `port` on this machine, from the loopback address `source`.

    `lines` is the dialogue, each line with `C: ` or `S: ` before it. A reply is given as its
    lines joined by line feeds, codes included.
    """

    port: int
    source: str = "127.0.0.1"
    lines: list[str] = field(default_factory=list)
    _reader: asyncio.StreamReader = field(init=False)
    _writer: asyncio.StreamWriter = field(init=False)

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(_PATIENCE):
                self._reader, self._writer = await asyncio.open_connection(
                    "127.0.0.1", self.port, local_addr=(self.source, 0)
                )
        except (OSError, TimeoutError) as error:
            raise ConversationError(Broken.UNREACHABLE) from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def hear(self) -> str:
        """Wait for a reply. Raises ConversationError."""
        reply: list[str] = []
        try:
            async with asyncio.timeout(_PATIENCE):
                while not reply or reply[-1][3:4] == "-":
                    line = (await self._reader.readuntil(b"\r\n"))[:-2].decode("utf-8", "replace")
                    self.lines.append(f"S: {line}")
                    reply.append(line)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            how = Broken.SILENT if isinstance(error, TimeoutError) else Broken.CLOSED
            raise ConversationError(how, self.lines[-1] if self.lines else "") from error
        return "\n".join(reply)

    async def say(self, *lines: str) -> str:
        """Say something and wait for the reply to all of it. Raises ConversationError."""
        for line in lines:
            self.lines.append(f"C: {line}".rstrip(" "))
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())
        return await self.hear()

    async def send(self, sender: str, recipients: tuple[str, ...], message: tuple[str, ...]) -> str:
        """Send a message of lines without a point in front; give the reply to the end of it."""
        await self.hear()
        await self.say("EHLO client.example")
        await self.say(f"MAIL FROM:<{sender}>")
        for recipient in recipients:
            await self.say(f"RCPT TO:<{recipient}>")
        await self.say("DATA")
        reply = await self.say(*message, ".")
        await self.say("QUIT")
        return reply
