"""What a queue is made of: by state, by cause, by domain; of one store or of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ulak.queue.item import Counts, State


@dataclass(frozen=True, slots=True)
class Share:
    """What is queued for one domain: recipients, those that are held, and when the next is due."""

    queued: int
    held: int = 0
    due: float | None = None


@dataclass(frozen=True, slots=True)
class Depth:
    """The counts of a queue. Times are in seconds since the epoch.

    `due` are the recipients that could be tried now, `oldest` is when the oldest message came.
    `by_domain` has the domains with most.
    """

    counts: Counts = field(default_factory=Counts)
    due: int = 0
    oldest: float | None = None
    by_cause: Mapping[str, int] = field(default_factory=dict)
    by_domain: Mapping[str, Share] = field(default_factory=dict)


def together(depths: Iterable[Depth]) -> Depth:
    """Add up what several stores hold."""
    messages = due = 0
    oldest: float | None = None
    by_state: dict[State, int] = dict.fromkeys(State, 0)
    by_cause: Counter[str] = Counter()
    by_domain: dict[str, Share] = {}
    for depth in depths:
        messages += depth.counts.messages
        due += depth.due
        oldest = _earlier(oldest, depth.oldest)
        by_cause.update(depth.by_cause)
        for state, number in depth.counts.by_state.items():
            by_state[state] += number
        for domain, share in depth.by_domain.items():
            known = by_domain.get(domain, Share(0))
            by_domain[domain] = Share(
                known.queued + share.queued, known.held + share.held, _earlier(known.due, share.due)
            )
    return Depth(Counts(messages, by_state), due, oldest, by_cause, by_domain)


def _earlier(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)
