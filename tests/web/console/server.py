"""A server for the console to look at: queue and journal in memory, everything else at rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ulak.cluster.member import Order as ServerOrder
from ulak.journal.deed import By, operated
from ulak.journal.entry import Entry, Kind
from ulak.journal.figures import Figures, Span, add_up
from ulak.journal.memory import MemoryJournal
from ulak.journal.trace import Trace
from ulak.mail.envelope import Envelope
from ulak.publish.compare import Checked
from ulak.queue.item import Body, Message, Order, Pending, Selection, State
from ulak.queue.memory import MemoryStore
from ulak.reports.reading import Report
from ulak.reports.store import Kept, Parcel
from ulak.suppression.suppressed import Suppressed
from ulak.web.console.absent import Missing
from ulak.web.console.ports import (
    Depth,
    Destination,
    Destinations,
    Listing,
    Now,
    OperationError,
    Probed,
    Session,
    Sessions,
    Setting,
    Silence,
    Zone,
)
from ulak.web.console.sharing import Servers

MEANT = {"retry": State.READY, "hold": State.READY, "release": State.HELD}


class Server:
    """Follows `web.console.ports.Operation`."""

    def __init__(self, now: float) -> None:
        self.now_is = now
        self.store = MemoryStore()
        self.journal = MemoryJournal()
        self.state = Now(now, 1, 1, 0.0)
        self.counted: list[tuple[int, Mapping[str, int]]] = []
        self.looks = self.charted = 0
        self.trouble: OperationError | None = None
        self.acts: list[tuple[str, Selection]] = []
        self.connected: tuple[Session, ...] = ()
        self.places: tuple[Destination, ...] = ()
        self.zones: tuple[Zone, ...] = ()
        self.probed: tuple[Probed, ...] = ()
        self.read: tuple[Kept, ...] = ()
        self.whole: dict[int, Report] = {}
        self.sent: tuple[Parcel, ...] = ()
        self.silent: list[Suppressed] = []
        self.heeded = True
        self.chosen: tuple[Setting, ...] = ()
        self.published: dict[str, tuple[Checked, ...]] = {"example.org": ()}
        self.member = ""
        self.sharing = Servers("", ())
        self.orders: list[tuple[str, ServerOrder, By]] = []
        self.absent = Missing()

    def missing(self) -> Missing:
        return self.absent

    def _look(self) -> None:
        if self.trouble is not None:
            raise self.trouble

    async def now(self) -> Now:
        self._look()
        self.looks += 1
        return replace(self.state, time=self.now_is)

    async def servers(self) -> Servers:
        self.looks += 1
        return self.sharing

    async def order(self, name: str, order: ServerOrder, by: By) -> None:
        self._look()
        self.orders.append((name, order, by))
        self.journal.write(operated(self.now_is, f"{order}-server", by))

    async def figures(self, span: Span) -> Figures:
        self._look()
        self.charted += 1
        return add_up(self.counted, span, self.now_is)

    async def sessions(self, limit: int = 200) -> Sessions:
        return Sessions(self.connected[:limit], len(self.connected))

    async def destinations(self, limit: int = 200) -> Destinations:
        return Destinations(self.places[:limit], len(self.places))

    async def blocklists(self) -> tuple[Zone, ...]:
        return self.zones

    async def probe(self, zone: str) -> Probed | None:
        return next((one for one in self.probed if one.zone == zone), None)

    async def queue(
        self,
        which: Selection,
        offset: int = 0,
        limit: int = 100,
        order: Order = Order.AGE,
        *,
        backwards: bool = False,
    ) -> Listing:
        self._look()
        rows = sorted(await self.store.list(which), key=order.of, reverse=backwards)
        return Listing(tuple(rows[offset : offset + limit]), len(rows), offset)

    async def depth(self) -> Depth:
        self._look()
        rows = list(await self.store.list(Selection(everything=True)))
        causes: dict[str, int] = {}
        domains: dict[str, int] = {}
        states = dict.fromkeys(State, 0)
        for row in rows:
            states[row.pending.state] += 1
            domains[row.pending.domain] = domains.get(row.pending.domain, 0) + 1
            if row.pending.cause:
                causes[row.pending.cause] = causes.get(row.pending.cause, 0) + 1
        return Depth(
            len({row.id for row in rows}), states, tuple(causes.items()), tuple(domains.items())
        )

    async def message(self, identifier: str) -> Message | None:
        return await self.store.read(identifier)

    async def act(self, verb: str, which: Selection, by: By) -> int:
        self._look()
        self.acts.append((verb, which))
        rows = [
            row
            for row in await self.store.list(which)
            if verb not in MEANT or row.pending.state is MEANT[verb]
        ]
        match verb:
            case "retry":
                count = await self.store.retry(which, self.now_is)
            case "hold":
                count = await self.store.hold(which)
            case "release":
                count = await self.store.release(which, self.now_is)
            case _:
                count = await self.store.drop(which)
        for row in rows:
            facts = {"recipient": row.pending.recipient}
            self.journal.write(operated(self.now_is, verb, by, row.id, **facts))
        return count

    async def note(self, verb: str, by: By, facts: Mapping[str, str]) -> None:
        self._look()
        self.journal.write(operated(self.now_is, verb, by, **facts))

    async def deeds(self, limit: int = 100) -> Sequence[Entry]:
        self._look()
        return self.journal.recent(limit, kinds=[Kind.OPERATED])

    async def suppressed(self, part: str = "", offset: int = 0, limit: int = 100) -> Silence:
        self._look()
        found = [one for one in self.silent if part.lower() in one.address.lower()]
        rows = tuple(found[offset : offset + limit])
        return Silence(rows, len(found), offset, self.heeded)

    async def suppress(self, one: Suppressed, by: By) -> None:
        self._look()
        self.silent.insert(0, one)
        self.journal.write(operated(self.now_is, "suppress", by, recipient=one.address))

    async def unsuppress(self, address: str, whose: str, by: By) -> int:
        self._look()
        left = [one for one in self.silent if (one.address, one.whose) != (address, whose)]
        count, self.silent = len(self.silent) - len(left), left
        self.journal.write(operated(self.now_is, "unsuppress", by, recipient=address))
        return count

    async def story(self, identifier: str) -> Trace | None:
        self._look()
        return self.journal.trace(identifier)

    async def recent(self, cause: str, limit: int = 50) -> Sequence[Entry]:
        return self.journal.recent(limit, causes=[cause])

    async def reports(
        self, domain: str = "", since: float = 0.0, limit: int = 1000
    ) -> Sequence[Kept]:
        found = [one for one in self.read if one.end >= since]
        return [one for one in found if domain in ("", one.domain)][:limit]

    async def report(self, number: int) -> Report | None:
        return self.whole.get(number)

    async def parcels(self, limit: int = 100) -> Sequence[Parcel]:
        return self.sent[:limit]

    async def settings(self, language: str = "en") -> tuple[Setting, ...]:
        del language
        return self.chosen

    def domains(self) -> tuple[str, ...]:
        return tuple(self.published)

    async def records(self, domain: str) -> tuple[Checked, ...]:
        return self.published[domain]


async def filled(server: Server) -> None:
    """Put mail into the queue: some new, some deferred, some held, some of hostile words."""
    now = server.now_is
    for number, (identifier, recipient, pending) in enumerate(QUEUED):
        message = Message(
            identifier,
            Envelope(f"sender{number}@example.org", (recipient,)),
            Body(len(HEADER), HEADER),
            now - 1000 * (len(QUEUED) - number),
            session="ses0001aaa",
        )
        domain = recipient.rpartition("@")[2]
        await server.store.put(message, [replace(pending, recipient=recipient, domain=domain)])


HEADER = b"From: ada@example.org\r\nSubject: <b>Hello</b>\r\n\r\nbody of the message\r\n"
EVIL = '"><script>alert(1)</script>'
QUEUED = (
    (
        "msg0001aaa",
        "grace@example.net",
        Pending(
            "",
            "",
            State.READY,
            1_795_003_600.0,
            3,
            "mailbox-full",
            "452 4.2.2 The mailbox is full",
            "mx.example.net",
        ),
    ),
    ("msg0002bbb", "new@example.net", Pending("", "")),
    ("msg0003ccc", "held@example.com", Pending("", "", State.HELD, cause="greylisted")),
    (
        "msg0004ddd",
        "evil@example.com",
        Pending("", "", State.READY, 1.0, 1, "remote-deferred", f"451 {EVIL}", EVIL),
    ),
    ("msg0005eee", "old@example.com", Pending("", "", attempts=2, cause="of-yesterday")),
)
