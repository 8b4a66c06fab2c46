"""Checks of names and places: reverse DNS, HELO, and where mail of a domain goes."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ulak.checks import helo, iprev
from ulak.checks.dnsbl import normalise
from ulak.checks.reason import because
from ulak.diagnose import address, domain
from ulak.diagnose.diagnosis import Advice, Check, of
from ulak.diagnose.reply.case import Case
from ulak.diagnose.reply.verdict import Asked, Verdict, asked, missing
from ulak.dns.records import Answer

_YES, _NO = Verdict.CONFIRMED, Verdict.NOT_CONFIRMED
_OPEN, _SILENT = Verdict.UNKNOWABLE, Verdict.COULD_NOT_ASK
_MOST_HOSTS = 10
_HOME = re.compile(
    r"(?:^|[0-9.-])(?:dyn(?:amic)?|dsl|adsl|vdsl|dhcp|dial(?:up)?|ppp|pool|cable|fiber|cust(?:omer)?"
    r"|client|home|mobile|broadband)(?=[0-9.-])",
    re.IGNORECASE | re.ASCII,
)


async def by_names(case: Case) -> Asked:
    """Look whether the name of the address leads back to it."""
    if not case.known.ip:
        return missing("iprev", "--ip")
    finding = await iprev.check(case.resolver, ip=case.known.ip, gather=case.gather)
    verdict = {"pass": _NO, "temperror": case.silence(finding.trace)}.get(str(finding.result), _YES)
    return asked(address.names(finding), verdict, *address.reverse_advice(finding))


async def by_home_name(case: Case) -> Asked:
    """Look whether the address has a name, and one that is not made of the address."""
    if not case.known.ip:
        return missing("iprev", "--ip")
    finding = await iprev.check(case.resolver, ip=case.known.ip, gather=case.gather)
    check, steps = address.names(finding), address.reverse_advice(finding)
    if str(finding.result) == "temperror":
        return asked(check, _SILENT, *steps)
    made = next((name for name in finding.names if _is_made_of(name, finding.ip)), "")
    if made:
        reason = because("reply.home-name", name=made, ip=finding.ip)
        facts = {**check.facts, "generic": made}
        check = Check(
            "iprev", finding.ip, check.result, good=False,
            reasons=(*check.reasons, reason), facts=facts,
        )  # fmt: skip
        steps.append(Advice("own-name", {"ip": finding.ip, "name": made}))
    return asked(check, _YES if made or not finding.names else _NO, *steps)


def _is_made_of(name: str, ip: str) -> bool:
    """Whether a name is one that providers give to lines: of digits of the address, or a word."""
    found = normalise(ip)
    if isinstance(found, ipaddress.IPv4Address):
        parts = [str(part) for part in found.packed]
        numbers = re.findall(r"[0-9]+", name, re.ASCII)
        joined = "".join(part.zfill(3) for part in parts)
        in_name = all(numbers.count(part) >= parts.count(part) for part in parts[2:])
        if (in_name and len(numbers) > 1) or joined in name or found.packed.hex() in name:
            return True
    return _HOME.search(name) is not None


async def by_helo(case: Case) -> Asked:
    """Look whether the name that the server greets with can be true."""
    known = case.known
    if not known.helo or not known.ip:
        return missing("helo", "--ip" if known.helo else "--helo")
    finding = await helo.check(case.resolver, helo=known.helo, ip=known.ip, gather=case.gather)
    result = str(finding.result)
    verdict = {"fail": _YES, "temperror": case.silence(finding.trace)}.get(result, _NO)
    steps = [Advice("helo-name", {"helo": known.helo})] if verdict is _YES else []
    return asked(of("helo", known.helo, finding, bad=("fail",)), verdict, *steps)


# -- where mail goes ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reach:
    """Where mail for a domain goes: each host with its addresses, and the answers of DNS."""

    null: bool = False
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    trace: tuple[Answer, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """All addresses of all hosts."""
        return tuple(text for texts in self.hosts.values() for text in texts)

    @property
    def failed(self) -> bool:
        """Whether something that was asked was not answered."""
        return any(answer.failed for answer in self.trace)


async def reach(case: Case, name: str) -> Reach:
    """Ask where mail for a domain goes (RFC 5321 §5.1)."""
    answer = await case.resolver.resolve(name, "MX")
    if answer.failed:
        return Reach(trace=(answer,))
    if any(not one.exchange for one in answer.exchanges):
        return Reach(null=len(answer.exchanges) == 1, trace=(answer,))
    hosts = [one.exchange for one in answer.exchanges[:_MOST_HOSTS]] or [name]
    found = await case.gather(
        *(case.resolver.resolve(host, kind) for host in hosts for kind in ("A", "AAAA"))
    )
    pairs = zip(hosts, zip(found[::2], found[1::2], strict=True), strict=True)
    known = {host: tuple(text for one in two for text in one.texts) for host, two in pairs}
    return Reach(hosts=known, trace=(answer, *found))


async def by_recipient(case: Case) -> Asked:
    """Look where mail for the recipient's domain goes."""
    return await _by_mx(case, case.known.recipient_domain, "--domain")


async def by_sender_domain(case: Case) -> Asked:
    """Look where mail for the domain of the reverse-path goes: an answer has to get there."""
    return await _by_mx(case, case.known.sender_domain or case.known.domain, "--mail-from")


async def _by_mx(case: Case, name: str, option: str) -> Asked:
    if not name:
        return missing("mx", option)
    seen = await domain.mx.look(case.resolver, name, case.gather)
    check, *more = seen.checks
    verdict = _place(case, await reach(case, name))
    others = tuple((one, _OPEN) for one in more)
    return Asked(((check, verdict), *others), verdict, seen.advice if verdict is _YES else ())


def _place(case: Case, found: Reach) -> Verdict:
    """Say whether what was found is what the reply complains of."""
    if case.cause == "dns-failed":
        return case.silence(found.trace) if found.failed else _NO
    if not found.addresses and found.failed:
        return _SILENT
    match case.cause:
        case "null-mx" | "sender-null-mx":
            so = found.null
        case "no-mail-host":
            so = not found.addresses
        case "address-unreachable":
            so = any(not ipaddress.ip_address(text).is_global for text in found.addresses)
        case _:
            so = not found.addresses and not found.null
    return _YES if so else _NO
