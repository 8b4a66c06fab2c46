"""An internet in a box: a name server and mail servers of every temper, all on loopback.

Nothing leaves the machine and nobody outside can come in. Every mail server has an address of its
own in 127.0.0.0/8 and all share one port, as mail servers share port 25, so that a server under
test finds them by their MX records. The names are examples (RFC 2606, RFC 6761).

    async with Internet() as net:
        ...  # ask DNS at net.name_server, send to somebody@good.example on net.port
        net.server(GOOD).messages
"""

from __future__ import annotations

import errno
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from ulak.dns.records import Status
from ulak.dns.zone import Written, Zone
from ulak.lab import senders
from ulak.lab.certificate import authority, certificate, server_context
from ulak.lab.mx import CLOSE, Act, Behaviour, ScriptedServer, Taken
from ulak.lab.nameserver import NameServer
from ulak.lab.provider import DOMAINS, HOSTS, Provider

BLOCKLIST = "dnsbl.example"
"""A DNSBL (RFC 5782) that has its test entry and `LISTED`."""
BROKEN_BLOCKLIST = "broken-dnsbl.example"
"""A DNSBL that answers every question with an error, as public ones do when asked too often."""
LISTED = "127.0.0.66"
"""The address of a sender of spam; a client on this machine can bind to it."""
REASON = "Caught in a spam trap, see https://dnsbl.example/66"
"""What the blocklist says about it."""
UNREACHABLE = "127.0.0.99"
"""An address where nobody listens."""

GREYLISTED = "451 4.7.1 Greylisted, please try again in a second"
UNKNOWN = "550 5.1.1 There is no such user here"
BUSY = "421 4.3.2 Too busy, come back later"

_TRIES = 20  # for a port that is free at every address


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A mail server of the lab: the domain that it takes mail for, and its address."""

    domain: str
    address: str

    @property
    def host(self) -> str:
        """Its name, as the MX record has it."""
        return f"mx.{self.domain}"


GOOD = Neighbour("good.example", "127.0.0.11")
GREYLISTING = Neighbour("greylist.example", "127.0.0.12")
KNOWS_NOBODY = Neighbour("nobody.example", "127.0.0.13")
OVERLOADED = Neighbour("busy.example", "127.0.0.14")
HANGS_UP = Neighbour("hangup.example", "127.0.0.15")
TARPIT = Neighbour("tarpit.example", "127.0.0.16")
BAD_TLS = Neighbour("badtls.example", "127.0.0.17")
NEIGHBOURS = (GOOD, GREYLISTING, KNOWS_NOBODY, OVERLOADED, HANGS_UP, TARPIT, BAD_TLS)


class AddressUnusableError(Exception):
    """Nobody may listen at `address` here: not every system has all of 127.0.0.0/8."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address} is no address of this machine")
        self.address = address


class Internet:
    """The name server and the mail servers, from `start` to `stop`.

    The mail servers:

    - `GOOD` takes everything and offers STARTTLS
    - `GREYLISTING` puts every recipient off once with 451 4.7.1
    - `KNOWS_NOBODY` refuses every recipient with 550 5.1.1
    - `OVERLOADED` greets with 421
    - `HANGS_UP` closes the connection when the message has come
    - `TARPIT` greets with an octet every `drip` seconds
    - `BAD_TLS` offers STARTTLS, answers the handshake with nonsense, and takes mail in the clear

    Of some domains there is only DNS: `null.example` wants no mail (RFC 7505), the server of
    `unreachable.example` is where nobody listens, that of `nohost.example` has no address;
    `servfail.example` cannot be looked up, and `silent.example` is not answered for. Others send
    mail, honestly and not (`ulak.lab.senders`). With a
    `provider` its hosts are there as well (`ulak.lab.provider`). A domain that is not in `zone`
    does not exist; the zone may be changed while it is served.
    """

    def __init__(self, *, drip: float = 1.0, provider: Provider | None = None) -> None:
        self.authority = authority("Ulak's lab")
        self.zone = Zone(dict(_records()))
        self.names = NameServer(self.zone)
        self.port = 0
        context = server_context(certificate(GOOD.host, issuer=self.authority))
        self._behaviours = _behaviours(context, drip)
        self.provider = provider
        if provider is not None:
            self._behaviours |= _of_provider(provider)
            for domain in DOMAINS:
                self.zone.put(domain, "MX", [(10, host) for host, _ in HOSTS])
            for host, address in HOSTS:
                self.zone.put(host, "A", [address])
        self._servers: dict[Neighbour, ScriptedServer] = {}

    @property
    def name_server(self) -> str:
        """Where DNS is asked, as `address:port`."""
        return f"{self.names.host}:{self.names.port}"

    @property
    def taken(self) -> list[Taken]:
        """What all the mail servers have taken."""
        return [taken for server in self._servers.values() for taken in server.messages]

    def server(self, neighbour: Neighbour) -> ScriptedServer:
        """Give a mail server that runs."""
        return self._servers[neighbour]

    async def start(self) -> None:
        """Start everything, or nothing. Raises AddressUnusableError and OSError."""
        try:
            await self.names.start()
            for left in reversed(range(_TRIES)):
                if await self._listen(last=not left):
                    return
        except BaseException:
            await self.stop()
            raise

    async def _listen(self, *, last: bool) -> bool:
        """Start the mail servers on one port that is free for the first; whether it is for all."""
        self.port = 0
        for neighbour, behaviour in self._behaviours.items():
            server = ScriptedServer(behaviour, host=neighbour.address, port=self.port)
            try:
                self.port = await server.start()
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL:
                    raise AddressUnusableError(neighbour.address) from error
                if error.errno != errno.EADDRINUSE or last:
                    raise
                await self._stop_servers()
                return False
            self._servers[neighbour] = server
        return True

    async def stop(self) -> None:
        """Stop everything and close what is open."""
        await self._stop_servers()
        await self.names.stop()

    async def _stop_servers(self) -> None:
        while self._servers:
            _, server = self._servers.popitem()
            await server.stop()

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


