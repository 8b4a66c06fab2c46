"""`ulak check ip`: the name of an address, and the lists that have it."""

from __future__ import annotations

from collections.abc import Sequence

from ulak.checks import dnsbl, iprev
from ulak.checks.dnsbl import Blocklist
from ulak.checks.gather import Gather
from ulak.checks.reason import because
from ulak.diagnose import zonefile
from ulak.diagnose.diagnosis import Advice, Check, Diagnosis, Sentence, of, unique
from ulak.dns.records import Resolver


async def diagnose(
    resolver: Resolver, *, ip: str, zones: Sequence[Blocklist], gather: Gather
) -> Diagnosis:
    """Look an address up. ValueError if `ip` is none."""
    named = await iprev.check(resolver, ip=ip, gather=gather)
    address = dnsbl.normalise(ip)
    listings = await gather(
        *(_ask(resolver, named.ip, address.version, zone, gather) for zone in zones)
    )
    checks = (names(named), *listings)
    listed = [check.subject for check in listings if check.result == dnsbl.Result.LISTED]
    facts = {"ip": named.ip, "name": named.name, "lists": ", ".join(listed)}
    verdict = [Sentence(f"iprev-{named.result}", facts)]
    advice = reverse_advice(named)
    if listed:
        verdict.insert(0, Sentence("listed", facts))
        advice.insert(0, Advice("listed", facts))
    elif listings:
        asked = sum(check.result != dnsbl.Result.COULD_NOT_ASK for check in listings)
        counted = {**facts, "count": str(len(listings)), "asked": str(asked)}
        verdict.insert(0, Sentence("not-listed", counted))
    else:
        advice.append(Advice("no-lists"))
    advice += [
        Advice("list-silent", {"zone": check.subject})
        for check in listings
        if check.result == dnsbl.Result.COULD_NOT_ASK
    ]
    return Diagnosis("ip", named.ip, tuple(verdict), checks, unique(advice))


def names(finding: iprev.Finding) -> Check:
    """Give the finding about the names of an address as a check."""
    bad = ("fail", "permerror", "temperror")
    return of(
        "iprev", finding.ip, finding, bad=bad, name=finding.name, names=", ".join(finding.names)
    )


def reverse_advice(finding: iprev.Finding) -> list[Advice]:
    """Say what who has the address can do about its name."""
    pointer = dnsbl.normalise(finding.ip).reverse_pointer
    kind = "A" if "." in finding.ip else "AAAA"
    match finding.result:
        case iprev.Result.PERMERROR:
            record = zonefile.line(pointer, "PTR", "mail.example.org.")
            return [Advice("reverse-name", {"ip": finding.ip}, record)]
        case iprev.Result.FAIL:
            record = zonefile.line(finding.names[0], kind, finding.ip)
            return [Advice("forward-name", {"ip": finding.ip, "name": finding.names[0]}, record)]
        case iprev.Result.TEMPERROR:
            return [Advice("try-later")]
        case _:
            return []


async def _ask(resolver: Resolver, ip: str, version: int, zone: Blocklist, gather: Gather) -> Check:
    """Ask one list, and its test entries (RFC 5782 §5): a dead one has nobody, a broken one all."""
    health = await dnsbl.probe(resolver, zone=zone, version=version, gather=gather)
    finding = await dnsbl.check_zone(resolver, ip=ip, zone=zone, gather=gather)
    result, good = finding.result, finding.result is not dnsbl.Result.LISTED
    reasons = finding.reasons
    if finding.text:
        reasons = (*reasons, because("dnsbl.says", zone=zone.shown, text=finding.text))
    if not health.works and not finding.listed:
        result = dnsbl.Result.COULD_NOT_ASK
        reasons = (*reasons, *(reason for reason in health.reasons if reason not in reasons))
    facts = {"codes": " ".join(finding.codes), "text": finding.text}
    return Check(
        "dnsbl",
        zone.shown,
        str(result),
        None if result is dnsbl.Result.COULD_NOT_ASK else good,
        reasons,
        {name: value for name, value in facts.items() if value},
    )
