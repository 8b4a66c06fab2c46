"""All that a domain publishes about its mail, looked at side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from ulak.checks.gather import Gather
from ulak.diagnose.diagnosis import Advice, Check, Diagnosis, Sentence, unique
from ulak.diagnose.domain import dkim, dmarc, mta_sts, mx, spf, tls_rpt
from ulak.diagnose.domain.found import Found
from ulak.dns.names import to_ascii
from ulak.dns.records import Resolver

_MOST_SELECTORS = 20


class NoDomainError(ValueError):
    """What was given is no domain name."""


async def diagnose(
    resolver: Resolver, *, domain: str, selectors: Sequence[str], gather: Gather
) -> Diagnosis:
    """Look at what a domain publishes: MX, SPF, DMARC, the DKIM keys asked for, and reports."""
    name = to_ascii(domain.strip())
    if not name:
        raise NoDomainError(domain)
    waiting: list[Awaitable[Found]] = [
        mx.look(resolver, name, gather),
        spf.look(resolver, name, gather),
        dmarc.look(resolver, name, gather),
        *(dkim.look(resolver, name, selector) for selector in selectors[:_MOST_SELECTORS]),
        mta_sts.look(resolver, name),
        tls_rpt.look(resolver, name),
    ]
    made = await gather(*waiting)
    checks = tuple(check for one in made for check in one.checks)
    advice = [step for one in made for step in one.advice]
    if not selectors:
        advice.append(Advice("dkim-selectors", {"domain": name}))
    return Diagnosis("domain", name, _verdict(name, checks), checks, unique(advice))


def _verdict(name: str, checks: Sequence[Check]) -> tuple[Sentence, ...]:
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
    return tuple(verdict)
