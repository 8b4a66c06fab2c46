"""`ulak reports` tells what others report, and what is reported to them, in both languages."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.reports.days import FORGED, SEEN, counted
from tests.reports.samples import OLD, RECORD, aggregate, mail, packed, tls

from ulak.cli import main
from ulak.cli.dress import TEXTS
from ulak.reports.destinations import Why
from ulak.reports.reading import Trouble
from ulak.reports.sources import Advice
from ulak.reports.sqlite import SqliteOutgoing
from ulak.reports.store import State

DAY = 86_400


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Desk:
    """The command line on one configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "ulak.toml"
        self.file.write_text(
            'hostname = "mx.example.net"\ndata = "data"\nworkers = 1\n'
            '[domains."example.org"]\nmailboxes = ["*"]\n[dns]\nservers = ["127.0.0.1:1"]\n'
            'timeout = "0.1s"\nattempts = 1\n'
        )

    def __call__(self, *words: str, lang: str = "en") -> Ran:
        line = ["reports", *words, "--config", str(self.file), "--lang", lang]
        done = CliRunner().invoke(main, line)
        return Ran(done.exit_code, done.stdout, done.stderr)

    def write(self, name: str, octets: bytes) -> str:
        file = self.folder / name
        file.write_bytes(octets)
        return str(file)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def of_now(octets: bytes) -> bytes:
    """Let a report be about yesterday."""
    begin = int(time.time()) // DAY * DAY - DAY
    return octets.replace(b"1764115200", str(begin).encode()).replace(
        b"1764201599", str(begin + DAY - 1).encode()
    )


def test_reports_are_imported_listed_and_shown(desk: Desk) -> None:
    files = [
        desk.write("a.eml", mail(packed(of_now(aggregate())))),
        desk.write("b.xml", of_now(OLD)),
        desk.write("c.json", tls()),
        desk.write("d.xml.gz", packed(of_now(aggregate()))),
    ]
    done = desk("import", *files)
    assert done.code == 0
    assert [line.rpartition("/")[2] for line in done.out.splitlines()] == [
        "a.eml: reports that are new: 1 of 1.",
        "b.xml: reports that are new: 1 of 1.",
        "c.json: reports that are new: 1 of 1.",
        "d.xml.gz: what is in it was read before.",
    ]
    listed = desk("list", "--days", "10000")
    assert "Example Net" in listed.out
    assert "Messages or sessions" in listed.out
    assert len(listed.out.splitlines()) == 4
    found = desk("list", "--json", "--domain", "example.org").json["reports"]
    assert {each["organization"] for each in found} == {"Example Net", "old.example"}
    number = next(each["number"] for each in found if each["organization"] == "Example Net")
    shown = desk("show", str(number))
    assert "192.0.2.7" in shown.out
    assert "does not verify" in shown.out
    assert desk("show", str(number), "--json").json["rows"][0]["count"] == 12


def test_the_same_in_turkish(desk: Desk) -> None:
    desk("import", desk.write("a.xml", of_now(aggregate())), desk.write("c.json", tls()))
    assert "Bildiren" in desk("list", lang="tr").out
    assert "doğrulanamayan" in desk("show", "1", lang="tr").out
    assert "doğrulanamayan" in desk("sources", lang="tr").out
    shown = desk("show", "2", lang="tr")
    assert "süresi dolmuş" in shown.out
    assert "Company-X, TLS oturumlarını bildiriyor" in shown.out
    assert "has expired" in desk("show", "2").out


def test_sources_add_up_over_reports(desk: Desk) -> None:
    second = of_now(aggregate(report_id="second", records=RECORD + RECORD.replace(".7<", ".8<")))
    desk("import", desk.write("a.xml", of_now(aggregate())), desk.write("b.xml", second))
    found = desk("sources", "--json").json["sources"]
    assert [(each["ip"], each["messages"]) for each in found] == [
        ("192.0.2.7", 24),
        ("192.0.2.8", 12),
    ]
    assert found[0]["others"] == {"bounce.example.net": 24}
    assert found[0]["advice"] == "broken"


def test_what_cannot_be_read_is_told_and_the_rest_is_kept(desk: Desk) -> None:
    done = desk(
        "import", desk.write("bad.xml", b"<html/>"), desk.write("good.xml", of_now(aggregate()))
    )
    assert done.code == 1
    assert "bad.xml: It is no report of DMARC or TLS." in done.out
    assert "good.xml: reports that are new: 1" in done.out
    found = desk("import", "--json", desk.write("x.xml", b"<a/>")).json["files"]
    assert found[0]["trouble"] == "other-format"


def test_where_there_is_nothing_it_says_so(desk: Desk) -> None:
    assert desk("list").out.startswith("No reports of others were read")
    assert desk("sources", lang="tr").out.startswith("Bu günler için")
    assert desk("show", "7").code == 1
    assert "no report number 7" in desk("show", "7").err
    assert desk("sent").out.startswith("There are no reports")
    assert desk("send", "--now").out.startswith("No report is due")
    assert not (desk.folder / "data" / "reports.db").exists()


def test_a_damaged_file_is_told_in_a_sentence(desk: Desk) -> None:
    (desk.folder / "data").mkdir()
    (desk.folder / "data" / "reports.db").write_bytes(b"no database" * 1000)
    done = desk("list")
    assert done.code == 2
    assert "cannot be used" in done.err


def test_reports_are_sent_by_hand_where_no_server_runs(desk: Desk) -> None:
    yesterday = time.time() - DAY
    outgoing = SqliteOutgoing(desk.folder / "data" / "reports.db")
    record = "v=DMARC1; p=none; rua=mailto:dmarc@example.org,https://example.org/"
    seen = [replace(each, time=yesterday, record=record) for each in (SEEN, FORGED)]
    outgoing.add(counted(*seen).take())

    planned = desk("send", "--dry-run", "--json").json["parcels"]
    assert [(each["state"], each["why"]) for each in planned] == [
        ("ready", ""),
        ("dropped", "scheme"),
    ]
    assert outgoing.parcels(9) == [], "a dry run changes nothing"
    assert "not a mail address" in desk("send", "--dry-run").out

    assert desk("send", "--now").out.startswith("1 report is in the queue now.")
    assert desk("send", "--now", "--json").json == {"sent": 0}
    told = desk("sent")
    assert "dmarc@example.org" in told.out
    assert "not sent" in told.out
    assert "gönderildi" in desk("sent", lang="tr").out
    queued = CliRunner().invoke(main, ["queue", "list", "--config", str(desk.file), "--json"])
    (recipient,) = json.loads(queued.stdout)["recipients"]
    assert recipient["recipient"] == "dmarc@example.org"
    assert recipient["state"] == "ready"


@pytest.mark.parametrize("lang", ["en", "tr"])
def test_there_are_words_for_everything(lang: str) -> None:
    texts = TEXTS.all(lang)
    for kind, words in (
        ("trouble", Trouble),
        ("advice", Advice),
        ("why", Why),
        ("state", State),
    ):
        found = {name.rpartition(".")[2] for name in texts if name.startswith(f"reports.{kind}.")}
        assert found == {str(word) for word in words}
