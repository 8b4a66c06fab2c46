"""Where mail for a domain goes: its MX records and the hosts that they name (RFC 5321 §5.1)."""

from __future__ import annotations

from collections.abc import Sequence

from ulak.checks import iprev
from ulak.checks.gather import Gather
from ulak.checks.reason import because
from ulak.diagnose import zonefile
from ulak.diagnose.diagnosis import Advice, Check
from ulak.diagnose.domain.addresses import literal, private
from ulak.diagnose.domain.found import Found, found, made, unknown
from ulak.dns.records import MX, Answer, Resolver

MOST_HOSTS = 10
_MOST_ADDRESSES = 4  # of one host, of which the names are looked up


async def look(resolver: Resolver, domain: str, gather: Gather) -> Found:
    """Look at the MX records of a domain, and at the hosts that they name."""
    answer = await resolver.resolve(domain, "MX")
    if answer.failed:
        return unknown("mx", domain, answer)
    records = answer.exchanges
    if any(not one.exchange for one in records):
        return _null(domain, len({one.exchange for one in records}))
    if not records:
        return await _implicit(resolver, domain, answer, gather)
    names = hosts_of(records)
    looked = await gather(*(host(resolver, name, gather) for name in names))
    one, steps = _records(domain, records, [check.good for each in looked for check in each.checks])
    looked = sorted(looked, key=lambda each: each.checks[0].severity in ("good", "note"))
    return Found(
        (one, *(check for each in looked for check in each.checks)),
        (*steps, *(step for each in looked for step in each.advice)),
    )


def hosts_of(records: Sequence[MX]) -> tuple[str, ...]:
    """Give the hosts in the order in which they are tried, at most ten."""
    ranked = sorted(records, key=lambda one: (one.preference, one.exchange))
    return tuple(dict.fromkeys(one.exchange for one in ranked if one.exchange))[:MOST_HOSTS]


def _null(domain: str, different: int) -> Found:
    if different > 1:
        reason = because("domain.null-mx-and-others", domain=domain)
        check = made("mx", domain, "permerror", "critical", (reason,), reference="null-mx")
        wanted = zonefile.line(domain, "MX", "0 .")
        return found(check, Advice("null-mx", {"domain": domain}, wanted))
    reason = because("domain.null-mx", domain=domain)
    return found(made("mx", domain, "null", "note", (reason,), reference="null-mx"))


def _records(
    domain: str, records: Sequence[MX], well: Sequence[bool | None]
) -> tuple[Check, list[Advice]]:
    ranked = sorted(records, key=lambda one: (one.preference, one.exchange))
    names = hosts_of(records)
    reasons = [
        because("domain.mx", domain=domain, host=one.exchange, preference=one.preference)
        for one in ranked[:MOST_HOSTS]
    ]
    severity = "good"
    if len(ranked) > MOST_HOSTS:
        reasons.append(because("domain.mx-many", domain=domain, limit=MOST_HOSTS))
    several = [one.exchange for one in ranked]
    for name in names:
        if several.count(name) > 1:
            reasons.append(because("domain.mx-twice", domain=domain, host=name))
            severity = "warning"
    if len(names) == 1:
        reasons.append(because("domain.mx-alone", domain=domain))
    if well and all(one is False for one in well):
        reasons.append(because("domain.mx-none-works", domain=domain))
        severity = "critical"
    facts = {"hosts": ", ".join(names)}
    return made("mx", domain, "published", severity, reasons, facts, "no-mail-host"), []


async def _implicit(resolver: Resolver, domain: str, answer: Answer, gather: Gather) -> Found:
    answers = await gather(resolver.resolve(domain, "A"), resolver.resolve(domain, "AAAA"))
    told = [because("domain.no-mx", domain=domain, status=answer.status)]
    texts = [text for one in answers for text in one.texts][:_MOST_ADDRESSES]
    record = zonefile.line(domain, "MX", f"10 mail.{domain}.")
    advice = Advice("mx-publish", {"domain": domain}, record)
    if texts:
        told.append(because("domain.host", host=domain, addresses=", ".join(texts)))
        return found(made("mx", domain, "implicit", "note", told), advice)
    failed = next((one for one in answers if one.failed), None)
    if failed is not None:
        told.append(because("domain.host-unknown", host=domain, problem=failed.status))
        return found(made("mx", domain, "temperror", "warning", told), Advice("try-later"))
    told.append(because("domain.host-nowhere", host=domain))
    check = made("mx", domain, "none", "critical", told, reference="no-mail-host")
    return found(check, advice)


async def host(resolver: Resolver, name: str, gather: Gather) -> Found:
    """Look at one host: its addresses, and whether their names lead back (RFC 5321 §5.1)."""
    if literal(name):
        reason = because("domain.host-literal", host=name)
        check = made("mx-host", name, "permerror", "critical", (reason,), reference="no-mail-host")
        return found(check, Advice("mx-literal", {"host": name}))
    answers = await gather(resolver.resolve(name, "A"), resolver.resolve(name, "AAAA"))
    texts = tuple(dict.fromkeys(text for answer in answers for text in answer.texts))
    if not texts:
        return _nowhere(name, answers)
    shown = texts[:_MOST_ADDRESSES]
    reasons = [because("domain.host", host=name, addresses=", ".join(shown))]
    severity, steps = "good", list[Advice]()
    alias = next((a.canonical for a in answers if a.texts and a.canonical not in ("", name)), "")
    if alias:
        reasons.append(because("domain.host-alias", host=name, target=alias))
        steps.append(Advice("mx-alias", {"host": name, "target": alias}))
        severity = "warning"
    hidden = [text for text in texts if private(text)]
    if hidden:
        reasons.append(because("domain.host-private", host=name, addresses=", ".join(hidden)))
        steps.append(Advice("mx-private", {"host": name}))
        severity = "critical" if len(hidden) == len(texts) else "warning"
    named = await gather(
        *(iprev.check(resolver, ip=ip, gather=gather) for ip in shown if ip not in hidden)
    )
    for one in named:
        reasons += one.reasons
        if one.result in (iprev.Result.FAIL, iprev.Result.PERMERROR):
            severity = "note" if severity == "good" else severity
            steps.append(_name_of(one, name))
    facts = {"addresses": ", ".join(shown), "names": ", ".join(one.name for one in named)}
    reference = "reverse-dns-fail" if severity == "note" else "no-mail-host"
    check = made("mx-host", name, "published", severity, reasons, facts, reference)
    return Found((check,), tuple(steps))


def _nowhere(name: str, answers: Sequence[Answer]) -> Found:
    failed = next((answer for answer in answers if answer.failed), None)
    if failed is not None:
        reason = because("domain.host-unknown", host=name, problem=failed.status)
        check = made("mx-host", name, "temperror", "warning", (reason,), reference="dns-failure")
        return found(check, Advice("try-later"))
    reason = because("domain.host-nowhere", host=name)
    check = made("mx-host", name, "none", "critical", (reason,), reference="no-mail-host")
    return found(check, Advice("mx-host", {"host": name}))


def _name_of(one: iprev.Finding, host: str) -> Advice:
    """Say what makes the name of an address lead back; it counts where the host sends, too."""
    facts = {"ip": one.ip, "host": host}
    pointer = zonefile.line(zonefile.reverse(one.ip), "PTR", f"{host}.")
    return Advice("mx-name", facts, pointer, reference="reverse-dns-fail")
