"""Checks of blocklists: the one that a reply names, and those that anybody may ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ulak.checks import dnsbl
from ulak.checks.dnsbl import Blocklist
from ulak.checks.reason import because
from ulak.diagnose import listings
from ulak.diagnose.diagnosis import Check
from ulak.diagnose.reply.case import Case
from ulak.diagnose.reply.verdict import Asked, Verdict, missing
from ulak.replies import blocklists

_VERDICTS = {
    str(dnsbl.Result.LISTED): Verdict.CONFIRMED,
    str(dnsbl.Result.NOT_LISTED): Verdict.NOT_CONFIRMED,
    str(dnsbl.Result.COULD_NOT_ASK): Verdict.COULD_NOT_ASK,
}
_ORDER = (Verdict.CONFIRMED, Verdict.COULD_NOT_ASK, Verdict.NOT_CONFIRMED)


async def by_list(case: Case) -> Asked:
    """Ask the list that the reply names about the address, and its test entries first."""
    ip = case.known.ip
    if not ip:
        return missing("dnsbl", "--ip")
    zones = _zones(case)
    if not zones:
        return await by_lists(case)
    return _told(
        await listings.of_address(
            case.resolver,
            ip=ip,
            zones=[Blocklist(zone) for zone in zones],
            known=False,
            gather=case.gather,
        )
    )


def _told(made: Sequence[listings.Asked]) -> Asked:
    """Say what each list says; one that has it is enough."""
    checks = tuple((one.check, _VERDICTS[one.check.result]) for one in made)
    found = {verdict for _, verdict in checks}
    verdict = next(one for one in _ORDER if one in found)
    return Asked(checks, verdict, tuple(step for one in made for step in one.advice))


def _zones(case: Case) -> Sequence[str]:
    """Give the zones to ask: the one that is named, else those of the list that is."""
    known = case.known
    if known.zone and blocklists.entry_of(known.zone) is not None:
        return [known.zone]
    target = "ip6" if ":" in known.ip else "ip4"
    own = [e.zone for e in blocklists.find(known.list) if e.asked and target in e.target]
    return own or ([known.zone] if known.zone else [])


async def by_lists(case: Case) -> Asked:
    """Ask every list that anybody may ask, and tell which have the address.

    No list is named, so that none of them has it says nothing of the one that was meant.
    """
    ip = case.known.ip
    if not ip:
        return missing("dnsbl", "--ip")
    made = await listings.of_address(
        case.resolver, ip=ip, zones=case.lists, known=not case.lists, gather=case.gather
    )
    bad = [one for one in made if one.check.check == "dnsbl"]
    listed = [one for one in bad if one.check.result == dnsbl.Result.LISTED]
    heard = sum(one.answered for one in bad)
    counted = because("reply.lists", ip=ip, count=len(bad), heard=heard, listed=len(listed))
    if listed:
        told = _told(listed)
        first, verdict = told.checks[0]
        told_first = replace(first, reasons=(counted, *first.reasons))
        return replace(told, checks=((told_first, verdict), *told.checks[1:]))
    result = dnsbl.Result.NOT_LISTED if heard else dnsbl.Result.COULD_NOT_ASK
    check = Check("dnsbl", ip, str(result), True if heard else None, (counted,))
    verdict = Verdict.UNKNOWABLE if heard else Verdict.COULD_NOT_ASK
    return Asked(((check, verdict),), verdict)


async def by_domain_list(case: Case) -> Asked:
    """Ask the list that the reply names about the domain that it names, or all there are."""
    known = case.known
    name = known.domain or known.from_domain
    if not name:
        return missing("dnsbl", "--domain")
    made = await listings.of_domain(case.resolver, domain=name, gather=case.gather)
    named = [
        one
        for one in made
        if one.check.subject == known.zone
        or (one.entry is not None and one.entry.lister.slug == known.list)
    ]
    if named:
        return _told(named)
    told = _told(made)
    listed = told.verdict is Verdict.CONFIRMED
    # As with addresses: another list than these may have been meant.
    checks = tuple(
        (check, Verdict.UNKNOWABLE if verdict is Verdict.NOT_CONFIRMED else verdict)
        for check, verdict in told.checks
        if not listed or verdict is Verdict.CONFIRMED
    )
    silent = all(verdict is Verdict.COULD_NOT_ASK for _, verdict in checks)
    verdict = told.verdict if listed or silent else Verdict.UNKNOWABLE
    return Asked(checks, verdict, told.advice if listed else ())