class _OncePerRecipient(Mapping[str, Act | str]):
    """A script that answers every recipient once with a reply before it behaves as usual."""

    def __init__(self, reply: str) -> None:
        self._act = Act(reply, times=1)  # counted for each stage, and an address makes it one

    def __getitem__(self, stage: str) -> Act:
        if not stage.startswith("RCPT "):
            raise KeyError(stage)
        return self._act

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _behaviours(context: ssl.SSLContext, drip: float) -> dict[Neighbour, Behaviour]:
    greeting = f"220 {TARPIT.host} ESMTP Lab"
    nonsense = Act(raw=b"This is no TLS.\r\n", close=True)
    scripts: dict[Neighbour, Mapping[str, Act | str]] = {
        GREYLISTING: _OncePerRecipient(GREYLISTED),
        KNOWS_NOBODY: {"RCPT": UNKNOWN},
        OVERLOADED: {"connect": Act(BUSY, close=True)},
        HANGS_UP: {"message": CLOSE},
        TARPIT: {"connect": Act(greeting, drip=drip)},
        BAD_TLS: {"TLS": nonsense},
    }
    return {
        neighbour: Behaviour(
            name=neighbour.host,
            at=scripts.get(neighbour, {}),
            tls=context if neighbour in (GOOD, BAD_TLS) else None,
        )
        for neighbour in NEIGHBOURS
    }


def _of_provider(provider: Provider) -> dict[Neighbour, Behaviour]:
    """Give its hosts, which share its habits."""
    return {
        Neighbour(host, address): Behaviour(name=host, habits=provider) for host, address in HOSTS
    }


def _records() -> Iterator[tuple[tuple[str, str], Sequence[Written] | Status]]:
    for neighbour in NEIGHBOURS:
        yield (neighbour.domain, "MX"), [(10, neighbour.host)]
        yield (neighbour.host, "A"), [neighbour.address]
    yield ("null.example", "MX"), [(0, "")]
    yield ("unreachable.example", "MX"), [(10, "mx.unreachable.example")]
    yield ("mx.unreachable.example", "A"), [UNREACHABLE]
    yield ("nohost.example", "MX"), [(10, "mx.nohost.example")]
    yield ("mx.nohost.example", "TXT"), ["I have no address"]
    yield ("servfail.example", "*"), Status.SERVFAIL
    yield ("silent.example", "*"), Status.TIMEOUT
    yield (_entry("127.0.0.2", BLOCKLIST), "A"), ["127.0.0.2"]  # the test entry, RFC 5782 §5
    yield (_entry("127.0.0.2", BLOCKLIST), "TXT"), ["Test entry"]
    yield (_entry(LISTED, BLOCKLIST), "A"), ["127.0.0.4"]
    yield (_entry(LISTED, BLOCKLIST), "TXT"), [REASON]
    yield (f"*.{BROKEN_BLOCKLIST}", "A"), ["127.255.255.254"]
    yield from senders.records()


def _entry(address: str, zone: str) -> str:
    """Give the name under which a list has an IPv4 address (RFC 5782 §2.1)."""
    return ".".join([*reversed(address.split(".")), zone])
