"""`ulak check ip`: what an address is, its name, and the lists that have it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any, cast

from ulak.checks import dnsbl, helo, iprev
from ulak.checks.dnsbl import Blocklist
from ulak.checks.gather import Gather
from ulak.diagnose import listings, zonefile
from ulak.diagnose.diagnosis import (
    Advice,
    Check,
    Diagnosis,
    Ended,
    Sentence,
    of,
    unheard,
    unique,
)
from ulak.diagnose.listings import Asked
from ulak.diagnose.pointer import looks_generic
from ulak.dns.records import Resolver

_MANY_NAMES = 3  # of one address: more than that is no name any more


async def diagnose(
    resolver: Resolver, *, ip: str, zones: Sequence[Blocklist] = (), greeting: str = "",
    known: bool = False, gather: Gather, ended: Ended = unheard,
) -> Diagnosis:  # fmt: skip
    """Look an address up, all at once. ValueError if `ip` is none.

    `zones` are asked, and with `known` all lists that anybody may ask; `greeting` is the name that
    the server says with HELO or EHLO, if that is to be looked at.
    """
    kind = listings.kind_of(ip)
    known = known and kind not in listings.UNREACHABLE
    waiting: list[Awaitable[Any]] = [
        _pointer(resolver, ip, gather, ended),
        listings.of_address(resolver, ip=ip, zones=zones, known=known, gather=gather, ended=ended),
    ]
    if greeting:
        waiting.append(helo.check(resolver, helo=greeting, ip=ip, gather=gather))
    made = await gather(*waiting)
    named, asked = cast("iprev.Finding", made[0]), cast("tuple[Asked, ...]", made[1])
    reachable = kind not in listings.UNREACHABLE
    checks = [_named(named)]
    advice = [*reverse_advice(named), *_habits(named)] if reachable else []
    if greeting:
        greeted = cast("helo.Finding", made[2])
        checks.append(of("helo", greeting, greeted, bad=("fail",)))
        ended(checks[-1])
        if greeted.result in (helo.Result.FAIL, helo.Result.NEUTRAL):
            advice.append(Advice("helo-name", {"helo": greeting}))
    verdict = _lists(named.ip, asked)
    verdict.append(Sentence(f"iprev-{named.result}", {"ip": named.ip, "name": named.name}))
    if kind:
        where = len(verdict) if reachable else 0
        verdict.insert(where, Sentence(f"kind-{kind}", {"ip": named.ip}))
    if not asked and not kind:
        advice.append(Advice("no-lists"))
    elif asked:
        verdict.append(Sentence("private-lists"))
    return Diagnosis(
        "ip",
        named.ip,
        tuple(verdict),
        (*checks, *(one.check for one in asked)),
        unique([*listings.steps(asked), *advice]),
    )


async def _pointer(resolver: Resolver, ip: str, gather: Gather, ended: Ended) -> iprev.Finding:
    found = await iprev.check(resolver, ip=ip, gather=gather)
    ended(_named(found))
    return found


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


def _named(finding: iprev.Finding) -> Check:
    """Say how much it matters: without a name, IPv6 is refused by Gmail and others outright."""
    check = names(finding)
    match finding.result:
        case iprev.Result.PERMERROR | iprev.Result.FAIL:
            severity = "critical" if ":" in finding.ip else "warning"
            return replace(check, severity=severity, reference="reverse-dns-fail")
        case iprev.Result.TEMPERROR:
            return replace(check, severity="note")
        case _:
            generic = looks_generic(finding.name, finding.ip)
            return replace(check, severity="note" if generic else "good")


def _habits(finding: iprev.Finding) -> list[Advice]:
    """Say what receivers think of the names."""
    advice = []
    if finding.result is iprev.Result.PERMERROR and ":" in finding.ip:
        advice.append(Advice("ipv6-name", {"ip": finding.ip}))
    generic = [name for name in finding.names if looks_generic(name, finding.ip)]
    if generic and len(generic) == len(finding.names):
        advice.append(Advice("generic-name", {"ip": finding.ip, "name": generic[0]}))
    if len(finding.names) > _MANY_NAMES:
        count = str(len(finding.names))
        advice.append(Advice("many-names", {"ip": finding.ip, "count": count}))
    return advice


def _lists(ip: str, asked: Sequence[Asked]) -> list[Sentence]:
    """Say which lists have the address, and of how many nothing is known."""
    if not asked:
        return []
    facts = {
        "ip": ip,
        "count": str(len(asked)),
        "asked": str(sum(one.answered for one in asked)),
        "silent": str(sum(not one.answered for one in asked)),
    }
    bad = [one.check.subject for one in asked if one.check.good is False]
    noted = [
        one.check.subject
        for one in asked
        if one.check.result == dnsbl.Result.LISTED and one.check.good is None
    ]
    told = [Sentence("listed", {**facts, "lists": ", ".join(bad)})] if bad else []
    if noted:
        told.append(Sentence("listed-note", {**facts, "lists": ", ".join(noted)}))
    if facts["asked"] == "0":
        return [*told, Sentence("lists-silent", facts)]
    return [*told, Sentence("lists-asked" if told else "not-listed", facts)]
