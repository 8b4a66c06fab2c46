"""Checks of who sends: SPF, DKIM, DMARC and ARC, for the message that was refused."""

from __future__ import annotations

from ulak.checks import arc, dkim, dmarc, spf
from ulak.checks.reason import because
from ulak.diagnose import domain, sender
from ulak.diagnose.diagnosis import Advice, Check, of, unique
from ulak.diagnose.reply.case import Case
from ulak.diagnose.reply.verdict import Asked, Verdict, asked, missing

_YES, _NO = Verdict.CONFIRMED, Verdict.NOT_CONFIRMED
_OPEN, _SILENT = Verdict.UNKNOWABLE, Verdict.COULD_NOT_ASK
_BAD = ("fail", "permerror", "policy", "neutral")


async def by_spf(case: Case) -> Asked:
    """Ask SPF of the reverse-path, or of the HELO name where it is null."""
    known = case.known
    if not known.ip:
        return missing("spf", "--ip")
    finding = await _spf(case)
    if finding is None:
        return missing("spf", "--mail-from")
    verdict = {"pass": _NO, "temperror": case.silence(finding.trace)}.get(str(finding.result), _YES)
    if case.cause == "spf-error" and finding.result not in ("permerror", "temperror"):
        verdict = _NO
    result = asked(sender.as_check(finding), verdict, *sender.advice(finding))
    if str(finding.result) != "permerror":
        return result
    # What is wrong stands anywhere in the tree: show all of it.
    seen = await domain.spf.look(case.resolver, finding.domain, case.gather)
    checks = (*result.checks, *((check, verdict) for check in seen.checks))
    return Asked(checks, verdict, (*result.advice, *seen.advice))


async def _spf(case: Case) -> spf.Finding | None:
    """Ask SPF for what is known; None where neither an address nor a name of the sender is."""
    known = case.known
    path = known.sender
    if path is None and known.domain:
        path = f"postmaster@{known.domain}"  # as RFC 7208 §4.3 writes what has no local part
    if not known.ip or (not path and not known.helo):
        return None
    return await spf.check(
        case.resolver,
        ip=known.ip,
        helo=known.helo,
        mail_from=path or "",
        now=case.now,
        gather=case.gather,
    )


async def by_dkim(case: Case) -> Asked:
    """Verify the signatures where the message came back whole, else look for their keys."""
    known = case.known
    if known.message:
        findings = await dkim.verify(case.resolver, known.message, now=case.now)
        if findings:
            return _signatures(case, findings)
    if not known.signers:
        if not known.header:
            return missing("dkim", "--selector")
        reason = because("reply.no-signature")
        where = known.from_domain or known.sender_domain
        step = [Advice("dkim-sign", {"domain": where})] if where else []
        return asked(Check("dkim", "", "none", good=False, reasons=(reason,)), _YES, *step)
    made: list[tuple[Check, Verdict]] = []
    steps: list[Advice] = []
    for selector, where in known.signers:
        seen = await domain.dkim.look(case.resolver, where, selector)
        name = f"{selector}._domainkey.{where}"
        for check in seen.checks:
            found = {"published": _OPEN}.get(check.result, _YES)
            if check.result == "temperror":
                found = case.silence([await case.resolver.resolve(name, "TXT")])
            if check.result == "published" and case.cause == "dkim-error":
                found = _NO
            made.append((check, found))
        steps += seen.advice
    if case.cause == "dkim-author-mismatch" and known.from_domain:
        ours = any(where == known.from_domain for _, where in known.signers)
        made = [(check, _NO if ours else _YES) for check, _ in made]
    verdicts = [verdict for _, verdict in made]
    order = (_NO, _OPEN, _SILENT, _YES)  # one signature that is good is enough (RFC 6376 §6.1)
    return Asked(tuple(made), next(v for v in order if v in verdicts), unique(steps))


