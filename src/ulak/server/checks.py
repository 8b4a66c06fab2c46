"""The checks of where mail comes from, made while it comes and when it is here.

What only needs the client and the sender (HELO, reverse DNS, SPF) begins with MAIL, so that
nobody waits for it; the rest begins at the end of the message. All of it together has a limit.

A machine without DNS, a laptop or a container, must still take the mail of its own programs: as
long as no name server has given a real answer, clients on this machine are not checked.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from ulak.checks import arc, dkim, dmarc, helo, iprev, spf
from ulak.checks.helo import Finding as Greeting
from ulak.checks.reason import Reason, because
from ulak.dns.records import Answer, Resolver
from ulak.policy.authentication import Findings, Mode, Rules
from ulak.server.eager import begin, by, let_go, together, within


class Whole(Protocol):
    """A message that has come, as `server.incoming` has it."""

    @property
    def in_file(self) -> bool:
        """Whether it lies in a file."""

    @property
    def body_size(self) -> int:
        """How many octets its body has."""

    def header(self) -> bytes:
        """Give its header, with the CRLF of the last line."""

    def pieces(self) -> Iterator[bytes]:
        """Give its body; blocks where it lies in a file."""


NO_DNS = "dns-unavailable"
"""Why mail of this machine is not checked, as the journal has it."""

_FIRST_LOOK = 2.0  # seconds that a client of this machine waits for DNS that was never heard
_REST = 60.0  # seconds for which it is not asked for such clients then
_HASHED_HERE = 65_536  # octets of a body that are hashed without a thread


class Reach:
    """A resolver that remembers whether DNS has ever worked.

    Only an answer that says something counts. Names of addresses do not: many a resolver answers
    for those of this machine by itself.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self.works = False

    async def resolve(self, name: str, kind: str) -> Answer:
        """Ask."""
        answer = await self._resolver.resolve(name, kind)
        if not self.works and not answer.failed and not answer.name.endswith(".arpa"):
            self.works = True
        return answer

    async def probe(self) -> None:
        """Ask for what every name server can say something about."""
        if not self.works:
            await self.resolve("", "NS")


@dataclass(slots=True)
class Visitor:
    """Who is connected, and what is known of them already."""

    ip: str
    helo: str
    named: iprev.Finding | None = None
    greeted: Greeting | None = None


@dataclass(slots=True)
class Checks:
    """What the sessions of a process share to make their checks.

    `names` and `addresses` are our own, which no stranger may greet with; `clock` gives seconds
    since the epoch; `sealer` seals in the name of a domain of ours what is passed on (ARC).
    """

    reach: Reach
    rules: Rules
    hostname: str
    clock: Callable[[], float]
    names: Collection[str] = ()
    addresses: Collection[str] = ()
    sealer: Callable[[str], arc.Sealer | None] = lambda _domain: None
    _rests_until: float = field(default=0.0, init=False)

    def exempts(self, ip: str) -> bool:
        """Whether the mail of a client is not checked."""
        address = ipaddress.ip_address(ip)
        return any(address in network for network in self.rules.exempt)

    def begin(self, visitor: Visitor, sender: str) -> Case | None:
        """Begin with a transaction; None where nothing can be checked now."""
        now = asyncio.get_running_loop().time()
        patience = self.rules.patience
        if not self.reach.works and ipaddress.ip_address(visitor.ip).is_loopback:
            if now < self._rests_until:
                return None
            return Case(self, visitor, sender, now + _FIRST_LOOK, given_up=self._rest)
        return Case(self, visitor, sender, now + patience)

    def _rest(self) -> None:
        self._rests_until = asyncio.get_running_loop().time() + _REST


