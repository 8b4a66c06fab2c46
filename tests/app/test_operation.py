"""What the console is told of a server: of its workers while they run, and of what lies on disk."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.cli.names import serving
from tests.conftest import Served
from tests.simulation.loop import run as in_simulated_time
from tests.system.client import Client
from tests.system.test_serve import LOCAL, arrived

from ulak import config as settings
from ulak.app.client import resolver_of
from ulak.app.control import Answer, Control, Request
from ulak.app.operation import LiveOperation
from ulak.app.seldom import Seldom
from ulak.checks.mta_sts import Mode
from ulak.delivery.transport.sqlite import SqliteStsStore
from ulak.delivery.transport.sts import Cached
from ulak.dns.records import Status
from ulak.dns.zone import Zone
from ulak.journal.deed import By
from ulak.journal.entry import Entry, Kind
from ulak.journal.figures import Span
from ulak.journal.memory import MemoryJournal
from ulak.journal.sqlite import SqliteJournal
from ulak.lab.mx import Act, Behaviour
from ulak.mail.envelope import Envelope, domain_of
from ulak.publish.wanted import Purpose
from ulak.queue.item import Body, Message, Order, Pending, Selection, State
from ulak.queue.sqlite import SqliteStore
from ulak.reports.sqlite import SqliteIncoming
from ulak.reports.tlsrpt import TlsPolicy, TlsReport
from ulak.suppression.suppressed import Suppressed
from ulak.web.console.ports import (
    Destinations,
    Now,
    Operation,
    OperationError,
    Stopped,
    Terms,
    Trouble,
)

T = TypeVar("T")
ALL = Selection(everything=True)
ADA = By("ada@example.org", "console", "192.0.2.1")


@dataclass
class Asking:
    """An operation that is asked from outside of any loop."""

    config: Path
    journal: MemoryJournal

    def __call__(self, question: Callable[[Operation], Awaitable[T]]) -> T:
        async def ask() -> T:
            chosen = settings.load(self.config)
            resolver = resolver_of(chosen)
            operation = LiveOperation(chosen, self.journal, resolver)
            try:
                return await question(operation)
            finally:
                operation.close()
                await resolver.close()

        return asyncio.run(ask())

    def until(self, holds: Callable[[Now], bool], seconds: float = 60) -> Now:
        """Ask how it is until something holds."""
        end = time.monotonic() + seconds
        while not holds(now := self(lambda operation: operation.now())):
            assert time.monotonic() < end, now
            time.sleep(0.1)
        return now


@pytest.fixture
def busy(served: Callable[..., Any], sink: Callable[..., Any]) -> Iterator[tuple[Any, Asking]]:
    """A server of two workers with a smart host that puts everything off, and a blocklist."""
    later = sink(Behaviour(at={"RCPT": Act(raw=b"451 4.7.1 Greylisted, come back <later>\r\n")}))
    names = Zone({("2.0.0.127.list.example", "A"): ["127.0.0.2"]})
    names.put("1.0.0.127.broken.example", "A", Status.SERVFAIL)
    with serving(names) as dns:
        server = served(
            LOCAL
            + '[relay]\nnetworks = ["127.0.0.9/32"]\n[checks]\nspf = "off"\ndkim = "off"\n'
            + 'dmarc = "off"\niprev = "off"\nhelo = "off"\narc = "off"\n'
            + f'[route]\n"*" = "smtp:127.0.0.1:{later.port}"\n[dns]\nservers = ["{dns}"]\n'
            + '[[policy.dnsbl]]\nzone = "list.example"\nlabel = "the list"\n'
            + '[[policy.dnsbl]]\nzone = "broken.example"\n',
            workers=2,
        )
        server.start()
        yield server, Asking(server.config, MemoryJournal())


def deferred(now: Now) -> int:
    return sum(n for name, n in now.counted.items() if name.startswith("deferred "))


def send(server: Served, recipient: str, source: str = "127.0.0.9") -> str:
    with Client(server.port, source=source) as client:
        client.hear()
        client.say("EHLO client.example")
        client.say("MAIL FROM:<g@example.net>")
        reply = client.say(f"RCPT TO:<{recipient}>")
        if reply.startswith("250"):
            client.say("DATA")
            client.write(b"From: g@example.net\r\n\r\nhello\r\n.\r\n")
            reply = client.hear()
        client.say("QUIT")
        return reply


def test_the_console_sees_what_two_workers_do(busy: tuple[Any, Asking]) -> None:
    server, ask = busy
    for _ in range(3):
        assert send(server, "ada@example.org").startswith("250")
    assert send(server, "nobody@example.org").startswith("550")
    assert send(server, "far@example.net").startswith("250")
    arrived(server.data / "mail/example.org/ada", 3)
    counted = {
        "accepted": 4,
        "refused no-such-mailbox": 1,
        "delivered": 3,
    }
    now = ask.until(
        lambda now: (
            now.counted.items() >= counted.items()
            and deferred(now) == 1
            and now.queued[State.READY] == 1
        )
    )
    assert (now.workers, now.expected, now.paused, now.running) == (2, 2, False, True)
    assert time.time() - 120 < now.started < now.time
    assert (now.messages, now.queued[State.READY], now.due) == (1, 1, 0)
    assert now.oldest is not None
    assert now.time - 120 < now.oldest < now.time
    assert now.outgoing <= 1

    # The same, counted on disk by both.
    figures = ask(lambda operation: operation.figures(Span.DAY))
    assert figures.total(Kind.ACCEPTED) == 4
    assert [(s.cause, s.total) for s in figures.of(Kind.REFUSED)] == [("no-such-mailbox", 1)]
    assert figures.counts(Kind.DELIVERED)[-1] + figures.counts(Kind.DELIVERED)[-2] == 3

    there = ask(lambda operation: operation.destinations())
    by_way = {one.way: one for one in there.shown}
    assert by_way["maildir"].delivered == 3
    assert by_way["maildir"].domains == ("example.org",)
    far = by_way["smtp"]
    assert (far.domains, far.deferred, far.queued, far.limit) == (("example.net",), 1, 1, 20)
    assert far.due is not None
    assert far.due > now.time
    assert far.last is not None
    assert (far.last.result, far.last.remote) == ("deferred", True)
    assert far.last.reply == "451 4.7.1 Greylisted, come back <later>"
    assert there.total == 2


def test_the_console_sees_who_is_connected_and_how_far_each_is(busy: tuple[Any, Asking]) -> None:
    server, ask = busy
    with ExitStack() as clients:
        first = clients.enter_context(Client(server.port, source="127.0.0.9"))
        first.hear()  # before the other comes
        second = clients.enter_context(Client(server.port, source="127.0.0.9"))
        second.hear()
        first.say("EHLO first.example")
        second.say("EHLO second.example")
        second.say("MAIL FROM:<g@example.net>")
        second.say("RCPT TO:<ada@example.org>")
        second.say("RCPT TO:<nobody@example.org>")
        second.say("DATA")
        second.write(b"From: g@example.net\r\n")
        now = ask.until(lambda now: now.transfers == 1)
        assert now.connections == 2
        seen = ask(lambda operation: operation.sessions())
        assert [(s.client, s.stage) for s in seen.shown] == [
            ("first.example", "ready"),
            ("second.example", "message"),
        ]
        waiting, sending = seen.shown
        assert (waiting.sender, waiting.recipients, waiting.octets) == (None, 0, 0)
        assert (sending.sender, sending.recipients, sending.refused) == ("g@example.net", 1, 1)
        assert sending.octets > 0
        assert sending.ip == "127.0.0.9"
        assert sending.listener == f"127.0.0.1:{server.port}"
        assert now.time - 60 < waiting.since <= sending.since <= time.time()
        one = ask(lambda operation: operation.sessions(1))
        assert ([s.client for s in one.shown], one.total) == (["first.example"], 2)
    ask.until(lambda now: not now.connections)


def test_the_console_sees_how_blocklists_answer(busy: tuple[Any, Asking]) -> None:
    server, ask = busy
    with Client(server.port, source="127.0.0.2") as listed:
        assert listed.hear().startswith("554")
    for _ in range(2):
        with Client(server.port) as client:
            assert client.hear().startswith("220")
    ask.until(lambda now: not now.connections)
    works, broken = ask(lambda operation: operation.blocklists())
    assert (works.zone, works.label, works.listed) == ("list.example", "the list", 1)
    assert works.asked == works.listed + works.unlisted + works.unanswered
    assert works.unlisted >= 2
    assert works.last_listed is not None
    assert works.last_listed.subject == "127.0.0.2"
    assert broken.unanswered >= 2
    assert broken.last_trouble is not None
    assert "broken.example" in broken.last_trouble.reasons[0].text("tr")

    # The list has the one test entry, and 127.0.0.1 is on no list: it works.
    probed = ask(lambda operation: operation.probe("list.example"))
    assert probed is not None
    assert probed.works
    probed = ask(lambda operation: operation.probe("broken.example"))
    assert probed is not None
    assert not probed.works
    assert probed.reasons
    assert ask(lambda operation: operation.probe("anything.example")) is None


def test_what_an_operator_does_is_done_and_the_story_tells_who_it_was(
    busy: tuple[Any, Asking],
) -> None:
    server, ask = busy
    assert send(server, "far@example.net").startswith("250")
    ask.until(lambda now: deferred(now) == 1)
    (row,) = ask(lambda operation: operation.queue(ALL)).rows
    assert ask(lambda operation: operation.act("hold", Selection((row.id,)), ADA)) == 1
    assert ask(lambda operation: operation.now()).queued[State.HELD] == 1
    assert server.ulak("queue", "release", "--all").returncode == 0
    ask.until(lambda now: deferred(now) == 2)
    assert ask(lambda operation: operation.act("bounce", ALL, ADA)) == 1
    end = time.monotonic() + 60
    while len(deeds := ask(lambda operation: operation.deeds())) < 3:
        assert time.monotonic() < end, deeds
        time.sleep(0.1)
    assert [(e.facts["verb"], e.facts["from"]) for e in deeds] == [
        ("bounce", "console"),
        ("release", "command"),
        ("hold", "console"),
    ]
    assert (deeds[0].facts["who"], deeds[0].facts["ip"]) == ("ada@example.org", "192.0.2.1")
    assert deeds[1].facts["who"]
    told = " ".join(server.ulak("why", row.id, "--lang", "en").stdout.split())
    assert "held the message back from far@example.net. It was ada@example.org, in the" in told
    assert f"It was {deeds[1].facts['who']}, on the command line." in told
    entries = json.loads(server.ulak("why", row.id, "--json").stdout)["entries"]
    assert "operated" in [entry["kind"] for entry in entries]


# -- what lies on disk, whether a server runs or not ---------------------------------------------


@pytest.fixture
def resting(tmp_path: Path) -> Asking:
    """Two stores, and no server."""

    async def fill() -> None:
        for store_number in range(2):
            store = SqliteStore(tmp_path / f"data/queue/{store_number}")
            for number in range(store_number, 20, 2):
                recipient = f"r{number}@{'even' if number % 4 < 2 else 'odd'}.example"
                cause = "greylisted" if number % 5 else "mailbox-full"
                envelope = Envelope("g@example.org", (recipient,))
                await store.put(
                    Message(f"m{number:02}", envelope, Body(4, b"x: y"), 1000.0 + number),
                    [Pending(recipient, domain_of(recipient), due=2000.0 + number, cause=cause)],
                )
            await store.hold(Selection((f"m{store_number:02}",)))
            await store.close()

    asyncio.run(fill())
    file = tmp_path / "ulak.toml"
    file.write_text(
        'hostname = "mx.example.org"\ndata = "data"\n[domains."example.org"]\n'
        'mailboxes = ["ada"]\n[route]\n"*" = "smtp:relay.example.net:587"\n'
    )
    return Asking(file, MemoryJournal())


def test_a_queue_is_shown_by_the_page_across_all_stores(resting: Asking) -> None:
    listing = resting(lambda operation: operation.queue(ALL, 5, 4))
    assert [row.id for row in listing.rows] == ["m05", "m06", "m07", "m08"]
    assert (listing.total, listing.offset) == (20, 5)
    assert resting(lambda operation: operation.queue(ALL, 99, 4)).rows == ()
    assert len(resting(lambda operation: operation.queue(ALL, -5, 0)).rows) == 1


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("stores", [1, 2])
def test_a_queue_is_in_order_across_pages_and_stores(
    resting: Asking, order: Order, stores: int, *, backwards: bool
) -> None:
    if stores == 1:
        shutil.rmtree(resting.config.parent / "data/queue/1")
    whole = resting(lambda operation: operation.queue(ALL, 0, 99, order, backwards=backwards)).rows
    assert len(whole) == stores * 10
    found = [order.of(row) for row in whole]
    assert found == sorted(found, reverse=backwards)
    pages = [
        resting(lambda operation: operation.queue(ALL, offset, 3, order, backwards=backwards)).rows  # noqa: B023 -- asked at once
        for offset in range(0, stores * 10, 3)
    ]
    assert [row for page in pages for row in page] == list(whole)


@pytest.mark.parametrize(
    ("which", "total"),
    [
        (Selection(domains=("odd.example",)), 10),
        (Selection(cause="mailbox-full"), 4),
        (Selection(state=State.HELD), 2),
        (Selection(domains=("odd.example", "even.example")), 20),
        (Selection(address="R7@odd.example"), 1),
        (Selection(address="g@example.org"), 20),
        (Selection(before=1005.0), 5),
        (Selection(after=1005.0, cause="mailbox-full"), 2),
        (Selection(), 0),
    ],
)
def test_a_queue_can_be_narrowed_down(resting: Asking, which: Selection, total: int) -> None:
    listing = resting(lambda operation: operation.queue(which, 0, 3))
    assert listing.total == total
    assert len(listing.rows) == min(total, 3)
    assert all(which.matches(row) for row in listing.rows)


def test_the_depth_of_the_queue_has_its_commonest_causes_and_domains(resting: Asking) -> None:
    depth = resting(lambda operation: operation.depth())
    assert depth.messages == 20
    assert (depth.by_state[State.READY], depth.by_state[State.HELD]) == (18, 2)
    assert depth.by_cause == (("greylisted", 16), ("mailbox-full", 4))
    assert depth.by_domain == (("even.example", 10), ("odd.example", 10))
    assert depth.oldest == 1000.0


def test_a_message_is_shown_from_whichever_store_has_it(resting: Asking) -> None:
    message = resting(lambda operation: operation.message("m07"))
    assert message is not None
    assert message.body.data == b"x: y"
    assert resting(lambda operation: operation.message("m99")) is None


def test_without_workers_the_queue_is_told_and_what_only_they_know_is_not(resting: Asking) -> None:
    now = resting(lambda operation: operation.now())
    assert (now.running, now.workers, now.messages, now.due) == (False, 0, 20, 18)
    for question in (lambda o: o.sessions(), lambda o: o.destinations()):
        with pytest.raises(OperationError) as raised:
            resting(question)
        assert raised.value.name == Trouble.NOT_RUNNING
    assert resting(lambda operation: operation.act("release", ALL, ADA)) == 2
    with pytest.raises(OperationError) as raised:
        resting(lambda operation: operation.act("bounce", ALL, ADA))
    assert raised.value.name == Trouble.NOT_RUNNING
    assert [e.facts["who"] for e in resting(lambda operation: operation.deeds())] == [
        "ada@example.org"
    ] * 2


def test_a_store_that_cannot_be_read_is_a_trouble_and_no_error_inside(resting: Asking) -> None:
    for file in (resting.config.parent / "data/queue/1").glob("queue.sqlite*"):
        file.write_bytes(b"nonsense " * 1000)
    with pytest.raises(OperationError) as raised:
        resting(lambda operation: operation.queue(ALL))
    assert raised.value.name == Trouble.STORAGE
    assert raised.value.facts["problem"]


def test_a_store_that_is_just_being_made_holds_nothing_yet(resting: Asking) -> None:
    folder = resting.config.parent / "data/queue/2"
    folder.mkdir()
    (folder / "queue.sqlite").touch()
    assert resting(lambda operation: operation.queue(ALL)).total == 20
    assert resting(lambda operation: operation.depth()).messages == 20


def test_what_else_an_operator_does_is_noted_with_who_and_from_where(resting: Asking) -> None:
    resting(lambda operation: operation.note("login", ADA, {"role": "admin", "who": "mallory"}))
    (entry,) = resting.journal.recent(9)
    assert (entry.kind, entry.message) == (Kind.OPERATED, "")
    assert entry.facts == {
        "verb": "login",
        "role": "admin",
        "who": "ada@example.org",
        "from": "console",
        "ip": "192.0.2.1",
    }


def test_settings_are_shown_as_they_are_in_force_with_their_source(resting: Asking) -> None:
    rows = {row.key: row for row in resting(lambda operation: operation.settings())}
    assert rows["hostname"].value == '"mx.example.org"'
    assert rows["hostname"].source.endswith("ulak.toml:1")
    assert rows["delivery.connections"].source == ""
    mailboxes = rows['domains."example.org".mailboxes']
    assert mailboxes.value == '["ada"]'
    assert mailboxes.meaning.startswith("The names before the @ that get mail;")
    assert rows["hostname"].about == ""
    assert rows["delivery.retry.first"].about == "How mail is handed on to other servers."


def test_records_are_compared_with_dns_for_own_domains_alone(resting: Asking) -> None:
    zone = Zone({("example.org", "MX"): [(10, "mx.example.org")]})
    with serving(zone) as dns:
        with resting.config.open("a") as file:
            file.write(f'[dns]\nservers = ["{dns}"]\n')
        assert resting(_domains) == ("example.org",)
        found = resting(lambda operation: operation.records("example.org"))
        standings = {checked.wanted.purpose: checked.standing for checked in found}
        assert (standings[Purpose.MX], standings[Purpose.SPF]) == ("there", "missing")
        assert resting(lambda operation: operation.records("example.net")) == ()


async def _domains(operation: Operation) -> tuple[str, ...]:
    return operation.domains()


def test_reports_of_others_are_shown(resting: Asking) -> None:
    incoming = SqliteIncoming(resting.config.parent / "data/reports.db")
    policy = TlsPolicy("sts", "example.org", 5, 1, ())
    report = TlsReport("Org", "contact@example.net", "id-1", 1000, 2000, (policy,))
    incoming.keep([report], 3000.0, "someone@example.net")
    incoming.close()
    (kept,) = resting(lambda operation: operation.reports())
    assert (kept.organization, kept.kind) == ("Org", "tls")
    assert resting(lambda operation: operation.report(kept.number)) == report
    assert resting(lambda operation: operation.report(99)) is None
    assert resting(lambda operation: operation.parcels()) == []


def test_what_workers_tell_of_a_destination_is_put_together(resting: Asking) -> None:
    folder = resting.config.parent / "data"
    policies = SqliteStsStore(folder / "transport.db")
    policies.put(Cached("example.net", "1", Mode.ENFORCE, ("mx.example.net",), 86_400, 1000.0))
    policies.close()
    stop = {
        "why": "told", "since": 1.0, "until": 50.0, "times": 2, "rule": "slow", "host": "mx",
        "cause": "rate-limited", "reply": "421 slow", "read": {"source": "https://x", "date": "d"},
    }  # fmt: skip
    site = {
        "site": "mx:mx.example.net:25", "source": "192.0.2.1", "active": 1, "window": 3, "most": 10,
        "interval": 0.5,
    }  # fmt: skip
    place = {
        "key": "mx:mx.example.net:25", "way": "smtp", "domains": ["example.net"], "active": 1,
        "ready": 0, "connections": 1, "idle": 0, "delivered": 1, "deferred": 0, "failed": 0,
        "last": {
            "time": 9.0, "result": "delivered", "cause": "delivered", "reply": "250 ok",
            "host": "mx.example.net", "remote": True, "tls": "TLSv1.3",
            "policy": {"tls-policy": "mta-sts-enforce", "sts-domain": "example.net"},
        },
    }  # fmt: skip
    told = {
        "destinations": {"limit": 20, "total": 1, "destinations": [place]},
        "sites": {"total": 2, "sites": [site, {**site, "source": "192.0.2.2"}]},
    }
    second = {**told, "sites": {"total": 1, "sites": [{**site, "suspended": stop}]}}

    async def look(operation: Operation) -> Destinations:
        async def answer(told: dict[str, Answer], request: Request) -> Answer:
            return told[request.verb]

        workers = [
            Control(folder / "run" / f"worker-{number}.sock", partial(answer, each))
            for number, each in enumerate((told, second))
        ]
        for worker in workers:
            await worker.start()
        found = await operation.destinations()
        for worker in workers:
            await worker.stop()
        return found

    (found,) = resting(look).shown
    stopped = Stopped(
        "told", 1.0, 50.0, 2, "slow", "rate-limited", "421 slow", "mx", "https://x", "d"
    )
    assert found.terms == (
        Terms("192.0.2.1", 2, 6, 20, 0.25, stopped),
        Terms("192.0.2.2", 1, 3, 10, 0.5),
    )
    assert found.last is not None
    assert found.last.policy["tls-policy"] == "mta-sts-enforce"
    assert found.holds == (1000.0, 87_400.0)


def test_an_operator_changes_the_suppression_list_and_it_is_noted(resting: Asking) -> None:
    bob = Suppressed("bob@example.net", "example.org", reply="asked by phone", since=1.0)
    resting(lambda operation: operation.suppress(bob, ADA))
    resting(lambda operation: operation.suppress(replace(bob, whose=""), ADA))
    found = resting(lambda operation: operation.suppressed("BOB@"))
    assert (set(found.rows), found.total, found.heeded) == ({bob, replace(bob, whose="")}, 2, True)
    assert resting(lambda operation: operation.suppressed("eve")).total == 0
    for count in (1, 0):
        gone = resting(lambda operation: operation.unsuppress(bob.address, bob.whose, ADA))
        assert gone == count
    assert resting(lambda operation: operation.suppressed()).rows == (replace(bob, whose=""),)
    noted = [entry.facts for entry in resting.journal.entries]
    assert [facts["verb"] for facts in noted] == ["suppress", "suppress", "unsuppress"]
    assert {facts["who"] for facts in noted} == {"ada@example.org"}
    assert (noted[2]["recipient"], noted[2]["for"]) == ("bob@example.net", "example.org")


def test_recent_entries_of_a_cause_are_found(resting: Asking) -> None:
    journal = SqliteJournal(resting.config.parent / "data/journal/0", clock=time.time)
    journal.write(Entry(1.0, Kind.REFUSED, "relay-denied", "s1"))
    journal.write(Entry(2.0, Kind.REFUSED, "no-such-mailbox", "s2"))
    journal.close()
    (entry,) = resting(lambda operation: operation.recent("relay-denied"))
    assert entry.session == "s1"
    trace = resting(lambda operation: operation.story("s2"))
    assert trace is not None
    assert trace.entries[0].cause == "no-such-mailbox"


# -- seldom --------------------------------------------------------------------------------------


def test_what_many_ask_for_at_once_is_made_once_and_again_when_it_is_old() -> None:
    made = 0

    async def make() -> int:
        nonlocal made
        made += 1
        await asyncio.sleep(0.01)
        return made

    async def main() -> None:
        value = Seldom(make, least=0.3)
        assert await asyncio.gather(*(value() for _ in range(50))) == [1] * 50
        assert await value() == 1
        value.forget()
        assert await value() == 2
        await asyncio.sleep(0.6)
        assert await value() == 3

    in_simulated_time(main())


def test_what_took_long_is_kept_longer() -> None:
    made = 0

    async def make() -> int:
        nonlocal made
        made += 1
        await asyncio.sleep(0.05)
        return made

    async def main() -> None:
        value = Seldom(make, least=0.01)
        await value()
        await asyncio.sleep(0.5)
        assert await value() == 1  # 0.05 s of work are good for 2.5 s

    in_simulated_time(main())


def test_a_failure_is_told_to_all_who_wait_and_tried_again() -> None:
    made = 0

    async def make() -> int:
        nonlocal made
        made += 1
        await asyncio.sleep(0)
        if made == 1:
            message = "the disk"
            raise OSError(message)
        return made

    async def main() -> None:
        value = Seldom(make)
        first = await asyncio.gather(value(), value(), return_exceptions=True)
        assert [type(one) for one in first] == [OSError, OSError]
        assert await value() == 2

    in_simulated_time(main())


def test_one_who_goes_away_takes_the_value_from_nobody() -> None:
    async def make() -> int:
        await asyncio.sleep(0.05)
        return 7

    async def main() -> None:
        value = Seldom(make)
        first, second = (asyncio.ensure_future(value()) for _ in range(2))
        await asyncio.sleep(0.01)
        first.cancel()
        assert await second == 7

    in_simulated_time(main())
