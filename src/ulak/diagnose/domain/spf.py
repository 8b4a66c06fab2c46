"""Who may send for a domain: its SPF record with all that it includes (RFC 7208)."""

from __future__ import annotations

from dataclasses import replace

from ulak.checks import spf
from ulak.checks.gather import Gather
from ulak.checks.spf.survey import Survey
from ulak.diagnose import zonefile
from ulak.diagnose.diagnosis import Advice, Check
from ulak.diagnose.domain.found import Found, found, made
from ulak.diagnose.domain.tree import drawn
from ulak.dns.records import Resolver

_NEARLY_TOO_MANY = 8  # look-ups, of ten
_DANGERS = frozenset(
    {"spf.review-ptr", "spf.review-large-network", "spf.review-open-end", "spf.review-undecided"}
)


async def look(resolver: Resolver, domain: str, gather: Gather) -> Found:
    """Walk the whole record with all that it includes, whoever the client may be."""
    seen = await spf.survey(resolver, domain=domain, gather=gather)
    record = seen.record
    keys = {reason.key for reason in seen.reasons}
    terms = record.directives if record is not None else ()
    ends = next((one.text for one in terms if one.name == "all"), "")
    if any(answer.failed for answer in seen.trace):
        check = _check(seen, "temperror", "warning", ends, "dns-failure")
        return found(check, Advice("try-later"))
    if record is None and "spf.several-records" in keys:
        check = _check(seen, "permerror", "critical", ends, "spf-error")
        wanted = zonefile.line(domain, "TXT", "v=spf1 mx -all")
        return found(check, Advice("spf-one", {"domain": domain}, wanted))
    if record is None:
        wanted = zonefile.line(domain, "TXT", "v=spf1 mx -all")
        check = _check(seen, "none", "warning", ends, "spf-fail")
        return found(check, Advice("spf-publish-domain", {"domain": domain}, wanted))
    if not seen.works:
        check = _check(seen, "permerror", "critical", ends, "spf-error")
        return found(check, Advice("spf-mend", {"domain": domain}))
    if any(one.name == "all" and one.result == "pass" for one in terms):
        check = _check(seen, "too-wide", "critical", ends, "spf-fail")
        written = record.text.replace(ends, "-all")
        advice = Advice(
            "spf-too-wide", {"domain": domain, "term": ends}, zonefile.line(domain, "TXT", written)
        )
        return found(check, advice)
    severity = "note" if keys & _DANGERS else "good"
    check = _check(seen, "published", severity, ends, "spf-fail")
    if seen.lookups >= _NEARLY_TOO_MANY:
        return found(check, Advice("spf-lookups", {"count": str(seen.lookups)}))
    return found(check)


def _check(seen: Survey, result: str, severity: str, ends: str, reference: str) -> Check:
    facts = {
        "record": seen.record.text if seen.record is not None else "",
        "lookups": str(seen.lookups),
        "void_lookups": str(seen.void_lookups),
        "ends": ends,
    }
    drawing = drawn(seen.domain, seen.tree, seen.lookups)
    check = made("spf", seen.domain, result, severity, seen.reasons, facts, reference, drawing)
    return replace(check, tree=seen.tree)
