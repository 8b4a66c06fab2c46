"""One simulated year: our delivery, whole and real, in a drawn world."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import itertools
import math
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from zlib import crc32

from ulak.bounce.notice import Office
from ulak.delivery import worker as worker_module
from ulak.delivery.attempt import SmtpCarrier
from ulak.delivery.crowd import Home
from ulak.delivery.outcome import Outcome
from ulak.delivery.parts import Parts
from ulak.delivery.route import Route, Routes
from ulak.delivery.seating import Seating
from ulak.delivery.sending import Sending
from ulak.delivery.sharing import Sharing
from ulak.delivery.site.grant import ANYWHERE, Grant
from ulak.delivery.site.seat import Answer as Place
from ulak.delivery.site.seat import Ask, Roll, Seat, SeatsInMemory
from ulak.delivery.site.share import Member
from ulak.delivery.site.shared import SharedInMemory
from ulak.delivery.site.sites import Bounds, Sites
from ulak.delivery.site.terms import Terms
from ulak.delivery.site.window import Learning
from ulak.delivery.source.source import SYSTEM, Source
from ulak.delivery.source.sources import Sources
from ulak.delivery.target import Target, Way
from ulak.delivery.worker import Worker
from ulak.dns import Answer, Zone
from ulak.dns.records import Status
from ulak.mail.envelope import Envelope, domain_of
from ulak.queue import lanes
from ulak.queue.item import Body, Lease, Message, Pending, Row, Selection, Settlement
from ulak.queue.memory import MemoryStore
from ulak.queue.sqlite import SqliteStore
from ulak.queue.store import StorageError

from .ledger import Broken, Ledger
from .loop import StandstillError, in_no_time, run, simulated
from .wire import Copy, Net, within
from .world import DAY, HOUR, MINUTE, PROMPT, Deed, Event, Letter, Temper, World, world

_ALL = Selection(everything=True)
_ASLEEP = 6 * HOUR  # between looks at the store where nothing is due: a year has many minutes
_RECHECKED = 10 * MINUTE  # where all that is due waits for its site
_CRAMMED = MINUTE  # where memory is full: as in the worker
_GRACE = 30.0
_OFTEN = 2.0  # between looks at what other workers say
_SOON = 0.2  # and while parts of limits change


class Books:
    """The store as our process knows it: it may fail, and it notes what is asked of it."""

    def __init__(self, inner: MemoryStore | SqliteStore, ledger: Ledger, life: Running) -> None:
        self.inner = inner
        self._ledger = ledger
        self._life = life

    async def _ask(self, *, may_fail: bool = True) -> None:
        if self._life.dead:
            raise asyncio.CancelledError
        if may_fail and self._life.year.disk_fails():
            message = "No space is left on the device."
            raise StorageError(message)

    async def put(
        self,
        message: Message,
        pending: Sequence[Pending],
        *,
        lease: bool = False,
        settle: tuple[Lease, Sequence[Settlement]] | None = None,
    ) -> Lease | None:
        await self._ask()
        got = await in_no_time(self.inner.put(message, pending, lease=lease, settle=settle))
        self._ledger.put(message, pending, report=settle is not None)
        if settle is not None:
            self._ledger.settle(*settle, report=message)
        if got is not None:
            self._lease(got)
        return got

    def _lease(self, lease: Lease) -> None:
        """Note a lease; while there is hardly room the worker looks every minute."""
        before = self._ledger.is_crammed
        self._ledger.lease(lease)
        if self._ledger.is_crammed and not before:
            self._life.worker._waking.set()

    async def lease(self, now: float, limit: int, avoid: Collection[str] = ()) -> list[Lease]:
        await self._ask()
        leases = await in_no_time(self.inner.lease(now, limit, avoid))
        for lease in leases:
            self._lease(lease)
        if self._ledger.is_crammed:
            worker_module._LONGEST_SLEEP = _CRAMMED
        return leases

    async def settle(self, lease: Lease, outcomes: Sequence[Settlement]) -> None:
        await self._ask()
        await in_no_time(self.inner.settle(lease, outcomes))
        self._ledger.settle(lease, outcomes)

    async def take(self, which: Selection, limit: int, *, bodiless: bool = False) -> list[Lease]:
        await self._ask()
        leases = await in_no_time(self.inner.take(which, limit, bodiless=bodiless))
        for lease in leases:
            self._lease(lease)
        return leases

    async def next_due(self, avoid: Collection[str] = (), after: float = -math.inf) -> float | None:
        await self._ask()
        due = await in_no_time(self.inner.next_due(avoid, after))
        if avoid:
            return due
        # What is due and may not go hides what is due next: then the worker looks every minute.
        hidden = due is not None and due <= simulated().clock()
        worker_module._LONGEST_SLEEP = _RECHECKED if hidden else _ASLEEP
        if self._ledger.is_crammed:
            worker_module._LONGEST_SLEEP = _CRAMMED
        return due

    async def list(self, which: Selection) -> Iterator[Row]:
        await self._ask()
        return await in_no_time(self.inner.list(which))

    async def next_deadline(self, after: float) -> float | None:
        await self._ask()
        return await in_no_time(self.inner.next_deadline(after))

    def __getattr__(self, name: str) -> object:  # what is no verb: threads take time for those
        found = getattr(self.inner, name)
        assert not inspect.iscoroutinefunction(found), name
        return found


class Carrying:
    """The real carrier, watched."""

    def __init__(
        self,
        ledger: Ledger,
        sources: Mapping[str, Source],
        stir: Callable[[], None],
        worker: int,
    ) -> None:
        sending = Sending(
            "mx.home.example", sweep=20.0, clock=simulated().clock, sources=sources.__getitem__
        )
        self.inner = SmtpCarrier(sending, self._fell)
        self._ledger = ledger
        self._stir = stir
        self._worker = worker

    def _fell(self, error: Exception) -> str:
        self._ledger.incident(error)
        return "I"

    async def carry(
        self,
        message: Message,
        recipients: Sequence[str],
        target: Target,
        grant: Grant = ANYWHERE,
    ) -> list[Outcome]:
        site = target.site or target.key
        self._ledger.attempt(message.id, recipients, site, grant.source)
        self._stir()
        terms = grant.terms
        suspension = terms.suspension if grant.probe and isinstance(terms, Terms) else None
        if suspension is not None:
            self._ledger.probe(site, grant.source, suspension.until, self._worker)
        try:
            return await self.inner.carry(message, recipients, target, grant)
        finally:
            self._ledger.attempted(site, grant.source)
            if suspension is not None:
                self._ledger.probe_ended(site, grant.source, suspension.until, self._worker)

    async def close(self) -> None:
        await self.inner.close()


class Names:
    """The resolver: a table, and times in which it fails."""

    def __init__(self, plan: World) -> None:
        self._plan = plan
        table: dict[tuple[str, str], Sequence[str | tuple[int, str]]] = {}
        for site in plan.sites:
            for domain in site.domains:
                hosts = site.of(domain)
                table[domain, "MX"] = [(preference, host) for preference, host, _ in hosts]
                for _, host, address in hosts:
                    table[host, "A"] = [address]
        self._zone = Zone(table)

    async def resolve(self, name: str, kind: str) -> Answer:
        await asyncio.sleep(0.02)
        site = self._plan.by_domain.get(name)
        if site is not None and within(simulated().now, site.nameless):
            await asyncio.sleep(5)
            return Answer(name, kind, Status.TIMEOUT, detail="no answer came")
        return await self._zone.resolve(name, kind)


class Seats(SeatsInMemory):
    """A place on the roll of all servers, whose time is the simulated one."""

    async def renew(self, count: int, asks: Collection[Ask], debts: Collection[Home]) -> Place:
        self.now = simulated().clock()
        return await super().renew(count, asks, debts)


class Company:
    """What one of several workers does to keep limits together with the others.

    It looks as often as it really does while attempts are made or waited for, and rarely when
    nothing goes on.
    """

    def __init__(
        self,
        year: Year,
        worker: Worker,
        sites: Sites,
        member: Member,
        incident: Callable[[BaseException], str],
        seat: Seat | None,
        shed: Callable[[Home, float], None],
    ) -> None:
        self._year = year
        self._sites = sites
        self._worker = worker
        clock = simulated().clock
        self._sharing = Sharing(
            sites, year.shared, member, clock, incident, worker.reopen, self._seating(seat, shed)
        )
        self._task = asyncio.create_task(self._run())

    def _seating(self, seat: Seat | None, shed: Callable[[Home, float], None]) -> Seating | None:
        """Give one of several servers its place among them; None for workers of one machine."""
        if seat is None:
            return None
        clock, opened = simulated().clock, self._worker.reopen
        seats = Seats(self._year.roll, next(self._year.numbers))
        return Seating(self._sites, seats, seat, clock, opened, shed)

    async def _run(self) -> None:
        year, hurry = self._year, self._sharing._hurry
        year.stirring.append(hurry)
        while True:
            hurry.clear()
            claims = bool(self._sites.claims)  # what is given back the others see after a step
            await self._sharing.step()
            busy = year.ledger.under_way.total() or claims or self._sites.claims
            pause = _OFTEN if busy else _ASLEEP
            seating = self._sharing._seating
            if seating is not None and seating.soon:
                pause = _SOON
                for event in set(year.stirring) - {hurry}:
                    event.set()  # whoever sleeps has to make room
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await hurry.wait()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._sharing.close()


def sources_of(count: int) -> list[Source]:
    """Give so many sources; with one it is the system's. They are addresses that we could have."""
    if count == 1:
        return [SYSTEM]
    return [Source(f"s{number}", f"127.0.0.{10 + number}") for number in range(count)]


