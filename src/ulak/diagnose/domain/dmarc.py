"""What is to become of forged mail: the DMARC record that holds for a domain (RFC 9989)."""

from __future__ import annotations

from dataclasses import replace

from ulak.checks.asking import not_answered
from ulak.checks.dmarc import Policy, Record, Walker
from ulak.checks.dmarc.record import is_record
from ulak.checks.gather import Gather
from ulak.checks.reason import Reason, because
from ulak.diagnose import zonefile
from ulak.diagnose.diagnosis import Advice
from ulak.diagnose.domain.found import Found, found, made
from ulak.dns.records import Resolver

_MOST_HOSTS = 10  # that get reports and are asked whether they want them
_HARMLESS = frozenset({"dmarc.tag-obsolete", "dmarc.uri-size", "dmarc.fo-without-ruf"})


async def look(resolver: Resolver, domain: str, gather: Gather) -> Found:
    """Walk up to the record that holds, and look at what it says."""
    walker = Walker(resolver)
    walk = await walker.walk(domain)
    reasons = walker.tell(walk)
    name = f"_dmarc.{domain}"
    step = walk.policy
    if not walk.complete and (step is None or step.domain != domain):
        return found(
            made("dmarc", domain, "temperror", "warning", reasons, reference="dns-failure"),
            Advice("try-later"),
        )
    if walk.complete:
        reasons.append(walk.why)
    if step is None or step.record is None:
        reasons.append(because("dmarc.no-record", domain=domain))
        wanted = f"v=DMARC1; p=none; rua=mailto:postmaster@{domain}"
        several = [r for r in reasons if r.key == "dmarc.several"]
        text = "dmarc-one" if several else "dmarc-publish"
        advice = Advice(text, {"name": name}, zonefile.line(name, "TXT", wanted))
        severity = "critical" if several else "warning"
        check = made("dmarc", domain, "none", severity, reasons, reference="dmarc-fail")
        return found(check, advice)
    record = step.record
    reasons += record.mistakes
    policy, tag = record.asks(below=step.domain != domain)
    facts = {
        "record": record.text,
        "record_domain": step.domain,
        "policy": str(policy),
        "tag": tag,
        "organizational_domain": walk.organizational if walk.complete else "",
        "rua": ", ".join(uri.uri for uri in record.rua),
    }
    facts = {name: value for name, value in facts.items() if value}
    harm = any(r.key not in _HARMLESS for r in record.mistakes)
    if not record.applies:
        reasons.append(because("dmarc.not-applied", record_domain=step.domain))
    elif not tag:
        reasons.append(because("dmarc.stands-for-none", record_domain=step.domain))
    else:
        asked = {"record_domain": step.domain, "policy": policy, "tag": tag}
        reasons.append(because("dmarc.asks", **asked))
    organizational = walk.organizational if walk.complete else step.domain
    refused, told_of = await _elsewhere(resolver, step.domain, organizational, record, gather)
    severity = "warning" if harm or refused else "note" if policy is Policy.NONE else "good"
    told = (*reasons, *told_of)
    check = made("dmarc", domain, "published", severity, told, facts, "dmarc-reject")
    return found(check, *_advice(step.domain, record, policy), *refused)


async def _elsewhere(
    resolver: Resolver, where: str, organizational: str, record: Record, gather: Gather
) -> tuple[list[Advice], list[Reason]]:
    """Ask those who get reports about others whether they want them (RFC 9989 §11.6)."""
    hosts = {uri.address.rpartition("@")[2].lower() for uri in record.rua if uri.address}
    foreign = sorted(h for h in hosts if not f".{h}".endswith(f".{organizational}"))[:_MOST_HOSTS]
    names = [f"{where}._report._dmarc.{host}" for host in foreign]
    answers = await gather(*(resolver.resolve(name, "TXT") for name in names))
    steps, reasons = [], []
    for host, name, answer in zip(foreign, names, answers, strict=True):
        texts = [text for text in answer.records if isinstance(text, bytes)]
        if answer.failed:
            reasons.append(not_answered(answer))
        elif any(is_record(text) for text in texts):
            reasons.append(because("domain.reports-wanted", host=host, name=name))
        else:
            reasons.append(because("domain.reports-unwanted", host=host, name=name))
            facts = {"host": host, "domain": where}
            steps.append(Advice("dmarc-elsewhere", facts, zonefile.line(name, "TXT", "v=DMARC1")))
    return steps, reasons


def _advice(where: str, record: Record, policy: Policy) -> list[Advice]:
    name = f"_dmarc.{where}"
    written = zonefile.line(name, "TXT", zonefile.dmarc(record))
    steps = []
    if record.mistakes:
        steps.append(Advice("dmarc-mend", {"name": name}, written))
    if not record.rua:
        asking = f"{zonefile.dmarc(record)}; rua=mailto:postmaster@{where}"
        steps.append(Advice("dmarc-reports", {"name": name}, zonefile.line(name, "TXT", asking)))
    if record.sound and policy is Policy.NONE:
        asking = zonefile.dmarc(replace(record, policy=Policy.QUARANTINE))
        steps.append(Advice("dmarc-enforce", {"name": name}, zonefile.line(name, "TXT", asking)))
    return steps
