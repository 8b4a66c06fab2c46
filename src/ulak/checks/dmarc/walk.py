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
    """A walk that began at `domain`. Where an answer did not come it is not `complete`."""

    domain: str
    steps: tuple[Step, ...]
    complete: bool = True

    @property
    def found(self) -> tuple[Step, ...]:
        """The steps with a record, from the longest name to the shortest."""
        return tuple(step for step in self.steps if step.record is not None)

    @property
    def organizational(self) -> str:
        """The organizational domain (§4.10.2), `domain` itself where no record tells."""
        return self._organizational[0]

    @property
    def why(self) -> Reason:
        """Say which rule of §4.10.2 found the organizational domain."""
        return self._organizational[1]

    @property
    def _organizational(self) -> tuple[str, Reason]:
        found = self.found
        for step in found:
            assert step.record is not None  # noqa: S101 -- what `found` is
            if step.record.psd == "n":
                facts = {"domain": self.domain, "organizational": step.domain}
                return step.domain, because("dmarc.organizational-psd-n", **facts)
            if step.record.psd == "y" and step.domain != self.domain:
                below = _one_label_below(self.domain, step.domain)
                facts = {"domain": self.domain, "organizational": below, "suffix": step.domain}
                return below, because("dmarc.organizational-psd-y", **facts)
        if found:
            last = found[-1].domain
            facts = {"domain": self.domain, "organizational": last}
            return last, because("dmarc.organizational-shortest", **facts)
        return self.domain, because("dmarc.organizational-itself", domain=self.domain)

    @property
    def policy(self) -> Step | None:
        """The step whose record is the one to apply (§4.10.1).

        It is the domain's own, else that of its organizational domain, else that of the public
        suffix above.
        """
        organizational = self.organizational
        by_name = {step.domain: step for step in self.found}
        own = by_name.get(self.domain) or by_name.get(organizational)
        if own is not None:
            return own
        return next((s for s in self.found if s.record is not None and s.record.psd == "y"), None)


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
                return Walk(domain, tuple(steps), complete=False)
            if step.record is not None and step.record.psd in ("y", "n"):
                break
        return Walk(domain, tuple(steps))

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
