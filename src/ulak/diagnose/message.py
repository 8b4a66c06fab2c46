"""`ulak check message`: who a message is really from, by all that it and DNS can tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ulak.checks import arc, dkim, dmarc, helo, iprev, spf
from ulak.checks.gather import Gather
from ulak.diagnose import address, sender, zonefile
from ulak.diagnose.diagnosis import (
    Advice,
    Check,
    Diagnosis,
    Ended,
    Sentence,
    Source,
    of,
    unheard,
    unique,
)
from ulak.dns.names import to_ascii
from ulak.dns.records import Resolver
from ulak.mail import message as mail
from ulak.mail import received
from ulak.replies.reply import Reply

_PATH = re.compile(r"<([^<>\s]{0,320})>")
_BROKEN = ("fail", "permerror", "temperror", "policy", "neutral")
_LONGEST = 2_000  # characters of a Received field that are read


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a session would have told of a message; None where nobody knows it."""

    ip: str | None = None
    helo: str | None = None
    mail_from: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What the checks found, for who decides what would be answered."""

    envelope: Envelope
    spf: spf.Finding | None
    dkim: tuple[dkim.Finding, ...]
    dmarc: dmarc.Finding
    iprev: iprev.Finding | None
    helo: helo.Finding | None
    arc: arc.Finding


Answering = Callable[[Judged], Reply | None]
"""Says what the server would answer; None where it would just take the message."""


def sources(message: bytes, given: Envelope) -> tuple[Envelope, tuple[Source, ...]]:
    """Complete what was given by the topmost Received and Return-Path fields."""
    header, _ = mail.split(message)
    seen = received.said_of_client(mail.first(header, "Received")[:_LONGEST])
    found = Envelope(received.ip_in(seen), received.name_in(seen), _path(header))
    told: list[Source] = []

    def take(what: str, option: str | None, field: str | None, where: str) -> str | None:
        if option is not None:
            told.append(Source(what, option, "option"))
            return option
        told.append(Source(what, field or "", where if field is not None else ""))
        return field

    envelope = Envelope(
        take("ip", given.ip, found.ip, "received"),
        take("helo", given.helo, found.helo, "received"),
        take("mail-from", given.mail_from, found.mail_from, "return-path"),
    )
    return envelope, tuple(told)


def _path(header: bytes) -> str | None:
    values = mail.values(header, "Return-Path")
    if not values:
        return None
    match = _PATH.search(mail.unfold(values[0][:_LONGEST]))
    return match[1] if match else None


async def diagnose(
    resolver: Resolver,
    message: bytes,
    *,
    name: str,
    given: Envelope,
    now: float,
    gather: Gather,
    answering: Answering,
    ended: Ended = unheard,
) -> Diagnosis:
    """Check a message with CRLF line ends. `name` is what it is called, a file's.

    ValueError if `given.ip` is no address.
    """
    envelope, told = sources(message, given)
    header, _ = mail.split(message)
    signed = await dkim.verify(resolver, message, now=now, gather=gather)
    _hear(ended, _signatures(signed))
    chain = await arc.verify(resolver, message, now=now, gather=gather)
    _hear(ended, _sealed(chain))
    sent = named = greeted = None
    if envelope.ip is not None:
        named = await iprev.check(resolver, ip=envelope.ip, gather=gather)
        ended(address.names(named))
        if envelope.helo is not None:
            greeted = await helo.check(resolver, helo=envelope.helo, ip=envelope.ip, gather=gather)
            ended(_greeting(greeted))
        if envelope.mail_from or (envelope.mail_from is not None and envelope.helo is not None):
            sent = await spf.check(
                resolver,
                ip=envelope.ip,
                helo=envelope.helo or "",
                mail_from=envelope.mail_from,
                now=now,
                gather=gather,
            )
            ended(sender.as_check(sent))
    policy = await dmarc.check_header(resolver, header=header, spf=sent, dkim=signed, gather=gather)
    ended(_aligned(policy))
    judged = Judged(envelope, sent, signed, policy, named, greeted, chain)
    reply = answering(judged)
    checks = _checks(judged)
    meaning = [
        reason for reason in policy.reasons
        if reason.key in ("dmarc.pass", "dmarc.fail", "dmarc.unsure", "dmarc.no-record")
    ][-1:]  # fmt: skip
    facts = {"name": name, "reply": "" if reply is None else str(reply)}
    verdict = (
        Sentence(f"message-{_answer(reply)}", facts),
        *(Sentence("", reason=reason) for reason in meaning),
    )
    steps = unique(_advice(judged))
    way = received.hops(header)
    return Diagnosis("message", name, verdict, checks, steps, told, reply, hops=way)


def _answer(reply: Reply | None) -> str:
    if reply is None:
        return "taken"
    return {"2": "quarantined", "4": "deferred"}.get(str(reply.code)[0], "refused")


def _hear(ended: Ended, checks: Iterable[Check]) -> None:
    for check in checks:
        ended(check)


def _checks(judged: Judged) -> tuple[Check, ...]:
    checks: list[Check] = []
    if judged.iprev is not None:
        checks.append(address.names(judged.iprev))
    if judged.helo is not None:
        checks.append(_greeting(judged.helo))
    if judged.spf is not None:
        checks.append(sender.as_check(judged.spf))
    checks += _signatures(judged.dkim)
    checks += _sealed(judged.arc)
    return (*checks, _aligned(judged.dmarc))


def _greeting(found: helo.Finding) -> Check:
    return of("helo", found.helo, found, bad=("fail",))


def _signatures(signed: Sequence[dkim.Finding]) -> Iterator[Check]:
    passed = any(str(one.result) == "pass" for one in signed)
    if not signed:
        yield Check("dkim", "", "none", good=None)
    for one in signed:
        # A signature that is broken is harmless beside one that is not (RFC 6376 §6.1).
        bad = _BROKEN if not passed else ()
        subject = f"{one.selector}._domainkey.{one.domain}" if one.domain else one.signature
        yield of(
            "dkim",
            subject,
            one,
            bad=bad,
            algorithm=one.algorithm,
            canonicalization=one.canonicalization,
            bits=one.key_bits or "",
            identity=one.identity,
            header=":".join(one.header),
            signature=one.signature,
        )


def _sealed(chain: arc.Finding) -> Iterator[Check]:
    if chain.sets or str(chain.result) != "none":
        # A broken chain takes nothing from a message (RFC 8617 §5.2.2): it only gives nothing.
        yield of("arc", ", ".join(chain.sealers), chain, sets=chain.sets or "")


def _aligned(found: dmarc.Finding) -> Check:
    return of(
        "dmarc",
        found.from_domain,
        found,
        bad=("fail", "permerror", "temperror"),
        policy=found.policy,
        record=found.record,
        record_domain=found.record_domain,
        organizational_domain=found.organizational_domain,
        aligned=", ".join(f"{one.method}:{one.domain}" for one in found.aligned),
    )


def _advice(judged: Judged) -> list[Advice]:
    steps: list[Advice] = []
    found = judged.dmarc
    passed = str(found.result) == "pass"
    if judged.envelope.ip is None:
        steps.append(Advice("message-ip"))
    elif judged.envelope.mail_from is None:
        steps.append(Advice("message-mail-from"))
    if judged.spf is not None and not passed:
        steps += sender.advice(judged.spf)
    for one in judged.dkim:
        where = {"domain": one.domain, "selector": one.selector}
        match str(one.result):
            case "fail":
                steps.append(Advice("dkim-changed", where))
            case "permerror" | "policy":
                where["name"] = f"{one.selector}._domainkey.{one.domain}"
                steps.append(Advice("dkim-key", where))
            case "temperror":
                steps.append(Advice("try-later"))
            case _:
                pass
    if not judged.dkim and found.from_domain:
        steps.append(Advice("dkim-sign", {"domain": found.from_domain}))
    match str(found.result):
        case "fail" if _somebody_passed(judged):
            facts = {"domain": found.from_domain, "organizational": found.organizational_domain}
            steps.append(Advice("dmarc-align", facts))
        case "permerror" if not found.from_domain:
            steps.append(Advice("from-mend"))
        case "permerror" if found.published is not None:
            name = f"_dmarc.{found.record_domain}"
            record = zonefile.line(name, "TXT", zonefile.dmarc(found.published))
            steps.append(Advice("dmarc-mend", {"name": name}, record))
        case "temperror":
            steps.append(Advice("try-later"))
        case "none" if to_ascii(found.from_domain):
            name = f"_dmarc.{found.organizational_domain or found.from_domain}"
            wanted = f"v=DMARC1; p=none; rua=mailto:postmaster@{found.from_domain}"
            steps.append(
                Advice("dmarc-publish", {"name": name}, zonefile.line(name, "TXT", wanted))
            )
        case _:
            pass
    if judged.iprev is not None:
        steps += address.reverse_advice(judged.iprev)
    if judged.helo is not None and str(judged.helo.result) == "fail":
        steps.append(Advice("helo-name", {"helo": judged.helo.helo}))
    return steps


def _somebody_passed(judged: Judged) -> bool:
    by_spf = judged.spf is not None and str(judged.spf.result) == "pass"
    return by_spf or any(str(one.result) == "pass" for one in judged.dkim)
