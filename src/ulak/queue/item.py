"""What lies in the queue: a message, its body, and what became of each recipient."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from ulak.language.case import lower
from ulak.mail.envelope import NO_WISHES, Envelope, Wishes

if TYPE_CHECKING:
    from pathlib import Path


class State(StrEnum):
    """Where one recipient of a queued message stands."""

    READY = "ready"  # due at `due`
    LEASED = "leased"  # a worker has it; taken back at a restart
    HELD = "held"  # an operator holds it


@dataclass(frozen=True, slots=True)
class Body:
    """The octets of a message: whole in memory, or in a file when they are many.

    Exactly one of `data` and `path` is set. A file body belongs to the store after `put`.
    `lost`: the octets cannot be had, and `data` is empty.
    """

    size: int
    data: bytes | None = None
    path: Path | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was answered to who handed a message in under a key, and the digest of what it was.

    It is kept in the same step as the message, and stays when that is gone.
    """

    key: str
    digest: str
    answer: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it was accepted. `received` is in seconds since the epoch (UTC)."""

    id: str
    envelope: Envelope
    body: Body
    received: float
    language: str = ""  # Content-Language of the message, for its reports; "" where unknown
    session: str = ""  # the session that brought it, for the journal
    account: str = ""  # who had logged in there, as `Account.key` has it; "" for nobody
    receipt: Receipt | None = field(default=None, compare=False)  # only on its way in

    @property
    def released(self) -> float:
        """From when on it may be sent, and its age counts: RFC 4865 lets a sender say that."""
        return max(self.received, self.envelope.wishes.hold_until)


@dataclass(frozen=True, slots=True)
class Pending:
    """One recipient that still waits."""

    recipient: str  # wire form, as the client gave it
    domain: str  # lower case, "" for none
    state: State = State.READY
    due: float = 0.0  # seconds since the epoch
    attempts: int = 0
    cause: str = ""  # catalog name of the last deferral
    reply: str = ""  # the last reply, on one line
    host: str = ""  # who gave it
    warned: bool = False  # whether a delay report went out
    source: str = ""  # from which source it was tried last (`delivery.source`)


@dataclass(frozen=True, slots=True)
class Lease:
    """A message with those of its recipients that the holder may work on now."""

    message: Message
    pending: tuple[Pending, ...]
    token: int  # which lease this is; a settle with an older one is ignored


@dataclass(frozen=True, slots=True)
class Done:
    """This recipient is finished: delivered, bounced, or dropped. It leaves the queue."""

    recipient: str


@dataclass(frozen=True, slots=True)
class Again:
    """This recipient is to be tried again, as `pending` says (state, due, cause, attempts)."""

    pending: Pending


@dataclass(frozen=True, slots=True)
class Still:
    """The recipients that no other outcome of a settle names: they are worked on still.

    The lease goes on with them. Without this, who is not named is given back.
    """


Settlement = Done | Again | Still


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a queue listing."""

    id: str
    sender: str
    size: int
    received: float
    pending: Pending
    wishes: Wishes = NO_WISHES  # those of the whole message


@dataclass(frozen=True, slots=True)
class Selection:
    """Which recipients a verb is for: by id, by domain, by cause …, or all. Conditions add up.

    `domains` are those of the recipient, any of them. `address` is the recipient's or the
    sender's, compared without regard to the case of A to Z. `before` and `after` are of the time
    at which the message came, in seconds since the epoch. `deadline` is between which times its
    sender wanted it delivered (RFC 2852): later than the first, not later than the second.
    """

    ids: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    cause: str = ""
    everything: bool = False
    state: State | None = None
    before: float | None = None
    after: float | None = None
    address: str = ""
    deadline: tuple[float, float] | None = None

    @property
    def empty(self) -> bool:
        """Whether there is no condition at all: then nothing is meant."""
        return not (
            self.ids
            or self.domains
            or self.cause
            or self.everything
            or self.state is not None
            or self.before is not None
            or self.after is not None
            or self.address
            or self.deadline is not None
        )

    def matches(self, row: Row) -> bool:
        """Whether the row is meant. A selection without any condition means nothing."""
        if self.empty:
            return False
        return (
            (not self.ids or row.id in self.ids)
            and (not self.domains or row.pending.domain in map(str.lower, self.domains))
            and (not self.cause or row.pending.cause == self.cause)
            and (self.state is None or row.pending.state is self.state)
            and (self.before is None or row.received < self.before)
            and (self.after is None or row.received > self.after)
            and (not self.address or self._names(row))
            and (self.deadline is None or self._wanted(row, *self.deadline))
        )

    def _wanted(self, row: Row, after: float, until: float) -> bool:
        by = row.wishes.deliver_by
        return by is not None and after < by.until <= until

    def _names(self, row: Row) -> bool:
        return lower(self.address) in (lower(row.pending.recipient), lower(row.sender))


class Order(StrEnum):
    """What a listing of recipients goes by."""

    AGE = "age"  # oldest message first
    DUE = "due"  # next attempt first
    DOMAIN = "domain"  # of the recipient, by the alphabet

    def of(self, row: Row) -> float | str:
        """Give what a row has of it."""
        match self:
            case Order.AGE:
                return row.received
            case Order.DUE:
                return row.pending.due
            case Order.DOMAIN:
                return row.pending.domain


@dataclass(frozen=True, slots=True)
class Counts:
    """How many recipients stand where, and how many messages there are."""

    messages: int = 0
    by_state: dict[State, int] = field(default_factory=dict)
