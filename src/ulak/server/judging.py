"""What becomes of a message whose origin was checked: a refusal, a mark, a folder of its own."""

from __future__ import annotations

import asyncio

from ulak.checks import dkim, dmarc, results
from ulak.dns.names import to_ascii
from ulak.mail.envelope import domain_of
from ulak.mail.message import raw_fields
from ulak.policy import authentication, content
from ulak.policy.authentication import Findings, Mode, Rules, Verdict
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.reports.observation import (
    Deviation,
    Disposition,
    Observation,
    Override,
    Sender,
    Signature,
)
from ulak.server.checks import NO_DNS, Checks, feed
from ulak.server.incoming import Incoming
from ulak.server.site import Site
from ulak.server.transaction import Transaction

QUARANTINE = "Ulak-Quarantine"
"""The field that tells the next server, and the reader, for which cause a message was put apart."""

_REFUSED_FOR_DMARC = (catalog.DMARC_REJECT.name, catalog.SEVERAL_CHECKS_FAILED.name)


async def judge(
    site: Site, checks: Checks, transaction: Transaction, incoming: Incoming, session: str
) -> Reply | None:
    """Check a message, note every step, and give the refusal that comes of it.

    What is to stand above the message, and that it is to be put apart, is left with the
    transaction.
    """
    assert transaction.case is not None  # noqa: S101 -- as who calls has seen
    found = await transaction.case.finish(incoming)
    if found is None:
        transaction.unchecked = NO_DNS
        return None
    rules = checks.rules
    verdict = authentication.judge(found, rules)
    for entry in authentication.entries(
        found, rules, time=site.clock(), session=session, message=incoming.identifier
    ):
        site.journal.write(entry)
    transaction.observation = observation(
        found, verdict, rules, transaction, incoming, site.clock()
    )
    if verdict.reply is not None:
        return verdict.reply
    if verdict.quarantine:
        transaction.put_apart(verdict.quarantine)
    if rules.seals and found.arc is not None:
        transaction.seen = found.arc, authentication.resinfos(found, rules)
    transaction.top += authentication.field(found, rules, utf8=transaction.mail.smtputf8)
    return None


async def dress(site: Site, transaction: Transaction, incoming: Incoming) -> None:
    """Put what we have to say above a message that is taken, and take away what claims to be ours.

    Where its file cannot be written, `failure` of the message says so.
    """
    checks, top = site.checks, transaction.top
    if transaction.wishes.quarantine:
        top = f"{QUARANTINE}: {transaction.wishes.quarantine}\r\n".encode("ascii") + top
    kept: bytes | None = None
    strange, scanned = checks is not None and not transaction.from_our_own, transaction.content
    if strange or scanned is not None:
        header = kept = incoming.header()
        if checks is not None and strange:
            kept = clean(kept, checks.rules)
        if scanned is not None:
            kept = content.cleaned(kept, scanned.gone)
        if kept == header:
            kept = None
    if not top and kept is None:
        return
    if checks is not None and transaction.seen is not None and _passed_on(site, transaction):
        above = top + incoming.trace + (incoming.header() if kept is None else kept)
        top = await _set_of(checks, transaction, incoming, above) + top
    if not incoming.in_file:
        incoming.put_on_top(top, kept)
        return
    await asyncio.get_running_loop().run_in_executor(None, incoming.put_on_top, top, kept)


def _passed_on(site: Site, transaction: Transaction) -> bool:
    """Whether an alias leads the message on to a domain that is not ours."""
    return any(not site.directory.local(domain_of(member)) for member in transaction.members)


async def _set_of(
    checks: Checks, transaction: Transaction, incoming: Incoming, header: bytes
) -> bytes:
    """Give the ARC set for a message that is passed on (RFC 8617 §5.1); its `header` as it goes."""
    assert transaction.first is not None  # noqa: S101 -- there is a message
    assert transaction.seen is not None  # noqa: S101 -- as who calls has seen
    sealer = checks.sealer(to_ascii(transaction.first.domain) or "")
    if sealer is None:
        return b""
    sealing = sealer.begin(header)
    await feed(incoming, sealing.feed)
    finding, said = transaction.seen
    return sealing.finish(finding, said, checks.clock(), utf8=transaction.mail.smtputf8)


def clean(header: bytes, rules: Rules) -> bytes:
    """Give a header without the fields that only we may write (RFC 8601 §5)."""
    kept = results.strip(header, rules.authserv_id)
    forged = {name for name in _ours(rules) if name in kept.lower()}
    if not forged:
        return kept
    return b"".join(raw for name, raw in raw_fields(kept) if name not in forged)


def _ours(rules: Rules) -> tuple[bytes, ...]:
    mark = QUARANTINE.lower().encode("ascii")
    return (mark, b"received-spf") if rules.received_spf else (mark,)


def observation(
    found: Findings,
    verdict: Verdict,
    rules: Rules,
    transaction: Transaction,
    incoming: Incoming,
    now: float,
) -> Observation | None:
    """Give what the owner of the author's domain is told; None where there is no DMARC record.

    RFC 9990 §3.1.1; what DNS left open is told to nobody.
    """
    judged = found.dmarc
    if judged is None or not judged.record:
        return None
    if judged.result not in (dmarc.Result.PASS, dmarc.Result.FAIL):
        return None
    origin = found.spf
    sender = None
    if origin is not None and origin.identity == "mailfrom":
        sender = Sender(origin.domain, str(origin.result))
    return Observation(
        time=now,
        record_domain=judged.record_domain,
        record=judged.record,
        from_domain=judged.from_domain,
        ip=origin.ip if origin is not None else "",
        disposition=_disposition(judged, verdict),
        dkim_aligned=judged.dkim_aligned,
        spf_aligned=judged.spf_aligned,
        organizational_domain=judged.organizational_domain,
        envelope_from=domain_of(transaction.sender),
        recipients=tuple(transaction.members),
        signatures=tuple(_signature(one) for one in found.dkim or () if one.domain),
        sender=sender,
        deviations=tuple(_deviations(judged, verdict, rules)),
        header=incoming.header() if judged.ruf else b"",
        message=incoming.identifier,
    )


def _disposition(judged: dmarc.Finding, verdict: Verdict) -> Disposition:
    if judged.result is dmarc.Result.PASS:
        return Disposition.PASS
    if verdict.reply is not None and verdict.reply.cause in _REFUSED_FOR_DMARC:
        return Disposition.REJECT if verdict.dmarc == "reject" else Disposition.NONE
    return Disposition.QUARANTINE if verdict.quarantine else Disposition.NONE


def _deviations(judged: dmarc.Finding, verdict: Verdict, rules: Rules) -> list[Deviation]:
    if judged.result is not dmarc.Result.FAIL:
        return []
    if verdict.overridden:
        return [Deviation(Override.TRUSTED_FORWARDER, "arc=pass")]
    if judged.testing:
        return [Deviation(Override.POLICY_TEST_MODE)]
    if rules.dmarc is not Mode.ENFORCE and judged.policy is not dmarc.Policy.NONE:
        return [Deviation(Override.LOCAL_POLICY, "DMARC is not enforced here")]
    return []


def _signature(finding: dkim.Finding) -> Signature:
    return Signature(finding.domain, finding.selector, str(finding.result))
