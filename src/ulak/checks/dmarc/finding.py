"""DMARC: what the owner of an author's domain asks for a message (RFC 9989 §5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ulak.checks.asking import not_answered
from ulak.checks.dmarc import author as reading
from ulak.checks.dmarc.alignment import DkimFinding, Identifier, SpfFinding, align, identifiers
from ulak.checks.dmarc.record import Policy, Record
from ulak.checks.dmarc.uris import ReportURI
from ulak.checks.dmarc.walk import Walk, Walker
from ulak.checks.gather import Gather, one_by_one
from ulak.checks.reason import Reason, because
from ulak.dns.names import to_ascii
from ulak.dns.records import Answer, Resolver, Status

_LESS = {Policy.REJECT: Policy.QUARANTINE, Policy.QUARANTINE: Policy.NONE, Policy.NONE: Policy.NONE}


class Result(StrEnum):
    """What RFC 9989 §9.2 and RFC 8601 §2.7 call it."""

    NONE = "none"
    PASS = "pass"  # noqa: S105 -- the word of RFC 8601
    FAIL = "fail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one author's domain, in A-labels.

    `record_domain` is where the record that applies is published, `record` its text and
    `published` what it says. `policy` is what the owner asks for this mail, one level less where
    the record is for `testing` (t=y); it is to be followed where `result` is `fail`. `aligned` are
    the identifiers that passed. `authors` are all domains of authors that were judged: the finding
    is then the strictest (§11.5).
    """

    result: Result
    from_domain: str
    reasons: tuple[Reason, ...] = ()
    trace: tuple[Answer, ...] = ()
    record_domain: str = ""
    organizational_domain: str = ""
    record: str = ""
    policy: Policy = Policy.NONE
    testing: bool = False
    aligned: tuple[Identifier, ...] = ()
    rua: tuple[ReportURI, ...] = ()
    ruf: tuple[ReportURI, ...] = ()
    published: Record | None = None
    authors: tuple[str, ...] = ()

    @property
    def spf_aligned(self) -> bool:
        """Whether SPF passed for a domain of the author's."""
        return any(one.method == "spf" for one in self.aligned)

    @property
    def dkim_aligned(self) -> bool:
        """Whether a signature passed for a domain of the author's."""
        return any(one.method == "dkim" for one in self.aligned)


async def check(
    resolver: Resolver,
    *,
    from_domain: str,
    spf: SpfFinding | None = None,
    dkim: Sequence[DkimFinding] = (),
    gather: Gather = one_by_one,
) -> Finding:
    """Judge one author's domain by what SPF and DKIM found. `dkim` has a finding per signature."""
    domain = to_ascii(from_domain)
    if not domain:
        reason = because("dmarc.not-a-domain", domain=from_domain or "?")
        return Finding(Result.PERMERROR, "", (reason,))
    walker = Walker(resolver)
    judging = _Judging(walker, await walker.walk(domain), gather)
    return await judging.finding(spf, dkim)


async def check_header(
    resolver: Resolver,
    *,
    header: bytes,
    spf: SpfFinding | None = None,
    dkim: Sequence[DkimFinding] = (),
    gather: Gather = one_by_one,
) -> Finding:
    """Judge a message by its header: every author it names, and the strictest finding counts.

    A header without an author that can be read is a `permerror`; so is one where somebody could
    be hidden, unless a finding is stricter than that (§11.5).
    """
    found = reading.read(header)
    if not found.domains:
        return Finding(Result.PERMERROR, "", found.reasons)
    findings = await gather(
        *(
            check(resolver, from_domain=domain, spf=spf, dkim=dkim, gather=gather)
            for domain in found.domains
        )
    )
    strictest = max(findings, key=_strictness)
    if not found.whole and _strictness(strictest) < _strictness(_BROKEN):
        strictest = replace(strictest, result=Result.PERMERROR)
    trace = tuple(dict.fromkeys(answer for finding in findings for answer in finding.trace))
    if len(findings) > 1:
        because_of = because(
            "dmarc.strictest", domain=strictest.from_domain, result=strictest.result
        )
        steps = [
            because("dmarc.author-found", domain=f.from_domain, result=f.result, policy=f.policy)
            for f in findings
        ]
        reasons = (*found.reasons, *strictest.reasons, *steps, because_of)
    else:
        reasons = (*found.reasons, *strictest.reasons)
    return replace(strictest, reasons=reasons, trace=trace, authors=found.domains)


