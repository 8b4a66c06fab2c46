"""Who has sent mail as us, over all reports: one line for each address, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from ulak.reports.aggregate import Aggregate, Row

_NAMED = 5


class Advice(StrEnum):
    """What a source is, as far as reports tell, and so what to do."""

    WELL = "well"  # everything passes
    FORWARDED = "forwarded"  # signatures pass and SPF does not, as after forwarding
    UNSIGNED = "unsigned"  # SPF passes and no signature of ours does: mail that forwarding breaks
    FOREIGN = "foreign"  # it is somebody's own mail server, under another name than ours
    BROKEN = "broken"  # it signs as us, and the signature fails
    UNKNOWN = "unknown"  # nothing passes
    MIXED = "mixed"  # some of it passes


@dataclass(slots=True)
class Source:
    """What came from one address. `others` are domains for which SPF or DKIM passed beside ours."""

    ip: str
    messages: int = 0
    passed: int = 0
    dkim: int = 0
    spf: int = 0
    refused: int = 0
    signed: int = 0  # messages with a signature of one of our names, whatever came of it
    domains: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)

    @property
    def advice(self) -> Advice:
        """Say what the source is."""
        if self.passed == self.messages:
            if self.dkim == self.spf == self.messages:
                return Advice.WELL
            return Advice.FORWARDED if self.dkim >= self.spf else Advice.UNSIGNED
        if self.passed:
            return Advice.MIXED
        if self.signed:
            return Advice.BROKEN
        return Advice.FOREIGN if self.others else Advice.UNKNOWN

    @property
    def named(self) -> tuple[str, ...]:
        """The names that tell who it is, the most frequent first."""
        return tuple(name for name, _ in self.others.most_common(_NAMED))


def sources(reports: Iterable[Aggregate]) -> tuple[Source, ...]:
    """Add up reports; who sent most comes first."""
    found: dict[str, Source] = {}
    for report in reports:
        for row in report.rows:
            _add(found.setdefault(row.ip, Source(row.ip)), row)
    return tuple(sorted(found.values(), key=lambda source: (-source.messages, source.ip)))


def _add(source: Source, row: Row) -> None:
    source.messages += row.count
    source.passed += row.count * row.passed
    source.dkim += row.count * (row.dkim == "pass")
    source.spf += row.count * (row.spf == "pass")
    source.refused += row.count * (row.disposition in ("quarantine", "reject"))
    source.domains[row.from_domain] += row.count
    own = row.from_domain
    source.signed += row.count * any(_ours(each.domain, own) for each in row.signatures)
    names = {each.domain for each in row.signatures if each.result == "pass"}
    names |= {each.domain for each in row.senders if each.result == "pass"}
    for name in names:
        if name and not _ours(name, own):
            source.others[name] += row.count


def _ours(name: str, own: str) -> bool:
    return bool(name) and (name == own or own.endswith(f".{name}") or name.endswith(f".{own}"))
