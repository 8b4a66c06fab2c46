"""A domain's record with all that it includes, whoever the client may be.

An evaluation stops where a client matches, so a record that is too long for some clients works
for others. A survey walks the whole tree: it counts what the unluckiest client would count, and
finds what leads nowhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from ulak.checks.asking import not_answered
from ulak.checks.gather import Gather, one_by_one
from ulak.checks.reason import Reason, because
from ulak.checks.spf.questions import MOST_LOOKUPS, MOST_NAMES, MOST_VOID_LOOKUPS, Questions
from ulak.checks.spf.record import ASKING, Directive, Record, parse, select
from ulak.checks.spf.review import review
from ulak.checks.spf.sender import is_fit
from ulak.dns.names import to_ascii
from ulak.dns.records import Answer, Resolver

_MOST_RECORDS = 30  # read for one survey
_MOST_TERMS = 60  # that ask DNS


@dataclass(frozen=True, slots=True)
class Branch:
    """One term that asks DNS, `depth` records below the domain's own, where 0 is its own.

    `lookups` and `void` are what it costs with all below it; `lost` where it leads to no record.
    """

    depth: int
    term: str
    lookups: int
    void: int
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Survey:
    """What a domain publishes. `record` is its own, None where there is none or more than one.

    `lookups` and `void_lookups` are what a client that nothing matches would use up, `records` the
    domains whose records were read, in that order, each with its text. `works` is whether every
    client gets an answer that is no error. `tree` are its terms that ask DNS, each followed by
    those of the record that it leads to.
    """

    domain: str
    record: Record | None
    lookups: int
    void_lookups: int
    works: bool
    records: tuple[tuple[str, str], ...]
    reasons: tuple[Reason, ...]
    trace: tuple[Answer, ...]
    tree: tuple[Branch, ...] = ()


async def survey(resolver: Resolver, *, domain: str, gather: Gather = one_by_one) -> Survey:
    """Read the record of a domain, and those that it leads to."""
    name = to_ascii(domain)
    walk = _Walk(Questions(resolver, gather))
    if name is None or not is_fit(name):
        walk.wrong(because("spf.not-a-domain", name=domain))
        record = None
    else:
        record = await walk.read(name, ())
    questions = walk.questions
    if walk.lookups > MOST_LOOKUPS:
        walk.wrong(because("spf.survey-lookups", count=walk.lookups, limit=MOST_LOOKUPS))
    elif walk.lookups:
        walk.tell(because("spf.survey-counted", count=walk.lookups, limit=MOST_LOOKUPS))
    if walk.void > MOST_VOID_LOOKUPS:
        walk.wrong(because("spf.survey-void", count=walk.void, limit=MOST_VOID_LOOKUPS))
    return Survey(
        name if name is not None else domain,
        record,
        walk.lookups,
        walk.void,
        walk.works,
        tuple(walk.records.items()),
        tuple(questions.reasons),
        tuple(questions.trace),
        tuple(walk.tree),
    )


class _Walk:
    """One walk. A record that several terms lead to is told of once and counted each time."""

    def __init__(self, questions: Questions) -> None:
        self.questions = questions
        self.lookups = 0
        self.void = 0
        self.works = True
        self.records: dict[str, str] = {}
        self.tree: list[Branch] = []
        self.lost = 0  # terms that lead to no record
        self._read = 0

    def tell(self, reason: Reason) -> None:
        self.questions.reasons.append(reason)

    def wrong(self, reason: Reason) -> None:
        self.works = False
        self.tell(reason)

    async def read(self, domain: str, above: Sequence[str]) -> Record | None:
        """Read the record of a domain; `above` are the domains on the way to it."""
        self._read += 1
        answer = await self.questions.ask(domain, "TXT")
        if answer.failed:
            self.wrong(not_answered(answer))
            return None
        texts = select(answer.records)
        if len(texts) != 1:
            if texts:
                self.wrong(because("spf.several-records", domain=domain, count=len(texts)))
            elif answer.absent:
                self.wrong(because("spf.no-text", domain=domain, status=answer.status))
            else:
                self.wrong(because("spf.no-record", domain=domain))
            return None
        record = parse(texts[0])
        if domain not in self.records:
            self.records[domain] = record.text
            self.tell(because("spf.record", domain=domain, record=record.text))
            self.questions.reasons += review(record)
        if record.mistakes:
            self.works = False
            return record
        for directive in record.directives:
            if directive.name == "all":
                return record
            if directive.name in ASKING and self._counted():
                await self._branch(directive.text, self._follow(directive, domain, above), above)
        if record.redirect is not None and self._counted():
            redirect = record.redirect
            onward = self._onward(redirect.text, redirect.value.text, domain, above)
            await self._branch(redirect.text, onward, above)
        return record

    async def _branch(self, term: str, walk: Awaitable[None], above: Sequence[str]) -> None:
        """Follow a term that has been counted, and note what it costs with all below it."""
        at, lookups, void, wrong = len(self.tree), self.lookups, self.void, self.lost
        self.tree.append(Branch(len(above), term, 1, 0))
        await walk
        cost = self.lookups - lookups + 1
        lost = self.lost > wrong
        self.tree[at] = Branch(len(above), term, cost, self.void - void, lost)

    def _counted(self) -> bool:
        self.lookups += 1
        return self.lookups <= _MOST_TERMS

    async def _follow(self, directive: Directive, domain: str, above: Sequence[str]) -> None:
        """See where one term leads."""
        target = directive.target
        text = domain if target is None else target.text
        if directive.name == "include":
            await self._onward(directive.text, text, domain, above)
            return
        if directive.name in ("ptr", "exists") or "%" in text:
            return  # these depend on who sends
        name = to_ascii(text)
        if name is None:
            self.wrong(because("spf.no-such-name", term=directive.text, domain=domain))
            return
        kinds = ("MX",) if directive.name == "mx" else ("A", "AAAA")
        answers = [await self.questions.ask(name, kind) for kind in kinds]
        for answer in answers:
            if answer.failed:
                self.wrong(not_answered(answer))
        if all(answer.absent for answer in answers):
            self.void += 1
            self.tell(because("spf.survey-nothing", term=directive.text, domain=domain, name=name))
        if (count := len(answers[0].exchanges)) > MOST_NAMES:
            self.wrong(
                because(
                    "spf.too-many-mx", term=directive.text, domain=domain, name=name, count=count
                )
            )

    async def _onward(self, term: str, text: str, domain: str, above: Sequence[str]) -> None:
        """Read the record that an include or a redirect leads to."""
        if "%" in text:
            self.tell(because("spf.survey-depends", term=term, domain=domain))
            return
        name = to_ascii(text)
        way = (*above, domain)
        if name is None or not is_fit(name):
            self.lost += 1
            self.wrong(because("spf.no-such-name", term=term, domain=domain))
        elif name in way:
            self.lost += 1
            self.wrong(because("spf.survey-loop", term=term, domain=domain, way=" → ".join(way)))
        elif self._read < _MOST_RECORDS and await self.read(name, way) is None:
            self.lost += 1
            self.wrong(because("spf.include-without-record", term=term, domain=domain))