def _signatures(case: Case, findings: tuple[dkim.Finding, ...]) -> Asked:
    """Give each signature; the message is signed well where one of them is."""
    made: list[tuple[Check, Verdict]] = []
    steps: list[Advice] = []
    author = case.known.from_domain
    for one in findings:
        name = f"{one.selector}._domainkey.{one.domain}" if one.domain else one.signature
        result = str(one.result)
        verdict = {"pass": _NO, "temperror": case.silence(one.trace)}.get(result, _YES)
        if case.cause == "dkim-author-mismatch" and one.domain != author:
            verdict = _YES
        elif case.cause == "dkim-unacceptable" and result == "pass":
            verdict = _OPEN
        made.append((of("dkim", name, one, bad=_BAD, algorithm=one.algorithm), verdict))
        where = {"domain": one.domain, "selector": one.selector, "name": name}
        if result == "fail":
            steps.append(Advice("dkim-changed", where))
        elif result in ("permerror", "policy") and one.domain:
            steps.append(Advice("dkim-key", where))
    found = {verdict for _, verdict in made}
    order = (_NO, _SILENT, _OPEN, _YES)
    verdict = next(one for one in order if one in found)
    return Asked(tuple(made), verdict, () if verdict is _NO else unique(steps))


async def by_dmarc(case: Case) -> Asked:
    """Judge the author's domain by what SPF and DKIM find."""
    known = case.known
    author = known.from_domain or known.domain
    if not author:
        return missing("dmarc", "--from-domain")
    by_address = await _spf(case)
    signed = await dkim.verify(case.resolver, known.message, now=case.now) if known.message else ()
    finding = await dmarc.check(
        case.resolver, from_domain=author, spf=by_address, dkim=signed, gather=case.gather
    )
    check = of(
        "dmarc",
        author,
        finding,
        bad=("fail", "permerror"),
        policy=finding.policy,
        record=finding.record,
        record_domain=finding.record_domain,
        aligned=", ".join(f"{one.method}:{one.domain}" for one in finding.aligned),
    )
    made: list[tuple[Check, Verdict]] = []
    steps: list[Advice] = []
    if by_address is not None:
        made.append((sender.as_check(by_address), _OPEN))
    made += _signatures(case, signed).checks if signed else ()
    result = str(finding.result)
    verdict = {"pass": _NO, "temperror": case.silence(finding.trace)}.get(result, _YES)
    if result == "none" or (result == "fail" and str(finding.policy) == "none"):
        # Nobody asks for a refusal; some receivers want the domains to be the same all the same.
        verdict = _OPEN if case.cause == "from-not-aligned" else _NO
    if verdict is _YES and result == "fail":
        if by_address is None:
            made.append(missing("spf", "--ip" if not known.ip else "--mail-from").checks[0])
            verdict = _SILENT
        elif not signed and not _cannot_align(case, finding.organizational_domain or author):
            reason = because("reply.not-whole")
            made.append((Check("dkim", "", "not-asked", good=None, reasons=(reason,)), _SILENT))
            verdict = _SILENT
    if result == "fail":
        facts = {"domain": author, "organizational": finding.organizational_domain or author}
        if by_address is not None and str(by_address.result) != "pass":
            steps += sender.advice(by_address)
        if known.header and not known.signers:
            steps.append(Advice("dkim-sign", {"domain": author}))
        else:
            steps.append(Advice("dmarc-align", facts))
    return Asked((*made, (check, verdict)), verdict, unique(steps))


def _cannot_align(case: Case, organizational: str) -> bool:
    """Whether no signature of the message could be one of the author's domain."""
    below = f".{organizational}"
    return bool(case.known.header) and not any(
        f".{where}".endswith(below) for _, where in case.known.signers
    )


async def dmarc_record(case: Case) -> Asked:
    """Look whether there is a DMARC record for the author's domain."""
    author = case.known.from_domain or case.known.domain or case.known.sender_domain
    if not author:
        return missing("dmarc", "--from-domain")
    seen = await domain.dmarc.look(case.resolver, author, case.gather)
    check = seen.checks[0]
    verdict = {"none": _YES, "temperror": _SILENT}.get(check.result, _NO)
    steps = seen.advice if verdict is _YES else ()
    return Asked(((check, verdict), *((one, _OPEN) for one in seen.checks[1:])), verdict, steps)


async def by_arc(case: Case) -> Asked:
    """Verify the chain of seals, for which the whole message is needed."""
    if not case.known.message:
        reason = because("reply.not-whole")
        return asked(Check("arc", "", "not-asked", good=None, reasons=(reason,)), _SILENT)
    finding = await arc.verify(case.resolver, case.known.message, now=case.now)
    verdict = {"fail": _YES, "temperror": _SILENT}.get(str(finding.result), _NO)
    return asked(of("arc", ", ".join(finding.sealers), finding, bad=("fail",)), verdict)
