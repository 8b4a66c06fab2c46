"""A running server in an operator's hands, as the console has it: `ulak.web.console.ports`.

What is asked of the workers goes over their control sockets; what lies on disk is read beside
them, without ever holding them up. Answers that cost something are kept for a time in proportion
to it, so that however many watch, and however long the queue is, looking takes a small part of
a core.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from ulak import config as settings
from ulak.app import asked
from ulak.app.asking.journals import AllJournals
from ulak.app.asking.lately import Lately
from ulak.app.asking.others import FromThread, Nobody, Others
from ulak.app.asking.workers import tell_all, together
from ulak.app.control import ControlError, Request
from ulak.app.operator import NotRunningError, Operator
from ulak.app.places import Places
from ulak.app.publishing import check_domain, domain_of
from ulak.app.seldom import Seldom
from ulak.app.servers import ServersInHand
from ulak.app.signing import folder_of
from ulak.app.suppressing import suppressions_of
from ulak.app.telling import tell
from ulak.app.welcome import blocklists_of
from ulak.checks import dnsbl
from ulak.cluster.member import Order as ServerOrder
from ulak.config.show import Shown
from ulak.delivery.transport.sqlite import SqliteStsStore, TransportError
from ulak.dns.records import Resolver
from ulak.journal import figures, tally
from ulak.journal.deed import By, operated
from ulak.journal.entry import Entry, Journal, Kind
from ulak.journal.figures import Figures, Span
from ulak.journal.reader import JournalReader
from ulak.journal.trace import Trace
from ulak.keys.folder import KeysError
from ulak.publish.compare import Checked
from ulak.queue.depth import Depth as QueueDepth
from ulak.queue.item import Message, Order, Selection
from ulak.queue.store import StorageError
from ulak.reports.reading import Report
from ulak.reports.sqlite import SqliteIncoming, SqliteOutgoing
from ulak.reports.store import Kept, Parcel, ReportsError
from ulak.suppression.suppressed import Suppressed, SuppressionError
from ulak.suppression.told import deed
from ulak.web.console.absent import Missing
from ulak.web.console.ports import (
    Depth,
    Destination,
    Destinations,
    Listing,
    Now,
    OperationError,
    Probed,
    Sessions,
    Setting,
    Silence,
    Trouble,
    Zone,
)
from ulak.web.console.sharing import Servers

T = TypeVar("T")

_MOST_ROWS = 1000  # of the queue, on one page
_FURTHEST = 1_000_000  # rows from the beginning
_COMMONEST = 20  # causes and domains that are named
_DOMAINS = 1000  # that are looked at


class LiveOperation:
    """Follows `Operation` for the server whose data a configuration names.

    `journal` notes what operators do, `resolver` asks lists for their test entries. `others` are
    the servers that share its queue: they are asked, too.
    """

    def __init__(
        self,
        chosen: settings.Config,
        journal: Journal,
        resolver: Resolver,
        clock: Callable[[], float] = time.time,
        others: Others | None = None,
    ) -> None:
        self._chosen = chosen
        self._places = Places(chosen.data)
        self._journal = journal
        self._resolver = resolver
        self._clock = clock
        self._others = others or Nobody()
        self._lately = Lately(self._others, "now")
        self._expected = chosen.workers or os.cpu_count() or 1
        self._incoming = SqliteIncoming(self._places.reports)
        self._outgoing = SqliteOutgoing(self._places.reports)
        self._suppressions = suppressions_of(chosen)
        self._policies = SqliteStsStore(self._places.transport)
        self._depth = Seldom(partial(self._on_disk, self._look_at_queue))
        self._servers = ServersInHand(chosen, clock, self._depth)
        self._now = Seldom(self._look)
        self._figures = {span: Seldom(partial(self._count, span), least=2.0) for span in Span}

    @property
    def member(self) -> str:
        """How the other servers call this one."""
        return self._others.me

    def missing(self) -> Missing:
        """Tell who has not answered when last asked."""
        return Missing(self._others.silent, self._others.away)

    # -- how it is ----------------------------------------------------------------------------

    async def now(self) -> Now:
        """Tell how it is."""
        return await self._now()

    async def _look(self) -> Now:
        own, heard, depth = await asyncio.gather(
            tell(self._places, Request("now")), self._lately(), self._depth()
        )
        told = together("now", own, heard, self.member, self._expected)
        missing = Missing(heard.silent, heard.away)
        return asked.now(told.answers, depth, self._clock(), told.expected, told.members, missing)

    async def figures(self, span: Span) -> Figures:
        """Tell how much happened when."""
        return await self._figures[span]()

    async def _count(self, span: Span) -> Figures:
        now = self._clock()
        own, heard = await asyncio.gather(
            self._on_disk(lambda: tally.figures(self._places.journals(), span, now)),
            self._others.ask("figures", {"span": str(span), "now": now}),
        )
        theirs = (figures.taken(answer, span, now) for answer in heard.answers.values())
        return figures.together([own, *theirs])

    async def sessions(self, limit: int = 200) -> Sessions:
        """Tell who is connected."""
        answers = await self._tell("sessions", limit, needed=True)
        return asked.sessions(answers, limit)

    async def destinations(self, limit: int = 200) -> Destinations:
        """Tell where mail goes, and what became of the last attempts."""
        answers, sites, depth = await asyncio.gather(
            self._tell("destinations", limit, needed=True), self._tell("sites"), self._depth()
        )
        found = asked.destinations(answers, sites, depth, limit)
        shown = await self._on_disk(lambda: tuple(map(self._held, found.shown)))
        return replace(found, shown=shown)

    def _held(self, place: Destination) -> Destination:
        """Add how long the policy about TLS holds that decided last: one of MTA-STS is kept."""
        domain = place.last.policy.get("sts-domain") if place.last is not None else None
        kept = self._policies.get(domain) if domain else None
        if kept is None:
            return place
        return replace(place, holds=(kept.fetched, kept.fetched + kept.max_age))

    async def blocklists(self) -> tuple[Zone, ...]:
        """Tell how the lists answer that are asked about clients."""
        answers = await self._tell("blocklists")
        return asked.zones(answers, blocklists_of(self._chosen))

    async def probe(self, zone: str) -> Probed | None:
        """Ask a list of the configuration for its test entries."""
        for blocklist in blocklists_of(self._chosen):
            if blocklist.zone == zone:
                health = await dnsbl.probe(self._resolver, zone=blocklist, gather=asyncio.gather)
                return Probed(zone, health.works, health.reasons)
        return None

    async def servers(self) -> Servers:
        """Tell of the servers that share the queue."""
        return await self._servers.look()

    async def order(self, name: str, order: ServerOrder, by: By) -> None:
        """Have one of them drained, or serve again."""
        await self._servers.order(name, order, by)

    # -- the queue ----------------------------------------------------------------------------

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
        offset = min(max(offset, 0), _FURTHEST)
        limit = min(max(limit, 1), _MOST_ROWS)
        rows, total = await self._on_disk(
            lambda: self._operator.page(which, offset, limit, order, backwards=backwards)
        )
        return Listing(tuple(rows), total, offset)

    async def depth(self) -> Depth:
        """Tell what the queue is made of."""
        found = await self._depth()
        by_domain = {name: share.queued for name, share in found.by_domain.items()}
        return Depth(
            found.counts.messages,
            found.counts.by_state,
            _commonest(found.by_cause),
            _commonest(by_domain),
            found.oldest,
        )

    def _look_at_queue(self) -> QueueDepth:
        return self._operator.depth(_DOMAINS)

    async def message(self, identifier: str) -> Message | None:
        """Give a queued message."""
        return await self._on_disk(lambda: self._operator.message(identifier))

    async def act(self, verb: str, which: Selection, by: By) -> int:
        """Do something to the queue, for somebody."""
        count = await self._on_disk(lambda: self._operator.act(verb, which, by))
        self._depth.forget()
        return count

    @property
    def _operator(self) -> Operator:
        return Operator(self._chosen, self._clock())

    # -- the suppression list -----------------------------------------------------------------

    async def suppressed(self, part: str = "", offset: int = 0, limit: int = 100) -> Silence:
        """Give a page of the addresses that nothing is sent to."""
        offset = min(max(offset, 0), _FURTHEST)
        limit = min(max(limit, 1), _MOST_ROWS)
        rows, total = await self._on_disk(
            lambda: self._suppressions.list(self._clock(), "", offset, limit, part)
        )
        return Silence(tuple(rows), total, offset, self._chosen.suppression.on)

    async def suppress(self, one: Suppressed, by: By) -> None:
        """Have nothing sent to an address any more."""
        await self._on_disk(lambda: self._suppressions.add(one))
        await self.note("suppress", by, deed(one.address, one.whose))

    async def unsuppress(self, address: str, whose: str, by: By) -> int:
        """Have mail sent to it again."""
        count = await self._on_disk(lambda: self._suppressions.remove(address, whose))
        if count:
            await self.note("unsuppress", by, deed(address, whose))
        return count

    # -- what happened ------------------------------------------------------------------------

    async def note(self, verb: str, by: By, facts: Mapping[str, str]) -> None:
        """Note in the journal that an operator did something else."""
        entry = operated(self._clock(), verb, by)
        self._journal.write(replace(entry, facts={**facts, **entry.facts}))

    async def deeds(self, limit: int = 100) -> Sequence[Entry]:
        """Give the last things that operators did."""
        return await self._in_journals(lambda reader: reader.recent(limit, (Kind.OPERATED,)))

    async def story(self, identifier: str) -> Trace | None:
        """Find what an id names."""
        return await self._in_journals(lambda reader: reader.trace(identifier))

    async def recent(self, cause: str, limit: int = 50) -> Sequence[Entry]:
        """Give the last entries with a cause."""
        return await self._in_journals(lambda reader: reader.recent(limit, causes=(cause,)))

    async def _in_journals(self, look: Callable[[JournalReader | AllJournals], T]) -> T:
        own = JournalReader(self._places.journals())
        reader = AllJournals(own, FromThread(self._others)) if self.member else own
        return await self._on_disk(lambda: look(reader))

    # -- reports ------------------------------------------------------------------------------

    async def reports(
        self, domain: str = "", since: float = 0.0, limit: int = 1000
    ) -> Sequence[Kept]:
        """Give the reports of others."""
        return await self._on_disk(lambda: self._incoming.list(domain, since, limit))

    async def report(self, number: int) -> Report | None:
        """Give one of them whole."""
        return await self._on_disk(lambda: self._incoming.read(number))

    async def parcels(self, limit: int = 100) -> Sequence[Parcel]:
        """Give the last reports of one's own."""
        return await self._on_disk(lambda: self._outgoing.parcels(limit))

    # -- settings -----------------------------------------------------------------------------

    async def settings(self, language: str = "en") -> tuple[Setting, ...]:
        """Give the settings in force."""
        return await self._on_disk(lambda: self._show(language))

    def _show(self, language: str) -> tuple[Setting, ...]:
        chosen = self._chosen
        try:
            loaded = settings.read(chosen.file, chosen.data)
        except settings.ConfigError:  # it was changed since, and what is in force is what counts
            loaded = settings.Loaded(chosen, {}, data_given=False)
        shown = Shown(replace(loaded, config=chosen, data_given=False), language)
        return tuple(Setting(*row) for row in shown.rows())

    def domains(self) -> tuple[str, ...]:
        """Name the domains whose mail is ours."""
        return tuple(sorted(self._chosen.domains))

    async def records(self, domain: str) -> tuple[Checked, ...]:
        """Ask DNS for all that one of these domains has to publish."""
        if domain not in self._chosen.domains:
            return ()
        return await self._on_disk(lambda: self._compare(domain))

    def _compare(self, domain: str) -> tuple[Checked, ...]:
        chosen = self._chosen
        keys = folder_of(chosen).of(domain)
        return check_domain(chosen, domain_of(chosen, domain, keys))

    # -- asking -------------------------------------------------------------------------------

    async def _tell(
        self, verb: str, limit: int = 0, *, needed: bool = False
    ) -> Sequence[Mapping[str, object]]:
        """Ask all workers at once; give the answers of those that answer."""
        found = (await tell_all(self._places, self._others, verb, limit)).answers
        if needed and not found:
            raise OperationError(Trouble.NOT_RUNNING)
        return found

    async def _on_disk(self, look: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(look)
        except NotRunningError:
            raise OperationError(Trouble.NOT_RUNNING) from None
        except ControlError as error:
            raise OperationError(Trouble.NOT_DONE, problem=str(error)) from error
        except (
            StorageError,
            ReportsError,
            KeysError,
            SuppressionError,
            TransportError,
        ) as error:
            raise OperationError(Trouble.STORAGE, problem=str(error)) from error

    def close(self) -> None:
        """Let go of the files."""
        self._incoming.close()
        self._outgoing.close()
        self._suppressions.close()
        self._policies.close()


def _commonest(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(ordered[:_COMMONEST])
