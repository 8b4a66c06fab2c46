"""The page's journal and its checks: who is found, for how long, and who is asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ulak import config as settings
from ulak.app.asking.journals import told
from ulak.app.places import Places
from ulak.app.web.composition import PIECES
from ulak.app.web.parts import WebParts
from ulak.app.web.refusals import Checker, Finder, evidence_of, why_piece
from ulak.checks.reason import because, packed
from ulak.config import SocketAddress
from ulak.config.why import Why
from ulak.diagnose.reply import Verdict
from ulak.dns import Status, Zone
from ulak.journal.entry import Entry, Kind
from ulak.journal.memory import MemoryJournal
from ulak.journal.reader import JournalReader
from ulak.journal.refusal import Look, Seen
from ulak.journal.sqlite import Settings, SqliteJournal
from ulak.lab.nameserver import NameServer
from ulak.log import Log
from ulak.questions.question import Answer, Heard

ID = "7k3m9q2xw4tz"
NOW = 1_000_000_000.0
SEEN = Seen(ID, "spf-fail", NOW, facts={"ip": "192.0.2.1", "domain": "example.org"})


def parts_of(folder: Path, **why: Any) -> WebParts:
    config = replace(settings.Config(), data=folder, why=Why(**why))
    log = Log(2, clock=lambda: NOW)
    return WebParts(config, Places(folder), MemoryJournal(), log, lambda: NOW, lambda: "x")


def write(folder: Path, when: float) -> None:
    journal = SqliteJournal(folder / "journal" / "0", Settings(interval=0.01), clock=time.time)
    own = {"session": "s", "message": "m"}
    steps = packed([because("spf.none", ip="192.0.2.1")])
    check = {"check": "spf", "result": "fail", "reasons": steps}
    journal.write(Entry(when, Kind.CHECKED, **own, facts=check))  # type: ignore[arg-type]  # fields by their names
    journal.write(Entry(when, Kind.REFUSED, "spf-fail", **own, facts={"refusal": ID}))  # type: ignore[arg-type]  # fields by their names
    journal.close()


def test_a_refusal_is_found_with_its_checks_as_long_as_it_is_kept(tmp_path: Path) -> None:
    write(tmp_path, NOW - 3600.0)
    for keep, there in ((3601.0, True), (3599.0, False)):
        found = asyncio.run(Finder(parts_of(tmp_path), keep)(ID))
        assert (found is not None) is there
        if found is not None:
            assert [look.check for look in found.looks] == ["spf"]
    assert asyncio.run(Finder(parts_of(tmp_path), 1e9)("000000000000")) is None


def test_where_nothing_was_written_nothing_is_found(tmp_path: Path) -> None:
    assert asyncio.run(Finder(parts_of(tmp_path), 1e9)(ID)) is None


def test_the_page_is_there_unless_it_is_switched_off(tmp_path: Path) -> None:
    assert PIECES["why"] is why_piece
    assert why_piece(parts_of(tmp_path)) is not None
    assert why_piece(parts_of(tmp_path, page=False)) is None


Table = Mapping[tuple[str, str], Sequence[Any] | Status]


def checked(folder: Path, told: Seen, table: Table) -> Verdict | None:
    async def run() -> Verdict | None:
        server = NameServer(Zone(dict(table)))
        host, port = await server.start()
        parts = parts_of(folder)
        dns = replace(
            parts.config.dns, servers=(SocketAddress(host, port),), timeout=0.3, deadline=1.0
        )
        parts.config = replace(parts.config, dns=dns)
        try:
            made = await Checker(parts)(told)
            return None if made is None else made.verdict
        finally:
            await parts.close()
            await server.stop()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        ("v=spf1 -all", Verdict.CONFIRMED),
        ("v=spf1 ip4:192.0.2.1 -all", Verdict.NOT_CONFIRMED),
    ],
)
def test_whether_it_is_still_so_is_asked_of_dns(
    tmp_path: Path, record: str, verdict: Verdict
) -> None:
    told = replace(SEEN, sender_domain="example.org")
    assert checked(tmp_path, told, {("example.org", "TXT"): [record]}) is verdict
    assert checked(tmp_path, SEEN, {("example.org", "TXT"): [record]}) is verdict


def test_a_list_that_the_reply_named_is_asked_again(tmp_path: Path) -> None:
    told = Seen(ID, "listed-by-dnsbl", NOW, facts={"ip": "192.0.2.1", "zone": "bl.example"})
    works: Table = {("2.0.0.127.bl.example", "A"): ["127.0.0.2"]}
    listed: Table = {**works, ("1.2.0.192.bl.example", "A"): ["127.0.0.2"]}
    assert checked(tmp_path, told, listed) is Verdict.CONFIRMED
    assert checked(tmp_path, told, works) is Verdict.NOT_CONFIRMED


def test_what_nobody_outside_can_know_is_said(tmp_path: Path) -> None:
    told = Seen(ID, "client-denied", NOW, facts={"ip": "192.0.2.1"})
    assert checked(tmp_path, told, {}) is Verdict.UNKNOWABLE


def test_dns_that_keeps_everybody_waiting_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ulak.app.web.refusals._LATE", 0.05)
    silent: Table = {("example.org", "TXT"): Status.TIMEOUT}
    assert checked(tmp_path, SEEN, silent) is None


def test_checks_are_made_of_what_may_be_seen() -> None:
    told = Seen(
        ID,
        "dmarc-reject",
        NOW,
        facts={"ip": "::ffff:192.0.2.1", "client": "mail.example.org", "domain": "author.example"},
        sender_domain="sender.example",
        looks=(
            Look("spf", "fail", {"domain": "sender.example"}),
            Look("dkim", "fail", {"domain": "signer.example", "selector": "s1"}),
            Look("dkim", "none", {}),
            Look("dmarc", "fail", {"domain": "author.example", "policy": "reject"}),
        ),
    )
    known = evidence_of(told)
    assert known.sender == "postmaster@sender.example"
    assert (known.helo, known.from_domain) == ("mail.example.org", "author.example")
    assert known.signers == (("s1", "signer.example"),)
    assert (known.recipient, known.header, known.message) == ("", b"", b"")


@pytest.mark.parametrize("sender", ["", None])
def test_a_null_sender_is_not_one_that_is_unknown(sender: str | None) -> None:
    assert evidence_of(replace(SEEN, sender_domain=sender)).sender == sender


@pytest.mark.parametrize(
    "fact", ["nonsense", "192.0.2.1 OR 1=1", "a" * 5000, "..", "\x00", "localhost"]
)
def test_hostile_facts_become_no_questions(fact: str) -> None:
    known = evidence_of(
        Seen(ID, "listed-by-dnsbl", NOW, facts={"ip": fact, "zone": fact, "domain": fact})
    )
    assert known.ip == ""
    assert known.zone == ""


class Others:
    """Another server, with a journal, and one that is silent."""

    me, away = "a", False

    def __init__(self, folder: Path, silent: tuple[str, ...] = ()) -> None:
        self.folder, self.silent = folder, silent
        self.asked: list[str] = []

    async def ask(self, verb: str, arguments: Answer) -> Heard:
        self.asked.append(verb)
        reader = JournalReader([self.folder / "journal" / "0"])
        return Heard({"b": told(reader, verb, arguments)}, self.silent)

    async def close(self) -> None:
        pass


def test_a_refusal_of_another_server_is_found_and_one_of_this_server_is_asked_of_nobody(
    tmp_path: Path,
) -> None:
    write(tmp_path / "there", NOW)
    parts = parts_of(tmp_path / "here")
    others = Others(tmp_path / "there", ("c",))
    parts.__dict__["others"] = others
    finder = Finder(parts, 1e9)
    found = asyncio.run(finder(ID))
    assert found is not None
    assert [look.check for look in found.looks] == ["spf"]
    assert asyncio.run(finder("000000000000")) is None
    assert finder.unsure()
    assert len(others.asked) == 2
    write(tmp_path / "here", NOW)
    assert asyncio.run(finder(ID)) is not None
    assert len(others.asked) == 2
