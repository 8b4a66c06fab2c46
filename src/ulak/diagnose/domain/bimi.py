"""BIMI of a domain: the logo that it wants shown, which DMARC has to allow."""

from __future__ import annotations

from ulak.checks import bimi
from ulak.checks.dmarc import Policy, Walker
from ulak.checks.reason import because
from ulak.diagnose.diagnosis import Advice
from ulak.diagnose.domain.found import Found, found, made
from ulak.dns.records import Resolver

_SEVERITIES = {
    "published": "good", "declined": "note", "none": "note", "permerror": "warning",
    "temperror": "note",
}  # fmt: skip


async def look(resolver: Resolver, domain: str) -> Found:
    """Look at the record of the selector `default`."""
    seen = await bimi.check(resolver, domain=domain)
    reasons, severity = list(seen.reasons), _SEVERITIES[seen.result]
    facts = {"record": seen.record, "logo": seen.logo, "evidence": seen.evidence}
    if seen.result != "published":
        return found(made("bimi", domain, seen.result, severity, reasons, facts))
    walk = await Walker(resolver).walk(domain)
    step = walk.policy
    if step is None or step.record is None:
        policy = Policy.NONE
    else:
        policy, _ = step.record.asks(below=step.domain != domain)
    if policy is Policy.NONE:
        reasons.append(because("bimi.no-enforcement", domain=domain, policy=policy))
        check = made("bimi", domain, "published", "warning", reasons, facts)
        return found(check, Advice("bimi-dmarc", {"name": f"_dmarc.{domain}"}))
    reasons.append(because("bimi.enforced", domain=domain, policy=policy))
    return found(made("bimi", domain, "published", severity, reasons, facts))
