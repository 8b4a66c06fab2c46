"""Who may connect: a deny list and DNSBLs become one verdict (RFC 5321 §3.1, RFC 5782).

RFC 5321 §4.5.1 wants every reasonable effort to take mail for postmaster, and narrow blocks where
none is taken. A client that is refused with the greeting reaches nobody, postmaster included. So
a refusal rests on what the operator listed, or on a list that is known to work and has this very
address; it names the list and the list's own reason, which is the way to be taken off it; and a
list that cannot be asked refuses nobody.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ulak.checks.dnsbl import IP, Blocklist, Finding, Result, check, normalise
from ulak.checks.gather import Gather, one_by_one
from ulak.checks.reason import because, packed
from ulak.dns.records import Resolver, Status
from ulak.journal.entry import Entry, Kind
from ulak.replies import catalog
from ulak.replies.reply import Reply

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_PATIENCE = 3  # questions in a row that a list may leave without an answer
_REST = 60.0  # seconds for which it is not asked then


@dataclass(frozen=True, slots=True)
class Admitted:
    """The verdict on a client: a refusal or None, and what every zone said."""

    ip: str
    reply: Reply | None = None
    findings: tuple[Finding, ...] = ()

    def entries(self, time: float, session: str) -> list[Entry]:
        """Give what the journal is to know beside the refusal: listings, and zones not asked."""
        return [
            Entry(
                time,
                Kind.CHECKED,
                catalog.LISTED_BY_DNSBL.name if finding.listed else "",
                session,
                facts={
                    "check": "dnsbl",
                    "ip": finding.ip,
                    "zone": finding.zone,
                    "result": finding.result.value,
                    "codes": " ".join(finding.codes),
                    "reason": finding.text,
                    "why": " ".join(map(str, finding.reasons)),
                    "reasons": packed(finding.reasons),
                },
            )
            for finding in self.findings
            if finding.result is not Result.NOT_LISTED
        ]


class Admission:
    """Judges client addresses.

    `deny` refuses without asking anybody; `exempt` is not looked up (networks of one's own,
    whose addresses lists have for what they are). A list that does not answer is left alone for
    a while, so that not every client waits for it: `clock` gives seconds that only go forward.
    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        zones: Sequence[Blocklist] = (),
        deny: Sequence[Network] = (),
        exempt: Sequence[Network] = (),
        gather: Gather = one_by_one,
        clock: Callable[[], float],
    ) -> None:
        self._resolver = resolver
        self._zones = tuple(zones)
        self._deny = tuple(deny)
        self._exempt = tuple(exempt)
        self._gather = gather
        self._clock = clock
        self._silences: dict[str, int] = {}  # by zone, in a row
        self._resting: dict[str, float] = {}  # by zone, until when

    async def judge(self, ip: str) -> Admitted:
        """Judge a client. ValueError if `ip` is no address."""
        address = normalise(ip)
        text = str(address)
        if _within(address, self._deny):
            return Admitted(text, catalog.CLIENT_DENIED.reply(ip=text))
        if not self._zones or _within(address, self._exempt):
            return Admitted(text)
        findings = await self._ask(text)
        for blocklist, finding in zip(self._zones, findings, strict=True):
            if finding.listed:
                reply = catalog.LISTED_BY_DNSBL.reply(
                    ip=text, zone=blocklist.shown, reason=finding.text or ", ".join(finding.codes)
                )
                return Admitted(text, reply, findings)
        return Admitted(text, None, findings)

    def resting(self) -> dict[str, float]:
        """Tell which lists are left alone now, and for how many seconds more."""
        now = self._clock()
        return {zone: until - now for zone, until in self._resting.items() if until > now}

    async def _ask(self, ip: str) -> tuple[Finding, ...]:
        """Ask the lists that are not left alone; the findings are in the order of the lists."""
        now = self._clock()
        awake = [b for b in self._zones if self._resting.get(b.zone, now) <= now]
        asked = await check(self._resolver, ip=ip, zones=awake, gather=self._gather)
        findings = {finding.zone: finding for finding in asked}
        for zone, finding in findings.items():
            silent = any(answer.status is Status.TIMEOUT for answer in finding.trace[:1])
            self._silences[zone] = self._silences.get(zone, 0) + 1 if silent else 0
            if self._silences[zone] >= _PATIENCE:
                self._resting[zone] = self._clock() + _REST
        for blocklist in self._zones:
            if blocklist.zone not in findings:
                why = because("dnsbl.resting", zone=blocklist.zone, count=_PATIENCE)
                findings[blocklist.zone] = Finding(
                    blocklist.zone, ip, Result.COULD_NOT_ASK, reasons=(why,)
                )
        return tuple(findings[blocklist.zone] for blocklist in self._zones)


def _within(address: IP, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
