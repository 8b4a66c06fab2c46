"""What is kept of reports: counts, reports on their way, and reports that came. Verbs and values.

Each verb is a whole transaction, durable when it returns, and may block for as long as a disk does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ulak.reports.counting import Counted
from ulak.reports.reading import Report


class ReportsError(Exception):
    """The reports cannot be read or written; nothing of what was asked has happened.

    `where` is the file, `problem` what is wrong with it.
    """

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"The reports in {where} cannot be used: {problem}.")
        self.where = where
        self.problem = problem


class State(StrEnum):
    """Where a parcel stands, on the only way that it can go."""

    ASKING = "asking"  # whether its destination takes reports is to be asked
    READY = "ready"  # it may be sent, and is perhaps in the queue already, held
    HELD = "held"  # it is in the queue, held
    SENT = "sent"  # it was released: the queue has it, or had
    DROPPED = "dropped"  # it is not sent; `why` says why


OPEN = (State.ASKING, State.READY, State.HELD)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One report to one address. `id` is the id that its message has in the queue.

    `uri` is what the record says, with `size` as the most octets that it wants (None: any).
    `due` and `changed` are in seconds since the epoch. `kind` is `dmarc` or `tls`.
    """

    id: str
    report_id: str
    domain: str
    uri: str
    address: str
    size: int | None = None
    state: State = State.ASKING
    due: float = 0.0
    tries: int = 0
    why: str = ""
    changed: float = 0.0
    kind: str = "dmarc"


@dataclass(frozen=True, slots=True)
class Issue:
    """A report that was made: `octets` are its XML, packed. `made` in seconds since the epoch."""

    report_id: str
    day: int
    domain: str
    organizational: str
    octets: bytes
    made: float


class Outgoing(Protocol):
    """What is kept of one's own reports. All of the verbs raise ReportsError."""

    def add(self, counted: Sequence[Counted]) -> None:
        """Add what a worker has counted. What comes after its day's report counts for the next."""

    def days(self, before: int) -> list[tuple[int, str]]:
        """Name the days before one, and their domains, that there is no report about yet."""

    def counted(self, day: int, domain: str) -> Counted | None:
        """Give all that was counted for a day and a domain."""

    def issue(self, issue: Issue, parcels: Sequence[Parcel], messages: int) -> bool:
        """Put a report of so many messages in the place of what was counted for it.

        False, and nothing is done, where there is one already or where more was counted meanwhile.
        """

    def forget(self, day: int, domain: str) -> None:
        """Forget what was counted: nobody wants to know."""

    def issued(self, report_id: str) -> Issue | None:
        """Give a report that was made, as long as a parcel of it is open."""

    def open(self, now: float) -> list[Parcel]:
        """Give the parcels that are not at their end and due, the oldest first."""

    def settle(self, parcel: Parcel, into: Sequence[Parcel] = ()) -> None:
        """Write down where a parcel stands, with others that it has become."""

    def parcels(self, limit: int, domain: str = "") -> list[Parcel]:
        """Give the last parcels, the newest first."""

    def trim(self, before: int, now: float) -> None:
        """Forget counts and ended parcels of days before one."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A report that came, as a list shows it. Times are in seconds since the epoch.

    `messages` are messages of DMARC, or sessions of TLS; `passed` those with which all was well.
    `source` is who sent it: an address, or a file's name.
    """

    number: int
    kind: str
    organization: str
    report_id: str
    domain: str
    begin: int
    end: int
    messages: int
    passed: int
    received: float
    source: str


class Incoming(Protocol):
    """What is kept of the reports of others. All of the verbs raise ReportsError."""

    def keep(self, reports: Collection[Report], received: float, source: str) -> int:
        """Keep reports; give how many of them were not there yet."""

    def list(self, domain: str = "", since: float = 0.0, limit: int = 1000) -> Sequence[Kept]:
        """Give the reports about a domain (`""`: all), the newest period first."""

    def read(self, number: int) -> Report | None:
        """Give a report whole."""
