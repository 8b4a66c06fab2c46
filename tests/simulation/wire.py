"""The simulated network: connections that take time, and servers at their other ends.

What a client writes comes to the server some time later, and the other way round. A server speaks
SMTP as far as its habits (`ulak.lab.habits`) let it, and notes every copy of a message that it
takes, and whether the client has heard that it did.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ulak.lab.habits import Habits
from ulak.lab.mx import Act, Visit

from .loop import SimulatedLoop, simulated

Span = tuple[float, float]  # of the loop's time
SOURCE = "192.0.2.1"  # ours, where none is chosen

_NAME = re.compile(rb"Message-ID: <([^@>]+)@", re.IGNORECASE)
_OFFER = b"250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"


@dataclass
class Copy:
    """One message that a server took, for one recipient. `heard`: the client knows."""

    at: float
    message: str
    recipient: str
    heard: bool = False


@dataclass
class Server:
    """All hosts of one site. Chances are drawn per message: `unheard` breaks off after it was
    taken, `broken` before."""

    name: str
    habits: Habits
    latency: float
    chance: Random
    slow: float = 0.0  # seconds before it answers the end of a message
    unheard: float = 0.0
    broken: float = 0.0
    refusing: Sequence[Span] = ()  # nobody listens
    lost: Sequence[Span] = ()  # no packet comes back
    silent: Sequence[Span] = ()  # as its habits have it
    open: int = 0
    open_from: Counter[str] = field(default_factory=Counter)  # by our addresses
    limit: int = 1_000_000  # connections from one address
    over: Callable[[str], None] = lambda _detail: None
    most: int = 0  # sessions at once, at its highest
    sessions: int = 0
    note: Callable[[Sequence[Copy]], None] = lambda _copies: None
    # By our addresses: when somebody connected, or wished to.
    tried: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def away(self) -> list[Span]:
        """When nobody gets anything out of it."""
        return [*self.refusing, *self.lost, *self.silent]


def within(now: float, spans: Sequence[Span]) -> bool:
    return any(since <= now < until for since, until in spans)


class Net:
    """Leads a connection to the server that has the address."""

    def __init__(self, tell: Callable[..., None]) -> None:
        self.servers: dict[str, Server] = {}
        self.tell = tell
        self._ends: set[End] = set()

    async def connect(
        self, make: Callable[[], asyncio.Protocol], host: str, port: int, source: str
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        del port
        loop, server = simulated(), self.servers[host]
        server.tried[source].append(loop.now)
        if within(loop.now, server.lost):
            await asyncio.sleep(1e9)
        # What was sent before it on other connections is there before the handshake is over.
        await asyncio.sleep(server.latency * 1.5)
        if within(loop.now, server.refusing):
            raise ConnectionRefusedError(111, "Connection refused")
        protocol = make()
        end = End(loop, protocol, self._ends)
        self._ends.add(end)
        protocol.connection_made(end)
        end.session = Session(server, end, source or SOURCE, self.tell)
        end.session.begin()
        return end, protocol

    def cut_all(self) -> None:
        """Our side is gone, without a word."""
        for end in list(self._ends):
            end.vanish()


class End(asyncio.Transport):
    """The client's end of a connection."""

    session: Session

    def __init__(self, loop: SimulatedLoop, protocol: asyncio.Protocol, ends: set[End]) -> None:
        super().__init__()
        self._loop = loop
        self._protocol = protocol
        self._ends = ends
        self._out = b""
        self._in: deque[tuple[bytes, Callable[[], None] | None]] = deque()
        self._then = 0.0
        self._closing = False

    # -- what the client does ---------------------------------------------------------------

    def write(self, data: Any) -> None:
        if self._closing:
            return
        if not self._out:
            self._loop.call_later(self.session.server.latency, self._carry)
        self._out += data

    def _carry(self) -> None:
        data, self._out = self._out, b""
        self.session.feed(data)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_later(self.session.server.latency, self._end)
            self._loop.call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        self.close()

    def vanish(self) -> None:
        self._closing = True
        self._end()

    def pause_reading(self) -> None:
        raise NotImplementedError

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        del name
        return default

    def _end(self) -> None:
        self._ends.discard(self)
        self.session.end()

    # -- what the server does ---------------------------------------------------------------

    def reply(
        self, octets: bytes, delay: float = 0.0, then: Callable[[], None] | None = None
    ) -> None:
        now = self._loop.now
        self._then = max(self._then, now) + delay
        self._in.append((octets, then))
        self._loop.call_at(self._then + self.session.server.latency, self._deliver)

    def _deliver(self) -> None:
        octets, then = self._in.popleft()
        if self._closing:
            return
        if then is not None:
            then()
        if octets:
            self._protocol.data_received(octets)

    def hang_up(self) -> None:
        """Close from the other side, after what was said."""
        self.session.end()
        self.reply(b"", then=self._hung_up)

    def _hung_up(self) -> None:
        self._ends.discard(self)
        self._closing = True
        self._loop.call_soon(self._protocol.connection_lost, None)


