"""From a reply to its verdict: the checks of its plan, made, and what follows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ulak.checks.dnsbl import Blocklist
from ulak.checks.gather import Gather
from ulak.diagnose.diagnosis import Advice, Check, Diagnosis, Sentence, Source, unique
from ulak.diagnose.reply import lists, places, senders
from ulak.diagnose.reply.case import Case, Kind
from ulak.diagnose.reply.evidence import Evidence
from ulak.diagnose.reply.plan import Plan, plan_of
from ulak.diagnose.reply.verdict import Asked, Confirmation, Verdict, in_all, meaning
from ulak.dns.records import Resolver

KINDS: Mapping[str, Kind] = {
    "arc": senders.by_arc,
    "dkim": senders.by_dkim,
    "dmarc": senders.by_dmarc,
    "dmarc-record": senders.dmarc_record,
    "domain-list": lists.by_domain_list,
    "helo": places.by_helo,
    "home-name": places.by_home_name,
    "iprev": places.by_names,
    "list": lists.by_list,
    "lists": lists.by_lists,
    "mx": places.by_recipient,
    "recipient-mx": places.by_recipient,
    "sender-mx": places.by_sender_domain,
    "spf": senders.by_spf,
}
# Which of what is known each check is made of, to be told from where it comes.
_MADE_OF: Mapping[str, tuple[str, ...]] = {
    "arc": (),
    "dkim": ("from-domain",),
    "dmarc": ("ip", "mail-from", "from-domain"),
    "dmarc-record": ("from-domain",),
    "domain-list": ("domain", "zone"),
    "helo": ("ip", "helo"),
    "home-name": ("ip",),
    "iprev": ("ip",),
    "list": ("ip", "zone"),
    "lists": ("ip",),
    "mx": ("recipient",),
    "recipient-mx": ("recipient",),
    "sender-mx": ("mail-from",),
    "spf": ("ip", "mail-from"),
}


Heard = Callable[[Check, Verdict], None]
"""Hears of every check as soon as it has ended; `ended` of the other diagnoses, with a verdict."""


def _unheard(check: Check, verdict: Verdict) -> None:
    del check, verdict


async def confirm(
    resolver: Resolver,
    known: Evidence,
    cause: str | None,
    *,
    now: float,
    gather: Gather,
    configured: Sequence[Blocklist] = (),
    ended: Heard = _unheard,
) -> Confirmation:
    """Make the checks that would confirm or refute a cause. `configured` lists stand for all."""
    plan = plan_of(cause)
    if (plan.checks or plan.instead) and not known.ip and known.client:
        known = await _located(resolver, known)
    case = Case(resolver, known, cause or "", now, gather, configured)
    made: list[Asked] = []
    for name in plan.checks:
        made.append(await KINDS[name](case))
        _hear(ended, made[-1])
    others = ["list" if name == "lists" and known.zone else name for name in plan.instead]
    beside: list[Asked] = []
    for name in others:
        beside.append(await KINDS[name](case))
        if not _lacking(beside[-1]):
            _hear(ended, _undecided(beside[-1]))
    verdict = plan.verdict
    if plan.checks:
        verdict = in_all((one.verdict for one in made), every=plan.every)
    lacking = [option for one in (*made, *beside) for option in _lacking(one)]
    beside = [_undecided(one) for one in beside if not _lacking(one)]
    found = [pair for one in (*made, *beside) for pair in one.checks]
    checks = tuple(_meant(check, verdict) for check, verdict in found)
    steps = [step for one in (*made, *beside) for step in one.advice]
    if verdict is Verdict.NOT_CONFIRMED:
        steps = [Advice("reply-again")]
    steps += _probes(plan, known)
    if lacking and not found:
        steps += [Advice("reply-give", {"options": ", ".join(dict.fromkeys(lacking))})]
    told = _told(known, (*plan.checks, *others), all_of_it=bool(plan.checks))
    sentences = _sentences(plan, verdict, checks, found)
    diagnosis = Diagnosis("reply", cause or "", sentences, checks, unique(steps), told)
    return Confirmation(verdict, diagnosis, tuple(verdict for _, verdict in found))


def _hear(ended: Heard, one: Asked) -> None:
    for check, verdict in one.checks:
        ended(_meant(check, verdict), verdict)


def _meant(check: Check, verdict: Verdict) -> Check:
    """Add to a check what it means for the reply."""
    if verdict is Verdict.NEEDLESS:
        return check
    return replace(check, reasons=(*check.reasons, meaning(verdict)))


async def _located(resolver: Resolver, known: Evidence) -> Evidence:
    """Look up the address of the server that reports: the one that sent."""
    for kind in ("A", "AAAA"):
        answer = await resolver.resolve(known.client, kind)
        if answer.texts:
            where = {**known.sources, "ip": "reporting"}
            return replace(known, ip=answer.texts[0], sources=where)
    return known


def _undecided(one: Asked) -> Asked:
    """Give what is only looked at beside: it neither confirms nor refutes."""
    silent = Verdict.COULD_NOT_ASK
    checks = tuple(
        (check, found if found is silent else Verdict.UNKNOWABLE) for check, found in one.checks
    )
    return Asked(checks, Verdict.UNKNOWABLE, one.advice)


def _lacking(one: Asked) -> list[str]:
    """Give the options without which a check could not be made at all."""
    reasons = [reason for check, _ in one.checks for reason in check.reasons]
    wanted = [reason.facts["option"] for reason in reasons if reason.key == "reply.needs"]
    return wanted if len(wanted) == len(one.checks) else []


# What a shell takes as it stands: the command is there to be copied, and names are a stranger's.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.@_+-]{0,253}")


def _probes(plan: Plan, known: Evidence) -> list[Advice]:
    """Say which command would ask the server that knows, without sending mail."""
    place, who = known.recipient_domain, known.recipient
    if plan.why == "sender":
        place, who = known.sender_domain, known.sender or ""
    elif plan.why in ("reach", "offers"):
        place, who = known.host or place, ""
    elif plan.why not in ("mailbox", "relay"):
        return []
    if not _PLAIN.fullmatch(place) or (who and not _PLAIN.fullmatch(who)):
        return []
    command = f"ulak probe {place} --rcpt {who}" if who else f"ulak probe {place}"
    return [Advice("ask-server", {"host": place}, command)]


def _told(known: Evidence, kinds: Sequence[str], *, all_of_it: bool) -> tuple[Source, ...]:
    """Say what the checks are made of; what is only looked at beside, as far as it is known."""
    names = dict.fromkeys(name for kind in kinds for name in _MADE_OF[kind])
    if known.sender is None and "mail-from" in names and known.domain:
        names = dict.fromkeys("domain" if name == "mail-from" else name for name in names)
    told = known.told(tuple(names))
    return tuple(source for source in told if all_of_it or source.where)


def _sentences(
    plan: Plan,
    verdict: Verdict,
    checks: Sequence[Check],
    found: Sequence[tuple[Check, Verdict]],
) -> tuple[Sentence, ...]:
    named = dict.fromkeys(c.check.upper() for c, one in found if one is verdict)
    names = ", ".join(named or dict.fromkeys(c.check.upper() for c in checks))
    name = "open" if plan.checks and verdict is Verdict.UNKNOWABLE else verdict
    first = Sentence(f"reply-{name}", {"checks": names} if plan.checks else {})
    return (first, Sentence(f"why-{plan.why}")) if plan.why else (first,)
