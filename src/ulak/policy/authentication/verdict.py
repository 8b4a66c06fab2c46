"""From findings to a verdict (RFC 7372, RFC 9989 §5.4 and §7, RFC 7208 §8, RFC 6376 §6.3).

What is only marked decides nothing. What DNS could not say is never taken for a pass and never
for a failure: where it could have led to a refusal, the message is wanted again later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ulak.checks import arc, dkim, dmarc, helo, iprev, spf
from ulak.checks.asking import without_servers
from ulak.checks.reason import Reason
from ulak.mail.address import ascii_lower
from ulak.policy.authentication.found import Findings
from ulak.policy.authentication.rules import Mode, Rules
from ulak.replies import catalog
from ulak.replies.reply import Reply

_LONGEST_PROBLEM = 160


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a message.

    `reply` refuses it or puts it off; without one it is taken, and put apart where `quarantine`
    names a cause. `dmarc` is what was done because of DMARC: `none`, `quarantine` or `reject`, and
    `overridden` whether a trusted chain of seals kept more from being done.
    """

    reply: Reply | None = None
    quarantine: str = ""
    dmarc: str = "none"
    overridden: bool = False


def judge(found: Findings, rules: Rules) -> Verdict:
    """Give the verdict: the true cause where there is one, all together where there are several."""
    overridden = _overridden(found, rules)
    answers = [(name, reply) for name, reply in _answers(found, rules) if reply is not None]
    asked = "none"
    if rules.dmarc is Mode.ENFORCE and found.dmarc is not None and not overridden:
        finding = found.dmarc
        if finding.result is dmarc.Result.FAIL:
            asked = str(finding.policy)
        later = _dmarc(found, finding, rules)
        if later is not None:
            answers.append(("DMARC", later))
    for_good = [answer for answer in answers if answer[1].permanent]
    # That nothing at all passed has no name of its own: who fails by name knows it already.
    named = [name for name, _ in for_good if name]
    if len(named) > 1:
        reply = catalog.SEVERAL_CHECKS_FAILED.reply(checks=", ".join(named))
        return Verdict(reply, dmarc=asked, overridden=overridden)
    if answers:
        _, reply = (for_good or answers)[0]
        return Verdict(reply, dmarc=asked, overridden=overridden)
    quarantine = catalog.DMARC_QUARANTINE.name if asked == dmarc.Policy.QUARANTINE else ""
    return Verdict(None, quarantine, asked, overridden)


def _answers(found: Findings, rules: Rules) -> Iterator[tuple[str, Reply | None]]:
    """Give what each enforced check but DMARC answers."""
    if rules.helo is Mode.ENFORCE and found.helo is not None:
        yield "HELO", _helo(found.helo)
    if rules.iprev is Mode.ENFORCE and found.iprev is not None:
        yield "reverse DNS", _iprev(found.iprev)
    if rules.spf is Mode.ENFORCE and found.spf is not None:
        yield "SPF", _spf(found.spf, found.dmarc)
    if rules.dkim is Mode.ENFORCE and found.dkim is not None:
        yield "DKIM", _dkim(found, found.dkim, author=rules.author_signs)
    if rules.arc is Mode.ENFORCE and found.arc is not None:
        broken = found.arc.result is arc.Result.FAIL and not found.arc.unsure
        yield "ARC", catalog.ARC_FAIL.reply() if broken else None
    if rules.one_pass:
        yield "", _one_pass(found, rules)


def _spf(finding: spf.Finding, judged: dmarc.Finding | None) -> Reply | None:
    """SPF alone refuses what the record's owner says no to, and only if nothing vouches for it.

    RFC 9989 §7.1: mail that passes DMARC by an aligned signature was forwarded, not forged.
    """
    if judged is not None and judged.result is dmarc.Result.PASS:
        return None
    match finding.result:
        case spf.Result.FAIL:
            if judged is not None and judged.result is dmarc.Result.TEMPERROR:
                return _dmarc_error(judged)
            return catalog.SPF_FAIL.reply(domain=finding.domain, ip=finding.ip)
        case spf.Result.TEMPERROR:
            return catalog.SPF_ERROR.reply(domain=finding.domain, problem=_trouble(finding.reasons))
        case _:
            return None


def _dkim(found: Findings, findings: tuple[dkim.Finding, ...], *, author: bool) -> Reply | None:
    """RFC 7372 §3.1: no signature that passes, none that is accepted, none of the author."""
    passed = [finding for finding in findings if finding.result is dkim.Result.PASS]
    unsure = [finding for finding in findings if finding.result is dkim.Result.TEMPERROR]
    if passed and (not author or _of_author(found, passed)):
        return None
    for finding in unsure:
        if not passed or _belongs(found, finding):
            problem = _trouble(finding.reasons)
            return catalog.DKIM_ERROR.reply(domain=finding.domain, problem=problem)
    if passed:
        domain = found.authors[0] if found.authors else "nobody"
        return catalog.DKIM_AUTHOR_MISMATCH.reply(domain=domain)
    for finding in findings:
        if finding.result is dkim.Result.POLICY:
            return catalog.DKIM_UNACCEPTABLE.reply(problem=_last(finding.reasons))
    return catalog.DKIM_FAIL.reply()


