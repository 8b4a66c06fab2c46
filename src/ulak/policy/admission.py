"""Who may connect: a deny list and DNSBLs become one verdict (RFC 5321 §3.1, RFC 5782).

RFC 5321 §4.5.1 wants every reasonable effort to take mail for postmaster, and narrow blocks where
none is taken. A client that is refused with the greeting reaches nobody, postmaster included. So
a refusal rests on what the operator listed, or on a list that is known to work and has this very
address; it names the list and the list's own reason, which is the way to be taken off it; and a
list that cannot be asked refuses nobody.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from ulak.checks.dnsbl import IP, Blocklist, Finding, Result, check, normalise
from ulak.checks.gather import Gather, one_by_one
from ulak.dns.records import Resolver
from ulak.journal.entry import Entry, Kind
from ulak.replies import catalog
from ulak.replies.reply import Reply

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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
                    "why": "; ".join(finding.reasons),
                },
            )
            for finding in self.findings
            if finding.result is not Result.NOT_LISTED
        ]


class Admission:
    """Judges client addresses.

    `deny` refuses without asking anybody; `exempt` is neither denied nor looked up (the
    networks that may relay, for one).
    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        zones: Sequence[Blocklist] = (),
        deny: Sequence[Network] = (),
        exempt: Sequence[Network] = (),
        gather: Gather = one_by_one,
    ) -> None:
        self._resolver = resolver
        self._zones = tuple(zones)
        self._deny = tuple(deny)
        self._exempt = tuple(exempt)
        self._gather = gather

    async def judge(self, ip: str) -> Admitted:
        """Judge a client. ValueError if `ip` is no address."""
        address = normalise(ip)
        text = str(address)
        if _within(address, self._exempt):
            return Admitted(text)
        if _within(address, self._deny):
            return Admitted(text, catalog.CLIENT_DENIED.reply(ip=text))
        if not self._zones:
            return Admitted(text)
        findings = await check(self._resolver, ip=text, zones=self._zones, gather=self._gather)
        for blocklist, finding in zip(self._zones, findings, strict=True):
            if finding.listed:
                reply = catalog.LISTED_BY_DNSBL.reply(
                    ip=text, zone=blocklist.shown, reason=finding.text or ", ".join(finding.codes)
                )
                return Admitted(text, reply, findings)
        return Admitted(text, None, findings)


def _within(address: IP, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
