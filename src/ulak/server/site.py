"""What every session of one server shares: its settings, its counters, its ways out."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ulak.accounts.account import Account
from ulak.journal.entry import Journal
from ulak.mail.envelope import domain_of
from ulak.queue.item import Lease, Message, Pending
from ulak.replies import catalog
from ulak.replies.refusal import Marking
from ulak.replies.reply import Reply
from ulak.reports.observation import Collector
from ulak.server.desk import Desk
from ulak.server.directory import Directory
from ulak.server.login import Logins, Tokens
from ulak.server.sealing import Sealing, Sign
from ulak.server.turns import Turns
from ulak.smtp.server import Limits
from ulak.suppression.gate import Gate

if TYPE_CHECKING:  # it knows the messages of sessions, which know this
    from ulak.server.checks import Checks
    from ulak.server.newcomers import Newcomers
    from ulak.server.scanners.scanners import Scanners

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Networks = tuple[Network, ...]

_HOST_BITS = 64  # one IPv6 customer has at least a /64


@dataclass(frozen=True, slots=True)
class Rules:
    """What this server allows. Times in seconds, sizes in octets.

    Clients in `relay` may send to foreign domains, and may hold as many connections as they
    like. `command_timeout` is RFC 5321 §4.5.3.2.7 and `data_timeout` its like while a message
    comes: so long a client may be silent. A message has `message_timeout` in all, and after
    `data_timeout` at least `min_data_rate` octets a second. Bodies over `body_threshold` go
    through a file; all that the sessions of a process hold in memory is at most about `memory`.
    `sign_relayed`: what clients in `relay` send is signed, too; `send_unsigned`: a message that
    could not be signed goes all the same.
    """

    hostname: str
    limits: Limits = field(default_factory=Limits)
    vrfy: str = "withhold"  # withhold | verify | refuse
    expn: str = "withhold"  # withhold | expand | refuse
    relay: tuple[Network, ...] = ()
    max_recipients: int = 1000
    max_connections: int = 5000
    max_connections_per_client: int = 100
    failed_logins: int = 5  # of one session
    command_timeout: float = 300.0
    data_timeout: float = 300.0
    message_timeout: float = 3600.0
    handshake_timeout: float = 30.0
    refused_timeout: float = 60.0
    closing_timeout: float = 5.0  # for the client to read the last reply
    min_data_rate: int = 500
    body_threshold: int = 1_000_000
    memory: int = 64_000_000
    languages: tuple[str, ...] = ("en",)
    sign_relayed: bool = True
    send_unsigned: bool = False


class Keeper(Protocol):
    """What a server asks of a queue: the one verb of `ulak.queue.store.QueueStore`."""

    async def put(
        self, message: Message, pending: Sequence[Pending], *, lease: bool = False
    ) -> Lease | None:
        """Take a message over, durably."""


class Judge(Protocol):
    """Who says whether the form of a message is good enough."""

    def __call__(self, message: bytes, /, *, binary: bool = False) -> Reply | None:
        """Give the refusal that a message earns; `binary` as `BODY=BINARYMIME` says."""


class Noting(Protocol):
    """Who notes an error of ours, for the log and for the journal."""

    def __call__(self, error: BaseException, *, session: str = "", message: str = "") -> str:
        """Note an error; give the id under which it can be told."""


def _pass(message: bytes, *, binary: bool = False) -> Reply | None:
    del message, binary
    return None


def _nobody(error: BaseException, *, session: str = "", message: str = "") -> str:
    del error, session, message
    return ""


@dataclass(slots=True)
class Site:
    """The parts that a session works with, put together by the composition root.

    `admit` decides about a client address before the greeting (None: welcome); `judge` looks
    at a message, or at the beginning of a large one with its whole header; `wants` says whether
    the delivery worker has room for mail to these domains now, and `accepted` is then told of
    the lease that came with the put, and `later` of the time at which one is due that waits;
    `room` says whether the disk takes so many more octets;
    `incident` notes an exception and gives its id; `logins` and `tokens` know who may log in,
    and `nonce` draws what SCRAM needs, printable ASCII without a comma; `anybody` says whether
    there is an account at all, and `desk` is where one's own users hand in mail, which `sign`
    signs. `checks` are made of mail from strangers, and `collector` is told what owners of domains
    want to know of it. `marking` gives refusals their ids (None: they have none).
    `gate` knows whom nothing is sent to, and `newcomers` who of those that bring mail is known.
    """

    rules: Rules
    directory: Directory
    store: Keeper
    journal: Journal
    clock: Callable[[], float]
    new_id: Callable[[], str]
    incoming: Path
    admit: Callable[[str, str], Awaitable[Reply | None]] | None = None
    judge: Judge = _pass
    wants: Callable[[Collection[str], str], bool] = lambda _domains, _sender: True
    accepted: Callable[[Lease], None] | None = None
    later: Callable[[float], None] = lambda _due: None
    room: Callable[[int], bool] = lambda _size: True
    incident: Noting = _nobody
    logins: Logins | None = None
    tokens: Tokens | None = None
    nonce: Callable[[], str] = lambda: secrets.token_urlsafe(18)
    anybody: Callable[[], bool] = lambda: True
    desk: Desk | None = None
    checks: Checks | None = None
    scanners: Scanners | None = None
    collector: Collector | None = None
    sign: Sign | None = None
    marking: Marking | None = None
    gate: Gate | None = None
    newcomers: Newcomers | None = None
    connections: int = 0
    per_client: Counter[str] = field(default_factory=Counter)
    held: int = 0  # octets of messages in memory
    handshakes: Turns = field(default_factory=Turns)
    work: set[asyncio.Task[None]] = field(default_factory=set)  # what sessions wait for
    closing: bool = False

    def may_relay(self, ip: str) -> bool:
        """Whether a client may send to foreign domains."""
        return bool(self.rules.relay) and within(ip, self.rules.relay)

    def seal(self, account: Account | None, *, relay: bool) -> Sealing | None:
        """Give who signs a message: of those alone who may send in the name of our domains."""
        if self.sign is None or (account is None and not (relay and self.rules.sign_relayed)):
            return None
        return Sealing(self.sign)

    def enter(self, ip: str, *, trusted: bool) -> Reply | None:
        """Count a connection in; give the reply if there is no room for it (RFC 5321 §3.8)."""
        client = _client(ip)
        self.connections += 1
        self.per_client[client] += 1
        if self.closing:
            return catalog.SHUTTING_DOWN.reply(hostname=self.rules.hostname)
        if self.connections > self.rules.max_connections:
            return catalog.TOO_MANY_CONNECTIONS.reply(hostname=self.rules.hostname)
        if self.per_client[client] > self.rules.max_connections_per_client and not trusted:
            return catalog.TOO_MANY_FROM_CLIENT.reply(hostname=self.rules.hostname, ip=ip)
        return None

    def leave(self, ip: str) -> None:
        """Count a connection out."""
        client = _client(ip)
        self.connections -= 1
        self.per_client[client] -= 1
        if not self.per_client[client]:
            del self.per_client[client]

    async def keep(self, message: Message) -> None:
        """Put a message into the queue, durably, and hand its lease on."""
        if message.envelope.wishes.hold_until > message.received:
            await self._hold(message)
            return
        pending = [
            Pending(recipient, domain_of(recipient), due=message.received)
            for recipient in message.envelope.recipients
        ]
        accepted = self.accepted
        domains = {each.domain for each in pending}
        wanted = accepted is not None and self.wants(domains, message.envelope.sender)
        lease = await self.store.put(message, pending, lease=wanted)
        if lease is not None and accepted is not None:
            accepted(lease)

    async def _hold(self, message: Message) -> None:
        """Put a message that is to be sent only later (RFC 4865 §4.2)."""
        due = message.released
        until = datetime.fromtimestamp(due, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        reply = catalog.HELD_FOR_RELEASE.reply(until=until)
        pending = [
            Pending(recipient, domain_of(recipient), due=due, cause=reply.cause, reply=str(reply))
            for recipient in message.envelope.recipients
        ]
        await self.store.put(message, pending)
        self.later(due)


def within(ip: str, networks: Networks) -> bool:
    """Whether an address is in one of the networks."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        address = mapped
    return any(address in network for network in networks)


def _client(ip: str) -> str:
    """Give what counts as one client: an IPv4 address, or an IPv6 network."""
    if ":" not in ip:
        return ip
    try:
        address = ipaddress.IPv6Address(ip.partition("%")[0])
    except ValueError:
        return ip
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(address) >> _HOST_BITS << _HOST_BITS))
