"""Sessions with other domains are counted, and reported once a day to who wants to know."""

from __future__ import annotations

import asyncio
import contextlib
import email
import gzip
import json
from collections import Counter
from dataclasses import replace
from email.policy import default
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.reports.days import AUTHOR, FIRST, MORNING, NOON
from tests.reports.mortal import DeadError, Mortal

from ulak.dns import Resolver, Status, Zone
from ulak.queue.item import Done, Message
from ulak.queue.memory import MemoryStore
from ulak.queue.store import QueueStore
from ulak.reports.counting import DAY
from ulak.reports.destinations import Why
from ulak.reports.posting import GRACE, SPREAD, due
from ulak.reports.reading import read_mail
from ulak.reports.reading.tlsrpt import read
from ulak.reports.sqlite import SqliteOutgoing, SqliteTlsOutgoing
from ulak.reports.store import Parcel, State
from ulak.reports.tls.counting import Policy, Session, TlsCounter
from ulak.reports.tls.posting import Parts, TlsPosting
from ulak.reports.tls.writing import letter, packed, report_of, write
from ulak.reports.tlsrpt import Failure, TlsReport

LATE = MORNING + DAY + GRACE + SPREAD
DOMAIN = "example.org"
STS = Policy("sts", ("version: STSv1", "mode: enforce", "mx: mx.example.org"), ("mx.example.org",))
TLSA = Policy("tlsa", ("3 1 1 " + "ab" * 32,), domain="mx.example.org")
WELL = Session(NOON, DOMAIN, STS, "mx.example.org", ip="192.0.2.1", own_ip="192.0.2.7")
ILL = replace(WELL, result="certificate-expired", comment="its certificate is not valid: expired")


def zone(*uris: str) -> Zone:
    record = "v=TLSRPTv1; rua=" + ",".join(uris)
    return Zone({(f"_smtp._tls.{DOMAIN}", "TXT"): [record]})


class Server:
    """A server that reports about TLS, and an address of HTTPS that takes what is posted."""

    def __init__(
        self, outgoing: Any, queue: QueueStore | None = None, resolver: Resolver | None = None
    ) -> None:
        self.outgoing = outgoing
        self.queue: QueueStore = MemoryStore() if queue is None else queue
        self.told: list[Parcel] = []
        self.posted: list[tuple[str, bytes]] = []
        self.answer = ""
        self.signature = b"DKIM-Signature: d=mx.example.net\r\n"
        self._ids = count(1)
        self.posting = TlsPosting(
            Parts(
                outgoing,
                self.queue,
                zone("mailto:tls@example.org") if resolver is None else resolver,
                AUTHOR,
                lambda: f"parcel{next(self._ids)}",
                self._post,
                sign=self._sign,
                tell=self._tell,
            )
        )

    def see(self, *sessions: Session) -> None:
        self.outgoing.add(counted(*sessions).take())

    def run(self, now: float, *, at_once: bool = False) -> int:
        return asyncio.run(self.posting.run(now, at_once=at_once))

    def _sign(self, message: bytes) -> bytes:
        return self.signature + message

    async def _post(self, uri: str, octets: bytes) -> str:
        self.posted.append((uri, octets))
        return self.answer

    def _tell(self, parcel: Parcel, /, size: int = 0) -> None:
        del size
        self.told.append(parcel)


def counted(*sessions: Session) -> TlsCounter:
    counter = TlsCounter()
    for session in sessions:
        counter.note(session)
    return counter


@pytest.fixture
def outgoing(tmp_path: Path) -> SqliteTlsOutgoing:
    return SqliteTlsOutgoing(tmp_path / "reports.db")


def delivered(queue: QueueStore, now: float) -> list[Message]:
    async def deliver() -> list[Message]:
        leases = await queue.lease(now, 1000)
        for lease in leases:
            await queue.settle(lease, [Done(each.recipient) for each in lease.pending])
        return [lease.message for lease in leases]

    return asyncio.run(deliver())


def report_in(message: Message) -> TlsReport:
    assert message.body.data is not None
    found = read_mail(message.body.data)
    assert isinstance(found, tuple)
    (report,) = found
    assert isinstance(report, TlsReport)
    return report


# -- counting -------------------------------------------------------------------------------------


def test_sessions_that_went_the_same_way_are_one_row() -> None:
    other = replace(WELL, policy=TLSA)
    (day,) = counted(WELL, replace(WELL, host="mx2.example.org"), ILL, ILL, other).take()
    assert (day.day, day.domain, day.sessions) == (FIRST, DOMAIN, 5)
    assert sorted(day.rows.values()) == [1, 2, 2]
    days = counted(WELL, replace(WELL, time=NOON + DAY), replace(WELL, domain="B.example")).take()
    assert [(each.day, each.domain) for each in days] == [
        (FIRST, DOMAIN), (FIRST + 1, DOMAIN), (FIRST, "b.example"),
    ]  # fmt: skip


