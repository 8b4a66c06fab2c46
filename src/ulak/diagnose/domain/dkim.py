"""The key of a selector: what verifies the signatures of a domain (RFC 6376 §3.6)."""

from __future__ import annotations

from ulak.checks.dkim import key as keys
from ulak.checks.dkim.finding import Limits
from ulak.checks.reason import because
from ulak.diagnose.diagnosis import Advice, Check
from ulak.diagnose.domain.found import Found, found, unknown
from ulak.dns.records import Resolver

_LIMITS = Limits()


async def look(resolver: Resolver, domain: str, selector: str) -> Found:
    """Look at the key of one selector."""
    name = keys.question(selector, domain)
    if name is None:
        reason = because("domain.no-selector", selector=selector)
        return found(Check("dkim", selector, "permerror", good=False, reasons=(reason,)))
    answer = await resolver.resolve(name, "TXT")
    if answer.failed:
        return unknown("dkim", name, answer)
    step = Advice("dkim-key", {"name": name, "selector": selector, "domain": domain})
    read = keys.records(answer, "rsa-sha256", _LIMITS)
    if not isinstance(read, keys.Fault) and read[0].kind == "ed25519":
        read = keys.records(answer, "ed25519-sha256", _LIMITS)
    if isinstance(read, keys.Fault):
        result = "none" if answer.absent else str(read.result)
        return found(Check("dkim", name, result, good=False, reasons=(read.reason,)), step)
    record = read[0]
    if isinstance(record.key, keys.Fault):
        result = str(record.key.result)
        return found(Check("dkim", name, result, good=False, reasons=(record.key.reason,)), step)
    reasons = [because("domain.dkim-key", name=name, kind=record.kind, bits=record.key.bits)]
    if record.testing:
        reasons.append(because("domain.dkim-testing", name=name))
    facts = {"kind": record.kind, "bits": str(record.key.bits)}
    return found(Check("dkim", name, "published", good=True, reasons=tuple(reasons), facts=facts))
