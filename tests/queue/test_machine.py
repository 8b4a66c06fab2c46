"""Two stores asked the same at random answer the same; one of them is shut now and then."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from ulak.mail.envelope import Wishes
from ulak.queue import lanes
from ulak.queue.item import (
    Again,
    Done,
    Lease,
    Message,
    Pending,
    Selection,
    Settlement,
    State,
    Still,
)
from ulak.queue.postgres import due as postgres_due
from ulak.queue.sqlite import due as sqlite_due
from ulak.queue.sqlite import senders

from .driver import ALL, Driver, message

DOMAINS = ("a.example", "b.example", "çay.example")
CAUSES = ("", "greylisted", "mailbox-full")

times = st.sampled_from([0.0, 1.0, 2.5, 10.0, 100.0, 3600.0, 3601.0])
limits = st.integers(0, 4)
domains = st.sets(st.sampled_from(DOMAINS), max_size=2)
selections = st.builds(
    Selection,
    ids=st.lists(st.sampled_from([f"m{n}" for n in range(8)]), max_size=2).map(tuple),
    domains=st.lists(st.sampled_from(DOMAINS), max_size=2, unique=True).map(tuple),
    address=st.sampled_from(("", "", "A@a.example", "ada@EXAMPLE.org")),
    cause=st.sampled_from(CAUSES),
    everything=st.booleans(),
    state=st.sampled_from((None, None, *State)),
    before=st.none() | times,
    after=st.none() | times,
)


@st.composite
def recipients(draw: st.DrawFn) -> list[Pending]:
    names = draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True))
    return [
        Pending(
            f"{name}@{domain}",
            domain,
            draw(st.sampled_from(State)),
            draw(times),
            draw(st.integers(0, 3)),
            draw(st.sampled_from(CAUSES)),
            draw(st.text(max_size=5)),
            warned=draw(st.booleans()),
            source=draw(st.sampled_from(["", "s1"])),
        )
        for name in names
        for domain in [draw(st.sampled_from(DOMAINS))]
    ]


Pair = tuple[Lease, Lease]


class TwoStores(RuleBasedStateMachine):
    """`plain` is the memory store, `disk` the one that keeps; a lease is a pair of both's."""

    leases = Bundle("leases")
    kind = "sqlite"
    database = ""  # the URL, where it lies in one
    looking: ModuleType = sqlite_due

    @initialize(
        glance=st.sampled_from([1, 2, 10_000]),
        first=st.sampled_from([1, 2, 32]),
        page=st.sampled_from([2, 1000]),
    )
    def begin(self, glance: int, first: int, page: int) -> None:
        self.before = self.looking._GLANCE, lanes.FIRST, senders._PAGE
        self.looking.__dict__["_GLANCE"] = glance
        lanes.FIRST, senders._PAGE = first, page
        self.folder = tempfile.TemporaryDirectory()
        self.plain = Driver("memory", Path(self.folder.name))
        self.disk = Driver(self.kind, Path(self.folder.name), self.database)
        self.open: dict[int, Pair] = {}
        self.count = 0

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.looking.__dict__["_GLANCE"], lanes.FIRST, senders._PAGE = self.before
            self.plain.close()
            self.disk.close()
            self.folder.cleanup()

    def _pair(self, plain: Lease | None, disk: Lease | None) -> list[Pair]:
        assert (plain is None) == (disk is None)
        if plain is None or disk is None:
            return []
        assert plain.message == disk.message
        assert plain.pending == disk.pending
        self.open[disk.token] = plain, disk
        return [(plain, disk)]

    def _pairs(self, plain: Sequence[Lease], disk: Sequence[Lease]) -> list[Pair]:
        assert len(plain) == len(disk)
        return [
            each for one, other in zip(plain, disk, strict=True) for each in self._pair(one, other)
        ]

    def keepable(self, pending: list[Pending]) -> list[Pending]:
        """Give recipients that the store can keep as they are."""
        return pending

    def _new(self, pending: list[Pending], priority: int = 0, sender: str = "") -> Message:
        self.count += 1
        names = [each.recipient for each in pending]
        mail = message(f"m{self.count % 50}", *names, received=10.0)
        wishes = Wishes(priority=priority) if priority else mail.envelope.wishes
        sender = sender or mail.envelope.sender
        return replace(mail, envelope=replace(mail.envelope, sender=sender, wishes=wishes))

    @rule(
        target=leases,
        pending=recipients(),
        lease=st.booleans(),
        priority=st.integers(-1, 1),
        sender=st.sampled_from(["", "a@huge.example", "b@small.example"]),
    )
    def put(self, pending: list[Pending], lease: bool, priority: int, sender: str) -> Pair | None:  # noqa: FBT001 -- drawn
        pending = self.keepable(pending)
        mail = self._new(pending, priority, sender)
        if mail.id in self.disk.ids():
            return None
        pair = self._pair(
            self.plain.put(mail, pending, lease=lease), self.disk.put(mail, pending, lease=lease)
        )
        return pair[0] if pair else None

    @rule(target=leases, now=times, limit=limits, avoid=domains)
    def lease(self, now: float, limit: int, avoid: set[str]) -> Pair | None:
        pairs = self._pairs(self.plain.lease(now, limit, avoid), self.disk.lease(now, limit, avoid))
        return pairs[0] if pairs else None

    @rule(target=leases, which=selections, limit=limits)
    def take(self, which: Selection, limit: int) -> Pair | None:
        pairs = self._pairs(self.plain.take(which, limit), self.disk.take(which, limit))
        return pairs[0] if pairs else None

    def _outcomes(self, data: st.DataObject, lease: Lease) -> list[Settlement]:
        outcomes: list[Settlement] = []
        for each in lease.pending:
            match data.draw(st.sampled_from(["done", "again", "nothing"])):
                case "done":
                    outcomes.append(Done(each.recipient))
                case "again":
                    state, when = data.draw(st.sampled_from(State)), data.draw(times)
                    outcomes.append(
                        Again(replace(each, state=state, due=when, attempts=each.attempts + 1))
                    )
        if data.draw(st.booleans()):
            outcomes.append(Still())
        return outcomes

    @rule(pair=leases, data=st.data())
    def settle(self, pair: Pair | None, data: st.DataObject) -> None:
        if pair is None:
            return
        outcomes = self._outcomes(data, pair[0])
        self.plain.settle(pair[0], *outcomes)
        self.disk.settle(pair[1], *outcomes)
        if Still() not in outcomes:
            self.open.pop(pair[1].token, None)

    @rule(target=leases, pair=leases, pending=recipients(), data=st.data())
    def report(self, pair: Pair | None, pending: list[Pending], data: st.DataObject) -> Pair | None:
        if pair is None:
            return None
        pending = self.keepable(pending)
        mail = self._new(pending)
        if mail.id in self.disk.ids():
            return None
        outcomes = self._outcomes(data, pair[0])
        new = self._pair(
            self.plain.put(mail, pending, lease=True, settle=(pair[0], outcomes)),
            self.disk.put(mail, pending, lease=True, settle=(pair[1], outcomes)),
        )
        if Still() not in outcomes:
            self.open.pop(pair[1].token, None)
        return new[0] if new else None

    @rule(which=selections, now=times)
    def operate(self, which: Selection, now: float) -> None:
        assert self.plain.retry(which, now) == self.disk.retry(which, now)

    @rule(which=selections, now=times)
    def release(self, which: Selection, now: float) -> None:
        assert self.plain.release(which, now) == self.disk.release(which, now)

    @rule(which=selections)
    def hold(self, which: Selection) -> None:
        assert self.plain.hold(which) == self.disk.hold(which)

    @rule(which=selections)
    def drop(self, which: Selection) -> None:
        assert self.plain.drop(which) == self.disk.drop(which)

    @rule(which=selections)
    def list(self, which: Selection) -> None:
        assert self.plain.list(which) == self.disk.list(which)

    @rule(avoid=domains, after=times)
    def next_due(self, avoid: set[str], after: float) -> None:
        assert self.plain.next_due(avoid, after) == self.disk.next_due(avoid, after)

    @rule()
    def reopen(self) -> None:
        self.disk.reopen()
        for pair in self.open.values():
            self.plain.settle(pair[0])
        self.open.clear()

    @invariant()
    def they_hold_the_same(self) -> None:
        if not hasattr(self, "disk"):
            return
        assert self.plain.list(ALL) == self.disk.list(ALL)
        assert self.plain.count() == self.disk.count()
        assert self.plain.next_due() == self.disk.next_due()
        for identifier in self.plain.ids():
            assert self.plain.read(identifier) == self.disk.read(identifier)


TwoStores.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestTwoStores = pytest.mark.slow(TwoStores.TestCase)


class InPostgres(TwoStores):
    """The same with a database, whose texts have no NUL."""

    kind = "postgres"
    looking = postgres_due

    def keepable(self, pending: list[Pending]) -> list[Pending]:
        return [replace(each, reply=each.reply.replace("\0", "")) for each in pending]


@pytest.fixture(autouse=True)
def _database(request: pytest.FixtureRequest) -> None:
    if request.cls is InPostgres.TestCase:
        InPostgres.database = request.getfixturevalue("database").url


InPostgres.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestInPostgres = pytest.mark.slow(pytest.mark.timeout(300)(InPostgres.TestCase))
