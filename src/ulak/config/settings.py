"""The settings of a server: what `ulak.toml` can say, each with its kind and its default.

Times are in seconds, sizes in octets. What each setting is for stands in `texts/`, under
`setting.` and its path.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ulak.config.checks import Checks
from ulak.config.cluster import Cluster
from ulak.config.destinations import Destination, DestinationName
from ulak.config.dkim import Dkim
from ulak.config.forwarding import Forwarding
from ulak.config.handlers import Handler
from ulak.config.kinds import (
    Choice,
    Count,
    Duration,
    FileName,
    Flag,
    Language,
    ListOf,
    Number,
    Secret,
    Size,
    Text,
    Workers,
)
from ulak.config.mistake import Mistake
from ulak.config.names import (
    Address,
    DomainName,
    FileMode,
    Hop,
    ListenOrUnix,
    MailAddress,
    Mailbox,
    NameServer,
    NetworkRange,
    RouteName,
    Server,
)
from ulak.config.policy import Policy
from ulak.config.queue import Queue
from ulak.config.reports import Reports
from ulak.config.returns import Returns
from ulak.config.rosters import Roster
from ulak.config.rules import DeliveryRule
from ulak.config.scanners import Scanner
from ulak.config.sections import Each, MapOf, Section, setting
from ulak.config.sources import Name, Pool, Source, Tenant
from ulak.config.suppression import Suppression
from ulak.config.values import Hidden, Network, NextHop, SocketAddress
from ulak.config.web import Web
from ulak.config.webhooks import Webhook
from ulak.config.why import Why

# Those that a listener can do without: the others are needed, or have settings of their own.
EXTENSIONS = (
    "PIPELINING",
    "SIZE",
    "8BITMIME",
    "SMTPUTF8",
    "CHUNKING",
    "BINARYMIME",
    "DSN",
    "LIMITS",
    "MT-PRIORITY",
    "DELIVERBY",
    "FUTURERELEASE",
    "REQUIRETLS",
)
# In the order in which they are offered.
MECHANISMS = (
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-256",
    "EXTERNAL",
    "OAUTHBEARER",
    "XOAUTH2",
    "PLAIN",
    "LOGIN",
)
_OWN_MACHINES = NetworkRange(trusted="everybody-believed")
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0


def own_name() -> str:
    """Give the name of this machine, or `localhost` where it is no domain name."""
    name = socket.gethostname().lower()
    labels = name.split(".")
    whole = all(label.replace("-", "").isalnum() and label.isascii() for label in labels)
    return name if whole and not labels[-1].isdigit() else "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How a listener does TLS. One file may hold both certificate and key.

    Without a certificate the server makes one for itself, which nobody vouches for.
    `clients` holds the authorities whose certificates of clients are believed.
    """

    mode: str = setting(Choice(("starttls", "implicit")), "starttls")
    certificate: Path | None = setting(FileName(), None)
    key: Path | None = setting(FileName(), None)
    clients: Path | None = setting(FileName(), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One address where SMTP is spoken, or LMTP (RFC 2033).

    `socket_mode` (None: 0660) and `socket_group` (None: the server's own) say who may connect to
    a unix socket.
    """

    address: SocketAddress = setting(ListenOrUnix())
    kind: str = setting(Choice(("mx", "submission", "lmtp")), "mx")
    login: str = setting(Choice(("auto", "required", "offered", "off")), "auto")
    withhold: tuple[str, ...] = setting(ListOf(Choice(EXTENSIONS)), ())
    socket_mode: int | None = setting(FileMode(), None)
    socket_group: str | None = setting(Text(), None)
    tls: Tls | None = setting(Section(Tls), None)
    proxy: tuple[Network, ...] = setting(ListOf(_OWN_MACHINES), ())
    xclient: tuple[Network, ...] = setting(ListOf(_OWN_MACHINES), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One domain whose mail ends here. Names before the @ are in lower case."""

    mailboxes: tuple[str, ...] = setting(ListOf(Mailbox(every=True)), ())
    aliases: Mapping[str, tuple[str, ...]] = setting(
        MapOf(Mailbox(), ListOf(MailAddress(), least=1)), factory=dict
    )
    moved: Mapping[str, str] = setting(MapOf(Mailbox(), MailAddress()), factory=dict)
    roster: Roster | None = setting(Section(Roster), None)
    separator: str = setting(Choice(("", "+", "-", "=", "_", "~", "#", ".")), "")
    detail_folder: str = setting(Choice(("off", "existing", "create")), "off")
    catch_all: str | None = setting(MailAddress(), None)
    deliver: NextHop = setting(Hop(("maildir", "lmtp", "smtp", "pipe", "http")), NextHop("maildir"))
    handler: Handler | None = setting(Section(Handler), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """Who may send to foreign domains without logging in."""

    networks: tuple[Network, ...] = setting(ListOf(NetworkRange(trusted="open-relay")), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What is done with the mail of one's own users (RFC 6409)."""

    author: str = setting(Choice(("own", "local", "any")), "own", key="from")
    messages_per_hour: int = setting(Count(0), 1000)
    recipients_per_hour: int = setting(Count(0), 5000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Whose tokens are believed in place of a password (RFC 7628)."""

    name: str = setting(Text(), key="issuer")
    audience: tuple[str, ...] = setting(ListOf(Text(), least=1))
    keys: Path = setting(FileName())
    claim: str = setting(Text(), "email")
    scope: str = setting(Text(), "")
    discovery: str = setting(Text(), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How clients log in (RFC 4954), and what failed logins cost."""

    mechanisms: tuple[str, ...] = setting(ListOf(Choice(MECHANISMS), least=1), MECHANISMS)
    scram_in_clear: bool = setting(Flag(), default=False)
    issuers: tuple[Issuer, ...] = setting(Each(Issuer), (), key="issuer")
    first_delay: float = setting(Duration(least=0.0), 0.25)
    longest_delay: float = setting(Duration(least=0.0), 2.0)
    ban_after: int = setting(Count(0, 100_000), 10)
    ban_for: float = setting(Duration(least=1.0), 15 * _MINUTE)
    longest_ban: float = setting(Duration(least=1.0), _DAY)
    forget_after: float = setting(Duration(least=1.0), _HOUR)
    trusted: tuple[Network, ...] = setting(ListOf(NetworkRange()), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """When a deferred recipient is tried again (RFC 5321 §4.5.4.1)."""

    first: float = setting(Duration(least=1.0), 5 * _MINUTE)
    factor: float = setting(Number(1.0, 100.0), 2.0)
    longest: float = setting(Duration(least=1.0), 3 * _HOUR)
    jitter: float = setting(Number(0.0, 1.0), 0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTimeouts:
    """How long another server may take (RFC 5321 §4.5.3.2)."""

    connect: float = setting(Duration(), 30.0)
    greeting: float = setting(Duration(), 5 * _MINUTE)
    hello: float = setting(Duration(), 5 * _MINUTE)
    tls: float = setting(Duration(), 60.0)
    mail: float = setting(Duration(), 5 * _MINUTE)
    rcpt: float = setting(Duration(), 5 * _MINUTE)
    data: float = setting(Duration(), 2 * _MINUTE)
    block: float = setting(Duration(), 3 * _MINUTE)
    end: float = setting(Duration(), 10 * _MINUTE)
    quit: float = setting(Duration(), 5.0)
    idle: float = setting(Duration(), 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How mail is handed on."""

    paused: bool = setting(Flag(), default=False)
    give_up_after: float = setting(Duration(least=1.0), 5 * _DAY)
    warn_after: float = setting(Duration(least=0.0), 4 * _HOUR)
    connections: int = setting(Count(1, 100_000), 200)
    connections_per_destination: int = setting(Count(1, 10_000), 20)
    messages_per_connection: int = setting(Count(1), 1000)
    recipients_per_message: int = setting(Count(1), 100)
    tls: str = setting(Choice(("opportunistic", "off")), "opportunistic")
    dane: bool = setting(Flag(), default=True)
    mta_sts: bool = setting(Flag(), default=True)
    authorities: Path | None = setting(FileName(), None)
    chunking: str = setting(Choice(("auto", "always", "off")), "auto")
    port: int = setting(Count(1, 65_535), 25)
    allow_private: bool = setting(Flag(), default=False)
    source_ipv4: str = setting(Address(4), "")
    source_ipv6: str = setting(Address(6), "")
    pool: str = setting(Text(), "")
    multilingual_reports: bool = setting(Flag(), default=False)
    retry: Retry = setting(Section(Retry), Retry())
    rules: tuple[DeliveryRule, ...] = setting(Each(DeliveryRule), (), key="rule")
    timeouts: DeliveryTimeouts = setting(Section(DeliveryTimeouts), DeliveryTimeouts())


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartHost:
    """How mail goes to one server that a next hop names.

    `password` and `password_file` are two ways to say the same thing.
    """

    username: str = setting(Text(), "")
    password: Hidden | None = setting(Secret(), None)
    password_file: Path | None = setting(FileName(), None)
    tls: str = setting(Choice(("required", "implicit", "opportunistic")), "required")
    ca: Path | None = setting(FileName(), None)
    trust_unproven: bool = setting(Flag(), default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dns:
    """Who is asked for names. No servers: those of the system."""

    servers: tuple[SocketAddress, ...] = setting(ListOf(NameServer()), ())
    timeout: float = setting(Duration(least=0.05), 3.0)
    attempts: int = setting(Count(1, 10), 2)
    deadline: float = setting(Duration(least=0.05), 10.0)
    trust_ad: bool = setting(Flag(), default=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What clients may use up (RFC 5321 §4.5.3.2)."""

    connections: int = setting(Count(1), 5000)
    connections_per_client: int = setting(Count(1), 100)
    command_timeout: float = setting(Duration(), 5 * _MINUTE)
    data_timeout: float = setting(Duration(), 5 * _MINUTE)
    message_timeout: float = setting(Duration(), _HOUR)
    handshake_timeout: float = setting(Duration(), 30.0)
    refused_timeout: float = setting(Duration(), 60.0)
    errors: int = setting(Count(1), 20)
    idle_commands: int = setting(Count(1), 100)
    min_data_rate: int = setting(Size(0), 500)
    memory: int = setting(Size(1_000_000), 64_000_000)
    shutdown: float = setting(Duration(least=0.0), 30.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """How much of what happened is kept."""

    max_age: float = setting(Duration(least=60.0), 30 * _DAY)
    max_size: int = setting(Size(100_000), 1_000_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What is said on standard error while the server runs."""

    format: str = setting(Choice(("auto", "json", "pretty")), "auto")
    level: str = setting(Choice(("debug", "info", "warning", "error")), "info")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that a configuration says, all of it checked.

    `workers` is 0 for one process for each core. `file` is None for the embedded default;
    `warnings` are what is probably not meant.
    """

    hostname: str = setting(DomainName(), factory=own_name)
    data: Path = setting(FileName(), Path("ulak-data"))
    workers: int = setting(Workers(), 0)
    languages: tuple[str, ...] = setting(ListOf(Language(), least=1), ("en", "tr"))
    listeners: tuple[Listener, ...] = setting(Each(Listener), (), key="listener")
    web: Web | None = setting(Section(Web), None)
    domains: Mapping[str, Domain] = setting(MapOf(DomainName(), Section(Domain)), factory=dict)
    forwarding: Forwarding = setting(Section(Forwarding), Forwarding())
    relay: Relay = setting(Section(Relay), Relay())
    submission: Submission = setting(Section(Submission), Submission())
    login: Login = setting(Section(Login), Login())
    routes: Mapping[str, NextHop] = setting(
        MapOf(RouteName(), Hop(("mx", "smtp"))),
        factory=lambda: {"*": NextHop("mx")},
        key="route",
    )
    smarthosts: Mapping[str, SmartHost] = setting(
        MapOf(Server(), Section(SmartHost)), factory=dict, key="smarthost"
    )
    delivery: Delivery = setting(Section(Delivery), Delivery())
    destinations: Mapping[str, Destination] = setting(
        MapOf(DestinationName(), Section(Destination)), factory=dict
    )
    sources: tuple[Source, ...] = setting(Each(Source), (), key="source")
    pools: Mapping[str, Pool] = setting(MapOf(Name(), Section(Pool)), factory=dict)
    tenants: Mapping[str, Tenant] = setting(MapOf(Name(), Section(Tenant)), factory=dict)
    dkim: Dkim = setting(Section(Dkim), Dkim())
    dns: Dns = setting(Section(Dns), Dns())
    queue: Queue = setting(Section(Queue), Queue())
    cluster: Cluster = setting(Section(Cluster), Cluster())
    policy: Policy = setting(Section(Policy), Policy())
    checks: Checks = setting(Section(Checks), Checks())
    scanners: tuple[Scanner, ...] = setting(Each(Scanner), (), key="scanner")
    limits: Limits = setting(Section(Limits), Limits())
    reports: Reports = setting(Section(Reports), Reports())
    suppression: Suppression = setting(Section(Suppression), Suppression())
    returns: Returns = setting(Section(Returns), Returns())
    webhooks: tuple[Webhook, ...] = setting(Each(Webhook), (), key="webhook")
    why: Why = setting(Section(Why), Why())
    journal: Journal = setting(Section(Journal), Journal())
    log: Log = setting(Section(Log), Log())
    file: Path | None = None
    warnings: tuple[Mistake, ...] = ()
