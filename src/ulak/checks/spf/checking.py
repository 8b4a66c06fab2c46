"""`check`: may this client use this identity (RFC 7208)."""

from __future__ import annotations

from ulak.checks.gather import Gather, one_by_one
from ulak.checks.reason import Reason, because
from ulak.checks.spf import macros
from ulak.checks.spf.evaluation import Evaluation, Outcome
from ulak.checks.spf.finding import Finding, Result
from ulak.checks.spf.names import Names
from ulak.checks.spf.questions import Questions
from ulak.checks.spf.sender import Sender, read
from ulak.dns.records import Resolver

_LONGEST_EXPLANATION = 400  # characters: it goes into a reply (§6.2)


async def check(
    resolver: Resolver,
    *,
    ip: str,
    helo: str,
    mail_from: str,
    receiver: str = "",
    now: float = 0.0,
    gather: Gather = one_by_one,
) -> Finding:
    """Ask whether a client may send as `mail_from`; as what it said in HELO where that is null.

    `receiver` is this host's name and `now` the time in seconds since 1970, for explanations.
    ValueError if `ip` is no address. How long it may take is for the caller to say.
    """
    sender = read(ip, helo, mail_from)
    questions = Questions(resolver, gather)
    if sender.identity == "mailfrom":
        questions.reasons.append(
            because("spf.asked-sender", ip=sender.ip, domain=sender.domain, sender=mail_from)
        )
    else:
        questions.reasons.append(because("spf.asked-helo", ip=sender.ip, domain=sender.domain))
    names = Names(questions, sender, receiver, now)
    if sender.fit:
        outcome = await Evaluation(questions, sender, names).run(sender.domain)
    else:
        questions.reasons.append(because("spf.not-a-domain", name=sender.domain))
        outcome = Outcome(Result.NONE, sender.domain)
    explanation = ""
    if outcome.result is Result.FAIL:
        explanation = await _explanation(questions, names, outcome)
    questions.reasons.append(_meaning(sender, outcome))
    if questions.lookups:
        questions.reasons.append(
            because("spf.counted", lookups=questions.lookups, void=questions.void_lookups)
        )
    matched = outcome.result not in (Result.TEMPERROR, Result.PERMERROR) and outcome.directive
    return Finding(
        result=outcome.result,
        identity=sender.identity,
        domain=sender.domain,
        ip=sender.ip,
        helo=helo,
        mail_from=mail_from,
        record=outcome.record.text if outcome.record else "",
        record_domain=outcome.domain if outcome.record else "",
        mechanism=matched.text if matched else "",
        lookups=questions.lookups,
        void_lookups=questions.void_lookups,
        explanation=explanation,
        reasons=tuple(questions.reasons),
        trace=tuple(questions.trace),
    )


async def _explanation(questions: Questions, names: Names, outcome: Outcome) -> str:
    """Fetch what the owner of a record says to those it fails; empty if that cannot be had (§6.2).

    The record is the one that failed: after a redirect the other domain's, and never an included
    one's.
    """
    assert outcome.record is not None  # noqa: S101 -- only a record fails anybody
    modifier = outcome.record.explanation
    if modifier is None:
        return ""
    name = await names.expand(modifier.value, outcome.domain, counted=False)
    if not isinstance(name, str):
        questions.reasons.append(because("spf.no-explanation", term=modifier.text))
        return ""
    answer = await questions.ask(name, "TXT")
    texts = [data for data in answer.records if isinstance(data, bytes)]
    if len(texts) == 1 and texts[0].isascii():
        read = macros.read(texts[0].decode("ascii"), spaces=True)
        if read is not None:
            values = await names.values(read, outcome.domain, counted=False)
            if not isinstance(values, Result):
                words = _one_line(read.words(values, _LONGEST_EXPLANATION))
                questions.reasons.append(
                    because("spf.explanation", domain=outcome.domain, words=words)
                )
                return words
    questions.reasons.append(because("spf.no-explanation", term=modifier.text))
    return ""


def _one_line(text: str) -> str:
    """Give a stranger's text as printable ASCII."""
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text)


def _meaning(sender: Sender, outcome: Outcome) -> Reason:
    """Say what the result means, in one sentence."""
    ip, domain = sender.ip, sender.domain
    record_domain = outcome.domain
    term = outcome.directive.text if outcome.directive else ""
    match outcome.result:
        case Result.PASS:
            return because("spf.pass", ip=ip, domain=domain, term=term, record=record_domain)
        case Result.FAIL:
            return because("spf.fail", ip=ip, domain=domain, term=term, record=record_domain)
        case Result.SOFTFAIL:
            return because("spf.softfail", ip=ip, domain=domain, term=term, record=record_domain)
        case Result.NEUTRAL if term:
            return because("spf.neutral", ip=ip, domain=domain, term=term, record=record_domain)
        case Result.NEUTRAL:
            return because("spf.neutral-by-default", ip=ip, domain=domain, record=record_domain)
        case Result.NONE:
            return because("spf.none", ip=ip, domain=domain)
        case Result.TEMPERROR:
            return because("spf.temperror", ip=ip, domain=domain)
        case _:
            return because("spf.permerror", ip=ip, domain=domain, record=record_domain)
