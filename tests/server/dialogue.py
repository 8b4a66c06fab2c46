"""A server that talks to nobody but a test: one session on a transport that is a list.

Time is the test's: the loop's clock can be put forward.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import ssl
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar

from ulak.accounts.attempts import Rules as AttemptRules
from ulak.accounts.doorkeeper import Doorkeeper
from ulak.journal.entry import Entry
from ulak.lab.certificate import certificate
from ulak.queue.item import Lease, Message, Pending
from ulak.replies import catalog
from ulak.replies.refusal import Marking
from ulak.replies.reply import Reply
from ulak.reports.observation import Collector
from ulak.rosters.roster import UNSURE, Answer, Known, RosterError, Unsure
from ulak.server.checks import Checks
from ulak.server.connection import Connection
from ulak.server.desk import Desk
from ulak.server.directory import Directory, Domain
from ulak.server.newcomers import Newcomers
from ulak.server.scanners.scanners import Scanners
from ulak.server.session import Session
from ulak.server.site import Networks, Rules, Site
from ulak.server.tls import TlsContext, context
from ulak.smtp.offers import Offers
from ulak.smtp.server import Limits
from ulak.smtp.states import State

from .doors import NONCE, OF_LOGINS, Tokens, desk, doorkeeper, ways
from .enforced import enforced
from .strangers import newcomers
from .worded import worded

T = TypeVar("T")


@functools.cache
def server_context() -> TlsContext:
    """Make the context of a server with a certificate of its own making, once for all."""
    with tempfile.TemporaryDirectory() as folder:
        return context(*certificate("mx.example.org").write(Path(folder)))


@functools.cache
def client_context() -> ssl.SSLContext:
    """Make the context of a client that takes any certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


class Roster:
    """Knows joan, a crew, and nothing of `down`; has to be asked each time."""

    def glance(self, address: str) -> Unsure:
        del address
        return UNSURE

    async def ask(self, address: str) -> Answer:
        await asyncio.sleep(0)
        if address == "down@more.example":
            problem = "it is down"
            raise RosterError(problem, "INC7")
        if address == "crew@more.example":
            return Known(("joan@more.example", "crew@more.example", "nobody@more.example"))
        return Known() if address == "joan@more.example" else None


DOMAINS = {
    "example.org": Domain(
        frozenset({"ada", "grace hopper"}),
        {
            "team": ("ada@example.org", "far@example.net"),
            "away": ("far@example.net",),
            "dünya": ("ada@example.org",),
        },
        {"old": "new@example.net", "eski": "yeni@örnek.example"},
    ),
    "example.com": Domain(frozenset({"both"}), {}, {}),
    "xn--rnek-4qa.example": Domain(frozenset({"both", "çağrı"}), {}, {}),
    "more.example": Domain(
        frozenset({"eve", "e+e"}),
        {"out": ("joan@more.example", "far@example.net")},
        {},
        "+",
        "eve@more.example",
        Roster(),
    ),
}


class Store:
    """Keeps what is put; fails when told to, waits when told to."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.bodies: list[bytes] = []
        self.pending: list[Sequence[Pending]] = []
        self.leases: list[bool] = []
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.asked: asyncio.Event | None = None

    async def put(
        self, message: Message, pending: Sequence[Pending], *, lease: bool = False
    ) -> Lease | None:
        if self.asked is not None:
            self.asked.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        body = message.body
        self.bodies.append(body.path.read_bytes() if body.path else body.data or b"")
        self.messages.append(message)
        self.pending.append(pending)
        self.leases.append(lease)
        return Lease(message, tuple(pending), 1) if lease else None


class Notes:
    """A journal that is a list."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def write(self, entry: Entry) -> None:
        self.entries.append(entry)


class Loop(asyncio.SelectorEventLoop):
    """A loop whose clock can be put forward."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


class Transport(asyncio.Transport):
    """Where the server's octets go."""

    def __init__(self, peer: str) -> None:
        super().__init__()
        self.peer = peer
        self.protocol: Session | None = None
        self.sent = bytearray()
        self.closed = False
        self.reading = True
        self.gone = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return (self.peer, 40000) if name == "peername" else default

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        assert not self.gone, "the server writes after it has closed"
        self.sent += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.closed = True

    def close(self) -> None:
        self._end()

    def abort(self) -> None:
        self._end()

    def _end(self) -> None:
        if not self.gone:
            self.gone = True
            self.closed = True
            assert self.protocol is not None
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def is_closing(self) -> bool:
        return self.gone

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True


