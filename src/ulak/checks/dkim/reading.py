"""Whether the signatures of a message hold (RFC 6376 §6): each with its reasons."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from ulak.checks.dkim import key, signature
from ulak.checks.dkim.canonical import Form
from ulak.checks.dkim.changed_body import ChangedBody
from ulak.checks.dkim.changed_header import Case, Trials, changes
from ulak.checks.dkim.finding import Finding, Limits, Result
from ulak.checks.dkim.hashing import BodyHashes
from ulak.checks.dkim.header import SignedHeader
from ulak.checks.dkim.key import Fault, KeyRecord
from ulak.checks.dkim.signature import Signature
from ulak.checks.gather import Gather, one_by_one
from ulak.checks.reason import Reason, because
from ulak.dns.records import Answer, Resolver
from ulak.mail import message as mail

LIMITS = Limits()
_BODY_FITS = because("dkim.body-fits")
_HEADER_FITS = because("dkim.header-fits")
_SHORTEST_PREFIX = 8  # RFC 6008 §3


async def verify(
    resolver: Resolver,
    message: bytes,
    *,
    now: float,
    gather: Gather = one_by_one,
    limits: Limits = LIMITS,
) -> tuple[Finding, ...]:
    """Verify the signatures of a message with CRLF line ends (`with_crlf` makes them of others).

    One finding for each signature, from the top; none where nothing is signed. Where there are
    more than `limits.signatures`, one more finding says how many were not looked at. `now` is in
    seconds since 1970.
    """
    header, body = mail.split(message)
    reading = Reading(header, now=now, limits=limits)
    reading.feed(body)
    findings = await reading.judge(resolver, gather=gather)
    changed = reading.again()
    if changed is None:
        return findings
    changed.feed(body)
    return changed.explain(findings)


class Reading:
    """Verifies a message that comes in pieces: its header, chunks of its body, then judgement.

    `header` is all before the empty line, with the CRLF of its last line; what is fed begins
    after the empty line. The body is gone over once for each form that signatures use. Where one
    does not fit, `again` takes the body a second time to tell what was changed:

        findings = await reading.judge(resolver)
        changed = reading.again()
        if changed is not None:
            changed.feed(chunk) …
            findings = changed.explain(findings)
    """

    __slots__ = (
        "_bodies",
        "_differing",
        "_header",
        "_limits",
        "_octets",
        "_places",
        "_signatures",
        "_trials",
        "_unseen",
    )

    def __init__(self, header: bytes, *, now: float, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._octets = header
        self._header = SignedHeader(header)
        self._trials = Trials(limits.trials)
        self._differing: dict[int, tuple[Form, bytes]] = {}
        places = self._header.places(b"dkim-signature")
        self._unseen = max(len(places) - limits.signatures, 0)
        self._places = places[: limits.signatures]
        self._signatures = [
            signature.read(self._header.fields[place][1], now, limits) for place in self._places
        ]
        self._bodies = BodyHashes(
            (one.body_form, one.length) for one in self._signatures if one.fault is None
        )

    def feed(self, chunk: bytes) -> None:
        """Take octets of the body, in pieces of any size."""
        self._bodies.feed(chunk)

    async def judge(
        self, resolver: Resolver, *, gather: Gather = one_by_one
    ) -> tuple[Finding, ...]:
        """Say that the body is at its end, ask for the keys, and judge. Only once."""
        self._bodies.finish()
        questions = list(
            dict.fromkeys(one.question for one in self._signatures if one.fault is None)
        )
        answers: dict[str, Answer] = dict(
            zip(
                questions,
                await gather(*(resolver.resolve(name, "TXT") for name in questions)),
                strict=True,
            )
        )
        prefixes = _prefixes([one.text for one in self._signatures])
        findings = [
            self._judged(one, place, answers).made(one, prefix)
            for one, place, prefix in zip(self._signatures, self._places, prefixes, strict=True)
        ]
        self._differing = {
            place: (one.body_form, one.body_hash)
            for place, (one, finding) in enumerate(zip(self._signatures, findings, strict=True))
            if one.length is None and any(r.key == "dkim.body-differs" for r in finding.reasons)
        }
        if self._unseen:
            reason = because("dkim.not-looked-at", count=self._unseen, most=self._limits.signatures)
            findings.append(Finding(Result.NEUTRAL, reasons=(reason,)))
        return tuple(findings)

    def again(self) -> ChangedBody | None:
        """Give, after `judge`, what tells how the body was changed; None where all hashes fit."""
        if not self._differing:
            return None
        return ChangedBody(self._octets, self._differing, self._limits.compared)

    def _judged(self, one: Signature, place: int, answers: dict[str, Answer]) -> _Found:
        if one.fault is not None:
            return _Found(one.fault.result, [one.fault.reason])
        answer = answers[one.question]
        records = key.records(answer, one.algorithm, self._limits)
        if isinstance(records, Fault):
            found = _Found(records.result, [records.reason])
        else:
            found = self._verified(one, place, records, answer.name)
        found.trace = (answer,)
        return found

    def _verified(
        self, one: Signature, place: int, records: Sequence[KeyRecord], name: str
    ) -> _Found:
        """Hold the signature against each key in turn; the first that fits it decides."""
        chosen = self._header.selected(one.names, place)
        signed = self._header.signing(chosen, place, one.header_form)
        first: _Found | None = None
        for record in records:
            if isinstance(record.key, Fault):
                found = _Found(record.key.result, [record.key.reason])
            else:
                fits = record.key.fits(one.octets, signed)
                found = self._compared(one, record, chosen, fits=fits)
                found.key_bits = record.key.bits
                if not fits and first is None:
                    case = Case(one, self._header, place, chosen, record.key, name)
                    found.reasons += changes(case, self._trials)
                first = found if fits else first
            found.testing = record.testing
            first = first or found
            if first.fits:
                return first
        assert first is not None  # noqa: S101 -- there is at least one record
        return first

    def _compared(
        self, one: Signature, record: KeyRecord, chosen: list[int], *, fits: bool
    ) -> _Found:
        """Put together what body and header say."""
        total = self._bodies.total(one.body_form)
        digest = self._bodies.digest(one.body_form, one.length)
        steps = [because("dkim.signed", domain=one.domain, selector=one.selector)]
        result = Result.PASS
        if digest is None:
            steps.append(because("dkim.length-beyond", length=one.length, octets=total))
            result = Result.PERMERROR
        elif hmac.compare_digest(digest, one.body_hash):
            steps.append(_BODY_FITS)
        else:
            steps.append(because("dkim.body-differs"))
            result = Result.FAIL
        if fits:
            steps.append(_HEADER_FITS)
        else:
            steps.append(because("dkim.header-differs"))
            result = Result.FAIL if result is Result.PASS else result
        fault = self._unacceptable(one, record, chosen) if result is Result.PASS else None
        if fault is not None:
            steps.append(fault.reason)
            result = fault.result
        uncovered = 0
        if result is Result.PASS and one.length is not None and one.length < total:
            uncovered = total - one.length
            steps.append(because("dkim.uncovered", octets=uncovered, covered=one.length))
        if record.testing:
            steps.append(because("dkim.testing", domain=one.domain))
        return _Found(result, steps, uncovered=uncovered, fits=fits)

    def _unacceptable(self, one: Signature, record: KeyRecord, chosen: list[int]) -> Fault | None:
        """Say why a signature that fits is not accepted, if so."""
        if record.strict and not one.within:
            reason = because("dkim.strict", identity=one.identity, domain=one.domain)
            return Fault(Result.PERMERROR, reason)
        # §8.15: a From that nobody signed may be the one that is shown.
        authors = set(self._header.places(b"from"))
        if not authors:
            return Fault(Result.PERMERROR, because("dkim.no-from"))
        unsigned = len(authors - set(chosen))
        if unsigned:
            return Fault(Result.POLICY, because("dkim.other-from", count=unsigned))
        return None


@dataclass(slots=True)
class _Found:
    """What is known of a signature while it is judged."""

    result: Result
    reasons: list[Reason]
    key_bits: int = 0
    testing: bool = False
    uncovered: int = 0
    fits: bool = False
    trace: tuple[Answer, ...] = ()

    def made(self, one: Signature, prefix: str) -> Finding:
        """Make the finding."""
        return Finding(
            self.result,
            one.domain,
            one.selector,
            one.identity,
            one.algorithm,
            self.key_bits,
            self.testing,
            one.length,
            self.uncovered,
            one.names,
            prefix,
            tuple(self.reasons),
            self.trace,
            f"{one.header_form}/{one.body_form}",
        )


def _prefixes(texts: list[str]) -> list[str]:
    """Give of each b= so much that it is told from the others, eight characters at least."""
    length = _SHORTEST_PREFIX
    if len(texts) == 1:
        return [texts[0][:length]]
    longest = max(map(len, texts), default=0)
    different = len(set(texts))
    while length < longest and len({text[:length] for text in texts}) < different:
        length += _SHORTEST_PREFIX
    return [text[:length] for text in texts]