def test_a_hostile_day_takes_bounded_memory() -> None:
    counter = TlsCounter(rows=10)
    for number in range(100):
        counter.note(replace(ILL, comment=str(number)))
        counter.note(replace(WELL, domain=f"n{number}.example"))
    assert sum(len(day.rows) for day in counter.take()) == 10
    assert not counter.waiting
    counter.note(replace(WELL, domain="what\r\nis no name"))
    assert not counter.waiting


def test_what_was_counted_is_added_up_in_the_file(outgoing: SqliteTlsOutgoing) -> None:
    outgoing.add(counted(WELL, ILL).take())
    SqliteTlsOutgoing(outgoing._file.path).add(counted(WELL, WELL).take())
    day = outgoing.counted(FIRST, DOMAIN)
    assert day is not None
    assert sorted(day.rows.values()) == [1, 3]
    assert outgoing.days(FIRST + 1) == [(FIRST, DOMAIN)]
    assert outgoing.days(FIRST) == []


# -- what a report says ---------------------------------------------------------------------------


def test_a_report_says_what_was_counted_and_can_be_read() -> None:
    (day,) = counted(WELL, WELL, ILL, replace(ILL, result="", policy=TLSA)).take()
    report = report_of(day, AUTHOR)
    again = read(write(report))
    first, second = again.policies
    assert (again.report_id, again.begin, again.end) == (
        report.report_id, int(MORNING), int(MORNING) + DAY - 1,
    )  # fmt: skip
    assert (again.organization, again.contact) == (AUTHOR.organization, AUTHOR.email)
    assert (first.kind, first.domain, first.succeeded, first.failed) == ("sts", DOMAIN, 2, 1)
    assert first.hosts == ("mx.example.org",)
    assert first.failures == (
        Failure("certificate-expired", 1, "192.0.2.7", "mx.example.org", "192.0.2.1", ILL.comment),
    )
    assert (second.kind, second.succeeded, second.failed) == ("tlsa", 1, 0)
    assert second.domain == "mx.example.org"  # RFC 8460 §1.1: the TLSA base domain
    text = write(report).decode()
    assert '"mode: enforce"' in text
    assert TLSA.strings[0] in text


def test_the_mail_is_as_rfc_8460_wants_it(outgoing: SqliteTlsOutgoing) -> None:
    server = Server(outgoing)
    server.see(WELL, ILL)
    assert server.run(LATE) == 1
    (message,) = delivered(server.queue, LATE)
    assert message.envelope.recipients == ("tls@example.org",)
    assert message.envelope.asked_for("tls@example.org").notify == {"NEVER"}
    assert message.body.data is not None
    mail = email.message_from_bytes(message.body.data, policy=default)
    assert mail.get_content_type() == "multipart/report"
    assert mail.get_param("report-type") == "tlsrpt"
    assert mail["TLS-Report-Domain"] == DOMAIN
    assert mail["TLS-Report-Submitter"] == AUTHOR.hostname
    assert mail["TLS-Required"] == "No"
    assert mail["Subject"].startswith(f"Report Domain: {DOMAIN} Submitter: {AUTHOR.hostname}")
    text, attached = mail.iter_parts()
    assert text.get_content_type() == "text/plain"
    assert attached.get_content_type() == "application/tlsrpt+gzip"
    assert attached.get_filename() == (
        f"{AUTHOR.hostname}!{DOMAIN}!{int(MORNING)}!{int(MORNING) + DAY - 1}.json.gz"
    )
    assert report_in(message).policies[0].succeeded == 1
    assert max(map(len, message.body.data.split(b"\r\n"))) < 100


# -- when, and to whom ----------------------------------------------------------------------------


def test_a_day_is_reported_once_when_it_is_over(outgoing: SqliteTlsOutgoing) -> None:
    server = Server(outgoing)
    server.see(WELL)
    moment = due(FIRST, DOMAIN, AUTHOR.hostname)
    assert server.run(moment - 1) == 0
    assert server.run(moment) == 1
    assert server.run(moment + 60) == server.run(moment + DAY) == 0
    server.see(WELL)  # late: it counts for the next day
    assert outgoing.days(FIRST + 1) == []
    assert outgoing.days(FIRST + 2) == [(FIRST + 1, DOMAIN)]
    assert [parcel.kind for parcel in outgoing.parcels(9)] == ["tls"]


