"""Who may send for a domain: its SPF record with all that it includes (RFC 7208)."""

from __future__ import annotations

from ulak.checks import spf
from ulak.checks.gather import Gather
from ulak.diagnose import zonefile
from ulak.diagnose.diagnosis import Advice, Check
from ulak.diagnose.domain.found import Found, found
from ulak.dns.records import Resolver

_NEARLY_TOO_MANY = 8  # look-ups, of ten


async def look(resolver: Resolver, domain: str, gather: Gather) -> Found:
    """Walk the whole record with all that it includes, whoever the client may be."""
    seen = await spf.survey(resolver, domain=domain, gather=gather)
    record = seen.record
    keys = {reason.key for reason in seen.reasons}
    terms = record.directives if record is not None else ()
    facts = {
        "record": record.text if record is not None else "",
        "lookups": str(seen.lookups),
        "ends": next((one.text for one in terms if one.name == "all"), ""),
    }
    facts = {name: value for name, value in facts.items() if value}
    result, good, steps = "published", True, list[Advice]()
    if any(answer.failed for answer in seen.trace):
        result, good, steps = "temperror", False, [Advice("try-later")]
    elif record is None and "spf.several-records" not in keys:
        wanted = zonefile.line(domain, "TXT", "v=spf1 mx -all")
        result, good = "none", False
        steps = [Advice("spf-publish-domain", {"domain": domain}, wanted)]
    elif not seen.works:
        result, good, steps = "permerror", False, [Advice("spf-mend", {"domain": domain})]
    elif any(one.name == "all" and one.result == "pass" for one in terms):
        result, good = "too-wide", False
        steps = [Advice("spf-too-wide", {"domain": domain, "term": facts["ends"]})]
    elif seen.lookups >= _NEARLY_TOO_MANY:
        steps = [Advice("spf-lookups", {"count": str(seen.lookups)})]
    return found(Check("spf", domain, result, good, seen.reasons, facts), *steps)
