"""MTA-STS of a domain: its record, its policy, and whether both fit its MX hosts (RFC 8461)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ulak.checks import mta_sts
from ulak.checks.mta_sts import Mode, Policy
from ulak.checks.reason import Reason, because
from ulak.diagnose import zonefile
from ulak.diagnose.diagnosis import Advice
from ulak.diagnose.domain.found import Found, found, made
from ulak.diagnose.domain.mx import hosts_of
from ulak.dns.records import Resolver


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of fetching a policy: its octets and media type, or why there are none.

    `refused` is the private address that was not asked, `nowhere` the host without an address,
    `status` that of HTTP where it was not 200. `unknown`: DNS did not say where to ask;
    `untrusted`: the certificate of the host is not valid.
    """

    octets: bytes = b""
    media_type: str = ""
    problem: str = ""
    refused: str = ""
    nowhere: str = ""
    status: int = 0
    unknown: bool = False
    untrusted: bool = False


FetchPolicy = Callable[[str], Awaitable[Fetched]]
"""Fetches the policy of a domain from `url`."""


def url(domain: str) -> str:
    """Give where the policy of a domain is (§3.2)."""
    return f"https://mta-sts.{domain}/.well-known/mta-sts.txt"


async def look(resolver: Resolver, domain: str, fetch: FetchPolicy | None = None) -> Found:
    """Look at the record, and fetch the policy with `fetch` where there is a record."""
    seen = await mta_sts.check(resolver, domain=domain)
    reasons = list(seen.reasons)
    facts = {"record": seen.record, "id": seen.id}
    match seen.result:
        case "temperror":
            return found(made("mta-sts", domain, "temperror", "note", reasons))
        case "none":
            check = made("mta-sts", domain, "none", "note", reasons, facts)
            return found(check, _publish(domain))
        case "permerror":
            check = made("mta-sts", domain, "permerror", "warning", reasons, facts)
            return found(check, _publish(domain))
        case _:
            pass
    if fetch is None:
        reasons.append(because("mta_sts.not-asked", url=url(domain)))
        return found(made("mta-sts", domain, "published", "good", reasons, facts))
    fetched = await fetch(domain)
    if fetched.refused:
        reasons.append(because("mta_sts.refused", url=url(domain), address=fetched.refused))
        return found(made("mta-sts", domain, "permerror", "warning", reasons, facts))
    if fetched.nowhere or fetched.status:
        if fetched.nowhere:
            reasons.append(because("mta_sts.nowhere", url=url(domain), host=fetched.nowhere))
        else:
            reasons.append(because("mta_sts.wrong-status", url=url(domain), status=fetched.status))
        check = made("mta-sts", domain, "permerror", "warning", reasons, facts)
        return found(check, Advice("mta-sts-serve", {"url": url(domain)}))
    if fetched.unknown:
        reasons.append(because("mta_sts.not-asked-dns", url=url(domain), problem=fetched.problem))
        return found(made("mta-sts", domain, "temperror", "note", reasons, facts))
    if fetched.problem:
        reasons.append(because("mta_sts.not-fetched", url=url(domain), problem=fetched.problem))
        check = made("mta-sts", domain, "permerror", "warning", reasons, facts)
        return found(check, Advice("mta-sts-serve", {"url": url(domain)}))
    answer = await resolver.resolve(domain, "MX")
    return judged(domain, facts, reasons, fetched, hosts_of(answer.exchanges))


def judged(
    domain: str,
    facts: dict[str, str],
    reasons: list[Reason],
    fetched: Fetched,
    hosts: Sequence[str],
) -> Found:
    """Say what a policy is worth for these MX hosts."""
    policy = mta_sts.read(fetched.octets)
    shown = ", ".join(policy.mx) or "-"
    if policy.mode is not None:
        reasons.append(
            because(
                "mta_sts.fetched", url=url(domain), mode=policy.mode, age=policy.max_age, mx=shown
            )
        )
    reasons += policy.mistakes
    severity = "warning" if policy.mistakes else "good"
    if fetched.media_type != "text/plain":
        reasons.append(because("mta_sts.media-type", type=fetched.media_type or "-"))
        severity = "warning"
    facts |= {"mode": str(policy.mode or ""), "max_age": str(policy.max_age), "mx": shown}
    left_out = [host for host in hosts if not mta_sts.allows(policy, host)]
    steps: list[Advice] = []
    if not policy.valid:
        severity = "warning"
    elif policy.mode is Mode.NONE:
        reasons.append(because("mta_sts.mode-none"))
        severity = "note"
    else:
        reasons += _covered(domain, policy, hosts)
        if policy.mode is Mode.TESTING:
            reasons.append(because("mta_sts.testing"))
            severity = "note" if severity == "good" else severity
            steps.append(Advice("mta-sts-enforce", {"url": url(domain)}))
        if policy.max_age < mta_sts.SHORT_AGE:
            reasons.append(because("mta_sts.short-age", age=policy.max_age))
            severity = "note" if severity == "good" else severity
        if left_out:
            severity = "critical" if policy.mode is Mode.ENFORCE else "warning"
    if not policy.valid or left_out:
        steps.append(_write(domain, policy, left_out, hosts))
    result = "published" if policy.valid else "permerror"
    cause = "mta-sts-failed" if left_out else "tls-required"
    return Found((made("mta-sts", domain, result, severity, reasons, facts, cause),), tuple(steps))


def _covered(domain: str, policy: Policy, hosts: Sequence[str]) -> list[Reason]:
    told = [
        because("mta_sts.covers", host=host)
        if mta_sts.allows(policy, host)
        else because("mta_sts.covers-not", host=host, domain=domain)
        for host in hosts
    ]
    if hosts:
        told += [
            because("mta_sts.idle-pattern", domain=domain, pattern=pattern)
            for pattern in policy.mx
            if not any(mta_sts.matches(pattern, host) for host in hosts)
        ]
    return told


def _publish(domain: str) -> Advice:
    name = f"_mta-sts.{domain}"
    wanted = zonefile.line(name, "TXT", "v=STSv1; id=1")
    return Advice("mta-sts-publish", {"url": url(domain), "name": name}, wanted)


def _write(domain: str, policy: Policy, left_out: Sequence[str], hosts: Sequence[str]) -> Advice:
    """Give the lines of a policy that is right for these hosts."""
    mode = policy.mode or Mode.TESTING
    names = [*policy.mx, *left_out] or list(hosts) or [f"mail.{domain}"]
    age = max(policy.max_age, mta_sts.SHORT_AGE)
    lines = ["version: STSv1", f"mode: {mode}", *(f"mx: {n}" for n in names), f"max_age: {age}"]
    return Advice("mta-sts-write", {"url": url(domain)}, "\n".join(lines))