def test_at_once_is_for_days_that_are_over_alone(outgoing: SqliteTlsOutgoing) -> None:
    server = Server(outgoing)
    server.see(WELL, replace(WELL, time=NOON + DAY))
    assert server.run(MORNING + DAY + 1, at_once=True) == 1


def test_who_does_not_ask_gets_nothing(outgoing: SqliteTlsOutgoing) -> None:
    server = Server(outgoing, resolver=Zone({}))
    server.see(WELL)
    assert server.run(LATE) == 0
    assert outgoing.days(FIRST + 1) == []
    assert outgoing.parcels(9) == []


def test_where_dns_is_silent_it_is_asked_again_for_a_week(outgoing: SqliteTlsOutgoing) -> None:
    silent = Zone({(f"_smtp._tls.{DOMAIN}", "TXT"): Status.SERVFAIL})
    server = Server(outgoing, resolver=silent)
    server.see(WELL)
    for minute in range(29):
        assert server.run(LATE + 60 * minute) == 0
    assert len(silent.asked) == 1
    silent.put(f"_smtp._tls.{DOMAIN}", "TXT", ["v=TLSRPTv1; rua=mailto:tls@example.org"])
    assert server.run(LATE + 1801) == 1
    server.see(WELL)
    silent.put(f"_smtp._tls.{DOMAIN}", "TXT", Status.SERVFAIL)
    server.run(LATE + 9 * DAY)
    assert outgoing.days(FIRST + 20) == []


def test_each_destination_gets_one(outgoing: SqliteTlsOutgoing) -> None:
    asked = zone(
        "mailto:a@example.org",
        "mailto:b%2Bc@else.example?x=y",
        "https://example.org/tls",
        "mailto:bad%0d%0aBcc:x@example.org",
        "mailto:e@example.org",
        "mailto:f@example.org",
        "mailto:a@example.org",
    )
    server = Server(outgoing, resolver=asked)
    server.see(WELL)
    assert server.run(LATE) == 4
    recipients = [message.envelope.recipients[0] for message in delivered(server.queue, LATE)]
    assert sorted(recipients) == ["a@example.org", "b+c@else.example", "e@example.org"]
    assert [uri for uri, _ in server.posted] == ["https://example.org/tls"]
    assert read(gzip.decompress(server.posted[0][1])).domain == DOMAIN
    fates = {parcel.uri: parcel.why for parcel in outgoing.parcels(9) if parcel.why}
    assert fates == {
        "mailto:bad%0d%0aBcc:x@example.org": Why.SCHEME,
        "mailto:f@example.org": Why.MANY,
    }


def test_what_cannot_be_posted_is_posted_again_for_a_day(outgoing: SqliteTlsOutgoing) -> None:
    server = Server(outgoing, resolver=zone("https://example.org/tls"))
    server.see(WELL)
    server.answer = "HTTP status 500"
    assert server.run(LATE) == 0
    assert server.run(LATE + 60) == 0
    assert len(server.posted) == 1
    server.answer = ""
    assert server.run(LATE + 1801) == 1
    server.see(WELL)
    server.answer = "HTTP status 500"
    for hour in range(60):
        server.run(LATE + DAY + 3600 * hour)
    (last, *_) = outgoing.parcels(9)
    assert (last.state, last.why) == (State.DROPPED, Why.NOT_POSTED)
    assert len(server.posted) < 14


def test_no_mail_goes_out_without_a_signature(outgoing: SqliteTlsOutgoing) -> None:
    """RFC 8460 §3: who gets one has to ignore it. What is posted needs none."""
    server = Server(outgoing, resolver=zone("mailto:a@example.org", "https://example.org/tls"))
    server.see(WELL)
    server.signature = b""
    assert server.run(LATE) == 1
    assert len(server.posted) == 1
    assert delivered(server.queue, LATE) == []
    (waits,) = outgoing.open(LATE + DAY)
    assert (waits.state, waits.why) == (State.READY, Why.UNSIGNED)
    assert [parcel.why for parcel in server.told if parcel.address] == [Why.UNSIGNED]
    server.run(LATE + 1801)
    assert len(server.told) == 2, "it is told once"
    server.signature = b"DKIM-Signature: d=mx.example.net\r\n"
    assert server.run(LATE + 3 * 3600) == 1  # now there is a key
    (message,) = delivered(server.queue, LATE + 3 * 3600)
    assert message.body.data is not None
    assert message.body.data.startswith(b"DKIM-Signature:")
    assert {parcel.why for parcel in outgoing.parcels(9)} == {""}


