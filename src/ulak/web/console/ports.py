"""What the console asks of a running server, and the values that it gets.

All times are seconds since the epoch, unless a field says otherwise. What a peer has said (names,
replies, reasons of lists) stands in these values as it was said: pages escape it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from ulak.checks.reason import Reason
from ulak.cluster.member import Order as ServerOrder
from ulak.journal.deed import By
from ulak.journal.entry import Entry
from ulak.journal.figures import Figures, Span
from ulak.journal.trace import Trace
from ulak.publish.compare import Checked
from ulak.queue.item import Message, Order, Row, Selection, State
from ulak.reports.reading import Report
from ulak.reports.store import Kept, Parcel
from ulak.suppression.suppressed import Suppressed
from ulak.web.console.absent import Missing
from ulak.web.console.sharing import Servers


class Trouble(StrEnum):
    """Why something could not be asked or done now: names of texts of the console."""

    NOT_RUNNING = "not-running"  # no worker answers
    NOT_DONE = "not-done"  # one could not do it, and the fact `problem` says why
    STORAGE = "storage"  # the disk does not give what was asked, and `problem` says why
    DATABASE = "database"  # that of the queue is away
    NO_SERVER = "no-such-server"  # called `server`


class OperationError(Exception):
    """Something could not be asked or done now; `name` is that of a Trouble."""

    def __init__(self, name: str, **facts: str) -> None:
        super().__init__(f"{name} {facts}")
        self.name = name
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Now:
    """A server at a moment, or all that share a queue: all workers together.

    `workers` answer, of `expected`. `counted` is what has been counted since each worker began, by
    names as in `ulak.journal.figures` (`accepted`, `refused no-such-mailbox`): two of them, and the
    time between, make a rate. `started` is when the first worker began. `queued` are recipients by
    state; `due` are those that could be tried now, and `oldest` is when the oldest message came.
    `members` names the servers that answered, none where there is only one.
    """

    time: float
    workers: int
    expected: int
    started: float
    connections: int = 0  # of clients, now
    transfers: int = 0  # messages that are coming in right now
    attempts: int = 0  # deliveries under way
    outgoing: int = 0  # open connections to other servers
    paused: bool = False  # delivery is
    counted: Mapping[str, int] = field(default_factory=dict)
    messages: int = 0
    queued: Mapping[State, int] = field(default_factory=dict)
    due: int = 0
    oldest: float | None = None
    members: tuple[str, ...] = ()
    missing: Missing = field(default_factory=Missing)

    @property
    def running(self) -> bool:
        """Whether anybody answers."""
        return self.workers > 0


@dataclass(frozen=True, slots=True)
class Session:
    """A client that is connected. `stage` is a name of `ulak.smtp.states.State`, in lower case.

    `client` is what it calls itself, `tls` protocol and cipher or `""`, `account` who has logged
    in. `sender` and `recipients` are those of the transaction under way (None: there is none), and
    `octets` what has come of its message. `member` is its server, `""` where there is only one.
    """

    id: str
    since: float
    ip: str
    listener: str
    stage: str
    client: str = ""
    tls: str = ""
    account: str = ""
    accepted: int = 0
    refused: int = 0
    sender: str | None = None
    recipients: int = 0
    octets: int = 0
    member: str = ""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Clients that are connected, longest first; `total` may be more than are shown."""

    shown: tuple[Session, ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """What the last attempt at a destination came to: `result` is delivered, deferred or failed.

    `reply` is on one line, the words of `host` where it is `remote`. `policy` has the facts of the
    policy that decided about TLS, as `ulak.journal.secured` reads them.
    """

    time: float
    result: str
    cause: str
    reply: str = ""
    host: str = ""
    remote: bool = False
    tls: str = ""
    policy: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why nothing is sent somewhere between two times, `times` in a row.

    `why` is a name of `ulak.delivery.site.suspension.Reason`; `cause`, `reply` and `host` are what
    was said there last, and `rule` is what followed from it, read at `source` on `date`.
    """

    why: str
    since: float
    until: float
    times: int = 1
    rule: str = ""
    cause: str = ""
    reply: str = ""
    host: str = ""
    source: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms mail goes somewhere from one of our addresses.

    `active` attempts are under way, of a `window` that grows with success up to `most`; there are
    `interval` seconds between two, 0.0 where nothing limits that.
    """

    source: str
    active: int = 0
    window: int = 0
    most: int = 0
    interval: float = 0.0
    stopped: Stopped | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """Where mail goes: `key` names its hosts, `way` is smtp, lmtp or maildir.

    `active` attempts of at most `limit` are under way, `ready` jobs wait for their turn, `idle`
    connections for the next message. Nothing is sent there before `until`; `terms` tell more, for
    each source. `queued` recipients of its `domains` lie in the queue, and the first is due at
    `due`. `delivered`, `deferred` and `failed` count recipients since the workers began. `holds` is
    since when and until when the policy about TLS is known to hold.
    """

    key: str
    way: str
    domains: tuple[str, ...] = ()
    active: int = 0
    limit: int = 0
    ready: int = 0
    connections: int = 0
    idle: int = 0
    queued: int = 0
    held: int = 0
    due: float | None = None
    delivered: int = 0
    deferred: int = 0
    failed: int = 0
    last: Said | None = None
    until: float | None = None
    terms: tuple[Terms, ...] = ()
    holds: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where mail goes, the busiest first; `total` may be more than are shown."""

    shown: tuple[Destination, ...] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """What a list said last of its kind, about whom and why."""

    time: float
    subject: str
    reasons: tuple[Reason, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Zone:
    """A blocklist that is asked about clients, and how it has answered since the workers began.

    `label` is what clients are shown in its place. `unanswered` counts what was no answer at all,
    or one that is none; until `resting` it is left alone, because it did not answer, and `skipped`
    counts the clients about whom it was not asked for that.
    """

    zone: str
    label: str = ""
    asked: int = 0
    listed: int = 0
    unlisted: int = 0
    unanswered: int = 0
    skipped: int = 0
    resting: float | None = None
    last_listed: Answered | None = None
    last_trouble: Answered | None = None


@dataclass(frozen=True, slots=True)
class Probed:
    """Whether a list works, by its test entries (RFC 5782 §5)."""

    zone: str
    works: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the queue: rows from `offset` on, of `total` that are selected."""

    rows: tuple[Row, ...]
    total: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Depth:
    """What the queue is made of: recipients by state, and the commonest causes and domains."""

    messages: int
    by_state: Mapping[State, int]
    by_cause: tuple[tuple[str, int], ...] = ()
    by_domain: tuple[tuple[str, int], ...] = ()
    oldest: float | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """A page of the suppression list: rows from `offset` on, of `total` that fit.

    `heeded`: the configuration wants the list, and nothing is sent to who stands there.
    """

    rows: tuple[Suppressed, ...] = ()
    total: int = 0
    offset: int = 0
    heeded: bool = True


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting in force: its key (`delivery.retry.first`), its value as TOML has it.

    `source` is where it comes from: a file and a line, `--data`, or `""` for a default. Passwords
    are hidden. `meaning` says what it is for, and `about` the same of the table that it stands in.
    """

    key: str
    value: str
    source: str = ""
    meaning: str = ""
    about: str = ""


class Operation(Protocol):
    """A server in an operator's hands. Everything may raise OperationError.

    Where several servers share a queue, what happens and what happened is told of all of them;
    `missing` says whose part is not there.
    """

    @property
    def member(self) -> str:
        """How the other servers call this one; `""` where there is no other."""

    def missing(self) -> Missing:
        """Tell who has not answered when last asked."""

    async def servers(self) -> Servers:
        """Tell of the servers that share the queue, in some seconds whatever the database does."""

    async def order(self, name: str, order: ServerOrder, by: By) -> None:
        """Have one of them drained, or serve again; it hears of it within seconds, and notes it."""

    async def now(self) -> Now:
        """Tell how it is: cheap enough to be asked every second, for all who watch together."""

    async def figures(self, span: Span) -> Figures:
        """Tell how much happened when."""

    async def sessions(self, limit: int = 200) -> Sessions:
        """Tell who is connected."""

    async def destinations(self, limit: int = 200) -> Destinations:
        """Tell where mail goes, and what became of the last attempts."""

    async def blocklists(self) -> tuple[Zone, ...]:
        """Tell how the lists answer that are asked about clients."""

    async def probe(self, zone: str) -> Probed | None:
        """Ask a list of the configuration for its test entries; None for any other."""

    async def queue(
        self,
        which: Selection,
        offset: int = 0,
        limit: int = 100,
        order: Order = Order.AGE,
        *,
        backwards: bool = False,
    ) -> Listing:
        """Give a page of the selected recipients, in an order."""

    async def depth(self) -> Depth:
        """Tell what the queue is made of."""

    async def message(self, identifier: str) -> Message | None:
        """Give a queued message; its body may be in a file."""

    async def act(self, verb: str, which: Selection, by: By) -> int:
        """Do retry, hold, release, drop or bounce; for how many recipients it was done.

        Each is noted in the journal with who did it.
        """

    async def note(self, verb: str, by: By, facts: Mapping[str, str]) -> None:
        """Note in the journal that an operator did something else, such as `login`."""

    async def deeds(self, limit: int = 100) -> Sequence[Entry]:
        """Give the last things that operators did, the newest first."""

    async def suppressed(self, part: str = "", offset: int = 0, limit: int = 100) -> Silence:
        """Give a page of the addresses with a part that nothing is sent to, the newest first."""

    async def suppress(self, one: Suppressed, by: By) -> None:
        """Have nothing sent to an address any more; the journal has who wanted that."""

    async def unsuppress(self, address: str, whose: str, by: By) -> int:
        """Have mail sent to it again from the senders of a domain (`""`: all); how many went."""

    async def story(self, identifier: str) -> Trace | None:
        """Find what an id, whole or shortened, names. Raises JournalError as `trace` does."""

    async def recent(self, cause: str, limit: int = 50) -> Sequence[Entry]:
        """Give the last entries with a cause, the newest first."""

    async def reports(
        self, domain: str = "", since: float = 0.0, limit: int = 1000
    ) -> Sequence[Kept]:
        """Give the reports of others about one's domains, the newest period first."""

    async def report(self, number: int) -> Report | None:
        """Give one of them whole."""

    async def parcels(self, limit: int = 100) -> Sequence[Parcel]:
        """Give the last reports of one's own, and how far each has come."""

    async def settings(self, language: str = "en") -> tuple[Setting, ...]:
        """Give the settings in force, in their order, explained in a language."""

    def domains(self) -> tuple[str, ...]:
        """Name the domains whose mail is ours."""

    async def records(self, domain: str) -> tuple[Checked, ...]:
        """Ask DNS for all that one of these domains has to publish."""
