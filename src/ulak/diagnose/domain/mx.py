"""Where mail for a domain goes: its MX records and the hosts that they name (RFC 5321 §5.1)."""

from __future__ import annotations

from ulak.checks.gather import Gather
from ulak.checks.reason import Reason, because
from ulak.diagnose import zonefile
from ulak.diagnose.diagnosis import Advice, Check
from ulak.diagnose.domain.found import Found, found, unknown
from ulak.dns.records import Answer, Resolver

_MOST_HOSTS = 10


async def look(resolver: Resolver, domain: str, gather: Gather) -> Found:
    """Look at the MX records of a domain, and at the addresses behind them."""
    answer = await resolver.resolve(domain, "MX")
    if answer.failed:
        return unknown("mx", domain, answer)
    hosts = answer.exchanges
    if any(not one.exchange for one in hosts):
        if len(hosts) > 1:
            reason = because("domain.null-mx-and-others", domain=domain)
            return found(
                Check("mx", domain, "permerror", good=False, reasons=(reason,)),
                Advice("null-mx", {"domain": domain}, zonefile.line(domain, "MX", "0 .")),
            )
        reason = because("domain.null-mx", domain=domain)
        return found(Check("mx", domain, "null", good=None, reasons=(reason,)))
    if not hosts:
        return await _implicit(resolver, domain, answer, gather)
    hosts = tuple(sorted(hosts, key=lambda one: (one.preference, one.exchange)))
    reasons = [
        because("domain.mx", domain=domain, host=one.exchange, preference=one.preference)
        for one in hosts[:_MOST_HOSTS]
    ]
    if len(hosts) > _MOST_HOSTS:
        reasons.append(because("domain.mx-many", domain=domain, limit=_MOST_HOSTS))
    seen = await gather(
        *(_addresses(resolver, one.exchange, gather) for one in hosts[:_MOST_HOSTS])
    )
    bad = [reason for ok, reason in seen if not ok]
    reasons += [reason for _, reason in seen]
    facts = {"hosts": ", ".join(one.exchange for one in hosts[:_MOST_HOSTS])}
    steps = [Advice("mx-host", {"host": reason.facts["host"]}) for reason in bad]
    return found(Check("mx", domain, "published", not bad, tuple(reasons), facts), *steps)


async def _implicit(resolver: Resolver, domain: str, answer: Answer, gather: Gather) -> Found:
    ok, addresses = await _addresses(resolver, domain, gather)
    reasons = (because("domain.no-mx", domain=domain, status=answer.status), addresses)
    record = zonefile.line(domain, "MX", f"10 mail.{domain}.")
    advice = Advice("mx-publish", {"domain": domain}, record)
    if ok:
        return found(Check("mx", domain, "implicit", good=None, reasons=reasons), advice)
    return found(Check("mx", domain, "none", good=False, reasons=reasons), advice)


async def _addresses(resolver: Resolver, host: str, gather: Gather) -> tuple[bool, Reason]:
    answers = await gather(resolver.resolve(host, "A"), resolver.resolve(host, "AAAA"))
    texts = [text for answer in answers for text in answer.texts][:5]
    if texts:
        return True, because("domain.host", host=host, addresses=", ".join(texts))
    failed = [answer for answer in answers if answer.failed]
    if failed:
        return False, because("domain.host-unknown", host=host, problem=failed[0].status)
    return False, because("domain.host-nowhere", host=host)
