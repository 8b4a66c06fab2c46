"""What a roster is asked and answers: a file, a program, a database or a server behind it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class RosterError(Exception):
    """The roster gave no answer; the text says why, for the operator and nobody else.

    `incident` is the id under which it was noted, `""` where it has not been yet.
    """

    def __init__(self, problem: str, incident: str = "") -> None:
        super().__init__(problem)
        self.incident = incident


@dataclass(frozen=True, slots=True)
class Known:
    """The roster has the address: as a mailbox, or as an alias with `members` in wire form."""

    members: tuple[str, ...] = ()


class Unsure(Enum):
    """Nothing is known without asking."""

    UNSURE = "unsure"


UNSURE = Unsure.UNSURE
Answer = Known | None
"""None: the roster knows for sure that there is no such address."""


class Source(Protocol):
    """Where a roster has its answers from. The address is in wire form and lower case."""

    async def ask(self, address: str) -> Answer:
        """Give the answer. Raises RosterError, OSError or TimeoutError where there is none."""

    def glance(self, address: str) -> Answer | Unsure:
        """Give what is known without waiting."""

    async def close(self) -> None:
        """Let go of what is open."""


class Roster(Protocol):
    """A source with its memory (`ulak.rosters.kept`), as a directory asks it."""

    async def ask(self, address: str) -> Answer:
        """Give the answer. Raises RosterError with an incident."""

    def glance(self, address: str) -> Answer | Unsure:
        """Give what is known without waiting."""


class Silent:
    """A source that never answers, and says why."""

    def __init__(self, problem: str) -> None:
        self._problem = problem

    async def ask(self, address: str) -> Answer:
        """Raise RosterError."""
        del address
        raise RosterError(self._problem)

    def glance(self, address: str) -> Answer | Unsure:
        """Know nothing."""
        del address
        return UNSURE

    async def close(self) -> None:
        """Have nothing open."""
