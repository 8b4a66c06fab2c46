"""What every session of one server shares: its settings, its counters, its ways out."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from ulak.journal.entry import Journal
from ulak.mail.envelope import domain_of
from ulak.queue.item import Body, Lease, Message, Pending
from ulak.queue.store import QueueStore
from ulak.replies.reply import Reply
from ulak.server.directory import Directory
from ulak.smtp.server import Limits

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Rules:
    """What this server allows. Times in seconds, sizes in octets.

    The timeouts are RFC 5321 §4.5.3.2.7 (command) and §4.5.3.2.5 (data block).
    """

    hostname: str
    limits: Limits = field(default_factory=Limits)
    vrfy: str = "withhold"  # withhold | verify | refuse
    expn: str = "withhold"  # withhold | expand | refuse
    relay: tuple[Network, ...] = ()
    max_recipients: int = 1000
    max_connections: int = 5000
    max_connections_per_client: int = 100
    command_timeout: float = 300.0
    data_timeout: float = 180.0
    refused_timeout: float = 60.0
    body_threshold: int = 1_000_000
    languages: tuple[str, ...] = ("en",)


@dataclass(slots=True)
class Site:
    """The parts that a session works with, put together by the composition root.

    `admit` decides about a client address before the greeting (None: welcome); `judge` looks
    at a message's header; `accepted` is told of a lease that came with a put; `room` says
    whether the disk takes so many more octets; `incident` notes an exception and gives its id.
    """

    rules: Rules
    directory: Directory
    store: QueueStore
    journal: Journal
    clock: Callable[[], float]
    new_id: Callable[[], str]
    incoming: Path
    admit: Callable[[str, str], Awaitable[Reply | None]] | None = None
    judge: Callable[[bytes], Reply | None] = lambda _header: None
    accepted: Callable[[Lease], None] | None = None
    room: Callable[[int], bool] = lambda _size: True
    incident: Callable[[BaseException], str] = lambda _error: ""
    connections: int = 0
    per_client: Counter[str] = field(default_factory=Counter)
    closing: bool = False

    def may_relay(self, ip: str) -> bool:
        """Whether a client may send to foreign domains."""
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        if mapped is not None:
            address = mapped
        return any(address in network for network in self.rules.relay)

    async def keep(self, message: Message) -> None:
        """Put a message into the queue, durably, and hand its lease on."""
        pending = [
            Pending(recipient, domain_of(recipient), due=message.received)
            for recipient in message.envelope.recipients
        ]
        lease = await self.store.put(message, pending, lease=self.accepted is not None)
        if lease is not None and self.accepted is not None:
            self.accepted(lease)


def body_of(chunks: list[bytes]) -> Body:
    """Make a body in memory."""
    data = b"".join(chunks)
    return Body(len(data), data)
