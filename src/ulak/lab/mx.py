"""SMTP and LMTP servers on loopback that behave as a script says, well or ill.

A `Behaviour` says what a server offers and what it does at a stage in place of the usual. A
`ScriptedServer` plays it on a free port or a unix socket and keeps what it heard.

    behaviour = Behaviour(at={"RCPT nobody@example.net": "550 5.1.1 No such user"})
    async with ScriptedServer(behaviour) as mx:
        ...  # talk to 127.0.0.1:mx.port, then look at mx.messages and mx.commands
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from ulak.smtp.body import BodyReader

_EXTENSIONS = ("PIPELINING", "SIZE 10240000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
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


@dataclass(frozen=True, slots=True)
class Act:
    r"""What a server does at a stage. One that says nothing and does not close is silence for ever.

    `say` is a reply, its lines apart by `\n`; `raw` goes out as it is. `delay` is how many seconds
    it waits before that, `drip` how many between single octets, and after it it may `close`.
    `times` is how often it does so before it behaves as usual, 0 for ever.
    """

    say: str = ""
    raw: bytes = b""
    delay: float = 0.0
    drip: float = 0.0
    close: bool = False
    times: int = 0

    @property
    def octets(self) -> bytes:
        """What goes over the wire."""
        if self.raw or not self.say:
            return self.raw
        return b"".join(line.encode() + b"\r\n" for line in self.say.split("\n"))


CLOSE = Act(close=True)
SILENCE = Act()


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a server behaves.

    The keys of `at` are stages: `connect`, a command (`EHLO`, `HELO`, `LHLO`, `STARTTLS`, `MAIL`,
    `RCPT`, `DATA`, `RSET`, `NOOP`, `QUIT`), `TLS` (in place of the handshake), `body` (as soon as
    some of the message has come) and `message` (its end). `MAIL ada@example.org`, `RCPT …` and,
    with LMTP, `message …` mean one address. A text stands for an `Act` that says it.
    """

    name: str = "mx.example.net"
    extensions: tuple[str, ...] = _EXTENSIONS
    at: Mapping[str, Act | str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    lmtp: bool = False


@dataclass(slots=True)
class Taken:
    """A message that was taken. `body` is unstuffed; `bare` names a bare CR or LF in it."""

    sender: str
    recipients: tuple[str, ...]
    parameters: str
    body: bytes
    bare: str
    tls: str


@dataclass(slots=True)
class Heard:
    """One session: its commands as they came, and whether the client ended it with QUIT."""

    commands: list[str] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    writes: list[bytes] = field(default_factory=list)  # what came before each reply went out
    quit: bool = False


class ScriptedServer:
    """A server that plays a behaviour: the first connection the first one, the last one for ever.

    It listens on a free loopback port, or on the unix socket `path`.
    """

    def __init__(
        self, *behaviours: Behaviour, path: str = "", host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.behaviours = list(behaviours) or [Behaviour()]
        self.host, self.port, self.path = host, port, path
        self.sessions: list[Heard] = []
        self.done: Counter[str] = Counter()  # how often each act with `times` was due
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listen; give the port."""
        if self.path:
            self._server = await asyncio.start_unix_server(self._serve, self.path)
            return 0
        self._server = await asyncio.start_server(self._serve, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def stop(self) -> None:
        """Listen no more and close what is open."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # what was aborted is closed in the next turn of the loop

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def messages(self) -> list[Taken]:
        """What was taken, over all sessions."""
        return [taken for session in self.sessions for taken in session.taken]

    @property
    def commands(self) -> list[str]:
        """What was commanded, over all sessions."""
        return [command for session in self.sessions for command in session.commands]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- a coroutine runs in a task
        self._tasks.add(task)
        turn = min(len(self.sessions), len(self.behaviours) - 1)
        session = _Session(self, self.behaviours[turn], reader, writer)
        self.sessions.append(session.heard)
        try:
            with contextlib.suppress(OSError, ssl.SSLError, _ClosedError):
                await session.run()
        except asyncio.CancelledError:
            session.rude = True  # whoever stops does not wait until a peer has closed its TLS too
        finally:
            self._tasks.discard(task)
            writer.transport.abort() if session.rude else writer.close()


class _ClosedError(Exception):
    """The session is over."""


class _Session:
    """One connection of a scripted server."""

    def __init__(
        self,
        server: ScriptedServer,
        behaviour: Behaviour,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.heard = Heard()
        self.rude = False
        self._server = server
        self._behaviour = behaviour
        self._reader = reader
        self._writer = writer
        self._buffer = b""
        self._tls = ""
        self._sender: str | None = None
        self._parameters = ""
        self._recipients: list[str] = []

    async def run(self) -> None:
        """Play until somebody closes."""
        await self._act("connect", f"220 {self._behaviour.name} ESMTP Lab")
        while True:
            line = await self._line()
            self.heard.commands.append(line)
            await self._command(line)

    # -- octets -----------------------------------------------------------------------------

    async def _more(self) -> bytes:
        data = await self._reader.read(_PIECE)
        if not data:
            raise _ClosedError
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
                self._server.done[key] += 1
                if self._server.done[key] > found.times:
                    found = None
            if found is not None:
                break
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
            raise _ClosedError
        return octets[:1] in (b"2", b"3")

    # -- commands ---------------------------------------------------------------------------

    async def _command(self, line: str) -> None:
        verb = line[:8].upper() if line[:8].upper() == "STARTTLS" else line[:4].upper()
        match verb:
            case "EHLO" | "LHLO" | "HELO":
                await self._hello(verb)
            case "STARTTLS":
                if await self._act(verb, _USUAL[verb]):
                    await self._start_tls()
            case "MAIL":
                address, self._parameters = _path(line)
                if await self._act(verb, _USUAL[verb], address):
                    self._sender, self._recipients = address, []
            case "RCPT":
                address, _ = _path(line)
                usual = _USUAL[verb] if self._sender is not None else "503 5.5.1 MAIL first"
                if await self._act(verb, usual, address):
                    self._recipients.append(address)
            case "DATA":
                usual = _USUAL[verb] if self._recipients else "554 5.5.1 No valid recipients"
                if await self._act(verb, usual):
                    await self._message()
            case "RSET":
                self._sender, self._recipients = None, []
                await self._act(verb, _USUAL[verb])
            case "QUIT":
                self.heard.quit = True
                await self._act(verb, _USUAL[verb])
                raise _ClosedError
            case _:
                await self._act(verb, _USUAL.get(verb, "500 5.5.1 What?"))

    async def _hello(self, verb: str) -> None:
        behaviour = self._behaviour
        lines = [behaviour.name]
        if verb != "HELO":
            lines += behaviour.extensions
            if behaviour.tls is not None and not self._tls:
                lines.append("STARTTLS")
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
        whole = b"".join(pieces)
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
            self.heard.taken.append(
                Taken(
                    self._sender or "", tuple(taken), self._parameters, whole, body.bare, self._tls
                )
            )
        self._sender, self._recipients = None, []


def _path(line: str) -> tuple[str, str]:
    """Give the address and the parameters of MAIL or RCPT."""
    path, _, parameters = line.partition("<")[2].rpartition(">")
    return path, parameters.strip(" ")
