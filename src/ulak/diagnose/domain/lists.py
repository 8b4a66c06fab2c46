"""Which lists of domains in DNS have a domain: a listed one makes mail refused from any address."""

from __future__ import annotations

from ulak.checks.gather import Gather
from ulak.diagnose import listings
from ulak.diagnose.domain.found import Found
from ulak.dns.records import Resolver


async def look(resolver: Resolver, domain: str, gather: Gather) -> Found:
    """Ask all lists that anybody may ask; `domain` is in lower-case ASCII."""
    asked = await listings.of_domain(resolver, domain=domain, gather=gather)
    listed = [one for one in asked if one.check.severity]
    # That one of these cannot be asked is told, and is nothing that the owner has to mend.
    return Found(tuple(one.check for one in asked), tuple(listings.steps(listed)))
