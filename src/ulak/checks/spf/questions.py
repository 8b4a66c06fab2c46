"""What an evaluation asks of DNS: the answers, the counts and their limits (RFC 7208 §4.6.4)."""

from __future__ import annotations

from collections.abc import Sequence

from ulak.checks.asking import not_answered
from ulak.checks.gather import Gather
from ulak.checks.reason import Reason, because
from ulak.checks.spf.finding import Result
from ulak.dns.records import Answer, Resolver

MOST_LOOKUPS = 10  # terms that ask DNS
MOST_VOID_LOOKUPS = 2  # of these, such as find nothing
MOST_NAMES = 10  # of one `mx`, and of the client's PTR records

_TOLD = 12  # names or addresses in one sentence


class Questions:
    """Asks, keeps what was answered, and tells what follows when nothing was found.

    A term counts once, and is void once, however many names it leads to: what the limit counts
    is terms. An `mx` whose hosts have no address of the client's kind is no void look-up; else no
    IPv6 client could pass where three hosts are reached by IPv4 only.
    """

    def __init__(self, resolver: Resolver, gather: Gather) -> None:
        self.reasons: list[Reason] = []
        self.trace: list[Answer] = []
        self.lookups = 0
        self.void_lookups = 0
        self._resolver, self._gather = resolver, gather

    async def ask(self, name: str, kind: str) -> Answer:
        """Ask one question."""
        answer = await self._resolver.resolve(name, kind)
        self.trace.append(answer)
        return answer

    async def ask_all(self, names: Sequence[str], kind: str) -> Sequence[Answer]:
        """Ask for one kind at several names; the answers are in the order of the names."""
        answers = await self._gather(*(self._resolver.resolve(name, kind) for name in names))
        self.trace += answers
        return answers

    def count(self, term: str, domain: str) -> bool:
        """Count a term that asks DNS; False if it is one too many."""
        if self.lookups >= MOST_LOOKUPS:
            self.reasons.append(
                because("spf.too-many-lookups", term=term, domain=domain, limit=MOST_LOOKUPS)
            )
            return False
        self.lookups += 1
        return True

    def stopped(self, answer: Answer, term: str, domain: str) -> Result | bool | None:
        """Say what follows when a term's question got no records; None if it got some."""
        if answer.failed:
            self.reasons.append(not_answered(answer))
            return Result.TEMPERROR
        if not answer.absent:
            return None
        self.void_lookups += 1
        self.reasons.append(
            because(
                "spf.void",
                term=term,
                domain=domain,
                name=answer.name,
                kind=answer.kind,
                lookup=self.lookups,
                void=self.void_lookups,
            )
        )
        if self.void_lookups <= MOST_VOID_LOOKUPS:
            return False
        self.reasons.append(
            because("spf.too-many-void", term=term, domain=domain, limit=MOST_VOID_LOOKUPS)
        )
        return Result.PERMERROR


def listed(texts: Sequence[str]) -> str:
    """Give a few of many, for a sentence."""
    shown = ", ".join(texts[:_TOLD])
    return f"{shown}, …" if len(texts) > _TOLD else shown or "-"
