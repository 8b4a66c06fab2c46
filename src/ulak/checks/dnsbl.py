"""Lists of client addresses in DNS, and whether a client is on one (RFC 5782).

An answer in 127.0.0.0/8 is data; what it says is told apart with care, because a list that cannot
be asked must never look like a listing, nor like a clean address: 127.255.255.0/24 and 127.0.0.1
are how lists refuse to answer, an answer outside 127/8 comes from a dead zone or a resolver that
rewrites, and a zone that lists 127.0.0.1 lists everybody (§5).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, cast

from ulak.checks.asking import not_answered
from ulak.checks.gather import Gather, one_by_one
from ulak.checks.reason import Reason, because
from ulak.dns.names import to_ascii
from ulak.dns.records import Answer, Resolver, Status

IP = ipaddress.IPv4Address | ipaddress.IPv6Address

_DATA = ipaddress.IPv4Network("127.0.0.0/8")
# How lists refuse: Spamhaus and those that follow it, URIBL and SURBL, and a top-level domain that
# is new (ICANN's 127.0.53.53), where a zone of that name has become a stranger's.
_REFUSALS = tuple(map(ipaddress.IPv4Network, ("127.255.255.0/24", "127.0.0.1", "127.0.53.53")))
# RFC 5782 §5: every list has the first entry, and none has the second.
_LISTED_TEST = {4: "127.0.0.2", 6: "::ffff:7f00:2"}
_UNLISTED_TEST = {4: "127.0.0.1", 6: "::ffff:7f00:1"}
_DOMAIN_TESTS = ("test", "invalid")
_LONGEST_TEXT = 300


class Result(StrEnum):
    """What a zone says of an address."""

    LISTED = "listed"
    NOT_LISTED = "not-listed"
    COULD_NOT_ASK = "could-not-ask"  # nothing is known: this is no reason to refuse


@dataclass(frozen=True, slots=True)
class Blocklist:
    """A zone to ask. `codes` are the answers that count as a listing; without any, all do.

    `label` is what others are shown in place of the zone, for zones with a private key in them.
    `harmless` are answers that are data but no listing, `refusals` those by which this list says
    that it does not answer us, beside what is known of all lists; `listed_test` is the entry that
    a list of domains has where it is not `test` (§5).
    """

    zone: str
    codes: tuple[ipaddress.IPv4Network, ...] = ()
    label: str = ""
    harmless: tuple[ipaddress.IPv4Network, ...] = ()
    refusals: tuple[ipaddress.IPv4Network, ...] = ()
    listed_test: str = ""

    @property
    def shown(self) -> str:
        """The name that goes into replies."""
        return self.label or self.zone


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of asking one zone.

    `codes` are the addresses it answered, `text` its own reason on one printable line (TXT),
    `reasons` how the result came about, `trace` the answers of DNS in the order asked.
    """

    zone: str
    ip: str
    result: Result
    codes: tuple[str, ...] = ()
    text: str = ""
    reasons: tuple[Reason, ...] = ()
    trace: tuple[Answer, ...] = ()

    @property
    def listed(self) -> bool:
        """Whether the address is on the list."""
        return self.result is Result.LISTED


def read_codes(texts: Iterable[str]) -> tuple[ipaddress.IPv4Network, ...]:
    """Read the answers that count: `127.0.0.2`, `127.0.0.0/28`, `127.0.0.2-127.0.0.11`.

    ValueError, with a sentence, where one is none of these or lies outside 127.0.0.0/8.
    """
    networks: list[ipaddress.IPv4Network] = []
    for text in texts:
        first, dash, last = text.partition("-")
        try:
            if dash:
                ends = ipaddress.IPv4Address(first.strip()), ipaddress.IPv4Address(last.strip())
                read = list(ipaddress.summarize_address_range(*ends))
            else:
                read = [ipaddress.IPv4Network(text.strip())]
        except ValueError as error:
            message = f"{text!r} is no answer of a DNSBL: {error}"
            raise ValueError(message) from error
        for network in read:
            if not network.subnet_of(_DATA):
                message = f"{text!r} lies outside 127.0.0.0/8, where DNSBLs answer (RFC 5782 §2.1)"
                raise ValueError(message)
        networks += read
    return tuple(networks)


