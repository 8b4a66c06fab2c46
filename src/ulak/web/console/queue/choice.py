"""What of the queue somebody has chosen: a filter, as an address and a form have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlencode

from ulak.language.case import lower
from ulak.queue.item import Selection, State

HOUR, DAY = 3600.0, 86_400.0
AGES: Mapping[str, float] = MappingProxyType(
    {"1h": HOUR, "6h": 6 * HOUR, "1d": DAY, "3d": 3 * DAY, "7d": 7 * DAY}
)
"""How old at least, in seconds."""

MEANT: Mapping[str, State | None] = MappingProxyType(
    {
        "retry": State.READY,
        "hold": State.READY,
        "release": State.HELD,
        "bounce": None,
        "drop": None,
    }
)
"""What can be done, and for recipients in which state; None: in any."""

_LONGEST = 320  # characters


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter of the queue; empty, it lets everything through. `age` is a key of AGES."""

    domain: str = ""
    cause: str = ""
    state: State | None = None
    age: str = ""

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Choice:
        """Read a filter; what is none is not looked at."""
        domain, cause, state, age = (
            _text(given, key) for key in ("domain", "cause", "state", "age")
        )
        return cls(
            lower(domain.rpartition("@")[2]),
            cause,
            State(state) if state in list(State) else None,
            age if age in AGES else "",
        )

    def selection(
        self, now: float, ids: tuple[str, ...] = (), before: float | None = None
    ) -> Selection:
        """Give the recipients that are meant, `before` a time at most: what came later is not."""
        limits = [now - AGES[self.age]] if self.age else []
        limits += [before] if before is not None else []
        return Selection(
            ids,
            self.domain,
            self.cause,
            everything=True,
            state=self.state,
            before=min(limits) if limits else None,
        )

    def fields(self) -> dict[str, str]:
        """Give the filter as the fields of a form, without those that say nothing."""
        given = {
            "domain": self.domain,
            "cause": self.cause,
            "state": self.state.value if self.state else "",
            "age": self.age,
        }
        return {name: value for name, value in given.items() if value}

    def query(self, **more: str) -> str:
        """Give the filter as the query of an address; what `more` gives takes its place."""
        return urlencode({k: v for k, v in (self.fields() | more).items() if v})

    def __bool__(self) -> bool:
        return bool(self.fields())


def _text(given: Mapping[str, object], key: str) -> str:
    value = given.get(key, "")
    return value.strip()[:_LONGEST] if isinstance(value, str) else ""