@dataclass
class Running:
    """One of our workers, from its start to its end."""

    year: Year
    index: int = 0
    dead: bool = False
    store: Books = field(init=False)
    carrier: Carrying = field(init=False)
    worker: Worker = field(init=False)
    task: asyncio.Task[None] = field(init=False)
    company: Company | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        year = self.year
        plan, ledger, loop = year.plan, year.ledger, simulated()
        self.store = Books(year.open(self.index), ledger, self)
        sources = {each.name: each for each in sources_of(plan.sources)}
        self.carrier = Carrying(ledger, sources, year.stir, self.index)
        lot = Random(plan.seed + self.index)
        member = Member(self.index, plan.workers)
        seat = Seat() if year.clustered else None
        sites = Sites(Bounds(Learning(most=plan.limits.target)), member=seat or member)
        settings = Routes.of("mx.home.example", {}, {}, ("10.0.0.0/8",))
        self.worker = Worker(
            Parts(
                store=self.store,  # type: ignore[arg-type]  # the rest comes from within
                journal=ledger,
                resolver=year.names,
                route=Route(settings, lot.random),
                carriers={Way.SMTP: self.carrier},
                retry=plan.retry,
                office=Office("mx.home.example"),
                clock=loop.clock,
                chance=lot.random,
                new_id=lambda: f"R{next(year.numbers)}",
                incident=self._incident,
                limits=plan.limits,
                sites=sites,
                sources=Sources(sources.values(), loop.clock) if plan.sources > 1 else None,
            )
        )
        if plan.workers > 1 or year.clustered:
            shed = self.carrier.inner.pool.shed
            self.company = Company(year, self.worker, sites, member, self._incident, seat, shed)
        self.task = asyncio.create_task(self.worker.run())

    async def stop(self) -> None:
        """End as a process does that is asked to."""
        await self.worker.stop(_GRACE)
        await self.task
        if self.company is not None:
            await self.company.close()
        if self.year.plan.durable:
            await in_no_time(self.store.inner.close())

    def _incident(self, error: BaseException) -> str:
        if not isinstance(error, StorageError):
            self.year.ledger.incident(error)
        return "I"