def _of_author(found: Findings, passed: list[dkim.Finding]) -> bool:
    if found.dmarc is not None and found.dmarc.dkim_aligned:
        return True
    return any(_belongs(found, finding) for finding in passed)


def _belongs(found: Findings, finding: dkim.Finding) -> bool:
    """Whether a signature is of an author's domain, or of one above or below it."""
    return any(
        author == finding.domain
        or author.endswith(f".{finding.domain}")
        or finding.domain.endswith(f".{author}")
        for author in found.authors
        if finding.domain
    )


def _iprev(finding: iprev.Finding) -> Reply | None:
    match finding.result:
        case iprev.Result.PASS:
            return None
        case iprev.Result.TEMPERROR:
            return catalog.REVERSE_DNS_ERROR.reply(ip=finding.ip, problem=_trouble(finding.reasons))
        case _:
            return catalog.REVERSE_DNS_FAIL.reply(ip=finding.ip)


def _helo(finding: helo.Finding) -> Reply | None:
    """Refuse a name that cannot be true; one that leads elsewhere may be (RFC 5321 §4.1.4)."""
    match finding.result:
        case helo.Result.FAIL:
            return catalog.HELO_REFUSED.reply(client=finding.helo, problem=_last(finding.reasons))
        case helo.Result.TEMPERROR:
            return catalog.HELO_ERROR.reply(client=finding.helo, problem=_trouble(finding.reasons))
        case _:
            return None


def _one_pass(found: Findings, rules: Rules) -> Reply | None:
    """RFC 7372 §3.4: nothing vouches for the message."""
    origin, signatures = found.spf, found.dkim or ()
    if origin is not None and origin.result is spf.Result.PASS:
        return None
    if any(finding.result is dkim.Result.PASS for finding in signatures):
        return None
    if _overridden(found, rules):
        return None
    if origin is not None and origin.result is spf.Result.TEMPERROR:
        return catalog.SPF_ERROR.reply(domain=origin.domain, problem=_trouble(origin.reasons))
    for finding in signatures:
        if finding.result is dkim.Result.TEMPERROR:
            problem = _trouble(finding.reasons)
            return catalog.DKIM_ERROR.reply(domain=finding.domain, problem=problem)
    return catalog.UNAUTHENTICATED.reply()


def _dmarc(found: Findings, finding: dmarc.Finding, rules: Rules) -> Reply | None:
    """Give the refusal that the domain's owner asks for, or put off what cannot be told."""
    if finding.result is dmarc.Result.TEMPERROR:
        return _dmarc_error(finding) if _may_ask_for_more(finding) else None
    if finding.result is not dmarc.Result.FAIL or finding.policy is dmarc.Policy.NONE:
        return None
    chain = found.arc
    if chain is not None and chain.unsure and _trusted(chain, rules):  # it may prove to be intact
        return catalog.DMARC_ERROR.reply(
            domain=finding.from_domain, problem=_trouble(chain.reasons)
        )
    if finding.policy is dmarc.Policy.REJECT:
        return catalog.DMARC_REJECT.reply(domain=finding.from_domain)
    return None


def _dmarc_error(finding: dmarc.Finding) -> Reply:
    return catalog.DMARC_ERROR.reply(domain=finding.from_domain, problem=_trouble(finding.reasons))


def _may_ask_for_more(finding: dmarc.Finding) -> bool:
    """Whether the owner may ask for anything to be done (RFC 9989 §5.4: `none` changes nothing)."""
    record = finding.published
    if record is None:
        return True
    asked = {record.asks(below=b, exists=e)[0] for b in (False, True) for e in (False, True)}
    least = {dmarc.Policy.NONE, dmarc.Policy.QUARANTINE} if record.testing else {dmarc.Policy.NONE}
    return not asked <= least


def _overridden(found: Findings, rules: Rules) -> bool:
    """Whether forwarders whom the operator trusts vouch for the author (RFC 8617 §7.2.1).

    All who have sealed the message have to be trusted, and the first has to have seen DMARC pass:
    a forwarder passes on forged mail, too, and says so.
    """
    chain, judged = found.arc, found.dmarc
    if chain is None or judged is None or judged.result is not dmarc.Result.FAIL:
        return False
    return _trusted(chain, rules) and chain.vouched(judged.from_domain)


def _trusted(chain: arc.Finding, rules: Rules) -> bool:
    sealers = chain.sealers
    return bool(sealers) and all(ascii_lower(sealer) in rules.trusted for sealer in sealers)


def _trouble(reasons: tuple[Reason, ...]) -> str:
    """Say what DNS left unanswered; where that is not among the reasons, the last of them."""
    found = next((reason for reason in reasons if reason.key == "dns.failed"), None)
    return _sentence(found) if found is not None else _last(reasons)


def _last(reasons: tuple[Reason, ...]) -> str:
    return _sentence(reasons[-1]) if reasons else "nothing more is known"


def _sentence(reason: Reason) -> str:
    """Write a reason into a reply: the journal alone says which name server was asked."""
    return without_servers(reason).text().removesuffix(".")[:_LONGEST_PROBLEM]
