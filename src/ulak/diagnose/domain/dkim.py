"""The keys with which a domain signs (RFC 6376 §3.6): those asked for, or the well-known ones."""

from __future__ import annotations

from ulak.checks.asking import not_answered
from ulak.checks.dkim import key as keys
from ulak.checks.dkim.finding import Limits
from ulak.checks.gather import Gather
from ulak.checks.reason import because
from ulak.diagnose.diagnosis import Advice, Check
from ulak.diagnose.domain.found import Found, found, made, unknown
from ulak.diagnose.domain.selectors import NOBODYS, WELL_KNOWN
from ulak.dns.records import Answer, Resolver, Status

_LIMITS = Limits()
_LONG_ENOUGH = 2048  # bits of RSA (RFC 8301 §3.2)


async def look(resolver: Resolver, domain: str, selector: str) -> Found:
    """Look at the key of one selector."""
    name = keys.question(selector, domain)
    if name is None:
        reason = because("domain.no-selector", selector=selector)
        return found(made("dkim", selector, "permerror", "warning", (reason,)))
    answer = await resolver.resolve(name, "TXT")
    if answer.failed:
        return unknown("dkim", name, answer)
    check = _key(name, answer)
    if check.good is not False:
        return found(check)
    facts = {"name": name, "selector": selector, "domain": domain}
    return found(check, Advice("dkim-key", facts, reference="dkim-fail"))


async def probe(resolver: Resolver, domain: str, gather: Gather) -> Found:
    """Try the well-known selectors, for DNS cannot list those that there are."""
    root = f"_domainkey.{domain}"
    below, nobody = await gather(
        resolver.resolve(root, "TXT"), resolver.resolve(f"{NOBODYS}.{root}", "TXT")
    )
    if below.failed and nobody.failed:
        return unknown("dkim", root, below)
    if below.status is Status.NXDOMAIN:
        # Whoever says so has nothing below it either (RFC 8020 §2).
        reason = because("domain.dkim-nothing", name=root)
        check = made("dkim", root, "none", "warning", (reason,), reference="dkim-fail")
        return found(check, Advice("dkim-publish", {"domain": domain}, reference="dkim-fail"))
    if nobody.status is Status.OK:
        reason = because("domain.dkim-everything", name=root, selector=NOBODYS)
        check = made("dkim", root, "unknown", "note", (reason,))
        return found(check, Advice("dkim-selectors", {"domain": domain}))
    answers = await gather(
        *(resolver.resolve(f"{selector}.{root}", "TXT") for selector in WELL_KNOWN)
    )
    there: list[Check] = []
    for (selector, whose), answer in zip(WELL_KNOWN.items(), answers, strict=True):
        if answer.status is Status.OK:
            there.append(_key(f"{selector}.{root}", answer, probed=True, whose=whose))
    if there:
        return Found(tuple(there))
    if below.failed:
        return unknown("dkim", root, below)
    if failed := next((answer for answer in answers if answer.failed), None):
        reasons = (because("domain.dkim-hidden", name=root), not_answered(failed))
        return found(made("dkim", root, "temperror", "note", reasons), Advice("try-later"))
    reasons = (
        because("domain.dkim-hidden", name=root),
        because("domain.dkim-tried", count=len(WELL_KNOWN)),
    )
    check = made("dkim", root, "unknown", "note", reasons)
    return found(check, Advice("dkim-selectors", {"domain": domain}))


def _key(name: str, answer: Answer, *, probed: bool = False, whose: str = "") -> Check:
    """Say what a record is worth; a revoked key that nobody asked for is nothing bad."""
    read = keys.records(answer, "rsa-sha256", _LIMITS)
    if not isinstance(read, keys.Fault) and read[0].kind == "ed25519":
        read = keys.records(answer, "ed25519-sha256", _LIMITS)
    told = [because("domain.dkim-whose", name=name, service=whose)] if whose else []
    record = None if isinstance(read, keys.Fault) else read[0]
    key = read if isinstance(read, keys.Fault) else read[0].key
    if isinstance(key, keys.Fault):
        result = "none" if answer.absent else str(key.result)
        revoked = key.reason.key == "dkim.revoked"
        if revoked:
            result = "revoked"
        severity = "note" if revoked and probed else "warning"
        return made("dkim", name, result, severity, (*told, key.reason), reference="dkim-fail")
    assert record is not None  # noqa: S101 -- for the type checker: a fault has been dealt with
    severity = "good"
    reasons = [because("domain.dkim-key", name=name, kind=record.kind, bits=key.bits), *told]
    if record.testing:
        reasons.append(because("domain.dkim-testing", name=name))
        severity = "note"
    if record.kind == "rsa" and key.bits < _LONG_ENOUGH:
        reasons.append(because("domain.dkim-short", bits=key.bits, limit=_LONG_ENOUGH))
        severity = "note"
    facts = {"kind": record.kind, "bits": str(key.bits)}
    return made("dkim", name, "published", severity, reasons, facts, "dkim-fail")