_BROKEN = Finding(Result.PERMERROR, "")


def _strictness(finding: Finding) -> int:
    """Order findings by what may follow: a refusal, no answer yet, a folder, nothing."""
    if finding.result is Result.FAIL:
        return {Policy.REJECT: 6, Policy.QUARANTINE: 4, Policy.NONE: 2}[finding.policy]
    return {Result.TEMPERROR: 5, Result.PERMERROR: 3, Result.NONE: 1, Result.PASS: 0}[
        finding.result
    ]


@dataclass(slots=True)
class _Judging:
    """One domain, after the walk."""

    walker: Walker
    walk: Walk
    gather: Gather

    async def finding(self, spf: SpfFinding | None, dkim: Sequence[DkimFinding]) -> Finding:
        walk, walker = self.walk, self.walker
        domain = walk.domain
        reasons = [because("dmarc.author", domain=domain), *walker.tell(walk)]
        if walk.complete:
            reasons.append(walk.why)
        elif walk.steps[0].record is None:
            reasons.append(because("dmarc.unsure", domain=domain))
            return self._end(Result.TEMPERROR, reasons)
        step = walk.policy
        if step is None or step.record is None:
            reasons.append(because("dmarc.no-record", domain=domain))
            return self._end(Result.NONE, reasons)
        where, record = step.domain, step.record
        reasons += record.mistakes
        if not record.applies:
            reasons.append(because("dmarc.not-applied", record_domain=where))
            result = Result.PERMERROR if record.spoiled else Result.NONE
            return self._end(result, reasons, where, record)

        found, why = identifiers(spf, dkim)
        strict = {"spf": record.strict_spf, "dkim": record.strict_dkim}
        alignment = await align(walker, walk, found, strict=strict, gather=self.gather)
        reasons += [*why, *alignment.reasons]
        policy, known = await self._asked(where, record, reasons)
        if alignment.aligned:
            result = Result.PASS
            reasons.append(because("dmarc.pass", domain=domain))
        elif alignment.unsure or not known:
            result = Result.TEMPERROR
            reasons.append(because("dmarc.unsure", domain=domain))
        else:
            result = Result.FAIL
            reasons.append(because("dmarc.fail", domain=domain, policy=policy))
        return self._end(result, reasons, where, record, policy, alignment.aligned)

    async def _asked(
        self, where: str, record: Record, reasons: list[Reason]
    ) -> tuple[Policy, bool]:
        """Give what the owner asks for, and whether that is known."""
        domain = self.walk.domain
        below, exists, known = domain != where, True, True
        if below and record.sound and record.nonexistent not in (None, record.asks(below=True)[0]):
            # RFC 8020: a name does not exist where DNS says NXDOMAIN, and only there (§3.2.13).
            answer = await self.walker.resolver.resolve(domain, "A")
            self.walker.trace.append(answer)
            exists, known = answer.status is not Status.NXDOMAIN, not answer.failed
            if not known:
                reasons.append(not_answered(answer))
            elif exists:
                reasons.append(because("dmarc.exists", domain=domain))
            else:
                reasons.append(because("dmarc.does-not-exist", domain=domain))
        policy, tag = record.asks(below=below, exists=exists)
        if tag:
            facts = {"record_domain": where, "policy": policy, "tag": tag}
            reasons.append(because("dmarc.asks", **facts))
        else:
            reasons.append(because("dmarc.stands-for-none", record_domain=where))
        if record.testing and policy is not Policy.NONE:
            policy = _LESS[policy]
            reasons.append(because("dmarc.testing", policy=policy))
        return policy, known

    def _end(
        self,
        result: Result,
        reasons: list[Reason],
        where: str = "",
        record: Record | None = None,
        policy: Policy = Policy.NONE,
        aligned: tuple[Identifier, ...] = (),
    ) -> Finding:
        walk = self.walk
        return Finding(
            result,
            walk.domain,
            tuple(reasons),
            tuple(self.walker.trace),
            record_domain=where,
            organizational_domain=walk.organizational if walk.complete else "",
            record=record.text if record else "",
            policy=policy,
            testing=record.testing if record else False,
            aligned=aligned,
            rua=record.rua if record else (),
            ruf=record.ruf if record else (),
            published=record,
            authors=(walk.domain,),
        )
