"""Whether a domain asks for reports about TLS (RFC 8460 §3)."""

from __future__ import annotations

from ulak.checks.asking import not_answered
from ulak.checks.reason import because
from ulak.diagnose.diagnosis import Check
from ulak.diagnose.domain.found import Found, found
from ulak.dns.records import Resolver, Status

_BEGINS = "v=TLSRPTv1"


async def look(resolver: Resolver, domain: str) -> Found:
    """Only look whether there is a record."""
    name = f"_smtp._tls.{domain}"
    answer = await resolver.resolve(name, "TXT")
    if answer.failed:
        return found(
            Check("tls-rpt", domain, "temperror", good=None, reasons=(not_answered(answer),))
        )
    texts = [record for record in answer.records if isinstance(record, bytes)]
    if any(text.startswith(_BEGINS.encode()) for text in texts):
        reason = because("domain.text-there", name=name, begins=_BEGINS)
        return found(Check("tls-rpt", domain, "published", good=True, reasons=(reason,)))
    status = answer.status if not texts else Status.NO_DATA
    reason = because("domain.text-absent", name=name, begins=_BEGINS, status=status)
    return found(Check("tls-rpt", domain, "none", good=None, reasons=(reason,)))
