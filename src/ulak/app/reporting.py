"""Reports in a running server: every worker counts, and the first one sends.

The first one alone has the lock of the first queue, so that no report is sent by two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from ulak import config as settings
from ulak.app.places import Places
from ulak.dns.records import Resolver
from ulak.journal.entry import Entry, Journal, Kind
from ulak.log import Event, Log
from ulak.queue.store import QueueStore, StorageError
from ulak.replies import catalog
from ulak.reports.failure import FailurePosting
from ulak.reports.making import Author
from ulak.reports.posting import Parts, Posting, Telling
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
    return wish == "on" or (wish == "auto" and named(chosen))


def named(chosen: settings.Config) -> bool:
    """Whether a server has a configuration, and a name that others know it by."""
    name = chosen.hostname.strip(".")
    return chosen.file is not None and "." in name and not f".{name}".endswith(_NOBODYS)


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
    return Posting(
        Parts(
            outgoing,
            means.queue,
            means.resolver,
            author,
            means.new_id,
            elsewhere=asyncio.to_thread,
            sign=means.sign,
            tell=teller(author, log, journal),
        )
    )


def teller(author: Author, log: Log | None, journal: Journal | None) -> Telling:
    """Make who tells the log and the journal what became of reports."""

    def tell(parcel: Parcel, /, size: int = 0) -> None:
        if journal is not None and parcel.state is State.SENT and parcel.address:
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

    return tell


class Sends(Protocol):
    """Who sends what is due of one kind of reports."""

    async def run(self, now: float, *, at_once: bool = False) -> int:
        """Send it; give how many reports went out."""


class Book(Generic[T]):
    """What one kind of reports is made of: who counts, where it is written down, who sends."""

    def __init__(
        self,
        take: Callable[[], tuple[T, ...]],
        add: Callable[[Sequence[T]], None],
        posting: Sends | None,
        close: Callable[[], None],
    ) -> None:
        self._take, self._add, self.posting, self.close = take, add, posting, close
        self._held: tuple[T, ...] = ()  # what could not be written down

    def flush(self) -> None:
        """Write down what was counted. Raises ReportsError, and then keeps it for the next time."""
        self._held = self._held or self._take()
        if self._held:
            self._add(self._held)
            self._held = ()


class Reporter:
    """Writes down what one worker counts, and in the first worker sends what is due."""

    def __init__(
        self,
        books: Sequence[Book[Any]],
        failures: FailurePosting | None = None,
        *,
        clock: Callable[[], float],
        log: Log,
        incident: Callable[[BaseException], str],
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._books = tuple(books)
        self._failures = failures
        self._clock = clock
        self._log = log
        self._incident = incident
        self._wake = wake
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
            for book in self._books:
                try:
                    await asyncio.to_thread(book.flush)
                except ReportsError as error:
                    self._log.emit(Event.REPORTS_FAILING, problem=str(error))
                    return

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
        sent = 0
        async with self._turn:
            for book in self._books:
                if book.posting is None:
                    continue
                try:
                    sent += await book.posting.run(self._clock(), at_once=at_once)
                except (ReportsError, StorageError) as error:
                    self._log.emit(Event.REPORTS_FAILING, problem=str(error))
                except Exception as error:  # noqa: BLE001 -- the next report may go better
                    self._incident(error)
        if sent:
            self._wake()
        return sent

    async def close(self) -> None:
        """Write down what was counted last."""
        await self.flush()
        for book in self._books:
            await asyncio.to_thread(book.close)


def outgoing_of(chosen: settings.Config) -> SqliteOutgoing:
    """Open what is kept of one's own reports."""
    return SqliteOutgoing(Places(chosen.data).reports)


def incoming_of(chosen: settings.Config) -> SqliteIncoming:
    """Open what is kept of the reports of others."""
    return SqliteIncoming(Places(chosen.data).reports)
