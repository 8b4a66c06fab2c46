"""DANE of the MX hosts of a domain: what signed DNS says of their certificates (RFC 7672)."""

from __future__ import annotations

from ulak.checks import dane
from ulak.diagnose.diagnosis import Advice
from ulak.diagnose.domain.found import Found, found, made
from ulak.dns.records import Resolver

_SEVERITIES = {
    "published": "good", "none": "note", "insecure": "note", "permerror": "warning",
    "temperror": "warning",
}  # fmt: skip


async def look(resolver: Resolver, host: str) -> Found:
    """Look at the TLSA records of one host. A failure is bad: senders wait until it is mended."""
    seen = await dane.check(resolver, host=host)
    facts = {"records": ", ".join(map(str, seen.records))}
    name = f"_25._tcp.{host}"
    check = made("dane", name, seen.result, _SEVERITIES[seen.result], seen.reasons, facts)
    if seen.result == "permerror":
        return found(check, Advice("dane-mend", {"name": name}))
    if seen.result == "temperror":
        return found(check, Advice("try-later"))
    return found(check)
