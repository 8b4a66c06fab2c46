"""The zone that a domain is in: its name servers, its SOA, and whether it is signed (RFC 4033)."""

from __future__ import annotations

from ulak.checks.gather import Gather
from ulak.checks.reason import because
from ulak.diagnose.diagnosis import Advice
from ulak.diagnose.domain.found import Found, found, made, unknown
from ulak.dns.records import Answer, Resolver, Status

_FEWEST = 2  # name servers (RFC 1034 §4.1)
_MOST_SERVERS = 10
_MOST_LABELS = 10


async def look(resolver: Resolver, domain: str, gather: Gather) -> Found:
    """Find the zone, and look at it."""
    above = domain.split(".")[-_MOST_LABELS:]
    names = [domain, *(".".join(above[at:]) for at in range(len(above)))]
    answers = await gather(*(resolver.resolve(n, "SOA") for n in dict.fromkeys(names)))
    if answers[0].failed:
        return unknown("dnssec", domain, answers[0], "note")
    apex = next((a for a in answers if a.status is Status.OK), None)
    if apex is None or "." not in apex.name:
        reason = because("domain.zone-unknown", domain=domain)
        return found(made("dnssec", domain, "unknown", "note", (reason,)))
    servers, parent = await gather(
        resolver.resolve(apex.name, "NS"), resolver.resolve(apex.name, "DS")
    )
    zone = apex.name
    reasons = [because("domain.zone", domain=domain, zone=zone, soa=str(apex.records[0]))]
    severity, result = "note", "unsigned"
    steps: list[Advice] = []
    if servers.texts:
        shown = ", ".join(servers.texts[:_MOST_SERVERS])
        reasons.append(because("domain.name-servers", zone=zone, servers=shown))
        if len(servers.texts) < _FEWEST:
            reasons.append(because("domain.name-server-alone", zone=zone))
            steps.append(Advice("name-servers", {"zone": zone}))
    if apex.authentic:
        result, severity = "signed", "good"
        reasons.append(because("domain.dnssec-proven", zone=zone))
    elif parent.status is Status.OK:
        result = "not-validated"
        reasons.append(because("domain.dnssec-unproven", zone=zone, record=_first(parent)))
    elif parent.failed:
        result = "unknown"
        reasons.append(because("domain.dnssec-unknown", zone=zone))
    else:
        reasons.append(because("domain.dnssec-none", zone=zone))
    check = made("dnssec", domain, result, severity, reasons, {"zone": zone})
    return Found((check,), tuple(steps))


def _first(answer: Answer) -> str:
    return str(answer.records[0]) if answer.records else ""
