"""Whether DNS has what a domain has to publish: this, another, or nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from ulak.checks import spf
from ulak.checks.dkim import key as dkim_key
from ulak.checks.dkim.finding import Limits
from ulak.checks.gather import Gather, one_by_one
from ulak.checks.reason import Reason
from ulak.dns.names import to_ascii
from ulak.dns.records import Answer, Resolver
from ulak.keys.key import Algorithm, DkimKey
from ulak.publish.wanted import Domain, Purpose, Wanted, wanted

_ADDRESSES = 8  # of a server, that are looked at
_HASHED = {Algorithm.RSA: "rsa-sha256", Algorithm.ED25519: "ed25519-sha256"}


class Standing(StrEnum):
    """What DNS has."""

    THERE = "there"  # this, or what does as well
    OTHER = "other"
    MISSING = "missing"
    UNKNOWN = "unknown"  # it did not answer


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of one record. `found` is what DNS has, as far as it is of the same purpose.

    `note` names a text about that (`dns.found.`), with `facts`; `reason` is a check's.
    """

    wanted: Wanted
    standing: Standing
    found: tuple[str, ...] = ()
    note: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    reason: Reason | None = None


async def compare(
    resolver: Resolver, domain: Domain, *, now: float, gather: Gather = one_by_one
) -> tuple[Checked, ...]:
    """Ask for everything that a domain has to publish, in two rounds at most, and compare.

    Addresses that the server does not know of itself are those that DNS has for its name.
    """
    problem: Checked | None = None
    if not domain.addresses:
        answers = await gather(*(resolver.resolve(domain.hostname, kind) for kind in ("A", "AAAA")))
        named = [address for answer in answers for address in answer.texts][:_ADDRESSES]
        domain = replace(domain, addresses=tuple(named))
        failed = next((answer for answer in answers if answer.failed), None)
        if failed is not None and not named:
            problem = _unanswered(wanted(domain)[0], failed)
    found = await gather(*(_check(resolver, one, domain, now) for one in wanted(domain)))
    return tuple(found) if problem is None else (problem, *found[1:])


async def published(resolver: Resolver, key: DkimKey) -> Checked:
    """Say whether the record of a key is published and is the right one (RFC 6376 §3.6.2)."""
    one = Wanted(Purpose.DKIM, key.name, "TXT", key.record, key=key)
    return _of_key(one, key, await resolver.resolve(key.name, "TXT"))


async def _check(resolver: Resolver, one: Wanted, domain: Domain, now: float) -> Checked:
    if not one.value:  # nothing is known that DNS could have
        return Checked(one, Standing.MISSING)
    answer = await resolver.resolve(one.name, one.kind)
    if answer.failed:
        return _unanswered(one, answer)
    match one.purpose:
        case Purpose.MX:
            return _of_mx(one, domain, answer)
        case Purpose.ADDRESS | Purpose.REVERSE:
            value = one.value.removesuffix(".").lower()
            return _simple(one, answer.texts, there=value in answer.texts)
        case Purpose.DKIM:
            assert one.key is not None  # noqa: S101 -- else it has no value
            return _of_key(one, one.key, answer)
        case Purpose.SPF:
            return await _of_spf(resolver, one, domain, answer, now)
        case Purpose.DMARC:
            return _of_dmarc(one, answer)


def _unanswered(one: Wanted, answer: Answer) -> Checked:
    problem = answer.detail or answer.status.value
    return Checked(one, Standing.UNKNOWN, (), "unanswered", (("problem", problem),))


def _simple(one: Wanted, found: tuple[str, ...], *, there: bool, note: str = "") -> Checked:
    if there:
        return Checked(one, Standing.THERE, found)
    return Checked(one, Standing.OTHER if found else Standing.MISSING, found, note)


def _of_mx(one: Wanted, domain: Domain, answer: Answer) -> Checked:
    found = tuple(f"{mx.preference} {mx.exchange}." for mx in answer.exchanges)
    hosts = {mx.exchange for mx in answer.exchanges}
    return _simple(one, found, there=(to_ascii(domain.hostname) or "") in hosts)


def _texts(answer: Answer, start: bytes) -> tuple[str, ...]:
    """Give the TXT records that begin with a word, in whatever case."""
    records = (record for record in answer.records if isinstance(record, bytes))
    return tuple(
        record.decode("utf-8", "replace")
        for record in records
        if record[: len(start)].lower() == start
    )


def _of_key(one: Wanted, key: DkimKey, answer: Answer) -> Checked:
    if answer.failed:
        return _unanswered(one, answer)
    found = tuple(r.decode("utf-8", "replace") for r in answer.records if isinstance(r, bytes))
    if not found:
        return Checked(one, Standing.MISSING)
    read = dkim_key.records(answer, _HASHED[key.algorithm], Limits())
    if isinstance(read, dkim_key.Fault):
        return Checked(one, Standing.OTHER, found, reason=read.reason)
    public = key.private.public_key()
    for record in read:
        if isinstance(record.key, dkim_key.PublicKey) and record.key.key == public:
            note = "testing" if record.testing else "several" if len(found) > 1 else ""
            return Checked(one, Standing.THERE, found, note)
    fault = next((r.key for r in read if isinstance(r.key, dkim_key.Fault)), None)
    return Checked(
        one,
        Standing.OTHER,
        found,
        "" if fault else "other-key",
        reason=fault.reason if fault else None,
    )


async def _of_spf(
    resolver: Resolver, one: Wanted, domain: Domain, answer: Answer, now: float
) -> Checked:
    """Compare by what counts: whether the record lets this server send."""
    found = _texts(answer, b"v=spf1")
    if not found:
        return Checked(one, Standing.MISSING)
    for address in domain.addresses:
        finding = await spf.check(
            resolver,
            ip=address,
            helo=domain.hostname,
            mail_from=f"postmaster@{domain.name}",
            receiver=domain.hostname,
            now=now,
        )
        result = finding.result.value
        if result != "pass" and not domain.relays:
            standing = Standing.UNKNOWN if result == "temperror" else Standing.OTHER
            facts = (("address", address), ("result", result))
            last = finding.reasons[-1] if finding.reasons else None
            return Checked(one, standing, found, "spf-result", facts, last)
    return Checked(one, Standing.THERE, found)


def _of_dmarc(one: Wanted, answer: Answer) -> Checked:
    found = _texts(answer, b"v=dmarc1")
    if len(found) > 1:  # RFC 9989 §4.7: as good as none
        return Checked(one, Standing.OTHER, found, "several-dmarc")
    return _simple(one, found, there=bool(found))
