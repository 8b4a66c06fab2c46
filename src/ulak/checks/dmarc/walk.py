"""The walk up the tree of DNS, and the organizational domain it finds (RFC 9989 §4.10)."""

from __future__ import annotations

from dataclasses import dataclass, field

from ulak.checks.asking import not_answered
from ulak.checks.dmarc.record import Record, is_record, printable, read, resembles
from ulak.checks.reason import Reason, because
from ulak.dns.records import Answer, Resolver

_QUERIES = 8  # §4.10: no walk asks more often


@dataclass(frozen=True, slots=True)
class Step:
    """What one name on the way has: its one DMARC Policy Record, or None."""

    domain: str
    record: Record | None
    answer: Answer
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk that began at `domain`. Where an answer did not come it is not `complete`.

    `organizational` is the organizational domain, `domain` itself where no record tells, and
    `why` the rule of §4.10.2 that found it.
    """

    domain: str
    steps: tuple[Step, ...]
    complete: bool
    organizational: str
    why: Reason

    @property
    def policy(self) -> Step | None:
        """The step whose record is the one to apply (§4.10.1).

        It is the domain's own, else that of its organizational domain, else that of the public
        suffix above.
        """
        found = [step for step in self.steps if step.record is not None]
        by_name = {step.domain: step for step in found}
        own = by_name.get(self.domain) or by_name.get(self.organizational)
        if own is not None:
            return own
        return next((s for s in found if s.record is not None and s.record.psd == "y"), None)


def concluded(domain: str, steps: tuple[Step, ...], *, complete: bool = True) -> Walk:
    """Select the organizational domain from what a walk found (§4.10.2)."""
    selected, why = "", None
    for step in steps:  # from the longest name to the shortest
        if step.record is None:
            continue
        selected = step.domain
        if step.record.psd == "n":
            facts = {"domain": domain, "organizational": selected}
            why = because("dmarc.organizational-psd-n", **facts)
            break
        if step.record.psd == "y" and step.domain != domain:
            selected = _one_label_below(domain, step.domain)
            facts = {"domain": domain, "organizational": selected, "suffix": step.domain}
            why = because("dmarc.organizational-psd-y", **facts)
            break
    if not selected:
        why = because("dmarc.organizational-itself", domain=domain)
    elif why is None:
        facts = {"domain": domain, "organizational": selected}
        why = because("dmarc.organizational-shortest", **facts)
    return Walk(domain, steps, complete, selected or domain, why)


@dataclass(slots=True)
class Walker:
    """Walks, asks no name twice, and tells of none twice.

    `trace` are the answers in the order in which they came.
    """

    resolver: Resolver
    trace: list[Answer] = field(default_factory=list)
    known: dict[str, Step] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    async def walk(self, domain: str) -> Walk:
        """Walk up from a domain (in A-labels, without a last dot)."""
        steps: list[Step] = []
        for name in targets(domain):
            step = await self.step(name)
            steps.append(step)
            if step.answer.failed:
                return concluded(domain, tuple(steps), complete=False)
            if step.record is not None and step.record.psd in ("y", "n"):
                break
        return concluded(domain, tuple(steps))

    async def step(self, domain: str) -> Step:
        """Ask one name for its record, or give what is known of it."""
        step = self.known.get(domain)
        if step is None:
            answer = await self.resolver.resolve(f"_dmarc.{domain}", "TXT")
            self.trace.append(answer)
            step = self.known[domain] = look(domain, answer)
        return step

    def tell(self, walk: Walk) -> list[Reason]:
        """Give what a walk found at the names that nothing has been told of yet."""
        new = [step for step in walk.steps if step.domain not in self.told]
        self.told.update(step.domain for step in new)
        return [reason for step in new for reason in step.reasons]


def targets(domain: str) -> tuple[str, ...]:
    """Give the names that are asked for a domain, at most eight (§4.10).

    A name of more than eight labels is asked itself, and then its last seven.
    """
    labels = domain.split(".")
    rest = labels[max(1, len(labels) - _QUERIES + 1) :]
    return (domain, *(".".join(rest[at:]) for at in range(len(rest))))


def look(domain: str, answer: Answer) -> Step:
    """Tell what the TXT records of `_dmarc.domain` say: one record, or none."""
    name = f"_dmarc.{domain}"
    if answer.failed:
        return Step(domain, None, answer, (not_answered(answer),))
    texts = [record for record in answer.records if isinstance(record, bytes)]
    records = [text for text in texts if is_record(text)]
    reasons: list[Reason] = []
    for text in texts:
        if resembles(text):
            reasons.append(because("dmarc.misspelt", name=name, record=printable(text[:400])))
            break
    if len(records) > 1:
        reasons.append(because("dmarc.several", name=name, count=len(records)))
        return Step(domain, None, answer, tuple(reasons))
    if not records:
        key = because("dmarc.no-record-there", name=name, status=answer.status)
        return Step(domain, None, answer, (*reasons, key))
    reasons.append(because("dmarc.found", name=name, record=printable(records[0][:400])))
    return Step(domain, read(records[0]), answer, tuple(reasons))


def _one_label_below(domain: str, suffix: str) -> str:
    above = suffix.count(".") + 1
    return ".".join(domain.split(".")[-above - 1 :])
