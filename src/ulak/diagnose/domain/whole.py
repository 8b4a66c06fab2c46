"""All that a domain publishes about its mail, looked at side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace

from ulak.checks.gather import Gather
from ulak.diagnose.diagnosis import Check, Diagnosis, Ended, Sentence, unheard, unique
from ulak.diagnose.domain import (
    bimi,
    dane,
    dkim,
    dmarc,
    lists,
    mta_sts,
    mx,
    spf,
    starttls,
    tls_rpt,
    zone,
)
from ulak.diagnose.domain.found import Found
from ulak.diagnose.domain.mta_sts import FetchPolicy
from ulak.diagnose.domain.starttls import Shake
from ulak.dns.names import to_ascii
from ulak.dns.records import Resolver

_MOST_SELECTORS = 20
_ORDER = {"critical": 0, "warning": 1, "": 2, "note": 3, "good": 4}


class NoDomainError(ValueError):
    """What was given is no domain name."""


@dataclass(frozen=True, slots=True)
class Beyond:
    """What is asked besides the DNS of a domain itself.

    `fetch` fetches its policy of MTA-STS; `shake` connects to its MX hosts, and then `now` is the
    time in seconds since the epoch. With `listed`, the lists of domains that anybody may ask are
    asked about it, too.
    """

    fetch: FetchPolicy | None = None
    shake: Shake | None = None
    now: float = 0.0
    listed: bool = False


ITSELF = Beyond()


async def diagnose(
    resolver: Resolver,
    *,
    domain: str,
    selectors: Sequence[str],
    gather: Gather,
    beyond: Beyond = ITSELF,
    ended: Ended = unheard,
) -> Diagnosis:
    """Look at all that a domain publishes.

    `beyond` says what else is asked than its own DNS; `ended` hears of every check.
    """
    name = to_ascii(domain.strip())
    if not name:
        raise NoDomainError(domain)
    waiting: list[Awaitable[Found]] = [
        mx.look(resolver, name, gather),
        spf.look(resolver, name, gather),
        dmarc.look(resolver, name, gather),
        *(dkim.look(resolver, name, selector) for selector in selectors[:_MOST_SELECTORS]),
        mta_sts.look(resolver, name, beyond.fetch),
        tls_rpt.look(resolver, name),
        _hosts(resolver, name, beyond, gather),
        zone.look(resolver, name, gather),
        bimi.look(resolver, name),
        *([lists.look(resolver, name, gather)] if beyond.listed else []),
    ]
    if not selectors:
        waiting.insert(3, dkim.probe(resolver, name, gather))
    looked = await gather(*(_heard(one, ended) for one in waiting))
    seen = _quiet([check for one in looked for check in one.checks])
    checks = tuple(sorted(seen, key=lambda check: _ORDER[check.severity]))
    ranked = sorted(looked, key=_worst)
    advice = [step for one in ranked for step in one.advice]
    return Diagnosis("domain", name, _verdict(name, checks), checks, unique(advice))


async def _heard(looking: Awaitable[Found], ended: Ended) -> Found:
    one = await looking
    for check in one.checks:
        ended(check)
    return one


def _worst(one: Found) -> int:
    return min((_ORDER[check.severity] for check in one.checks), default=_ORDER["good"])


async def _hosts(resolver: Resolver, domain: str, beyond: Beyond, gather: Gather) -> Found:
    """Look at DANE of the MX hosts, and at their TLS where that is asked for.

    A domain without MX records is its own host (RFC 5321 §5.1).
    """
    answer = await resolver.resolve(domain, "MX")
    hosts = mx.hosts_of(answer.exchanges)
    shake = beyond.shake
    if answer.absent and shake is not None:
        hosts = (domain,)
    waiting: list[Awaitable[Found]] = [dane.look(resolver, host) for host in hosts]
    if shake is not None:
        waiting += [starttls.look(resolver, host, shake, beyond.now, gather) for host in hosts]
    looked = await gather(*waiting)
    return Found(
        tuple(check for one in looked for check in one.checks),
        tuple(step for one in looked for step in one.advice),
    )


def _quiet(checks: Sequence[Check]) -> list[Check]:
    """Do not blame a domain without mail for what only mail needs: keys, logos."""
    null = any(check.check == "mx" and check.result == "null" for check in checks)
    if not null:
        return list(checks)
    return [
        replace(check, good=None, severity="note", reference="")
        if check.check == "dkim" and check.result == "none"
        else check
        for check in checks
    ]


def _verdict(name: str, checks: Sequence[Check]) -> tuple[Sentence, ...]:
    wrong = [check for check in checks if check.good is False]
    silent = [check for check in wrong if check.result == "temperror"]
    verdict = []
    for sentence, those in (
        ("domain-findings", [check for check in wrong if check not in silent]),
        ("domain-silent", silent),
    ):
        if those:
            kinds = (check.check.partition("-host")[0].upper() for check in those)
            named = ", ".join(dict.fromkeys(kinds))
            verdict.append(Sentence(sentence, {"domain": name, "checks": named}))
    if not wrong:
        verdict.append(Sentence("domain-well", {"domain": name}))
    return tuple(verdict)
