"""One connection of a scripted server."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from ulak.lab.mx.behaviour import Act, Behaviour, Heard, Taken, Visit
from ulak.lab.mx.login import Exchange
from ulak.smtp.body import BodyReader

if TYPE_CHECKING:  # a habit is made of acts
    from ulak.lab.habits import Habit

_USUAL = {
    "STARTTLS": "220 2.0.0 Go ahead",
    "MAIL": "250 2.1.0 Sender ok",
    "RCPT": "250 2.1.5 Recipient ok",
    "DATA": "354 End with CRLF.CRLF",
    "message": "250 2.0.0 Taken",
    "RSET": "250 2.0.0 Forgotten",
    "NOOP": "250 2.0.0 Nothing done",
    "QUIT": "221 2.0.0 Goodbye",
}
_PIECE = 65_536


class ClosedError(Exception):
    """The session is over."""


class Session:
    """One connection of a scripted server."""

    def __init__(
        self,
        done: Counter[str],
        behaviour: Behaviour,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.heard = Heard()
        self.rude = False
        self._done = done
        self._behaviour = behaviour
        self._reader = reader
        self._writer = writer
        self._buffer = b""
        self._tls = ""
        self._sender: str | None = None
        self._parameters = ""
        self._recipients: list[str] = []
        self._exchange: Exchange | None = None
        self._asked: list[str] = []
        self._chunks: list[bytes] = []
        source = writer.get_extra_info("peername") or ("",)
        self._visit = Visit(source[0], asyncio.get_running_loop().time)

    async def run(self) -> None:
        """Play until somebody closes."""
        try:
            await self._play()
        finally:
            if self._behaviour.habits is not None:
                self._behaviour.habits.left(self._visit)

    async def _play(self) -> None:
        peer = self._writer.get_extra_info("peername")
        self.heard.peer = peer[0] if isinstance(peer, tuple) else ""
        inner = self._writer.get_extra_info("ssl_object")
        if inner is not None:
            self._tls = inner.version()
        await self._act("connect", f"220 {self._behaviour.name} ESMTP Lab")
        while True:
            line = await self._line()
            if self._exchange is not None and self._exchange.open:
                await self._say_to_login(self._exchange, self._exchange.respond(line))
                continue
            self.heard.commands.append(line)
            await self._command(line)

    # -- octets -----------------------------------------------------------------------------

    async def _more(self) -> bytes:
        data = await self._reader.read(_PIECE)
        if not data:
            raise ClosedError
        self.heard.writes.append(data)
        return data

    async def _line(self) -> str:
        while b"\r\n" not in self._buffer:
            self._buffer += await self._more()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line.decode("utf-8", "backslashreplace")

    async def _act(self, stage: str, usual: str, address: str = "") -> bool:
        """Do what the script says at a stage, or the usual; whether the reply was positive."""
        found: Act | str | None = None
        for key in (f"{stage} {address}", stage):
            found = self._behaviour.at.get(key)
            if isinstance(found, Act) and found.times:
                self._done[key] += 1
                if self._done[key] > found.times:
                    found = None
            if found is not None:
                break
        if found is None and (habits := self._behaviour.habits) is not None:
            found = self._habitual(habits, stage, address)
        act = found if isinstance(found, Act) else Act(found if found is not None else usual)
        if act.delay:
            await asyncio.sleep(act.delay)
        if found is not None and not (act.octets or act.close):
            while True:  # not a word more, whatever comes
                await self._more()
        octets = act.octets
        if act.drip:
            for i in range(len(octets)):
                self._writer.write(octets[i : i + 1])
                await asyncio.sleep(act.drip)
        else:
            self._writer.write(octets)
        await self._writer.drain()
        if act.close:
            self.rude = not octets
            raise ClosedError
        return octets[:1] in (b"2", b"3")

    def _habitual(self, habits: Habit, stage: str, address: str) -> Act | None:
        """Ask the habits what is done at a stage."""
        visit = self._visit
        match stage:
            case "connect":
                return habits.connect(visit)
            case "MAIL":
                visit.sender, visit.recipients = address, []
                return habits.mail(visit)
            case "RCPT":
                return habits.rcpt(visit, address)
            case "message":
                return habits.message(visit)
            case _:
                return None

    # -- commands ---------------------------------------------------------------------------

    async def _command(self, line: str) -> None:
        verb = line[:8].upper() if line[:8].upper() == "STARTTLS" else line[:4].upper()
        match verb:
            case "EHLO" | "LHLO" | "HELO":
                await self._hello(verb)
            case "STARTTLS":
                if await self._act(verb, _USUAL[verb]):
                    await self._start_tls()
            case "AUTH":
                behaviour = self._behaviour
                exchange = Exchange(
                    behaviour.accounts, behaviour.mechanisms, secure=bool(self._tls)
                )
                self._exchange = exchange
                await self._say_to_login(exchange, exchange.begin(line[5:]))
            case "MAIL":
                address, self._parameters = _path(line)
                welcome = self.heard.login or not self._behaviour.accounts
                usual = _USUAL[verb] if welcome else "530 5.7.0 Log in first"
                if await self._act(verb, usual, address):
                    self._begin(address)
            case "RCPT":
                address, parameters = _path(line)
                usual = _USUAL[verb] if self._sender is not None else "503 5.5.1 MAIL first"
                if await self._act(verb, usual, address):
                    self._recipients.append(address)
                    self._visit.recipients.append(address)
                    self._asked.append(parameters)
            case "DATA":
                usual = _USUAL[verb] if self._recipients else "554 5.5.1 No valid recipients"
                if await self._act(verb, usual):
                    await self._message()
            case "BDAT":
                await self._chunk(line)
            case "RSET":
                self._begin(None)
                await self._act(verb, _USUAL[verb])
            case "QUIT":
                self.heard.quit = True
                await self._act(verb, _USUAL[verb])
                raise ClosedError
            case _:
                await self._act(verb, _USUAL.get(verb, "500 5.5.1 What?"))

    async def _say_to_login(self, exchange: Exchange, reply: str) -> None:
        """Say what comes of a login, or of a part of it."""
        if await self._act("AUTH", reply):
            self.heard.login = exchange.name
        else:
            self._exchange = None

    async def _hello(self, verb: str) -> None:
        behaviour = self._behaviour
        lines = [behaviour.name]
        if verb != "HELO":
            lines += behaviour.extensions
            if behaviour.tls is not None and not self._tls:
                lines.append("STARTTLS")
            if behaviour.accounts:
                lines.append(f"AUTH {' '.join(behaviour.mechanisms)}")
        marks = ["-"] * (len(lines) - 1) + [" "]
        usual = "\n".join(f"250{m}{line}" for m, line in zip(marks, lines, strict=True))
        if behaviour.lmtp is not (verb == "LHLO"):
            usual = "500 5.5.1 Not here"
        await self._act(verb, usual)

    async def _start_tls(self) -> None:
        if "TLS" in self._behaviour.at:
            await self._act("TLS", "")
        context = self._behaviour.tls
        if context is None:
            return
        self._buffer = b""
        await self._writer.start_tls(context)
        self._tls = self._writer.get_extra_info("ssl_object").version()

    async def _message(self) -> None:
        body, pieces = BodyReader(), list[bytes]()
        while not body.done:
            data, self._buffer = self._buffer or await self._more(), b""
            if "body" in self._behaviour.at:
                await self._act("body", "")
            piece, self._buffer = body.feed(data)
            pieces.append(piece)
        await self._taken(b"".join(pieces), body.bare)

    async def _chunk(self, line: str) -> None:
        """Take the octets of a chunk, wanted or not (RFC 3030 §2)."""
        size, _, last = line[5:].partition(" ")
        while len(self._buffer) < int(size):
            self._buffer += await self._more()
            if "body" in self._behaviour.at:
                await self._act("body", "")
        chunk, self._buffer = self._buffer[: int(size)], self._buffer[int(size) :]
        if not self._recipients:
            await self._act("BDAT", "503 5.5.1 RCPT first")
            return
        self._chunks.append(chunk)
        if last:
            await self._taken(b"".join(self._chunks), "")
        elif not await self._act("BDAT", f"250 2.0.0 {size} octets taken"):
            self._begin(None)

    async def _taken(self, whole: bytes, bare: str) -> None:
        """Answer the end of a message, and keep it where the answer is a yes."""
        recipients = tuple(self._recipients)
        taken: list[str] = []
        if self._behaviour.lmtp:
            usual = _USUAL["message"]
            taken = [r for r in recipients if await self._act("message", usual, r)]
        elif recipients and await self._act("message", _USUAL["message"]):
            taken = list(recipients)
        elif not recipients:
            await self._act("message", "554 5.5.1 No valid recipients")
        if taken:
            self._visit.messages += 1
            if self._behaviour.habits is not None:
                self._behaviour.habits.taken(self._visit)
            self.heard.taken.append(
                Taken(
                    self._sender or "",
                    tuple(taken),
                    self._parameters,
                    whole,
                    bare,
                    self._tls,
                    tuple(self._asked),
                    tuple(map(len, self._chunks)),
                )
            )
        self._begin(None)

    def _begin(self, sender: str | None) -> None:
        self._sender = sender
        self._recipients, self._asked, self._chunks = [], [], []


def _path(line: str) -> tuple[str, str]:
    """Give the address and the parameters of MAIL or RCPT."""
    path, _, parameters = line.partition("<")[2].rpartition(">")
    return path, parameters.strip(" ")