def normalise(ip: str) -> IP:
    """Read an address: without a scope, and an IPv4-mapped one as the IPv4 address it is."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def question(address: IP, zone: str) -> str:
    """Give the name to ask for: reversed octets, or reversed nibbles (RFC 5782 §2.1, §2.4)."""
    if address.version == 4:  # noqa: PLR2004 -- IPv4
        parts = str(address).split(".")
    else:
        parts = list(address.exploded.replace(":", ""))
    return ".".join([*reversed(parts), zone])


async def check(
    resolver: Resolver,
    *,
    ip: str,
    zones: Sequence[str | Blocklist],
    gather: Gather = one_by_one,
) -> tuple[Finding, ...]:
    """Ask every zone about an address; the findings are in the order of the zones.

    ValueError if `ip` is no address.
    """
    return tuple(
        await gather(*(check_zone(resolver, ip=ip, zone=zone, gather=gather) for zone in zones))
    )


async def check_zone(
    resolver: Resolver, *, ip: str, zone: str | Blocklist, gather: Gather = one_by_one
) -> Finding:
    """Ask one zone about an address."""
    blocklist = zone if isinstance(zone, Blocklist) else Blocklist(zone)
    address = normalise(ip)
    name = question(address, blocklist.zone)
    return await _ask(
        resolver, blocklist, str(address), (name, _nobody(address, blocklist)), gather
    )


async def check_domain(
    resolver: Resolver, *, domain: str, zone: str | Blocklist, gather: Gather = one_by_one
) -> Finding:
    """Ask one list of domains about a domain (§3); `Finding.ip` is the domain."""
    blocklist = zone if isinstance(zone, Blocklist) else Blocklist(zone)
    names = (f"{domain}.{blocklist.zone}", f"{_DOMAIN_TESTS[1]}.{blocklist.zone}")
    return await _ask(resolver, blocklist, domain, names, gather)


def _nobody(address: IP, blocklist: Blocklist) -> str:
    """Name the entry that no list has.

    Where the client has that very address, a name that is no address tells the same.
    """
    unlisted = ipaddress.ip_address(_UNLISTED_TEST[address.version])
    if address == unlisted:
        return f"nobody.{blocklist.zone}"
    return question(unlisted, blocklist.zone)


async def _ask(
    resolver: Resolver, blocklist: Blocklist, subject: str, names: tuple[str, str], gather: Gather
) -> Finding:
    """Ask for an entry; `names` are its own and that of the entry that no list has.

    Most addresses are on no list, and cost one question.
    """
    name, test = names
    answer = await resolver.resolve(name, "A")
    finding = _judge(blocklist, subject, answer)
    if answer.status is Status.NO_DATA:
        return _without_address(finding, await resolver.resolve(name, "TXT"))
    if not finding.listed:
        return finding
    # A listing refuses mail: hear the reason, and make sure that not everybody is listed.
    reason, everybody = await gather(resolver.resolve(name, "TXT"), resolver.resolve(test, "A"))
    return _made_sure(blocklist, finding, reason, everybody)


def _without_address(finding: Finding, text: Answer) -> Finding:
    """Judge an entry that has no address: a text alone is no listing, and not nothing."""
    if text.absent:
        return finding
    zone, trace = finding.zone, (*finding.trace, text)
    why = not_answered(text) if text.failed else because("dnsbl.text-only", zone=text.name)
    return Finding(zone, finding.ip, Result.COULD_NOT_ASK, reasons=(why,), trace=trace)


def _made_sure(
    blocklist: Blocklist, finding: Finding, reason: Answer, everybody: Answer
) -> Finding:
    """Add the reason of a listing, and take back one that everybody has."""
    trace = (*finding.trace, reason, everybody)
    if _judge(blocklist, finding.ip, everybody).listed:
        why = because("dnsbl.everybody", zone=blocklist.zone, test=everybody.name)
        return replace(finding, result=Result.COULD_NOT_ASK, reasons=(why,), trace=trace)
    return replace(finding, text=_one_line(reason), trace=trace)


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a zone works, by its test entries (RFC 5782 §5)."""

    zone: str
    works: bool
    reasons: tuple[Reason, ...]
    trace: tuple[Answer, ...]


async def probe(
    resolver: Resolver, *, zone: str | Blocklist, version: int = 4, gather: Gather = one_by_one
) -> Health:
    """Ask a zone for the two test entries of its kind (IP `version` 4 or 6).

    A zone without the first is dead, or refuses to answer us; one with the second lists everybody.
    """
    blocklist = zone if isinstance(zone, Blocklist) else Blocklist(zone)
    listed, unlisted = (ipaddress.ip_address(t[version]) for t in (_LISTED_TEST, _UNLISTED_TEST))
    names = (question(listed, blocklist.zone), question(unlisted, blocklist.zone))
    return await _probe(resolver, blocklist, (str(listed), str(unlisted)), names, gather)


async def probe_domains(
    resolver: Resolver, *, zone: str | Blocklist, gather: Gather = one_by_one
) -> Health:
    """Ask a list of domains for its two test entries, as `probe` does."""
    blocklist = zone if isinstance(zone, Blocklist) else Blocklist(zone)
    tests = (blocklist.listed_test or _DOMAIN_TESTS[0], _DOMAIN_TESTS[1])
    names = (f"{tests[0]}.{blocklist.zone}", f"{tests[1]}.{blocklist.zone}")
    return await _probe(resolver, blocklist, tests, names, gather)


async def _probe(
    resolver: Resolver,
    blocklist: Blocklist,
    tests: tuple[str, str],
    names: tuple[str, str],
    gather: Gather,
) -> Health:
    answers = await gather(*(resolver.resolve(name, "A") for name in names))
    # Which codes count is for entries of clients: a test entry may have any.
    every = replace(blocklist, codes=())
    present, absent = (_judge(every, *pair) for pair in zip(tests, answers, strict=True))
    works = present.listed and absent.result is Result.NOT_LISTED
    reasons = (*present.reasons, *absent.reasons)
    return Health(blocklist.zone, works, reasons, tuple(answers))