class Year:
    def __init__(self, plan: World, folder: Path, *, clustered: bool = False) -> None:
        self.plan = plan
        self.clustered = clustered  # whether our workers are those of several servers
        self.roll = Roll()
        self.ledger = Ledger(plan.limits, plan.retry, plan.workers)
        self.shared = SharedInMemory()
        self.stirring: list[asyncio.Event] = []  # of workers that keep limits together
        self.names = Names(plan)
        self.net = Net(self.ledger.tell)
        self.numbers = itertools.count(1)
        self._turns = itertools.count()  # of workers that take mail in
        self._folder = folder
        self._memory = [MemoryStore() for _ in range(plan.workers)]
        self._disk = itertools.cycle((True, False, True))
        for site in plan.sites:
            site.server.note = self._note
            site.server.limit = plan.limits.target
            site.server.over = partial(
                self.ledger.breaks, "no site is over its limit", site.server.name
            )
            for address in {one[2] for domain in site.domains for one in site.of(domain)}:
                assert address not in self.net.servers
                self.net.servers[address] = site.server
        self.running: list[Running] = []

    def _note(self, copies: Sequence[Copy]) -> None:
        for copy in copies:
            self.ledger.lives[copy.message, copy.recipient].copies.append(copy)

    def stir(self) -> None:
        """Have workers look what the others say: something goes on."""
        if self.stirring and not self.ledger.under_way.total() > 1:
            for event in self.stirring:
                event.set()

    def open(self, index: int) -> MemoryStore | SqliteStore:
        """Open the store as a start finds it: no lease outlives a process."""
        if self.plan.durable:
            folder = self._folder / str(index)
            folder.mkdir(exist_ok=True)
            return SqliteStore(folder)
        memory = self._memory[index]
        for lease in list(memory._leased.values()):
            memory._settle(lease, ())
        return memory

    def _start(self) -> None:
        self.stirring.clear()
        self.roll = Roll()  # whoever was on it before has ended, and comes anew
        self.running = [Running(self, index) for index in range(self.plan.workers)]

    def disk_fails(self) -> bool:
        return within(simulated().now, self.plan.disk) and next(self._disk)

    # -- the course of it -------------------------------------------------------------------

    async def pass_by(self) -> None:
        loop = simulated()
        loop.network = self.net
        loop.set_exception_handler(lambda _loop, what: self.ledger.fell(what))
        self.ledger.now = loop.time
        self.ledger.downs += list(self.plan.disk)
        self.ledger.bulk = {letter.name for letter in self.plan.letters if letter.bulk}
        self.ledger.beside = {letter.name for letter in self.plan.letters if letter.beside}
        sites = self.plan.sites
        self.ledger.prompt = {d for s in sites if s.temper in PROMPT for d in s.domains}
        self._start()
        happenings: list[Letter | Event] = [*self.plan.letters, *self.plan.events]
        for each in sorted(happenings, key=lambda each: each.at):
            await asyncio.sleep(each.at - loop.now)
            if isinstance(each, Letter):
                await self._accept(each)
            else:
                await self._happens(each)
        end = loop.now + self.plan.retry.give_up_after + 1 * DAY
        rows: list[Row] = []
        while loop.now < end:
            rows = [
                row
                for running in self.running
                for row in await in_no_time(running.store.inner.list(_ALL))
            ]
            if not rows:
                break
            await asyncio.sleep(HOUR)
        happy = {d for s in sites if s.temper is Temper.HAPPY for d in s.domains}
        await self._stop()
        for site in sites:
            self.ledger.close_site(site.server)
        self.ledger.close(happy, sorted({row.id for row in rows}))

    async def _accept(self, letter: Letter) -> None:
        """Take a message over as a session does."""
        running = self.running[next(self._turns) % len(self.running)]
        text = f"Message-ID: <{letter.name}@home.example>\r\nSubject: hi\r\n\r\nhi\r\n".encode()
        now = simulated().clock()
        message = Message(
            letter.name, Envelope(letter.sender, letter.recipients), Body(len(text), text), now
        )
        pending = [Pending(each, domain_of(each), due=now) for each in letter.recipients]
        wanted = running.worker.wants({each.domain for each in pending}, letter.sender)
        try:
            lease = await running.store.put(message, pending, lease=wanted)
        except StorageError:
            return  # the client was told to come back, and it is not ours
        if lease is not None:
            running.worker.accepted(lease)

    async def _happens(self, event: Event) -> None:
        loop, ledger = simulated(), self.ledger
        ledger.tell("we", event.deed.value, f"for {event.lasts:.0f} s")
        if event.deed in (Deed.CRASH, Deed.RESTART):
            await (self._crash() if event.deed is Deed.CRASH else self._stop())
            since = loop.now
            await asyncio.sleep(event.lasts)
            ledger.downs.append((since, loop.now))
            self._start()
            return
        if event.deed is Deed.HOLD:
            ledger.downs.append((loop.now, loop.now + HOUR))
        for running in self.running:
            await self._operate(event.deed, running)

    async def _operate(self, deed: Deed, running: Running) -> None:
        """Do something to the queue of one worker."""
        store, now = running.store.inner, simulated().clock()
        match deed:
            case Deed.DROP:
                rows = list(await in_no_time(store.list(_ALL)))[::3]
                chosen = Selection(ids=tuple({row.id for row in rows}))
                if rows:
                    doomed = list(await in_no_time(store.list(chosen)))
                    await in_no_time(store.drop(chosen))
                    self.ledger.drop([(row.id, row.pending.recipient) for row in doomed])
            case Deed.HOLD:
                await in_no_time(store.hold(_ALL))
            case Deed.RELEASE:
                await in_no_time(store.release(_ALL, now))
                running.worker.wake()
            case Deed.RETRY:
                await in_no_time(store.retry(_ALL, now))
                running.worker.wake()

    async def _stop(self) -> None:
        await asyncio.gather(*(running.stop() for running in self.running))
        self.ledger.leased.clear()  # where the disk was full, the next to open the store finds it
        self.ledger.crashes.append(simulated().now)  # what took longer is given back

    async def _crash(self) -> None:
        for running in self.running:
            running.dead = True
            running.worker._alarm.stop()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.net.cut_all()
        for running in self.running:
            running.carrier.inner.pool._open.clear()
            if self.plan.durable:
                await in_no_time(running.store.inner.close())
        self.ledger.leased.clear()
        self.ledger.crashes.append(simulated().now)


@contextmanager
def _rarely() -> Iterator[None]:
    """Look at the store only when something is due: whoever is not woken sleeps long."""
    before = worker_module._LONGEST_SLEEP, worker_module._RECHECK
    worker_module._LONGEST_SLEEP, worker_module._RECHECK = _ASLEEP, _RECHECKED
    try:
        yield
    finally:
        worker_module._LONGEST_SLEEP, worker_module._RECHECK = before


@contextmanager
def _without_a_key() -> Iterator[None]:
    """Count senders by a hash that is the same in every process."""
    before = lanes._number
    lanes._number = lambda domain: crc32(domain.encode())
    try:
        yield
    finally:
        lanes._number = before


def simulate(seed: int, *, clustered: bool = False) -> tuple[Year, list[Broken]]:
    """Let the year of a seed pass; what was broken in it."""
    with _rarely(), _without_a_key(), tempfile.TemporaryDirectory(prefix="ulak-year-") as folder:
        year = Year(world(seed), Path(folder), clustered=clustered)
        try:
            run(year.pass_by())
        except StandstillError as error:
            year.ledger.breaks("time passes", "", str(error))
    return year, year.ledger.broken
