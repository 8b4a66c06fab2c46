"""What the page of the servers that share a queue is told."""

from __future__ import annotations

from dataclasses import dataclass

from ulak.cluster.database import Database
from ulak.cluster.member import Member
from ulak.cluster.problems import Problem
from ulak.queue.depth import Depth


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers that share a queue, the queue, its database, and what is wrong with them.

    `here` is the one that tells. `database` and `depth` are None where the database is away, or
    does not answer in time; then `members` are this server alone, as it says itself.
    """

    here: str
    members: tuple[Member, ...]
    problems: tuple[Problem, ...] = ()
    database: Database | None = None
    depth: Depth | None = None

    @property
    def away(self) -> bool:
        """Whether the database is."""
        return self.database is None
