"""`ulak check spf`: whether a client may send for a domain, and which record says so."""

from __future__ import annotations

import ipaddress

from ulak.checks import spf
from ulak.checks.gather import Gather
from ulak.diagnose import zonefile
from ulak.diagnose.diagnosis import Advice, Check, Diagnosis, Sentence, of, unique
from ulak.dns.records import Resolver

_BAD = ("fail", "softfail", "permerror", "temperror", "none", "neutral")


async def diagnose(
    resolver: Resolver, *, ip: str, helo: str, mail_from: str, now: float, gather: Gather
) -> Diagnosis:
    """Ask SPF. ValueError if `ip` is no address."""
    finding = await spf.check(
        resolver, ip=ip, helo=helo, mail_from=mail_from, now=now, gather=gather
    )
    check = as_check(finding)
    facts = {"ip": finding.ip, "domain": finding.domain, "result": str(finding.result)}
    meaning = [r for r in finding.reasons if r.key.startswith(f"spf.{finding.result}")][-1:]
    verdict = (
        Sentence("spf", facts),
        *(Sentence("", reason=reason) for reason in meaning),
    )
    return Diagnosis("spf", finding.domain, verdict, (check,), unique(advice(finding)))


def as_check(finding: spf.Finding) -> Check:
    """Give the finding as a check."""
    return of(
        "spf",
        finding.domain,
        finding,
        bad=_BAD,
        identity=finding.identity,
        record=finding.record,
        mechanism=finding.mechanism,
        lookups=finding.lookups,
        void_lookups=finding.void_lookups,
        explanation=finding.explanation,
    )


def advice(finding: spf.Finding) -> list[Advice]:
    """Say what the owner of the domain can do."""
    domain, ip = finding.domain, finding.ip
    match str(finding.result):
        case "none" if "." in domain and not domain.startswith("["):
            record = zonefile.line(domain, "TXT", f"v=spf1 mx {_term(ip)} -all")
            return [Advice("spf-publish", {"domain": domain, "ip": ip}, record)]
        case "fail" | "softfail" | "neutral":
            where = finding.record_domain or domain
            written = zonefile.spf_with(finding.record, _term(ip))
            record = zonefile.line(where, "TXT", written)
            return [Advice("spf-add", {"domain": where, "ip": ip}, record)]
        case "permerror":
            return [Advice("spf-mend", {"domain": finding.record_domain or domain})]
        case "temperror":
            return [Advice("try-later")]
        case _:
            return []


def _term(ip: str) -> str:
    return f"ip{ipaddress.ip_address(ip).version}:{ip}"
