"""What was found, told: step by step to the journal, and to who reads the mail in its header."""

from __future__ import annotations

from collections.abc import Iterator

from ulak.checks import arc, results
from ulak.checks.reason import packed
from ulak.journal.entry import Entry, Kind
from ulak.policy.authentication.found import Findings, Made
from ulak.policy.authentication.rules import Mode, Rules


def field(found: Findings, rules: Rules, *, utf8: bool) -> bytes:
    """Write Authentication-Results (RFC 8601), and Received-SPF where that is wanted.

    `utf8`: the message is internationalised, and so may the field be.
    """
    written = results.write(rules.authserv_id, resinfos(found, rules), utf8=utf8)
    if rules.received_spf and found.spf is not None and rules.spf is not Mode.OFF:
        written += results.write_received_spf(found.spf, rules.authserv_id, utf8=utf8)
    return written


def resinfos(found: Findings, rules: Rules) -> tuple[results.Resinfo, ...]:
    """Give what was found in the words of RFC 8601, as it is told here and in an ARC set."""
    told = _told(found, rules)
    return results.told(
        spf=told.spf,
        dkim=told.dkim or (),
        dmarc=told.dmarc,
        arc=told.arc if _sealed(told) else None,
        iprev=told.iprev,
        ip=found.spf.ip if found.spf is not None else "",
    )


def entries(
    found: Findings, rules: Rules, *, time: float, session: str, message: str
) -> Iterator[Entry]:
    """Give what the journal is to know: each check with every step of it."""
    told = _told(found, rules)

    def entry(check: str, finding: Made, **facts: str) -> Entry:
        known = {name: fact for name, fact in facts.items() if fact}
        said = {"check": check, "result": str(finding.result), **known}
        said["reasons"] = packed(finding.reasons)
        return Entry(time, Kind.CHECKED, "", session, message, facts=said)

    if told.helo is not None:
        yield entry("helo", told.helo, ip=told.helo.ip, client=told.helo.helo)
    if told.iprev is not None:
        yield entry("iprev", told.iprev, ip=told.iprev.ip, name=told.iprev.name)
    if told.spf is not None:
        yield entry("spf", told.spf, domain=told.spf.domain, ip=told.spf.ip)
    for one in told.dkim or ():
        yield entry("dkim", one, domain=one.domain, selector=one.selector)
    if told.arc is not None and _sealed(told):
        yield entry("arc", told.arc)
    if told.dmarc is not None:
        policy = str(told.dmarc.policy) if told.dmarc.record else ""
        yield entry("dmarc", told.dmarc, domain=told.dmarc.from_domain, policy=policy)


def _sealed(found: Findings) -> bool:
    """Whether anybody has sealed the message: of a chain that is not there nothing is told."""
    return found.arc is not None and found.arc.result is not arc.Result.NONE


def _told(found: Findings, rules: Rules) -> Findings:
    """Give those findings that are told: a check that is off is only made for another one."""
    return Findings(
        spf=found.spf if rules.spf is not Mode.OFF else None,
        dkim=found.dkim if rules.dkim is not Mode.OFF else None,
        dmarc=found.dmarc if rules.dmarc is not Mode.OFF else None,
        arc=found.arc if rules.arc is not Mode.OFF else None,
        iprev=found.iprev if rules.iprev is not Mode.OFF else None,
        helo=found.helo if rules.helo is not Mode.OFF else None,
    )
