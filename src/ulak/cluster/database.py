"""How the database of a cluster is, as far as its user may see. Sizes are octets, ages seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standby:
    """One server that follows. `sync` is PostgreSQL's word: `sync`, `quorum`, `potential`, `async`.

    `behind` is how much it has not written to its disk yet, `late` how long that took last.
    """

    name: str
    address: str
    state: str
    sync: str
    behind: int
    late: float

    @property
    def confirms(self) -> bool:
        """Whether commits wait for it."""
        return self.sync in ("sync", "quorum")


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows come and go: those that are there, and the dead among them."""

    name: str
    live: int
    dead: int
    vacuumed: float | None  # how long ago, by itself


@dataclass(frozen=True, slots=True)
class Transaction:
    """One that is open for long: whose, of which program, for how long. `prepared` has a name."""

    who: str
    program: str
    age: float
    prepared: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """A replication slot that nobody reads from, and how much is kept for it."""

    name: str
    kept: int


@dataclass(frozen=True, slots=True)
class Database:
    """How it is. `sees_all`: its user may look at standbys and at transactions of others.

    `begun` and `ended` are the last steps of the tables' versions, `known` those that this Ulak
    knows. What only servers need that are older than `begun` is kept until `kept_until`, in seconds
    since the epoch: `keep_for` seconds after one was last seen. `bodies` are the parts of what has
    the octets of mail.
    """

    version: str
    number: int
    standby: bool
    durable: str  # synchronous_commit
    wanted: str  # synchronous_standby_names
    standbys: tuple[Standby, ...]
    sees_all: bool
    used: int  # connections
    most: int
    autovacuum: bool
    tables: tuple[Table, ...]
    bodies: tuple[int, ...]
    size: int
    oldest: Transaction | None
    slots: tuple[Slot, ...]
    begun: int
    ended: int
    known: int
    keep_for: float
    kept_until: float | None  # None: nothing is
