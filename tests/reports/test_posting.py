"""Reports leave once, at their time, to those who want them, whatever dies on the way."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.reports.days import (
    AUTHOR,
    FIRST,
    FORGED,
    MORNING,
    SEEN,
    TOMORROW,
    ZONE,
    Server,
    counted,
)
from tests.reports.mortal import DeadError, Mortal

from ulak.dns import Answer, Status, Zone
from ulak.queue.item import Done, Message, Selection
from ulak.queue.memory import MemoryStore
from ulak.queue.sqlite import SqliteStore
from ulak.queue.store import StorageError
from ulak.reports.aggregate import Aggregate
from ulak.reports.counting import DAY
from ulak.reports.destinations import Why
from ulak.reports.posting import GRACE, SPREAD, due
from ulak.reports.reading import read_mail
from ulak.reports.sqlite import SqliteOutgoing
from ulak.reports.store import State

EVERYTHING = Selection(everything=True)
LATE = TOMORROW + GRACE + SPREAD


@pytest.fixture
def outgoing(tmp_path: Path) -> SqliteOutgoing:
    return SqliteOutgoing(tmp_path / "reports.db")


def asking_for(*uris: str) -> str:
    return "v=DMARC1; p=reject; rua=" + ",".join(uris)


def run(server: Server, now: float, *, at_once: bool = False) -> int:
    return asyncio.run(server.posting.run(now, at_once=at_once))


def delivered(server: Server, now: float) -> list[Message]:
    """Deliver all that may be delivered, as a worker does."""

    async def deliver() -> list[Message]:
        leases = await server.queue.lease(now, 1000)
        for lease in leases:
            await server.queue.settle(lease, [Done(each.recipient) for each in lease.pending])
        return [lease.message for lease in leases]

    return asyncio.run(deliver())


def report_in(message: Message) -> Aggregate:
    assert message.body.data is not None
    found = read_mail(message.body.data)
    assert isinstance(found, tuple)
    (report,) = found
    assert isinstance(report, Aggregate)
    return report


def test_a_day_is_reported_when_it_is_over_at_a_time_of_its_own(outgoing: SqliteOutgoing) -> None:
    server = Server(outgoing)
    server.see(SEEN, SEEN, FORGED)
    moment = due(FIRST, "example.org", AUTHOR.hostname)
    assert TOMORROW + GRACE <= moment < LATE
    assert run(server, TOMORROW - 1) == run(server, moment - 1) == 0
    assert run(server, moment) == 1
    (message,) = delivered(server, moment)
    assert message.envelope.sender == AUTHOR.sender
    assert message.envelope.recipients == ("dmarc@example.org",)
    assert message.envelope.asked_for("dmarc@example.org").notify == {"NEVER"}
    report = report_in(message)
    assert report.messages == 3
    assert {(row.ip, row.count, row.disposition) for row in report.rows} == {
        ("192.0.2.1", 2, "pass"),
        ("198.51.100.9", 1, "reject"),
    }
    assert run(server, moment + 1) == run(server, moment + DAY) == 0
    assert outgoing.days(FIRST + 1) == [], "what was reported is counted no more"
    assert outgoing.issued(report.report_id) is None, "and the report is not kept for ever"


def test_weeks_go_by_with_a_report_a_day(outgoing: SqliteOutgoing) -> None:
    server = Server(outgoing)
    reports = []
    now = MORNING
    for hour in range(24 * 40):
        now = MORNING + hour * 3600
        server.see(replace(SEEN, time=now))
        run(server, now)
        reports += [report_in(message) for message in delivered(server, now)]
    assert [report.begin for report in reports] == [int(MORNING) + day * DAY for day in range(39)]
    assert {report.messages for report in reports} == {24}
    assert len({report.report_id for report in reports}) == 39
    assert len(outgoing.parcels(1000)) <= 31, "what was sent long ago is forgotten"


def test_reports_are_spread_over_hours() -> None:
    times = [due(FIRST, f"{n}.example", AUTHOR.hostname) for n in range(1000)]
    assert max(times) - min(times) > 0.9 * SPREAD
    assert len(set(times)) == 1000


def test_at_once_is_for_days_that_are_over_alone(outgoing: SqliteOutgoing) -> None:
    server = Server(outgoing)
    server.see(SEEN, replace(SEEN, time=TOMORROW + 1))
    assert run(server, TOMORROW + 2, at_once=True) == 1
    (message,) = delivered(server, TOMORROW + 2)
    assert report_in(message).begin == MORNING


def test_each_destination_gets_one(outgoing: SqliteOutgoing) -> None:
    server = Server(outgoing)
    record = asking_for(
        "mailto:a@example.org",
        "https://example.org/dmarc",
        "mailto:b@willing.example",
        "mailto:c@third.example",
        "mailto:d@example.org!10",
        "mailto:e@example.org!1m",
        "mailto:f@example.org",
    )
    server.see(replace(SEEN, record=record))
    assert run(server, LATE) == 3
    recipients = [message.envelope.recipients[0] for message in delivered(server, LATE)]
    assert sorted(recipients) == ["a@example.org", "b@willing.example", "e@example.org"]
    fates = {parcel.uri: (parcel.state, parcel.why) for parcel in outgoing.parcels(100)}
    dropped = State.DROPPED
    assert fates == {
        "mailto:a@example.org": (State.SENT, ""),
        "https://example.org/dmarc": (dropped, Why.SCHEME),
        "mailto:b@willing.example": (State.SENT, ""),
        "mailto:c@third.example": (dropped, Why.NOT_WILLING),
        "mailto:d@example.org": (dropped, Why.TOO_LARGE),
        "mailto:e@example.org": (State.SENT, ""),
        "mailto:f@example.org": (dropped, Why.MANY),
    }
    assert {parcel.uri for parcel in server.told} == fates.keys() - {
        "https://example.org/dmarc",
        "mailto:f@example.org",
    }


def test_a_destination_that_names_others_gets_it_there(outgoing: SqliteOutgoing) -> None:
    zone = ZONE | {
        ("example.org._report._dmarc.willing.example", "TXT"): [
            "v=DMARC1; rua=mailto:x@willing.example,mailto:y@willing.example"
        ]
    }
    server = Server(outgoing, resolver=Zone(zone))
    server.see(replace(SEEN, record=asking_for("mailto:b@willing.example")))
    assert run(server, LATE) == 2
    recipients = [message.envelope.recipients[0] for message in delivered(server, LATE)]
    assert sorted(recipients) == ["x@willing.example", "y@willing.example"]


class Silent:
    """A resolver that does not answer until it is told to."""

    def __init__(self) -> None:
        self.answers = False

    async def resolve(self, name: str, kind: str) -> Answer:
        if not self.answers:
            return Answer(name, kind, Status.TIMEOUT)
        return await Zone(ZONE).resolve(name, kind)


def test_where_dns_is_silent_it_is_asked_again(outgoing: SqliteOutgoing) -> None:
    resolver = Silent()
    server = Server(outgoing, resolver=resolver)
    server.see(replace(SEEN, record=asking_for("mailto:b@willing.example")))
    assert run(server, LATE) == 0
    assert [parcel.state for parcel in outgoing.parcels(9)] == [State.ASKING]
    resolver.answers = True
    assert run(server, LATE + 60) == 0, "not every moment"
    assert run(server, LATE + 3600) == 1


def test_in_a_week_it_is_given_up(outgoing: SqliteOutgoing) -> None:
    server = Server(outgoing, resolver=Silent())
    server.see(replace(SEEN, record=asking_for("mailto:b@willing.example")))
    for hours in range(24 * 9):
        run(server, LATE + hours * 3600)
    assert [(p.state, p.why) for p in outgoing.parcels(9)] == [(State.DROPPED, Why.DNS)]


def test_a_record_that_asks_no_more_gets_nothing(outgoing: SqliteOutgoing) -> None:
    server = Server(outgoing)
    server.see(replace(SEEN, record="v=DMARC1; p=none; x=rua"))
    assert run(server, LATE) == 0
    assert outgoing.days(FIRST + 1) == []


def test_what_lay_for_long_is_of_no_use(outgoing: SqliteOutgoing) -> None:
    server = Server(outgoing)
    server.see(SEEN)
    assert run(server, LATE + 9 * DAY) == 0
    assert outgoing.days(FIRST + 20) == []


def test_what_is_counted_late_goes_into_the_next_report(outgoing: SqliteOutgoing) -> None:
    server = Server(outgoing)
    server.see(SEEN)
    assert run(server, LATE) == 1
    server.see(FORGED)
    assert run(server, LATE + 3600) == 0
    assert run(server, LATE + DAY) == 1
    first, second = (report_in(m) for m in delivered(server, LATE + DAY))
    assert (first.messages, second.messages) == (1, 1)
    assert first.report_id != second.report_id


def test_a_full_queue_is_tried_again(outgoing: SqliteOutgoing) -> None:
    class Full(MemoryStore):
        full = True

        async def put(self, *args: Any, **wishes: Any) -> Any:
            if self.full:
                text = "the disk is full"
                raise StorageError(text)
            return await super().put(*args, **wishes)

    queue = Full()
    server = Server(outgoing, queue)
    server.see(SEEN)
    with pytest.raises(StorageError):
        run(server, LATE)
    queue.full = False
    assert run(server, LATE + 1) == 1
    assert len(delivered(server, LATE + 1)) == 1


def test_signed_mail_is_what_is_queued(outgoing: SqliteOutgoing) -> None:
    server = Server(outgoing)
    server.posting = type(server.posting)(
        replace(server.posting._parts, sign=lambda message: b"DKIM-Signature: x\r\n" + message)
    )
    server.see(SEEN)
    run(server, LATE)
    (message,) = delivered(server, LATE)
    assert message.body.data is not None
    assert message.body.data.startswith(b"DKIM-Signature: x\r\nFrom:")


def test_what_a_worker_adds_while_its_report_is_made_is_not_lost(
    outgoing: SqliteOutgoing,
) -> None:
    class Late:
        """Adds something between the reading of the counts and the issue of their report."""

        def __init__(self) -> None:
            self.late = [FORGED]

        def __getattr__(self, name: str) -> Any:
            if name == "issue" and self.late:
                outgoing.add(counted(self.late.pop()).take())
            return getattr(outgoing, name)

    late: Any = Late()
    server = Server(late)
    server.see(SEEN)
    assert run(server, LATE) == 0, "it is made anew"
    assert run(server, LATE + 60) == 1
    (message,) = delivered(server, LATE + 60)
    assert report_in(message).messages == 2


# -- crashes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("life", range(12))
def test_whenever_the_process_dies_each_destination_gets_it_once(
    outgoing: SqliteOutgoing, life: int, *, after: bool
) -> None:
    queue = MemoryStore()
    ids = count(1)
    got: Counter[str] = Counter()
    died = 0
    now = LATE
    outgoing.add(
        counted(
            replace(SEEN, record=asking_for("mailto:a@example.org", "mailto:b@willing.example"))
        ).take()
    )
    for lives in (life, life // 2, 1000):
        mortal: Any = [lives]
        server = Server(
            Mortal(outgoing, mortal, after=after),
            Mortal(queue, mortal, after=after),
        )
        server.posting = type(server.posting)(
            replace(server.posting._parts, new_id=lambda: f"parcel{next(ids)}")
        )
        try:
            asyncio.run(server.posting.run(now))
        except DeadError:
            died += 1
        # Whatever may be delivered is gone before the next life begins.
        for message in delivered(Server(outgoing, queue), now):
            got[message.envelope.recipients[0]] += 1
        now += 10
    assert died or life > 8
    assert got == {"a@example.org": 1, "b@willing.example": 1}
    assert {parcel.state for parcel in outgoing.parcels(9)} == {State.SENT}
    assert asyncio.run(queue.list(EVERYTHING)) is not None


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("life", [1, 2, 3, 4])
def test_the_same_holds_for_a_queue_on_a_disk_that_is_opened_anew(
    outgoing: SqliteOutgoing, tmp_path: Path, life: int, *, after: bool
) -> None:
    async def lives() -> list[str]:
        got = []
        for calls in (life, 1000):
            store = SqliteStore(tmp_path / "queue")
            mortal: Any = [calls]
            server = Server(
                Mortal(outgoing, mortal, after=after), Mortal(store, mortal, after=after)
            )
            with contextlib.suppress(DeadError):
                await server.posting.run(LATE)
            for lease in await store.lease(LATE, 10):
                got += [each.recipient for each in lease.pending]
                await store.settle(lease, [Done(each.recipient) for each in lease.pending])
            await store.close()
        return got

    outgoing.add(counted(SEEN).take())
    assert asyncio.run(lives()) == ["dmarc@example.org"]
