"""Whether a domain asks for reports about TLS (RFC 8460 §3)."""

from __future__ import annotations

from ulak.checks import tls_rpt
from ulak.diagnose import zonefile
from ulak.diagnose.diagnosis import Advice
from ulak.diagnose.domain.found import Found, found, made
from ulak.dns.records import Resolver

_SEVERITIES = {"published": "good", "none": "note", "permerror": "warning", "temperror": "note"}


async def look(resolver: Resolver, domain: str) -> Found:
    """Look at the record."""
    seen = await tls_rpt.check(resolver, domain=domain)
    severity = _SEVERITIES[seen.result]
    if seen.result == "published" and any(r.key == "tls_rpt.bad-uri" for r in seen.reasons):
        severity = "warning"
    facts = {"record": seen.record, "rua": ", ".join(seen.rua)}
    check = made("tls-rpt", domain, seen.result, severity, seen.reasons, facts)
    if seen.result in ("none", "permerror") or severity == "warning":
        name = f"_smtp._tls.{domain}"
        rua = ",".join(seen.rua) or f"mailto:tls-reports@{domain}"
        wanted = zonefile.line(name, "TXT", f"v=TLSRPTv1; rua={rua}")
        return found(check, Advice("tls-rpt", {"domain": domain, "name": name}, wanted))
    return found(check)
