"""Whether the name of a client's address leads back to the address (RFC 8601 §3).

Also known as forward-confirmed reverse DNS. It shows that who has the address and who has the name
know of each other, and nothing more: no mail is good or bad for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ulak.checks.asking import not_answered
from ulak.checks.dnsbl import normalise
from ulak.checks.gather import Gather, one_by_one
from ulak.checks.reason import Reason, because
from ulak.dns.records import Answer, Resolver

MOST_NAMES = 10  # of those that an address has; the rest is not looked up (as RFC 7208 §5.5)
_SHOWN = 5  # addresses that a reason names


class Result(StrEnum):
    """The words of RFC 8601 §2.7.3."""

    PASS = "pass"  # noqa: S105 -- a result and no password
    FAIL = "fail"  # names, but none leads back
    TEMPERROR = "temperror"  # DNS could not say
    PERMERROR = "permerror"  # no name at all


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of it. `name` is the verified name, or `""`; `names` are all that were looked up.

    Names are in lower case without a last dot; `ip` has no scope, and is IPv4 where it was mapped.
    """

    result: Result
    ip: str
    name: str = ""
    names: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    trace: tuple[Answer, ...] = ()


async def check(resolver: Resolver, *, ip: str, gather: Gather = one_by_one) -> Finding:
    """Look up the names of an address, and the addresses of each; ValueError if it is none."""
    address = normalise(ip)
    shown = str(address)
    kind = "A" if address.version == 4 else "AAAA"  # noqa: PLR2004 -- IPv4
    pointers = await resolver.resolve(address.reverse_pointer, "PTR")
    if pointers.failed:
        return Finding(
            Result.TEMPERROR, shown, reasons=(not_answered(pointers),), trace=(pointers,)
        )
    found = tuple(dict.fromkeys(name for name in pointers.texts if name))
    if not found:
        reason = because("iprev.no-name", ip=shown, status=pointers.status)
        return Finding(Result.PERMERROR, shown, reasons=(reason,), trace=(pointers,))
    names = found[:MOST_NAMES]
    reasons: list[Reason] = []
    if len(found) > len(names):
        reasons.append(because("iprev.many-names", ip=shown, count=len(found), most=MOST_NAMES))
    answers = await gather(*(resolver.resolve(name, kind) for name in names))
    verified = ""
    for name, answer in zip(names, answers, strict=True):
        if answer.failed:
            reasons.append(not_answered(answer))
        elif not answer.texts:
            reasons.append(because("iprev.leads-nowhere", ip=shown, name=name, kind=kind))
        elif any(normalise(text) == address for text in answer.texts):
            reasons.append(because("iprev.leads-back", ip=shown, name=name))
            verified = verified or name
        else:
            there = ", ".join(answer.texts[:_SHOWN])
            reasons.append(because("iprev.leads-elsewhere", ip=shown, name=name, addresses=there))
    if verified:
        result = Result.PASS
    elif any(answer.failed for answer in answers):
        result = Result.TEMPERROR
    else:
        result = Result.FAIL
    return Finding(result, shown, verified, names, tuple(reasons), (pointers, *answers))