class Case:
    """The checks of one message.

    `given_up` is called where DNS was never heard up to the end, and then nothing was found.
    """

    __slots__ = ("_checks", "_deadline", "_early", "_given_up", "_sender", "_spf", "_visitor")

    def __init__(
        self,
        checks: Checks,
        visitor: Visitor,
        sender: str,
        deadline: float,
        given_up: Callable[[], None] | None = None,
    ) -> None:
        self._checks = checks
        self._visitor = visitor
        self._sender = sender
        self._deadline = deadline
        self._given_up = given_up
        self._spf: spf.Finding | None = None
        self._early = begin(self._begin())

    def forget(self) -> None:
        """Let go of what is under way."""
        let_go(self._early)

    async def _begin(self) -> None:
        await together(self._ask_spf(), self._ask_iprev(), self._ask_helo())

    async def _ask_spf(self) -> None:
        checks, visitor = self._checks, self._visitor
        if checks.rules.needs_spf:
            self._spf = await spf.check(
                checks.reach,
                ip=visitor.ip,
                helo=visitor.helo,
                mail_from=self._sender,
                receiver=checks.hostname,
                now=checks.clock(),
                gather=together,
            )

    async def _ask_iprev(self) -> None:
        visitor = self._visitor
        if self._checks.rules.iprev is not Mode.OFF and visitor.named is None:
            found = await iprev.check(self._checks.reach, ip=visitor.ip, gather=together)
            visitor.named = found

    async def _ask_helo(self) -> None:
        checks, visitor = self._checks, self._visitor
        if checks.rules.helo is not Mode.OFF and visitor.greeted is None:
            visitor.greeted = await helo.check(
                checks.reach,
                helo=visitor.helo,
                ip=visitor.ip,
                names=checks.names,
                addresses=checks.addresses,
                gather=together,
            )

    async def finish(self, incoming: Whole) -> Findings | None:
        """Give all that is found; None where DNS is out of reach and nothing can be said."""
        loop = asyncio.get_running_loop()
        if self._given_up is None:
            self._deadline = loop.time() + self._checks.rules.patience
        header = incoming.header()
        signatures, chain = begin(self._dkim(incoming, header)), begin(self._arc(incoming, header))
        try:
            await by(self._deadline, self._early, lambda: None)
            return await self._judged(
                header,
                await by(self._deadline, signatures, self._late_dkim),
                await by(self._deadline, chain, self._late_arc),
            )
        finally:
            let_go(signatures)
            let_go(chain)

    async def _judged(
        self, header: bytes, signatures: tuple[dkim.Finding, ...] | None, chain: arc.Finding | None
    ) -> Findings | None:
        """Put together what was found, with what the author's domain says of it."""
        found = self._early_findings()
        authors: tuple[str, ...] = ()
        judged: dmarc.Finding | None = None
        if self._checks.rules.dmarc is not Mode.OFF:
            judged = await within(
                self._deadline,
                dmarc.check_header(
                    self._checks.reach,
                    header=header,
                    spf=found.spf,
                    dkim=signatures or (),
                    gather=together,
                ),
                lambda: _late_dmarc(header, self._late()),
            )
        if self._checks.rules.author_signs:
            authors = dmarc.authors(header)
        if self._given_up is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._deadline):
                    await self._checks.reach.probe()
            if not self._checks.reach.works:
                self._visitor.named = self._visitor.greeted = None
                self._given_up()
                return None
        return Findings(found.spf, signatures, judged, chain, found.iprev, found.helo, authors)

    def _early_findings(self) -> Findings:
        """Give what was found of client and sender; what is late is not known."""
        rules, visitor = self._checks.rules, self._visitor
        origin, named, greeted = self._spf, visitor.named, visitor.greeted
        late = self._late()
        if origin is None and rules.needs_spf:
            identity = "mailfrom" if self._sender else "helo"
            domain = self._sender.rpartition("@")[2] or visitor.helo
            origin = spf.Finding(
                spf.Result.TEMPERROR,
                identity,
                domain,
                visitor.ip,
                visitor.helo,
                self._sender,
                reasons=(late,),
            )
        if named is None and rules.iprev is not Mode.OFF:
            named = iprev.Finding(iprev.Result.TEMPERROR, visitor.ip, reasons=(late,))
        elif named is not None and named.result is iprev.Result.TEMPERROR:
            visitor.named = None  # the next message asks anew
        if greeted is None and rules.helo is not Mode.OFF:
            greeted = helo.Finding(helo.Result.TEMPERROR, visitor.helo, visitor.ip, reasons=(late,))
        elif greeted is not None and greeted.result is helo.Result.TEMPERROR:
            visitor.greeted = None
        return Findings(spf=origin, iprev=named, helo=greeted)

    async def _dkim(self, incoming: Whole, header: bytes) -> tuple[dkim.Finding, ...] | None:
        if not self._checks.rules.needs_dkim:
            return None
        if b"dkim-signature" not in header.lower():
            return ()
        reading = dkim.Reading(header, now=self._checks.clock())
        await feed(incoming, reading.feed)
        return await reading.judge(self._checks.reach, gather=together)

    async def _arc(self, incoming: Whole, header: bytes) -> arc.Finding | None:
        if not self._checks.rules.needs_arc:
            return None
        if b"arc-" not in header.lower():
            return arc.Finding(arc.Result.NONE)
        reading = arc.Reading(header, now=self._checks.clock())
        await feed(incoming, reading.feed)
        return await reading.judge(self._checks.reach, gather=together)

    def _late(self) -> Reason:
        return because("checks.late", seconds=round(self._checks.rules.patience))

    def _late_dkim(self) -> tuple[dkim.Finding, ...]:
        return (dkim.Finding(dkim.Result.TEMPERROR, reasons=(self._late(),)),)

    def _late_arc(self) -> arc.Finding:
        return arc.Finding(arc.Result.FAIL, unsure=True, reasons=(self._late(),))


async def feed(incoming: Whole, take: Callable[[bytes], None]) -> None:
    """Let the body of a message be read, in a thread where it is large."""
    if not incoming.in_file and incoming.body_size <= _HASHED_HERE:
        for piece in incoming.pieces():
            take(piece)
        return

    def read() -> None:
        for piece in incoming.pieces():
            take(piece)

    await asyncio.get_running_loop().run_in_executor(None, read)


def _late_dmarc(header: bytes, late: Reason) -> dmarc.Finding:
    domains = dmarc.authors(header)
    author = domains[0] if domains else ""
    return dmarc.Finding(dmarc.Result.TEMPERROR, author, (late,))
