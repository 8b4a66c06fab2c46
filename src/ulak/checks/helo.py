"""Whether the name that a client greets with can be true (RFC 5321 §4.1.1.1, §4.1.3, §4.1.4).

A server MUST NOT refuse a message for the reason that the name does not lead to the client's
address (§4.1.4, Verification of the argument): that is an opinion here (`neutral`,
`Doubt.ELSEWHERE`), and so it stays. It is another matter when a stranger greets with a name or an
address of ours (`Doubt.FORGED`): that is a lie, and no honest host tells it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from ulak.checks.asking import not_answered
from ulak.checks.dnsbl import IP, normalise
from ulak.checks.gather import Gather, one_by_one
from ulak.checks.reason import Reason, because
from ulak.dns.names import to_ascii
from ulak.dns.records import Answer, Resolver
from ulak.language.case import lower

_SHOWN = 5  # addresses that a reason names
_LDH = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")  # as `smtp.grammar` takes a greeting


class Result(StrEnum):
    """What is to be thought of the name."""

    PASS = "pass"  # noqa: S105 -- a result and no password
    FAIL = "fail"  # it cannot be true; `doubt` says why
    NEUTRAL = "neutral"  # it exists, and may be the client's or not
    TEMPERROR = "temperror"  # DNS could not say


class Doubt(StrEnum):
    """What speaks against the name."""

    NONE = ""
    FORGED = "forged"  # it says that the client is this server
    LITERAL = "literal"  # the address of somebody else
    MALFORMED = "malformed"  # no name that DNS could have, or only half of one
    UNKNOWN = "unknown"  # DNS does not have it
    ELSEWHERE = "elsewhere"  # it leads to other addresses: no ground to refuse (RFC 5321 §4.1.4)


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of it. `helo` is as it was said; `ip` as `dnsbl.normalise` gives it."""

    result: Result
    helo: str
    ip: str
    doubt: Doubt = Doubt.NONE
    reasons: tuple[Reason, ...] = ()
    trace: tuple[Answer, ...] = ()

    @property
    def forged(self) -> bool:
        """Whether the client claims to be this server."""
        return self.doubt is Doubt.FORGED


async def check(
    resolver: Resolver,
    *,
    helo: str,
    ip: str,
    names: Collection[str] = (),
    addresses: Collection[str] = (),
    gather: Gather = one_by_one,
) -> Finding:
    """Judge the name by itself, then by DNS; ValueError if `ip` is no address.

    `names` and `addresses` are this server's own: host names, domains it takes mail for, IP
    addresses. A client that has one of these addresses, or is on this machine, may use them all.
    """
    address = normalise(ip)
    shown = str(address)
    said = helo.strip()
    ours = {normalise(own) for own in addresses}
    own_host = address in ours or address.is_loopback

    def finding(
        result: Result, doubt: Doubt, *reasons: Reason, trace: tuple[Answer, ...] = ()
    ) -> Finding:
        return Finding(result, helo, shown, doubt, reasons, trace)

    literal = _address(said)
    if literal is not None and literal in ours and not own_host:
        reason = because("helo.our-address", helo=said, ip=shown)
        return finding(Result.FAIL, Doubt.FORGED, reason)
    if said.startswith("["):
        if literal is None:
            reason = because("helo.no-literal", helo=said)
            return finding(Result.FAIL, Doubt.MALFORMED, reason)
        if literal != address:
            reason = because("helo.other-literal", helo=said, ip=shown)
            return finding(Result.FAIL, Doubt.LITERAL, reason)
        return finding(Result.PASS, Doubt.NONE, because("helo.literal", helo=said))
    if literal is not None:
        reason = because("helo.bare-address", helo=said)
        return finding(Result.FAIL, Doubt.MALFORMED, reason)
    name = to_ascii(said)
    if name and not own_host and name in {to_ascii(own) for own in names}:
        return finding(Result.FAIL, Doubt.FORGED, because("helo.our-name", helo=said, ip=shown))
    if not name or not _is_qualified(name):
        return finding(Result.FAIL, Doubt.MALFORMED, because("helo.no-domain", helo=said))
    return await _by_dns(resolver, Finding(Result.PASS, helo, shown), name, address, gather)


async def _by_dns(
    resolver: Resolver, asked: Finding, name: str, address: IP, gather: Gather
) -> Finding:
    """Look the name up, and tell whether one of its addresses is the client's."""
    trace = tuple(await gather(resolver.resolve(name, "A"), resolver.resolve(name, "AAAA")))
    texts = [text for answer in trace for text in answer.texts]

    def finding(result: Result, doubt: Doubt, *reasons: Reason) -> Finding:
        return Finding(result, asked.helo, asked.ip, doubt, reasons, trace)

    if any(normalise(text) == address for text in texts):
        return finding(Result.PASS, Doubt.NONE, because("helo.leads-back", helo=name, ip=asked.ip))
    failed = [not_answered(answer) for answer in trace if answer.failed]
    if failed:
        return finding(Result.TEMPERROR, Doubt.NONE, *failed)
    if texts:
        there = ", ".join(texts[:_SHOWN])
        reason = because("helo.leads-elsewhere", helo=name, ip=asked.ip, addresses=there)
        return finding(Result.NEUTRAL, Doubt.ELSEWHERE, reason)
    exchanges = await resolver.resolve(name, "MX")
    trace = (*trace, exchanges)
    if exchanges.failed:
        return finding(Result.TEMPERROR, Doubt.NONE, not_answered(exchanges))
    if exchanges.exchanges:
        reason = because("helo.mail-only", helo=name, ip=asked.ip)
        return finding(Result.NEUTRAL, Doubt.ELSEWHERE, reason)
    return finding(Result.FAIL, Doubt.UNKNOWN, because("helo.unknown", helo=name))


def _address(said: str) -> IP | None:
    """Read an address, with or without the brackets and the tag that belong around it."""
    text = said
    if said.startswith("["):
        if not said.endswith("]"):
            return None
        text = said[1:-1]
    if lower(text[:5]) == "ipv6:":
        text = text[5:]
    if "%" in text or not text.isascii():
        return None
    try:
        return normalise(str(ipaddress.ip_address(text)))
    except ValueError:
        return None


def _is_qualified(name: str) -> bool:
    """Whether it is a whole name of a host: several labels, and no number at the end."""
    labels = name.split(".")
    return (
        len(labels) > 1 and not labels[-1].isdigit() and all(set(label) <= _LDH for label in labels)
    )