class Session:
    """The server's end."""

    def __init__(self, server: Server, end: End, source: str, tell: Callable[..., None]) -> None:
        self.server = server
        self._end = end
        self._tell = tell
        self._source = source
        self._visit = Visit(source, simulated().time)
        self._over = False
        self._deaf = False
        self._body = False
        self._mail = False
        self._buffer = b""

    def begin(self) -> None:
        server = self.server
        server.open += 1
        server.sessions += 1
        server.most = max(server.most, server.open)
        server.open_from[self._source] += 1
        if server.open_from[self._source] > server.limit:
            server.over(f"{server.open_from[self._source]} connections from {self._source}")
        act = server.habits.connect(self._visit)
        if act is None:
            self._end.reply(b"220 mx ESMTP\r\n")
        else:
            self._tell(server.name, "greets", act.say or "with silence")
            self._do(act)

    def end(self) -> None:
        if not self._over:
            self._over = True
            self.server.open -= 1
            self.server.open_from[self._source] -= 1
            self.server.habits.left(self._visit)

    def feed(self, data: bytes) -> None:
        self._buffer += data
        while not self._over and not self._deaf:
            if self._body:
                body, found, rest = self._buffer.partition(b"\r\n.\r\n")
                if not found:
                    return
                self._buffer, self._body = rest, False
                self._message(body)
                continue
            line, found, rest = self._buffer.partition(b"\r\n")
            if not found:
                return
            self._buffer = rest
            self._command(line)

    def _do(self, act: Act) -> bool:
        """Do as a habit says; whether that is no refusal."""
        if act.octets:
            self._end.reply(act.octets, act.delay)
        if act.close:
            self._end.hang_up()
        elif not act.octets:
            self._deaf = True
        return act.octets[:1] in b"23" and bool(act.octets)

    def _command(self, line: bytes) -> None:
        visit, habits, end = self._visit, self.server.habits, self._end
        verb = line[:4].upper()
        match verb:
            case b"EHLO":
                end.reply(_OFFER)
            case b"MAIL":
                visit.sender, visit.recipients = _path(line), []
                act = habits.mail(visit)
                self._mail = act is None or self._do(act)
                if act is None:
                    end.reply(b"250 2.1.0 Sender ok\r\n")
                else:
                    self._tell(self.server.name, "refuses MAIL", act.say)
            case b"RCPT":
                if not self._mail:
                    end.reply(b"503 5.5.1 MAIL first\r\n")
                    return
                recipient = _path(line)
                act = habits.rcpt(visit, recipient)
                if act is None or self._do(act):
                    visit.recipients.append(recipient)
                else:
                    self._tell(self.server.name, f"refuses {recipient}", act.say)
                if act is None:
                    end.reply(b"250 2.1.5 Recipient ok\r\n")
            case b"DATA":
                self._body = bool(visit.recipients)
                say = b"354 Go on\r\n" if self._body else b"554 5.5.1 No valid recipients\r\n"
                end.reply(say)
            case b"RSET":
                visit.recipients, self._mail = [], False
                end.reply(b"250 2.0.0 Forgotten\r\n")
            case b"QUIT":
                end.reply(b"221 2.0.0 Bye\r\n")
                end.hang_up()
            case _:
                end.reply(b"500 5.5.1 What?\r\n")

    def _message(self, body: bytes) -> None:
        server, visit, end = self.server, self._visit, self._end
        found = _NAME.search(body)
        assert found, body
        name = found[1].decode()
        self._mail = False
        lot = server.chance.random()
        if lot < server.broken:
            self._tell(server.name, f"hangs up on {name}", "")
            end.hang_up()
            return
        act = server.habits.message(visit)
        if act is not None:
            self._tell(server.name, f"refuses {name}", act.say)
            self._do(act)
            return
        now = simulated().now
        copies = [Copy(now, name, recipient) for recipient in visit.recipients]
        server.note(copies)
        visit.messages += 1
        server.habits.taken(visit)
        self._tell(server.name, f"takes {name}", " ".join(visit.recipients))
        visit.recipients = []
        if lot < server.broken + server.unheard:
            self._tell(server.name, f"hangs up after {name}", "")
            end.hang_up()
            return

        def heard() -> None:
            for copy in copies:
                copy.heard = True

        end.reply(b"250 2.0.0 Taken\r\n", server.slow, heard)


def _path(line: bytes) -> str:
    return line.partition(b"<")[2].partition(b">")[0].decode()
