"""One site: its terms for each source, and who may begin an attempt now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ulak.delivery.site.grant import FULL, Gate, Grant, Wait, Why
from ulak.delivery.site.pace import Rate
from ulak.delivery.site.share import Member, Sharer
from ulak.delivery.site.terms import Terms
from ulak.delivery.site.window import Learning

_ALONE = Member()
Gates = Callable[[str, str], Gate | None]
"""Give what else lets attempts from a source to a site begin."""


def no_gate(_source: str, _site: str) -> Gate | None:
    """Let all begin."""
    return None


class Site:
    """The terms of one site by source. One that does not `learn` has its full window always.

    `provider` is whose hosts these are, `""` where nobody knows.
    """

    __slots__ = (
        "_gates",
        "_learning",
        "_member",
        "_rate",
        "learns",
        "lines",
        "name",
        "provider",
        "terms",
    )

    def __init__(
        self,
        name: str,
        learning: Learning,
        rate: Rate | None = None,
        *,
        learns: bool = True,
        gates: Gates = no_gate,
        member: Sharer = _ALONE,
    ) -> None:
        self.name = name
        self.provider = ""
        self._gates = gates
        self.learns = learns
        self.lines = 0  # that hold on to it
        self.terms: dict[str, Terms] = {}
        self._learning = learning
        self._rate = rate
        self._member = member

    def of(self, source: str) -> Terms:
        """Give the terms of a source."""
        terms = self.terms.get(source)
        if terms is None:
            terms = self.terms[source] = Terms(
                source,
                self._learning,
                self._rate,
                learns=self.learns,
                gate=self._gates(source, self.name),
                member=self._member,
                place=(self.name, source),
            )
        return terms

    def wait(self, sources: Sequence[str], now: float) -> Wait | None:
        """Say what an attempt from one of these has to wait for, None for nothing."""
        waits: list[Wait] = []
        for source in sources:
            terms = self.terms.get(source)
            wait = (self.of(source) if terms is None else terms).wait(now)
            if wait is None:
                return None
            waits.append(wait)
        return _first(waits)

    def begin(self, sources: Sequence[str], now: float) -> Grant | Wait:
        """Begin an attempt from the first of these sources that may, or say when to ask again."""
        waits: list[Wait] = []
        for source in sources:
            terms = self.terms.get(source) or self.of(source)
            wait = terms.wait(now)
            if wait is None:
                grant = terms.begin(now)
                return replace(grant, instead=waits[0].why) if waits else grant
            waits.append(wait)
        return _first(waits)

    def divide(self, wider: float) -> bool:
        """Have its terms take their parts of limits; whether there is more room by that."""
        more = [terms.divide(wider) for terms in self if self.learns]
        return any(more)

    def room(self, sources: Iterable[str], span: float) -> float:
        """Say for how many attempts mail should be at hand, for so many seconds, from all of these.

        Those that may be under way at a time; fewer where not as many may begin in the span.
        """
        total = 0.0
        for source in sources:
            terms = self.terms.get(source) or self.of(source)
            room: float = min(int(terms.window.size), terms.share)
            if terms.pace.interval:
                room = min(room, span / terms.pace.interval / 10)
            total += room
        return total

    @property
    def suspended(self) -> bool:
        """Whether a source is suspended here."""
        return any(terms.suspension is not None for terms in self.terms.values())

    @property
    def busy(self) -> bool:
        """Whether attempts are under way, or wait."""
        return bool(self.lines) or any(terms.busy for terms in self.terms.values())

    @property
    def learned(self) -> bool:
        """Whether there is something that it would be a pity to forget."""
        return any(terms.learned for terms in self.terms.values())

    def __iter__(self) -> Iterator[Terms]:
        """Give the terms of all sources."""
        return iter(self.terms.values())


def _first(waits: Sequence[Wait]) -> Wait:
    """Give the wait that is over first.

    An attempt that ends may make room long before the time that another source says.
    """
    soonest = min(waits, key=lambda wait: wait.until, default=FULL)
    if len(waits) > 1 and soonest.why is not Why.PACE and FULL in waits:
        return FULL
    return soonest
