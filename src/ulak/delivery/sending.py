"""How this server behaves as a client: what `config` sets for the SMTP carrier."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ulak.delivery.byname import ByName
from ulak.delivery.demands import Demands
from ulak.delivery.source.source import SYSTEM, Source
from ulak.delivery.tls import verifying
from ulak.reports.tls.counting import Session
from ulak.smtp.client import Stage


class Chunking(StrEnum):
    """When a message goes by BDAT (RFC 3030)."""

    AUTO = "auto"  # where only BDAT can carry it
    ALWAYS = "always"  # where the server offers it
    OFF = "off"  # never


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for what, in seconds (RFC 5321 §4.5.3.2, the minimum of each).

    `block` is for every piece of a message that the server takes; `idle` is how long a connection
    is kept for the next message.
    """

    connect: float = 30.0
    greeting: float = 300.0
    hello: float = 300.0
    tls: float = 60.0
    mail: float = 300.0
    rcpt: float = 300.0
    data: float = 120.0
    block: float = 180.0
    end: float = 600.0
    quit: float = 5.0
    idle: float = 30.0

    def by_stage(self) -> Mapping[Stage, float]:
        """Give the time for each stage of a session."""
        return {
            Stage.GREETING: self.greeting,
            Stage.HELLO: self.hello,
            Stage.STARTTLS: self.hello,
            Stage.HANDSHAKE: self.tls,
            Stage.AUTH: self.hello,
            Stage.IDLE: self.idle,
            Stage.RESET: self.mail,
            Stage.MAIL: self.mail,
            Stage.RCPT: self.rcpt,
            Stage.DATA: self.data,
            Stage.BODY: self.block,
            Stage.END: self.end,
            Stage.NOTHING: self.end,
            Stage.QUIT: self.quit,
            Stage.CLOSED: self.quit,
        }


@dataclass(frozen=True, slots=True)
class Sending:
    """The settings of the SMTP carrier.

    `tls` is None for no STARTTLS at all; `proven` makes the context for messages that ask for
    REQUIRETLS. `smarthosts` has the demands on servers that the operator sends mail to, by name
    and port; `wishes` what TLS the operator wants with destinations, `dane` and `mta_sts` whether
    those policies hold for the others (`transport.deciding`). `sessions` hears of sessions, for
    reports about TLS. `names` are names of this server beside `hostname`,
    `addresses` the IP and port pairs on which it listens: mail is never sent there, nor to a
    server that bears one of the names on one of `ports`. `aside` is told of the name of a source
    that cannot be used, of its address and why. `per_connection` is how many messages may go over
    one connection to single hosts, in place of `messages_per_connection` and of what their provider
    says. Times are in seconds.
    """

    hostname: str
    tls: ssl.SSLContext | None = None
    proven: Callable[[], ssl.SSLContext] = verifying
    smarthosts: Mapping[tuple[str, int], Demands] = field(default_factory=dict)
    wishes: ByName[str] = field(default_factory=lambda: ByName({}))
    sessions: Callable[[Session], None] | None = None
    dane: bool = True
    mta_sts: bool = True
    names: frozenset[str] = frozenset()
    addresses: frozenset[tuple[str, int]] = frozenset()
    ports: frozenset[int] = frozenset({25})
    sources: Callable[[str], Source] = lambda _name: SYSTEM  # by the name that a grant has
    aside: Callable[[str, str, str], None] = lambda _name, _address, _problem: None
    timeouts: Timeouts = field(default_factory=Timeouts)
    messages_per_connection: int = 1000
    per_connection: ByName[int] = field(default_factory=lambda: ByName({}))
    connection_age: float = 300.0
    recipients: int = 100  # in one transaction (RFC 5321 §4.5.3.1.8)
    chunking: Chunking = Chunking.AUTO
    clock: Callable[[], float] = time.time  # seconds since the epoch
    places: int = 10  # addresses tried in one attempt
    plain_for: float = 900.0  # how long a host is spoken to in the clear after TLS failed
    locked_for: float = 60.0  # how long after a login that failed none is tried
    avoid_for: float = 60.0  # how long an address that could not be reached is tried last
    sweep: float = 1.0  # how often deadlines are looked at
    always_dialogue: bool = False  # give the dialogue of deliveries that went well too
