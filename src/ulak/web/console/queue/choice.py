"""What of the queue somebody has chosen: a filter, as an address and a form have it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlencode

from ulak.language.case import lower
from ulak.queue.item import Order, Selection, State

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
_MOST_DOMAINS = 100
_LONGEST_DOMAINS = 4_000  # characters of all together


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter of the queue; empty, it lets everything through. `age` is a key of AGES.

    `domain` is one or several, with spaces between them. `sort` is the name of an Order, after a
    `-` where it goes backwards, and `""` for the usual one; it is no part of what is chosen.
    """

    domain: str = ""
    cause: str = ""
    state: State | None = None
    age: str = ""
    address: str = ""
    sort: str = ""

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Choice:
        """Read a filter; what is none is not looked at."""
        cause, state, age, address, sort = (
            _text(given, key) for key in ("cause", "state", "age", "address", "sort")
        )
        return cls(
            joined(re.split(r"[\s,;]+", _text(given, "domain", _LONGEST_DOMAINS))),
            cause,
            State(state) if state in list(State) else None,
            age if age in AGES else "",
            address.strip("<>"),
            sort if sort.removeprefix("-") in list(Order) and sort != Order.AGE else "",
        )

    @property
    def order(self) -> Order:
        """What the listing goes by."""
        return Order(self.sort.removeprefix("-") or Order.AGE)

    @property
    def backwards(self) -> bool:
        """Whether it begins with the last."""
        return self.sort.startswith("-")

    def other(self, order: Order) -> str:
        """Give `sort` for an order, the other way round where it goes by that already."""
        if order is self.order and not self.backwards:
            return f"-{order.value}"
        return "" if order is Order.AGE else order.value

    def selection(
        self, now: float, ids: tuple[str, ...] = (), before: float | None = None
    ) -> Selection:
        """Give the recipients that are meant, `before` a time at most: what came later is not."""
        limits = [now - AGES[self.age]] if self.age else []
        limits += [before] if before is not None else []
        return Selection(
            ids,
            tuple(self.domain.split()),
            self.cause,
            everything=True,
            state=self.state,
            before=min(limits) if limits else None,
            address=self.address,
        )

    def fields(self) -> dict[str, str]:
        """Give the filter as the fields of a form, without those that say nothing."""
        given = {
            "domain": self.domain,
            "address": self.address,
            "cause": self.cause,
            "state": self.state.value if self.state else "",
            "age": self.age,
        }
        return {name: value for name, value in given.items() if value}

    def query(self, **more: str) -> str:
        """Give filter and order as the query of an address; what `more` gives takes its place."""
        return urlencode(
            {k: v for k, v in (self.fields() | {"sort": self.sort} | more).items() if v}
        )

    def __bool__(self) -> bool:
        return bool(self.fields())


def joined(domains: Iterable[str]) -> str:
    """Write domains as a filter has them: of an address what is behind the @."""
    names = dict.fromkeys(lower(name.rpartition("@")[2]) for name in domains)
    names.pop("", None)
    return " ".join([*names][:_MOST_DOMAINS])


def fits(domains: Iterable[str]) -> str:
    """Give the filter for all of these domains, `""` where they are too many for one."""
    names = tuple(domains)
    text = joined(names)
    whole = len(names) <= _MOST_DOMAINS and len(text) <= _LONGEST_DOMAINS
    return text if whole else ""


def _text(given: Mapping[str, object], key: str, longest: int = _LONGEST) -> str:
    value = given.get(key, "")
    return value.strip()[:longest] if isinstance(value, str) else ""