async def examine(
    resolver: Resolver, *, ip: str, zone: str | Blocklist, gather: Gather = one_by_one
) -> tuple[Health, Finding]:
    """Probe a zone and ask it about an address, with all questions at once.

    A person waits for one answer after another; where mail comes in, `check_zone` asks less.
    """
    blocklist = zone if isinstance(zone, Blocklist) else Blocklist(zone)
    address = normalise(ip)
    probing = probe(resolver, zone=blocklist, version=address.version, gather=gather)
    names = (question(address, blocklist.zone), _nobody(address, blocklist))
    return await _examine(resolver, blocklist, (str(address), *names), probing, gather)


async def examine_domain(
    resolver: Resolver, *, domain: str, zone: str | Blocklist, gather: Gather = one_by_one
) -> tuple[Health, Finding]:
    """Probe a list of domains and ask it about a domain, as `examine` does."""
    blocklist = zone if isinstance(zone, Blocklist) else Blocklist(zone)
    probing = probe_domains(resolver, zone=blocklist, gather=gather)
    names = (f"{domain}.{blocklist.zone}", f"{_DOMAIN_TESTS[1]}.{blocklist.zone}")
    return await _examine(resolver, blocklist, (domain, *names), probing, gather)


async def _examine(
    resolver: Resolver,
    blocklist: Blocklist,
    asked: tuple[str, str, str],
    probing: Awaitable[Health],
    gather: Gather,
) -> tuple[Health, Finding]:
    """Ask; `asked` is the subject, its entry, and the entry that no list has."""
    subject, name, test = asked
    answers: Sequence[Any] = await gather(
        probing, resolver.resolve(name, "A"), resolver.resolve(name, "TXT")
    )
    health, answer, text = cast("tuple[Health, Answer, Answer]", tuple(answers))
    finding = _judge(blocklist, subject, answer)
    if answer.status is Status.NO_DATA:
        return health, _without_address(finding, text)
    if not finding.listed:
        return health, finding
    # The probe has asked for that entry, unless the subject is a test entry itself.
    probed = next((one for one in health.trace if one.name == test), None)
    everybody = probed or await resolver.resolve(test, "A")
    return health, _made_sure(blocklist, finding, text, everybody)


def _judge(blocklist: Blocklist, ip: str, answer: Answer) -> Finding:
    """Tell what the A records of an answer say."""

    def found(result: Result, why: Reason) -> Finding:
        return Finding(blocklist.zone, ip, result, codes, "", (why,), (answer,))

    zone = blocklist.zone
    codes = tuple(sorted(answer.texts, key=ipaddress.IPv4Address))
    # A name that is too long is never asked for, and there is nothing that its absence says.
    if answer.failed or (answer.absent and to_ascii(answer.name) is None):
        return found(Result.COULD_NOT_ASK, not_answered(answer))
    if answer.absent:
        why = because("dnsbl.not-listed", zone=zone, ip=ip, status=answer.status)
        return found(Result.NOT_LISTED, why)
    values = [ipaddress.IPv4Address(code) for code in codes]
    outside = [str(v) for v in values if v not in _DATA]
    if outside:
        why = because("dnsbl.outside", zone=zone, codes=", ".join(outside))
        return found(Result.COULD_NOT_ASK, why)
    telling = [v for v in values if not _within(v, blocklist.harmless)]
    refusing = [str(v) for v in telling if _within(v, (*_REFUSALS, *blocklist.refusals))]
    if refusing:
        why = because("dnsbl.refuses", zone=zone, codes=", ".join(refusing))
        return found(Result.COULD_NOT_ASK, why)
    if not telling:
        why = because("dnsbl.no-listing", zone=zone, code=", ".join(codes))
        return found(Result.NOT_LISTED, why)
    counted = [v for v in telling if not blocklist.codes or _within(v, blocklist.codes)]
    said = ", ".join(map(str, counted or telling))
    if not counted:
        return found(Result.NOT_LISTED, because("dnsbl.not-counted", zone=zone, codes=said))
    return found(Result.LISTED, because("dnsbl.listed", zone=zone, ip=ip, codes=said))


def _within(value: ipaddress.IPv4Address, networks: Iterable[ipaddress.IPv4Network]) -> bool:
    return any(value in network for network in networks)


def _one_line(answer: Answer) -> str:
    """Give the TXT of a list as one printable line: it is a stranger's text."""
    if answer.status is not Status.OK:
        return ""
    texts = [r.decode("utf-8", "replace") for r in answer.records if isinstance(r, bytes)]
    joined = " ".join(" ".join(texts)[: 2 * _LONGEST_TEXT].split())
    return "".join(c if c.isprintable() else "?" for c in joined)[:_LONGEST_TEXT]