@dataclass
class Server:
    """The parts of a server. `play` runs a coroutine that talks to it."""

    folder: Path
    rules: Rules = field(default_factory=lambda: Rules("mx.example.org"))
    store: Store = field(default_factory=Store)
    notes: Notes = field(default_factory=Notes)
    incidents: list[tuple[BaseException, str, str]] = field(default_factory=list)
    tls: str = ""  # starttls | implicit
    offers: Offers = field(default_factory=Offers)
    admit: Callable[[str, str], Awaitable[Reply | None]] | None = None
    proxies: Networks = ()
    doorkeeper: Doorkeeper | None = None  # made where there are ways to log in
    desk: Desk | None = None
    fronts: Networks = ()
    checks: Checks | None = None
    scanners: Scanners | None = None
    collector: Collector | None = None
    marking: Marking | None = None
    newcomers: Newcomers | None = None
    site: Site = field(init=False)

    def __post_init__(self) -> None:
        counter = itertools.count(1)
        if self.doorkeeper is None and self.offers.ways.allowed:
            self.doorkeeper = doorkeeper()
        self.site = Site(
            rules=self.rules,
            directory=Directory("mx.example.org", DOMAINS),
            store=self.store,
            journal=self.notes,
            clock=lambda: 1_000_000_000.0,
            new_id=lambda: f"id{next(counter)}",
            incoming=self.folder,
            admit=self.admit,
            incident=self._incident,
            logins=self.doorkeeper,
            tokens=Tokens(),
            nonce=lambda: NONCE,
            desk=self.desk,
            checks=self.checks,
            scanners=self.scanners,
            collector=self.collector,
            marking=self.marking,
            newcomers=self.newcomers,
        )

    def _incident(self, error: BaseException, *, session: str = "", message: str = "") -> str:
        self.incidents.append((error, session, message))
        return "INC1"

    def play(self, talk: Callable[[Client], Coroutine[Any, Any, T]], peer: str = "192.0.2.9") -> T:
        """Let a client talk to the server, to the end of both."""
        loop = Loop()

        async def main() -> T:
            client = Client(self, loop, peer)
            await client.settle()
            try:
                return await talk(client)
            finally:
                client.transport.close()
                await client.settle()
                await asyncio.sleep(0)

        try:
            return loop.run_until_complete(main())
        finally:
            if self.desk is not None and self.desk.purser is not None:
                loop.run_until_complete(self.desk.purser.close())
            if self.doorkeeper is not None:
                loop.run_until_complete(self.doorkeeper.close())
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()


class Client:
    """The other side of the session."""

    def __init__(self, server: Server, loop: Loop, peer: str) -> None:
        self.loop = loop
        self.transport = Transport(peer)
        self.connections: set[Connection] = set()
        self.session = Session(
            server.site,
            self.connections,
            server_context() if server.tls else None,
            server.offers,
            implicit=server.tls == "implicit",
            proxies=server.proxies,
            fronts=server.fronts,
        )
        self.transport.protocol = self.session
        self.session.connection_made(self.transport)
        self._work = server.site.work
        self._heard = b""
        self._said_closed = False
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None

    async def settle(self) -> None:
        """Wait until the server has done all that it can do now."""
        await asyncio.sleep(0)
        while self._work:
            await asyncio.wait(self._work)
        await asyncio.sleep(0)

    async def send(self, *pieces: bytes, hasty: bool = False) -> None:
        """Send pieces, each after the server has done what the one before asked (`hasty`: not).

        Octets in clear behind the one that begins TLS are not delivered: they would be TLS's.
        """
        for piece in pieces:
            if self.transport.gone:
                break
            if self._tls is not None:
                self._tls.write(piece)
                self.session.data_received(self._outgoing.read())
            elif self.session.core.state is State.HANDSHAKE:
                break
            else:
                self.session.data_received(piece)
            if not hasty:
                await self.settle()
        await self.settle()

    async def begin_tls(self) -> None:
        """Shake hands."""
        self._tls = client_context().wrap_bio(self._incoming, self._outgoing)
        done = False
        while not done:
            try:
                self._tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                pass
            self.session.data_received(self._outgoing.read())
            self._incoming.write(bytes(self.transport.sent))
            self.transport.sent.clear()
        await self.settle()

    def take(self) -> list[str]:
        """Give the lines that came since the last time, and `CLOSED` when the server closes."""
        octets = bytes(self.transport.sent)
        self.transport.sent.clear()
        if self._tls is not None:
            self._incoming.write(octets)
            octets = b""
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                while piece := self._tls.read(65_536):
                    octets += piece
        text = octets.decode()
        assert not text or text.endswith("\r\n")
        lines = text.split("\r\n")[:-1]
        if self.transport.closed and not self._said_closed:
            self._said_closed = True
            lines.append("CLOSED")
        return lines

    async def ask(self, *lines: str) -> list[str]:
        """Send lines together and give the lines that answer them."""
        await self.send("".join(f"{line}\r\n" for line in lines).encode())
        return self.take()

    async def wait(self, seconds: float) -> None:
        """Let time pass, and the listener look at the deadline."""
        self.loop.ahead += seconds
        if self.session.deadline < self.loop.time() and not self.transport.gone:
            self.session.expire()
        await self.settle()