def test_without_a_key_a_report_is_given_up_after_a_day(outgoing: SqliteTlsOutgoing) -> None:
    server = Server(outgoing)
    server.see(WELL)
    server.signature = b""
    for hour in range(30):
        assert server.run(LATE + 3600 * hour) == 0
    (last,) = outgoing.parcels(9)
    assert (last.state, last.why) == (State.DROPPED, Why.UNSIGNED)
    assert [parcel.state for parcel in server.told] == [State.READY, State.DROPPED]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("life", range(1, 8))
def test_what_is_posted_twice_has_one_name(
    outgoing: SqliteTlsOutgoing, life: int, *, after: bool
) -> None:
    """RFC 8460 §5.3: by the report-id a duplicate is known. None is lost, whenever one dies."""
    outgoing.add(counted(WELL).take())
    posted: list[tuple[str, bytes]] = []
    for lives in (life, 1000):
        mortal: Any = [lives]
        server = Server(Mortal(outgoing, mortal, after=after), resolver=zone("https://example.org"))
        server.posted = posted
        with contextlib.suppress(DeadError):
            server.run(LATE)
    assert len(posted) in (1, 2)
    assert len({read(gzip.decompress(octets)).report_id for _, octets in posted}) == 1
    assert len({octets for _, octets in posted}) == 1


def test_who_reports_is_the_domain_at_which_one_is_reached() -> None:
    """RFC 8460 §5.3: TLS-Report-Submitter has to be the domain of contact-info."""
    author = replace(AUTHOR, email="tls@example.net")
    (day,) = counted(WELL).take()
    data = letter(DOMAIN, FIRST, packed(report_of(day, author)), author, "a@example.org", LATE)
    mail = email.message_from_bytes(data, policy=default)
    assert mail["TLS-Report-Submitter"] == "example.net"
    assert "Submitter: example.net" in mail["Subject"]
    (_, attached) = mail.iter_parts()
    assert (attached.get_filename() or "").startswith(f"example.net!{DOMAIN}!")


def test_counts_of_before_hosts_had_policies_are_read(outgoing: SqliteTlsOutgoing) -> None:
    outgoing.add(counted(WELL).take())
    old = json.dumps([["tlsa", ["3 1 1 ab"], []], "", "", "", "", ""])
    outgoing._file.change(lambda db: db.execute("UPDATE tls_counted SET row = ?", (old,)))
    day = outgoing.counted(FIRST, DOMAIN)
    assert day is not None
    assert report_of(day, AUTHOR).policies[0].domain == DOMAIN


def test_what_would_go_where_is_told_and_nothing_changes(outgoing: SqliteTlsOutgoing) -> None:
    server = Server(outgoing)
    server.see(WELL)
    (planned,) = asyncio.run(server.posting.plan(MORNING + DAY + 1))
    assert (planned.address, planned.domain, planned.kind) == ("tls@example.org", DOMAIN, "tls")
    assert outgoing.days(FIRST + 1) == [(FIRST, DOMAIN)]


def test_both_kinds_of_reports_are_kept_apart(outgoing: SqliteTlsOutgoing, tmp_path: Path) -> None:
    dmarc = SqliteOutgoing(tmp_path / "reports.db")
    server = Server(outgoing)
    server.see(WELL)
    assert dmarc.days(FIRST + 1) == []
    server.answer = "no"
    assert server.run(LATE) == 1
    assert dmarc.open(LATE + DAY) == []
    assert [parcel.kind for parcel in dmarc.parcels(9)] == ["tls"], "the list has both"


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("life", range(10))
def test_whenever_the_process_dies_each_destination_gets_it_once(
    outgoing: SqliteTlsOutgoing, life: int, *, after: bool
) -> None:
    queue = MemoryStore()
    ids = count(1)
    got: Counter[str] = Counter()
    now = LATE
    outgoing.add(counted(WELL).take())
    asked = zone("mailto:a@example.org", "mailto:b@else.example")
    for lives in (life, life // 2, 1000):
        mortal: Any = [lives]
        server = Server(
            Mortal(outgoing, mortal, after=after), Mortal(queue, mortal, after=after), asked
        )
        parts = replace(server.posting._parts, new_id=lambda: f"parcel{next(ids)}")
        with contextlib.suppress(DeadError):
            asyncio.run(TlsPosting(parts).run(now))
        for message in delivered(queue, now):
            got[message.envelope.recipients[0]] += 1
        now += 10
    assert got == {"a@example.org": 1, "b@else.example": 1}
    assert {parcel.state for parcel in outgoing.parcels(9)} == {State.SENT}
