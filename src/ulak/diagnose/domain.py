"""`ulak check domain`: what a domain has published about its mail, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from ulak.checks import spf
from ulak.checks.asking import not_answered
from ulak.checks.dkim import key as keys
from ulak.checks.dkim.finding import Limits
from ulak.checks.dmarc import Policy, Record, Walker
from ulak.checks.dmarc.record import is_record
from ulak.checks.gather import Gather
from ulak.checks.reason import Reason, because
from ulak.diagnose import zonefile
from ulak.diagnose.diagnosis import Advice, Check, Diagnosis, Sentence, unique
from ulak.dns.names import to_ascii
from ulak.dns.records import Answer, Resolver, Status

_NEARLY_TOO_MANY = 8  # look-ups of SPF, of ten
_MOST_HOSTS = 10
_LIMITS = Limits()
_MOST_SELECTORS = 20
_HARMLESS = frozenset({"dmarc.tag-obsolete", "dmarc.uri-size", "dmarc.fo-without-ruf"})

Made = tuple[Check, list[Advice]]


class NoDomainError(ValueError):
    """What was given is no domain name."""


async def diagnose(
    resolver: Resolver, *, domain: str, selectors: Sequence[str], gather: Gather
) -> Diagnosis:
    """Look at what a domain publishes: MX, SPF, DMARC, the DKIM keys asked for, and reports."""
    name = to_ascii(domain.strip())
    if not name:
        raise NoDomainError(domain)
    waiting: list[Awaitable[Made]] = [
        _mx(resolver, name, gather),
        _spf(resolver, name, gather),
        _dmarc(resolver, name, gather),
        *(_dkim(resolver, name, selector) for selector in selectors[:_MOST_SELECTORS]),
        _text(resolver, name, "mta-sts", f"_mta-sts.{name}", b"v=STSv1"),
        _text(resolver, name, "tls-rpt", f"_smtp._tls.{name}", b"v=TLSRPTv1"),
    ]
    made = await gather(*waiting)
    checks = tuple(check for check, _ in made)
    advice = [step for _, steps in made for step in steps]
    if not selectors:
        advice.append(Advice("dkim-selectors", {"domain": name}))
    wrong = [check for check in checks if check.good is False]
    silent = [check for check in wrong if check.result == "temperror"]
    verdict = []
    for sentence, those in (
        ("domain-findings", [check for check in wrong if check not in silent]),
        ("domain-silent", silent),
    ):
        if those:
            named = ", ".join(dict.fromkeys(check.check.upper() for check in those))
            verdict.append(Sentence(sentence, {"domain": name, "checks": named}))
    if not wrong:
        verdict.append(Sentence("domain-well", {"domain": name}))
    return Diagnosis("domain", name, tuple(verdict), checks, unique(advice))


# -- where mail goes ------------------------------------------------------------------------------


async def _mx(resolver: Resolver, domain: str, gather: Gather) -> Made:
    answer = await resolver.resolve(domain, "MX")
    if answer.failed:
        return _unknown("mx", domain, answer)
    hosts = answer.exchanges
    if any(not one.exchange for one in hosts):
        if len(hosts) > 1:
            reason = because("domain.null-mx-and-others", domain=domain)
            return Check("mx", domain, "permerror", good=False, reasons=(reason,)), [
                Advice("null-mx", {"domain": domain}, zonefile.line(domain, "MX", "0 ."))
            ]
        reason = because("domain.null-mx", domain=domain)
        return Check("mx", domain, "null", good=None, reasons=(reason,)), []
    if not hosts:
        return await _implicit(resolver, domain, answer, gather)
    hosts = tuple(sorted(hosts, key=lambda one: (one.preference, one.exchange)))
    reasons = [
        because("domain.mx", domain=domain, host=one.exchange, preference=one.preference)
        for one in hosts[:_MOST_HOSTS]
    ]
    if len(hosts) > _MOST_HOSTS:
        reasons.append(because("domain.mx-many", domain=domain, limit=_MOST_HOSTS))
    found = await gather(
        *(_addresses(resolver, one.exchange, gather) for one in hosts[:_MOST_HOSTS])
    )
    bad = [reason for ok, reason in found if not ok]
    reasons += [reason for _, reason in found]
    facts = {"hosts": ", ".join(one.exchange for one in hosts[:_MOST_HOSTS])}
    steps = [Advice("mx-host", {"host": reason.facts["host"]}) for reason in bad]
    return Check("mx", domain, "published", not bad, tuple(reasons), facts), steps


async def _implicit(resolver: Resolver, domain: str, answer: Answer, gather: Gather) -> Made:
    ok, addresses = await _addresses(resolver, domain, gather)
    reasons = (because("domain.no-mx", domain=domain, status=answer.status), addresses)
    record = zonefile.line(domain, "MX", f"10 mail.{domain}.")
    advice = [Advice("mx-publish", {"domain": domain}, record)]
    if ok:
        return Check("mx", domain, "implicit", good=None, reasons=reasons), advice
    return Check("mx", domain, "none", good=False, reasons=reasons), advice


async def _addresses(resolver: Resolver, host: str, gather: Gather) -> tuple[bool, Reason]:
    answers = await gather(resolver.resolve(host, "A"), resolver.resolve(host, "AAAA"))
    texts = [text for answer in answers for text in answer.texts][:5]
    if texts:
        return True, because("domain.host", host=host, addresses=", ".join(texts))
    failed = [answer for answer in answers if answer.failed]
    if failed:
        return False, because("domain.host-unknown", host=host, problem=failed[0].status)
    return False, because("domain.host-nowhere", host=host)


# -- who may send for it --------------------------------------------------------------------------


async def _spf(resolver: Resolver, domain: str, gather: Gather) -> Made:
    """Walk the whole record with all that it includes, whoever the client may be."""
    found = await spf.survey(resolver, domain=domain, gather=gather)
    record = found.record
    keys = {reason.key for reason in found.reasons}
    terms = record.directives if record is not None else ()
    facts = {
        "record": record.text if record is not None else "",
        "lookups": str(found.lookups),
        "ends": next((one.text for one in terms if one.name == "all"), ""),
    }
    facts = {name: value for name, value in facts.items() if value}
    result, good, steps = "published", True, list[Advice]()
    if any(answer.failed for answer in found.trace):
        result, good, steps = "temperror", False, [Advice("try-later")]
    elif record is None and "spf.several-records" not in keys:
        wanted = zonefile.line(domain, "TXT", "v=spf1 mx -all")
        result, good = "none", False
        steps = [Advice("spf-publish-domain", {"domain": domain}, wanted)]
    elif not found.works:
        result, good, steps = "permerror", False, [Advice("spf-mend", {"domain": domain})]
    elif any(one.name == "all" and one.result == "pass" for one in terms):
        result, good = "too-wide", False
        steps = [Advice("spf-too-wide", {"domain": domain, "term": facts["ends"]})]
    elif found.lookups >= _NEARLY_TOO_MANY:
        steps = [Advice("spf-lookups", {"count": str(found.lookups)})]
    return Check("spf", domain, result, good, found.reasons, facts), steps


# -- what is to become of forged mail -------------------------------------------------------------


async def _dmarc(resolver: Resolver, domain: str, gather: Gather) -> Made:
    walker = Walker(resolver)
    walk = await walker.walk(domain)
    reasons = walker.tell(walk)
    name = f"_dmarc.{domain}"
    step = walk.policy
    if not walk.complete and (step is None or step.domain != domain):
        return Check("dmarc", domain, "temperror", good=False, reasons=tuple(reasons)), [
            Advice("try-later")
        ]
    if walk.complete:
        reasons.append(walk.why)
    if step is None or step.record is None:
        reasons.append(because("dmarc.no-record", domain=domain))
        wanted = f"v=DMARC1; p=none; rua=mailto:postmaster@{domain}"
        several = [r for r in reasons if r.key == "dmarc.several"]
        text = "dmarc-one" if several else "dmarc-publish"
        advice = Advice(text, {"name": name}, zonefile.line(name, "TXT", wanted))
        return Check("dmarc", domain, "none", good=False, reasons=tuple(reasons)), [advice]
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
        told = {"record_domain": step.domain, "policy": policy, "tag": tag}
        reasons.append(because("dmarc.asks", **told))
    organizational = walk.organizational if walk.complete else step.domain
    refused, told_of = await _elsewhere(resolver, step.domain, organizational, record, gather)
    good = not harm and not refused
    check = Check("dmarc", domain, "published", good, (*reasons, *told_of), facts)
    return check, [*_dmarc_advice(step.domain, record, policy), *refused]


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


def _dmarc_advice(where: str, record: Record, policy: Policy) -> list[Advice]:
    name = f"_dmarc.{where}"
    written = zonefile.line(name, "TXT", zonefile.dmarc(record))
    steps = []
    if record.mistakes:
        steps.append(Advice("dmarc-mend", {"name": name}, written))
    if not record.rua:
        steps.append(Advice("dmarc-reports", {"name": name}))
    if record.sound and policy is Policy.NONE:
        steps.append(Advice("dmarc-enforce", {"name": name}))
    return steps


# -- keys, and what is only looked for ------------------------------------------------------------


async def _dkim(resolver: Resolver, domain: str, selector: str) -> Made:
    name = keys.question(selector, domain)
    if name is None:
        reason = because("domain.no-selector", selector=selector)
        return Check("dkim", selector, "permerror", good=False, reasons=(reason,)), []
    answer = await resolver.resolve(name, "TXT")
    if answer.failed:
        return _unknown("dkim", name, answer)
    found = keys.records(answer, "rsa-sha256", _LIMITS)
    if not isinstance(found, keys.Fault) and found[0].kind == "ed25519":
        found = keys.records(answer, "ed25519-sha256", _LIMITS)
    if isinstance(found, keys.Fault):
        result = "none" if answer.absent else str(found.result)
        step = Advice("dkim-key", {"name": name, "selector": selector, "domain": domain})
        return Check("dkim", name, result, good=False, reasons=(found.reason,)), [step]
    record = found[0]
    if isinstance(record.key, keys.Fault):
        step = Advice("dkim-key", {"name": name, "selector": selector, "domain": domain})
        result = str(record.key.result)
        return Check("dkim", name, result, good=False, reasons=(record.key.reason,)), [step]
    reasons = [because("domain.dkim-key", name=name, kind=record.kind, bits=record.key.bits)]
    if record.testing:
        reasons.append(because("domain.dkim-testing", name=name))
    facts = {"kind": record.kind, "bits": str(record.key.bits)}
    return Check("dkim", name, "published", good=True, reasons=tuple(reasons), facts=facts), []


async def _text(resolver: Resolver, domain: str, check: str, name: str, begins: bytes) -> Made:
    """Only look whether there is a record; what it says belongs to other checks."""
    answer = await resolver.resolve(name, "TXT")
    if answer.failed:
        return Check(check, domain, "temperror", good=None, reasons=(not_answered(answer),)), []
    texts = [record for record in answer.records if isinstance(record, bytes)]
    if any(text.startswith(begins) for text in texts):
        reason = because("domain.text-there", name=name, begins=begins.decode())
        return Check(check, domain, "published", good=True, reasons=(reason,)), []
    status = answer.status if not texts else Status.NO_DATA
    reason = because("domain.text-absent", name=name, begins=begins.decode(), status=status)
    return Check(check, domain, "none", good=None, reasons=(reason,)), []


def _unknown(check: str, subject: str, answer: Answer) -> Made:
    reason = not_answered(answer)
    made = Check(check, subject, "temperror", good=False, reasons=(reason,))
    return made, [Advice("try-later")]