def configured(folder: Path, settings: dict[str, str]) -> Server:
    """Make a server as the head of a transcript asks for it."""
    rules = Rules("mx.example.org", Limits(message_size=1000))
    limits = rules.limits
    server_tls, admit = "", None
    believed: dict[str, Networks] = {}
    offers = Offers(ways=ways(settings), needs_login="needs" in settings)
    for key, value in settings.items() - {
        (k, settings.get(k, "")) for k in (*OF_LOGINS, "scanner", "checks", "greylist")
    }:
        match key:
            case "vrfy":
                rules = replace(rules, vrfy=value)
                offers = replace(offers, vrfy=value != "refuse")
            case "expn":
                rules = replace(rules, expn=value)
                offers = replace(offers, expn=value != "refuse")
            case "size":
                limits = replace(limits, message_size=int(value))
            case "line":
                limits = replace(limits, command_line=int(value))
            case "errors":
                limits = replace(limits, errors=int(value))
            case "cheap":
                limits = replace(limits, cheap_commands=int(value))
            case "recipients":
                rules = replace(rules, max_recipients=int(value))
                offers = replace(offers, recipients=int(value))
            case "relay":
                rules = replace(rules, relay=(ip_network(value),))
            case "connections":
                rules = replace(rules, max_connections=int(value))
            case "threshold":
                rules = replace(rules, body_threshold=int(value))
            case "proxy" | "xclient":
                believed[key] = (ip_network(value),)
            case "tls":
                server_tls = value
                offers = replace(offers, tls=value == "starttls")
            case "kind":
                offers = replace(offers, kind=value)
            case "withhold":
                offers = replace(offers, withheld=frozenset(value.split(",")))
            case "hold":
                offers = replace(offers, longest_hold=int(value))
            case "by":
                offers = replace(offers, least_deliver_by=int(value))
            case "admit":
                admit = {
                    "denied": _denied,
                    "listed": _listed,
                    "listed_there": _listed_there,
                    "broken": _broken,
                }[value]
            case _:
                message = f"no server can be told {key}={value}"
                raise ValueError(message)
    rules = replace(rules, limits=limits)
    return Server(
        folder,
        rules,
        tls=server_tls,
        offers=offers,
        admit=admit,
        proxies=believed.get("proxy", ()),
        fronts=believed.get("xclient", ()),
        doorkeeper=doorkeeper(AttemptRules(0.0, 0.0, int(settings["ban"])))
        if "ban" in settings
        else None,
        desk=desk(settings),
        scanners=worded() if "scanner" in settings else None,
        checks=enforced(settings["checks"]) if "checks" in settings else None,
        newcomers=newcomers(settings["greylist"]) if "greylist" in settings else None,
    )


async def _denied(ip: str, _session: str) -> Reply:
    return catalog.CLIENT_DENIED.reply(ip=ip)


async def _listed(ip: str, _session: str) -> Reply:
    return catalog.LISTED_BY_DNSBL.reply(ip=ip, zone="bl.example", reason="listed")


async def _listed_there(ip: str, session: str) -> Reply | None:
    return await _listed(ip, session) if ip == "198.51.100.7" else None


async def _broken(_ip: str, _session: str) -> Reply:
    message = "secret"
    raise RuntimeError(message)


def pieces_of(data: bytes, cut: str) -> Iterable[bytes]:
    """Cut what a client sends into pieces: whole, halves or octets."""
    match cut:
        case "whole":
            return [data]
        case "halves":
            return [data[: len(data) // 2], data[len(data) // 2 :]]
        case _:
            return [data[i : i + 1] for i in range(len(data))]


def kept(server: Server) -> list[bytes]:
    """Give the messages that were kept, without their trace fields."""
    return [
        body[body.index(b"\r\n", body.index(b";\r\n") + 3) + 2 :] for body in server.store.bodies
    ]


def told(server: Server) -> list[str]:
    """Give what the journal was told, in order."""
    return [entry.kind.value for entry in server.notes.entries]
