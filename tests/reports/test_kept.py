"""What is kept of reports lasts, is shared by processes, and does not grow without end."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from tests.house.repository import ROOT
from tests.reports.days import FIRST, FORGED, SEEN, counted
from tests.reports.samples import OLD, aggregate, tls

from ulak.reports.aggregate import Aggregate
from ulak.reports.counting import Counted, row_of
from ulak.reports.plain import report_of, table_of
from ulak.reports.reading import Report, read_file
from ulak.reports.sqlite import SqliteIncoming, SqliteOutgoing, incoming, outgoing
from ulak.reports.store import ReportsError


def read(octets: bytes) -> Report:
    found = read_file(octets)
    assert isinstance(found, tuple)
    return found[0]


REPORTS = [read(aggregate()), read(OLD), read(tls())]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "reports.db"


# -- counts ---------------------------------------------------------------------------------------


def test_what_workers_have_counted_adds_up(path: Path) -> None:
    one, two = SqliteOutgoing(path), SqliteOutgoing(path)
    one.add(counted(SEEN, FORGED).take())
    two.add(counted(SEEN, SEEN).take())
    assert one.days(FIRST + 1) == [(FIRST, "example.org")]
    assert one.days(FIRST) == []
    found = SqliteOutgoing(path).counted(FIRST, "example.org")
    assert found is not None
    assert found.rows == {row_of(SEEN): 3, row_of(FORGED): 1}
    assert found.policy.record == SEEN.record
    assert found.policy.organizational_domain == "example.org"


COUNTING = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.house.repository import ROOT
from tests.reports.days import SEEN, counted
from ulak.reports.sqlite import SqliteOutgoing
store = SqliteOutgoing(Path(sys.argv[1]))
for _ in range(20):
    store.add(counted(SEEN, replace(SEEN, ip=sys.argv[2])).take())
store.close()
"""


def test_two_processes_lose_nothing(path: Path) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", COUNTING, path, ip], cwd=ROOT)
        for ip in ("192.0.2.101", "192.0.2.102")
    ]
    assert [worker.wait() for worker in workers] == [0, 0]
    found = SqliteOutgoing(path).counted(FIRST, "example.org")
    assert found is not None
    assert sum(found.rows.values()) == 80
    assert found.rows[row_of(SEEN)] == 40


def test_a_policy_that_was_seen_earlier_does_not_come_back(path: Path) -> None:
    store = SqliteOutgoing(path)
    later = replace(SEEN, time=SEEN.time + 5, record="v=DMARC1; rua=mailto:new@example.org")
    store.add(counted(later).take())
    store.add(counted(SEEN).take())
    found = store.counted(FIRST, "example.org")
    assert found is not None
    assert found.policy.record == later.record


def test_a_hostile_day_has_an_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "ROWS_OF_A_DOMAIN", 5)
    monkeypatch.setattr(outgoing, "ROWS_OF_A_DAY", 12)
    store = SqliteOutgoing(path)
    for number in range(20):
        store.add(counted(replace(SEEN, ip=f"192.0.2.{number}")).take())
    found = store.counted(FIRST, "example.org")
    assert found is not None
    assert (len(found.rows), found.left_out) == (5, 15)
    for number in range(20):
        store.add(counted(replace(SEEN, record_domain=f"d{number}.example")).take())
    assert len(store.days(FIRST + 1)) == 4
    store.add(counted(replace(SEEN, ip="192.0.2.200")).take())
    again = store.counted(FIRST, "example.org")
    assert again is not None
    assert again.left_out == 16


def test_looking_makes_no_file(path: Path) -> None:
    store = SqliteOutgoing(path)
    assert store.days(FIRST) == []
    assert store.open(0.0) == []
    store.trim(FIRST, 0.0)
    assert SqliteIncoming(path).list() == []
    assert not path.exists()


def test_what_is_counted_of_old_goes(path: Path) -> None:
    store = SqliteOutgoing(path)
    store.add(counted(SEEN).take())
    store.trim(FIRST, 0.0)
    assert isinstance(store.counted(FIRST, "example.org"), Counted)
    store.trim(FIRST + 1, 0.0)
    assert store.counted(FIRST, "example.org") is None


# -- reports of others ----------------------------------------------------------------------------


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_is_kept_whole(path: Path, report: Report) -> None:
    store = SqliteIncoming(path)
    assert store.keep([report], 5.0, "dmarc@example.net") == 1
    (kept,) = SqliteIncoming(path).list()
    assert store.read(kept.number) == report
    assert report_of(table_of(report)) == report
    assert (kept.organization, kept.report_id) == (report.organization, report.report_id)
    assert (kept.received, kept.source) == (5.0, "dmarc@example.net")


def test_a_report_is_kept_once(path: Path) -> None:
    store = SqliteIncoming(path)
    assert store.keep(REPORTS, 1.0, "") == 3
    assert store.keep(REPORTS, 2.0, "") == 0
    other = REPORTS[0]
    assert isinstance(other, Aggregate)
    assert store.keep([replace(other, report_id="another")], 3.0, "") == 1
    assert len(store.list()) == 4


def test_reports_are_found_by_domain_and_time(path: Path) -> None:
    store = SqliteIncoming(path)
    below = REPORTS[0]
    assert isinstance(below, Aggregate)
    published = replace(below.published, domain="mail.example.org")
    store.keep([*REPORTS, replace(below, report_id="b", published=published)], 1.0, "")
    assert {kept.domain for kept in store.list("example.org")} == {
        "example.org",
        "mail.example.org",
    }
    assert [kept.domain for kept in store.list("mail.example.org")] == ["mail.example.org"]
    assert store.list("ample.org") == []
    assert [kept.kind for kept in store.list(since=1795651200)] == ["tls"]
    assert len(store.list(limit=2)) == 2


def test_the_totals_say_how_many_passed(path: Path) -> None:
    store = SqliteIncoming(path)
    store.keep(REPORTS, 1.0, "")
    totals = {kept.organization: (kept.messages, kept.passed) for kept in store.list()}
    assert totals == {"Example Net": (12, 0), "old.example": (1, 1), "Company-X": (5629, 5326)}


def test_the_oldest_reports_go_when_there_are_too_many(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "MOST", 3)
    monkeypatch.setattr(incoming, "_SOMETIMES", 1)
    store = SqliteIncoming(path)
    report = REPORTS[0]
    assert isinstance(report, Aggregate)
    for number in range(5):
        store.keep([replace(report, report_id=str(number))], 1.0, "")
    assert sorted(kept.report_id for kept in store.list()) == ["2", "3", "4"]
    monkeypatch.setattr(incoming, "MOST_OCTETS", 1)
    store.keep([replace(report, report_id="last")], 1.0, "")
    assert store.list() == []


def test_a_file_that_is_none_is_an_error_that_says_so(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(ReportsError, match=r"reports\.db cannot be used"):
        SqliteIncoming(path).list()


def test_a_newer_file_is_left_alone(path: Path) -> None:
    SqliteIncoming(path).keep(REPORTS, 1.0, "")
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ReportsError, match="newer Ulak"):
        SqliteOutgoing(path).days(1)
