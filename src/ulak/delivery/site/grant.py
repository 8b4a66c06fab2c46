"""What a site says when an attempt is to begin: yes, from this source; or when to ask again.

Sources are names that `sources` of the worker's parts gives for a message, best first; with one
address there is one, and its name is `""`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Why(StrEnum):
    """Why an attempt has to wait."""

    FULL = "full"  # as many are under way as may be
    PACE = "pace"  # they come too fast
    SUSPENDED = "suspended"  # nothing is sent there for a while
    WARMING = "warming"  # a source has sent there what its plan has for today


class Room(Protocol):
    """How much there may be at a time."""

    @property
    def lasting(self) -> int:
        """How many connections may stay, between attempts too."""

    def lend(self) -> bool:
        """Count one more attempt in for a moment, if there is room; whether so."""

    def back(self) -> None:
        """Count it out again."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to make one attempt, from a source. `probe`: it is to show whether the site is back.

    `instead` is why the first of the sources, for which it stands in, had to wait. `terms` say how
    many connections there may be beside each other.
    """

    source: str = ""
    probe: bool = False
    instead: Why | None = None
    terms: Room | None = field(default=None, compare=False, repr=False)

    @contextmanager
    def beside(self) -> Iterator[bool]:
        """Have a second connection for a moment, counted in; whether there is room for it."""
        terms = self.terms
        lent = terms is None or terms.lend()
        try:
            yield lent
        finally:
            if lent and terms is not None:
                terms.back()

    @property
    def most(self) -> float:
        """How many connections there may be to the site just now."""
        return math.inf if self.terms is None else self.terms.lasting


@dataclass(frozen=True, slots=True)
class Wait:
    """That an attempt has to wait.

    `until` is in seconds since the epoch; infinite where it is known only when an attempt ends.
    """

    until: float
    why: Why


class Gate(Protocol):
    """What else lets attempts of a source to a site begin: that it is not too many for a day."""

    def wait(self, now: float) -> Wait | None:
        """Say what an attempt has to wait for, None for nothing."""

    def begin(self, now: float) -> None:
        """Count an attempt in that has to wait for nothing."""

    def back(self, now: float) -> None:
        """Count one out again: nothing was sent."""


ANYWHERE = Grant()
FULL = Wait(math.inf, Why.FULL)
