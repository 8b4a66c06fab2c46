"""A member: one running server, as the cluster knows it.

A server serves until an operator has it drained: then it takes no new mail and leases nothing
more, and is drained when it has nothing left in hand. Times are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

SILENT = 15.0  # seconds after which a member that has not been heard of may be gone
FORGOTTEN = 86_400.0  # seconds after which it is none any more


class Duty(StrEnum):
    """What a server, or one of its workers, is about."""

    SERVING = "serving"
    DRAINING = "draining"
    DRAINED = "drained"


class Order(StrEnum):
    """What an operator wants of a server."""

    DRAIN = "drain"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class InHand:
    """What a server is at work on: sessions with clients, leased messages, attempts under way."""

    sessions: int = 0
    messages: int = 0
    attempts: int = 0

    def __bool__(self) -> bool:
        """Whether it is anything."""
        return bool(self.sessions or self.messages or self.attempts)

    def __add__(self, other: InHand) -> InHand:
        """Put two together."""
        return InHand(
            self.sessions + other.sessions,
            self.messages + other.messages,
            self.attempts + other.attempts,
        )


@dataclass(frozen=True, slots=True)
class Spilled:
    """What a server keeps on its own disk for the database: messages, octets of their bodies."""

    messages: int = 0
    octets: int = 0

    def __bool__(self) -> bool:
        """Whether it is anything."""
        return bool(self.messages)

    def __add__(self, other: Spilled) -> Spilled:
        """Put two together."""
        return Spilled(self.messages + other.messages, self.octets + other.octets)


@dataclass(frozen=True, slots=True)
class Stand:
    """How a server, or one of its workers, stands: its duty, since when, and what is in hand.

    `spilled` is no work in hand: it goes into the database by itself.
    """

    duty: Duty
    since: float
    in_hand: InHand = InHand()
    spilled: Spilled = Spilled()


@dataclass(frozen=True, slots=True)
class Card:
    """What does not change of a server while it runs.

    `name` tells it from all others, `host` and `data` (a directory) where it is found. `version`
    is Ulak's, `tables` that of the tables in the database. `nodes` are its workers, as the queue
    calls them, and `instance` was drawn when it started.
    """

    name: str
    instance: str
    host: str
    data: str
    version: str
    tables: int
    started: float
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """One row of the table: a server, and when it was last heard of.

    `age` is for how many seconds nothing has been heard of it, by the database's clock; `lag` how
    many seconds its last beat took. `epochs` are those of its workers in the queue. `rival` is
    when another server of the same name was there.
    """

    name: str
    host: str
    data: str
    version: str
    tables: int
    started: float
    workers: int
    stand: Stand
    epochs: tuple[int, ...]
    seen: float
    age: float
    lag: float
    rival: float | None = None
    wanted: Order | None = None

    @property
    def silent(self) -> bool:
        """Whether nothing has been heard of it for so long that it may be gone."""
        return self.age > SILENT


def named(given: str, host: str, data: str) -> str:
    """Say how a server is called: as its configuration has it, or by where it is."""
    return given or f"{host}:{data}"


def node_of(member: str, index: int) -> str:
    """Say how the queue calls a worker of a member."""
    return f"{member} worker {index}"


def together(stands: Sequence[Stand], *, draining: bool, now: float) -> Stand:
    """Put the workers of a server together; `draining`: that is what is wanted of it.

    It is drained when each of them is. Without any that answered it is what it is to be.
    """
    in_hand = sum((stand.in_hand for stand in stands), InHand())
    spilled = sum((stand.spilled for stand in stands), Spilled())
    duty, since = _duty(stands, draining=draining, now=now)
    return Stand(duty, since, in_hand, spilled)


def _duty(stands: Sequence[Stand], *, draining: bool, now: float) -> tuple[Duty, float]:
    if not draining:
        since = max((s.since for s in stands if s.duty is Duty.SERVING), default=now)
        return Duty.SERVING, since
    if stands and all(stand.duty is Duty.DRAINED for stand in stands):
        return Duty.DRAINED, max(stand.since for stand in stands)
    since = min((s.since for s in stands if s.duty is not Duty.SERVING), default=now)
    return Duty.DRAINING, since


def found(members: Iterable[Member], name: str) -> list[Member]:
    """Give whom a name means: the member of that name, else those on the host of that name."""
    everybody = list(members)
    exact = [member for member in everybody if member.name == name]
    return exact or [member for member in everybody if member.host == name]
