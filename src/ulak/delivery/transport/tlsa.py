"""The TLSA records that hold for a host that takes mail (RFC 7672 §2.1, §2.2, RFC 7671 §9)."""

from __future__ import annotations

from collections.abc import Sequence

from ulak.checks import dane
from ulak.checks.dane import Result, Tlsa
from ulak.delivery.transport.policy import Dane
from ulak.dns.records import Resolver


async def find(
    resolver: Resolver, host: str, port: int, *, end: str, authentic: bool
) -> Dane | None:
    """Look for the records of a host that signed MX records name, or that is the domain itself.

    `end` is where the aliases of the host end, and `authentic` whether its addresses are signed,
    the aliases included. None where DANE does not hold for it. A question that is not answered is
    a `problem`: an attacker who can do no more than that must win nothing by it (§2.1.2).
    """
    alias = bool(end) and end != host
    bases: tuple[str, ...]
    if not alias:
        bases = (host,) if authentic else ()
    elif authentic:
        bases = (end, host)
    else:
        # Where the aliases lead is not signed; that there is one may be (§2.2.2).
        first = await resolver.resolve(host, "CNAME")
        if first.failed:
            return Dane(host, problem=f"CNAME of {host}: {first.status}", heard=first.detail)
        bases = (host,) if first.records and first.authentic else ()
    for base in bases:
        seen = await dane.check(resolver, host=base, port=port)
        answer = seen.trace[0]
        if seen.result is Result.TEMPERROR:
            problem = f"TLSA of {answer.name}: {answer.status}"
            return Dane(base, problem=problem, heard=answer.detail)
        if answer.records and answer.authentic:
            return Dane(base, strongest(seen.records), ttl=answer.ttl)
    return None


def strongest(records: Sequence[Tlsa]) -> tuple[Tlsa, ...]:
    """Leave out records whose hash is weaker than another of the same kind (RFC 7671 §9).

    Whole certificates and keys (matching type 0) are no hashes and stay.
    """
    best: dict[tuple[int, int], int] = {}
    for record in records:
        kind = (record.usage, record.selector)
        best[kind] = max(best.get(kind, 0), record.matching)
    return tuple(
        record for record in records if record.matching in (0, best[record.usage, record.selector])
    )
