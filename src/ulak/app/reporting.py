"""Reports in a running server: every worker counts, and the first one sends.

The first one alone has the lock of the first queue, so that no report is sent by two.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from ulak import config as settings
from ulak.app.client import resolver_of
from ulak.app.control import Request, ask
from ulak.app.identifiers import Identifiers
from ulak.app.places import Places
from ulak.app.supervisor import running
from ulak.dns.records import Resolver
from ulak.journal.entry import Entry, Journal, Kind
from ulak.log import Event, Log
from ulak.queue.memory import MemoryStore
from ulak.queue.sqlite import SqliteStore
from ulak.queue.store import QueueStore, StorageError
from ulak.replies import catalog
from ulak.reports.counting import Counted, Counter
from ulak.reports.failure import FailurePosting
from ulak.reports.making import Author
from ulak.reports.posting import Parts, Posting
from ulak.reports.sqlite import SqliteIncoming, SqliteOutgoing
from ulak.reports.store import Parcel, ReportsError, State

T = TypeVar("T")

# Names that no two networks mean the same by (RFC 6761, RFC 6762, RFC 8375), and custom.
_NOBODYS = (
    ".localhost",
    ".localdomain",
    ".local",
    ".internal",
    ".lan",
    ".invalid",
    ".home.arpa",
)
_FLUSH = 10.0  # seconds for which counts lie in memory
_POST = 60.0  # seconds between two looks at what is due


def author_of(chosen: settings.Config) -> Author:
    """Say who reports."""
    reports, hostname = chosen.reports, chosen.hostname
    own = f"postmaster@{hostname}"
    return Author(
        reports.organization or hostname,
        reports.contact or own,
        hostname,
        reports.sender or own,
    )


def reporting(chosen: settings.Config) -> bool:
    """Whether aggregate reports are sent: by a server that has been given a name of its own."""
    wish = chosen.reports.aggregate
    name = chosen.hostname.strip(".")
    named = chosen.file is not None and "." in name and not f".{name}".endswith(_NOBODYS)
    return wish == "on" or (wish == "auto" and named)


@dataclass(frozen=True, slots=True)
class Means:
    """What posting needs of a process; `sign` puts a signature on top of a message."""

    queue: QueueStore
    resolver: Resolver
    new_id: Callable[[], str]
    sign: Callable[[bytes], bytes] = lambda message: message


def posting_of(
    chosen: settings.Config,
    outgoing: SqliteOutgoing,
    means: Means,
    *,
    log: Log | None = None,
    journal: Journal | None = None,
) -> Posting:
    """Make who makes reports and puts them into the queue; what becomes of them is told."""
    author = author_of(chosen)

    def tell(parcel: Parcel, /, size: int = 0) -> None:
        if journal is not None and parcel.state is State.SENT:
            facts = {"sender": author.sender, "recipients": parcel.address, "size": str(size)}
            cause = catalog.MESSAGE_QUEUED.name
            entry = Entry(parcel.changed, Kind.ACCEPTED, cause, message=parcel.id, facts=facts)
            journal.write(entry)
        if log is None:
            return
        about = {"domain": parcel.domain, "to": parcel.address or parcel.uri}
        if parcel.state is State.SENT:
            log.emit(Event.REPORT_SENT, message=parcel.id, size=size, **about)
        else:
            log.emit(Event.REPORT_NOT_SENT, why=str(parcel.why), **about)

    return Posting(
        Parts(
            outgoing,
            means.queue,
            means.resolver,
            author,
            means.new_id,
            elsewhere=asyncio.to_thread,
            sign=means.sign,
            tell=tell,
        )
    )


class Reporter:
    """Writes down what one worker counts, and in the first worker sends what is due."""

    def __init__(
        self,
        counter: Counter,
        outgoing: SqliteOutgoing,
        posting: Posting | None,
        failures: FailurePosting | None = None,
        *,
        clock: Callable[[], float],
        log: Log,
        incident: Callable[[BaseException], str],
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._counter = counter
        self._outgoing = outgoing
        self._posting = posting
        self._failures = failures
        self._clock = clock
        self._log = log
        self._incident = incident
        self._wake = wake
        self._held: tuple[Counted, ...] = ()  # what could not be written down
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Do it until cancelled."""
        last = 0.0
        while True:
            await asyncio.sleep(_FLUSH)
            await self.flush()
            await self.tell()
            now = self._clock()
            if now - last >= _POST or now < last:
                last = now
                await self.post()

    async def flush(self) -> None:
        """Write down what was counted; what cannot be is tried again, and nothing new is taken."""
        async with self._turn:
            self._held = self._held or self._counter.take()
            if not self._held:
                return
            try:
                await asyncio.to_thread(self._outgoing.add, self._held)
            except ReportsError as error:
                self._log.emit(Event.REPORTS_FAILING, problem=str(error))
                return
            self._held = ()

    async def tell(self) -> None:
        """Send the reports of single failures that were chosen."""
        if self._failures is None:
            return
        try:
            sent = await self._failures.run(self._clock())
        except StorageError as error:
            self._log.emit(Event.REPORTS_FAILING, problem=str(error))
            return
        except Exception as error:  # noqa: BLE001 -- the next report may go better
            self._incident(error)
            return
        if sent:
            self._wake()

    async def post(self, *, at_once: bool = False) -> int:
        """Send what is due; give how many reports went out."""
        if self._posting is None:
            return 0
        async with self._turn:
            try:
                sent = await self._posting.run(self._clock(), at_once=at_once)
            except (ReportsError, StorageError) as error:
                self._log.emit(Event.REPORTS_FAILING, problem=str(error))
                return 0
            except Exception as error:  # noqa: BLE001 -- the next report may go better
                self._incident(error)
                return 0
        if sent:
            self._wake()
        return sent

    async def close(self) -> None:
        """Write down what was counted last."""
        await self.flush()
        await asyncio.to_thread(self._outgoing.close)


def outgoing_of(chosen: settings.Config) -> SqliteOutgoing:
    """Open what is kept of one's own reports."""
    return SqliteOutgoing(Places(chosen.data).reports)


def incoming_of(chosen: settings.Config) -> SqliteIncoming:
    """Open what is kept of the reports of others."""
    return SqliteIncoming(Places(chosen.data).reports)


def send(chosen: settings.Config, now: float, *, at_once: bool) -> int:
    """Send what is due, by the running server or in its place; give how many reports went out.

    Raises ReportsError, StorageError and ControlError.
    """
    places = Places(chosen.data)
    if running(places.data):
        verb = "reports-now" if at_once else "reports"
        return sum(
            count
            for path in places.controls()
            if isinstance(count := ask(path, Request(verb)).get("count"), int)
        )

    async def alone() -> int:
        store = SqliteStore(places.queue(0))
        try:
            return await _with_posting(chosen, store, lambda p: p.run(now, at_once=at_once))
        finally:
            await store.close()

    return asyncio.run(alone())


def plan(chosen: settings.Config, now: float) -> list[Parcel]:
    """Tell of what would be sent, and ask nobody but DNS. Raises ReportsError."""
    return asyncio.run(_with_posting(chosen, MemoryStore(), lambda posting: posting.plan(now)))


async def _with_posting(
    chosen: settings.Config, queue: QueueStore, work: Callable[[Posting], Awaitable[T]]
) -> T:
    resolver, outgoing = resolver_of(chosen), outgoing_of(chosen)
    try:
        means = Means(queue, resolver, Identifiers(time.time))
        return await work(posting_of(chosen, outgoing, means))
    finally:
        outgoing.close()
        await resolver.close()
