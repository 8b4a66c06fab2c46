"""What lists in DNS say of an address or a domain, what that means, and what to do (RFC 5782).

A list is believed as far as its test entries are right (§5): all lists are asked at once, each
for its test entries and for all that it says of the subject, so that the slowest answer decides
how long it takes.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ulak.checks import dnsbl
from ulak.checks.dnsbl import Blocklist, Result
from ulak.checks.gather import Gather
from ulak.checks.reason import Reason, because
from ulak.diagnose.diagnosis import SEVERITIES, Advice, Check, Ended, Sentence, unheard
from ulak.dns.records import Resolver
from ulak.replies import blocklists
from ulak.replies.blocklists import Entry

_REFERENCE = {True: "domain-listed", False: "listed-by-dnsbl"}  # of a list of domains or not
_BAD = ("critical", "warning")


@dataclass(frozen=True, slots=True)
class Asked:
    """One list that was asked: the check, what to do, and what is known of the list."""

    check: Check
    advice: tuple[Advice, ...]
    entry: Entry | None

    @property
    def answered(self) -> bool:
        """Whether anything was learnt."""
        return self.check.result != Result.COULD_NOT_ASK


async def of_address(
    resolver: Resolver, *, ip: str, zones: Sequence[Blocklist], known: bool, gather: Gather,
    ended: Ended = unheard,
) -> tuple[Asked, ...]:  # fmt: skip
    """Ask `zones`, and with `known` all lists that anybody may ask; the worst comes first.

    ValueError if `ip` is no address.
    """
    address = dnsbl.normalise(ip)
    table = blocklists.to_ask(f"ip{address.version}") if known else ()
    return await _of(resolver, (str(address), address.version), zones, table, gather, ended)


async def of_domain(resolver: Resolver, *, domain: str, gather: Gather) -> tuple[Asked, ...]:
    """Ask all lists of domains that anybody may ask; `domain` is in lower-case ASCII."""
    return await _of(resolver, (domain, 0), (), blocklists.to_ask("domain"), gather, unheard)


def steps(asked: Iterable[Asked]) -> list[Advice]:
    """Say what to do, in the order of the lists; where nothing answers, only that."""
    those = list(asked)
    silent = [one for one in those if not one.answered]
    if len(silent) == len(those) > 1:
        return [*(step for one in silent for step in one.advice if not one.entry)] or [
            Advice("no-list-works")
        ]
    return [step for one in those for step in one.advice]


async def _of(
    resolver: Resolver,
    asked: tuple[str, int],
    zones: Sequence[Blocklist],
    table: Sequence[Entry],
    gather: Gather,
    ended: Ended,
) -> tuple[Asked, ...]:
    """Ask all of them; `asked` is as of `_ask`."""

    async def ask(zone: Blocklist, entry: Entry | None, *, chosen: bool) -> Asked:
        one = await _ask(resolver, asked, _informed(zone, entry), (entry, chosen), gather)
        ended(one.check)
        return one

    given = {zone.zone.rstrip(".").lower() for zone in zones}
    pairs = [(zone, blocklists.entry_of(zone.zone), True) for zone in zones]
    pairs += [(Blocklist(e.zone), e, False) for e in table if e.zone not in given]
    made = await gather(*(ask(zone, entry, chosen=chosen) for zone, entry, chosen in pairs))
    order = {severity: rank for rank, severity in enumerate(SEVERITIES)}
    return tuple(sorted(made, key=lambda one: order.get(one.check.severity, len(order))))


def _informed(zone: Blocklist, entry: Entry | None) -> Blocklist:
    """Add what is known of a list to what is asked."""
    if entry is None:
        return zone
    return replace(
        zone,
        harmless=(*zone.harmless, *dnsbl.read_codes(entry.harmless)),
        refusals=(*zone.refusals, *dnsbl.read_codes(entry.refusals)),
        listed_test=zone.listed_test or entry.listed_test,
    )


async def _ask(
    resolver: Resolver,
    asked: tuple[str, int],
    zone: Blocklist,
    known: tuple[Entry | None, bool],
    gather: Gather,
) -> Asked:
    """Ask one list; `asked` is the subject and the IP version, or 0 for a domain."""
    (subject, version), (entry, chosen) = asked, known
    if entry is not None and entry.status == "dead":
        return _dead(subject, zone, entry)
    if version:
        examining = dnsbl.examine(resolver, ip=subject, zone=zone, gather=gather)
    else:
        examining = dnsbl.examine_domain(resolver, domain=subject, zone=zone, gather=gather)
    health, finding = await examining
    reasons = finding.reasons
    if finding.text:
        reasons = (*reasons, because("dnsbl.says", zone=zone.shown, text=finding.text))
    # A list that somebody chose may do without test entries, but nobody learns from its silence.
    believed = health.works or (finding.listed and chosen)
    if not believed:
        unproven = () if finding.result is Result.COULD_NOT_ASK else (_unproven(zone),)
        seen = (*unproven, *reasons)
        reasons = (*seen, *(reason for reason in health.reasons if reason not in seen))
    facts = {"codes": " ".join(finding.codes), "text": finding.text}
    if entry is not None:
        facts |= {"list": entry.lister.slug, "name": entry.name, "link": entry.lister.page}
    check = Check(
        "allowlist" if entry is not None and entry.good else "dnsbl",
        zone.shown,
        str(finding.result if believed else Result.COULD_NOT_ASK),
        None,
        reasons,
        {name: value for name, value in facts.items() if value},
    )
    if check.result == Result.LISTED:
        return _listed(subject, check, entry)
    if check.result == Result.NOT_LISTED:
        good = None if check.check == "allowlist" else True
        return Asked(replace(check, good=good), (), entry)
    return Asked(check, _silent(subject, zone, entry, chosen=chosen), entry)


def _listed(subject: str, check: Check, entry: Entry | None) -> Asked:
    if entry is None:
        found = replace(check, good=False, severity="warning", reference=_REFERENCE[False])
        return Asked(found, (Advice("listed", {"ip": subject, "lists": check.subject}),), None)
    facts = {"subject": subject, "list": entry.name}
    meanings = entry.meanings(check.facts.get("codes", "").split())
    if not meanings:  # listed, or the opposite: nobody can tell
        means = (Sentence("blocklist.means.unknown", facts),)
        result = str(Result.COULD_NOT_ASK)
        return Asked(replace(check, result=result, severity="note", means=means), (), entry)
    severity = min((meaning.severity for meaning in meanings), key=SEVERITIES.index)
    told = [f"means.{meaning.name}" for meaning in meanings]
    if not entry.good:
        told.append(f"expiry.{entry.expiry or meanings[0].expiry}")
    found = replace(
        check,
        good=True if entry.good else False if severity in _BAD else None,
        severity=severity,
        reference="" if entry.good else _REFERENCE[entry.target == {"domain"}],
        means=tuple(Sentence(f"blocklist.{name}", facts) for name in told),
    )
    names = dict.fromkeys(step for meaning in meanings for step in meaning.steps)
    return Asked(found, tuple(_step(name, facts, entry.lister.page) for name in names), entry)


def _silent(
    subject: str, zone: Blocklist, entry: Entry | None, *, chosen: bool
) -> tuple[Advice, ...]:
    if entry is not None and entry.usage in ("registered", "little"):
        name = "register" if entry.usage == "registered" else "own-resolver"
        facts = {"subject": subject, "list": entry.name}
        return (_step(name, facts, entry.lister.page),)
    return (Advice("list-silent", {"zone": zone.shown}),) if chosen else ()


def _unproven(zone: Blocklist) -> Reason:
    return because("dnsbl.unproven", zone=zone.shown)


def _dead(subject: str, zone: Blocklist, entry: Entry) -> Asked:
    facts = {"subject": subject, "list": entry.name}
    check = Check(
        "dnsbl",
        zone.shown,
        str(Result.COULD_NOT_ASK),
        None,
        (because("dnsbl.dead", zone=zone.shown),),
        {"list": entry.lister.slug, "name": entry.name, "status": entry.status},
        "warning",
        means=(Sentence(f"blocklist.why.{entry.why}", facts),),
    )
    return Asked(check, (Advice("blocklist.dead", facts),), entry)


def _step(name: str, facts: dict[str, str], page: str) -> Advice:
    """Give a step; those that end in a colon are done on the list's page."""
    linked = blocklists.TEXTS.all("en")[f"do.{name}"].endswith(":")
    return Advice(f"blocklist.{name}", facts, link=page if linked else "")


def kind_of(ip: str) -> str:
    """Say what an address is where no mail comes from it over the internet, or ""."""
    address = dnsbl.normalise(ip)
    for kind, networks in _KINDS.items():
        if any(address in ipaddress.ip_network(network) for network in networks):
            return kind
    return ""


UNREACHABLE = ("loopback", "private", "shared", "link-local", "multicast", "nowhere")
"""Kinds of addresses that no list can have; those of documentation are asked, as examples are."""
_KINDS = {
    "loopback": ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    "shared": ("100.64.0.0/10",),
    "link-local": ("169.254.0.0/16", "fe80::/10"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "nowhere": ("0.0.0.0/8", "240.0.0.0/4", "::/128"),
    "documentation": ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"),
}
