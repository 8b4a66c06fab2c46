"""Mail to the addresses for reports is read, and none of it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.reports.samples import aggregate, mail, packed

from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.reportbox import Box, ReportCarrier
from ulak.delivery.site.grant import ANYWHERE, Grant
from ulak.delivery.target import Target, Way
from ulak.journal.entry import Entry, Kind
from ulak.journal.memory import MemoryJournal
from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Message
from ulak.replies import catalog
from ulak.reports.reading import Report
from ulak.reports.sqlite import SqliteIncoming
from ulak.reports.store import ReportsError

HERE = Target(Way.MAILDIR, "maildir")
REPORTS, ADA = "dmarc@example.org", "ada@example.org"
GOOD = mail(packed(aggregate()))
BAD = mail(b"\x1f\x8b broken")


@dataclass
class Inner:
    """A carrier that delivers everything."""

    delivered: list[str] = field(default_factory=list)
    closed: bool = False

    async def carry(
        self,
        message: Message,
        recipients: Sequence[str],
        target: Target,
        grant: Grant = ANYWHERE,
    ) -> list[Outcome]:
        del message, target, grant
        self.delivered += recipients
        cause = catalog.DELIVERED.name
        return [Outcome(each, Result.DELIVERED, cause, "250 2.0.0 in") for each in recipients]

    async def close(self) -> None:
        self.closed = True


@dataclass
class Desk:
    """A box with all that it needs."""

    incoming: SqliteIncoming
    deliver: bool = True
    inner: Inner = field(default_factory=Inner)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    incidents: list[BaseException] = field(default_factory=list)

    def carry(self, octets: bytes, *recipients: str, file: Path | None = None) -> list[Outcome]:
        def incident(error: BaseException) -> str:
            self.incidents.append(error)
            return "I1"

        box = Box(
            ["DMARC@example.org"], self.deliver, self.incoming, self.journal, lambda: 5.0, incident
        )
        body = Body(len(octets), octets)
        if file is not None:
            file.write_bytes(octets)
            body = Body(len(octets), path=file)
        message = Message("M1", Envelope("d@example.net", recipients), body, 1.0, session="S1")

        async def carry() -> list[Outcome]:
            carrier = ReportCarrier(self.inner, box)
            outcomes = await carrier.carry(message, recipients, HERE)
            await carrier.close()
            return outcomes

        return asyncio.run(carry())

    def noted(self) -> list[Entry]:
        return list(self.journal.about("M1"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(SqliteIncoming(tmp_path / "reports.db"))


def test_a_report_is_read_and_delivered(desk: Desk) -> None:
    (outcome,) = desk.carry(GOOD, REPORTS)
    assert outcome.result is Result.DELIVERED
    assert desk.inner.delivered == [REPORTS]
    assert desk.inner.closed
    (kept,) = desk.incoming.list()
    assert (kept.organization, kept.source, kept.received) == ("Example Net", "d@example.net", 5.0)
    (entry,) = desk.noted()
    assert entry.kind is Kind.CHECKED
    assert entry.facts["result"] == "report-read"
    assert (entry.message, entry.session) == ("M1", "S1")


def test_a_report_in_a_file_is_read_too(desk: Desk, tmp_path: Path) -> None:
    desk.carry(GOOD, REPORTS, file=tmp_path / "body")
    assert len(desk.incoming.list()) == 1


def test_a_report_may_be_read_only(desk: Desk) -> None:
    desk.deliver = False
    outcomes = desk.carry(GOOD, REPORTS, ADA)
    assert {(each.recipient, each.result) for each in outcomes} == {
        (REPORTS, Result.DELIVERED),
        (ADA, Result.DELIVERED),
    }
    assert desk.inner.delivered == [ADA]
    assert len(desk.incoming.list()) == 1


@pytest.mark.parametrize("deliver", [True, False])
@pytest.mark.parametrize("octets", [BAD, b"Subject: hello\r\n\r\nWho reads this?\r\n"])
def test_what_cannot_be_read_is_delivered_with_a_note(
    desk: Desk, octets: bytes, *, deliver: bool
) -> None:
    desk.deliver = deliver
    desk.carry(octets, REPORTS)
    assert desk.inner.delivered == [REPORTS]
    (entry,) = desk.noted()
    assert entry.facts["result"] == "report-unreadable"
    assert entry.facts["why"]


def test_a_mail_that_is_too_large_is_not_taken_into_memory(desk: Desk, tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(100_000_000)
    desk.deliver = False

    async def carry() -> None:
        body = Body(100_000_000, path=tmp_path / "missing")
        message = Message("M1", Envelope("", (REPORTS,)), body, 1.0)
        box = Box([REPORTS], False, desk.incoming, desk.journal, lambda: 5.0, lambda _: "")  # noqa: FBT003 -- in their order
        await ReportCarrier(desk.inner, box).carry(message, (REPORTS,), HERE)

    asyncio.run(carry())
    assert desk.inner.delivered == [REPORTS]
    assert desk.noted()[0].facts["why"].startswith("too-large")


def test_mail_to_others_is_nobodys_business(desk: Desk) -> None:
    desk.carry(GOOD, ADA)
    assert desk.inner.delivered == [ADA]
    assert not desk.incoming.list()
    assert desk.noted() == []


class Full:
    """A table that cannot be written to."""

    def keep(self, reports: Collection[Report], received: float, source: str) -> int:
        del reports, received, source
        where = "reports.db"
        raise ReportsError(where, "the disk is full")


def test_where_the_table_fails_the_mail_is_delivered(desk: Desk) -> None:
    desk.deliver = False
    desk.incoming.keep = Full().keep  # type: ignore[method-assign] # the fault that is tried
    desk.carry(GOOD, REPORTS)
    assert desk.inner.delivered == [REPORTS]
    assert len(desk.incidents) == 1
