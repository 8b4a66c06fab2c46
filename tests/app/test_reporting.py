"""Reports in a running worker: what was counted is written down, and what is due goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.reports.days import FIRST, NOON, SEEN, TOMORROW, Server, counted

from ulak import config
from ulak.app.reporting import Book, Reporter, author_of, reporting
from ulak.reports.counting import Counted
from ulak.reports.sqlite import SqliteOutgoing
from ulak.reports.store import ReportsError


class Failing(SqliteOutgoing):
    """Cannot be written to, until it can."""

    fails = True

    def add(self, counted: Sequence[Counted]) -> None:
        if self.fails:
            where = "reports.db"
            raise ReportsError(where, "the disk is full")
        super().add(counted)


class Told:
    """A log that remembers."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def emit(self, event: Any, **facts: object) -> None:
        del facts
        self.events.append(event.word)


def reporter(outgoing: SqliteOutgoing, server: Server | None = None, now: float = NOON) -> Any:
    counter, log = counted(SEEN), Told()
    woken: list[bool] = []
    made = Reporter(
        [
            Book(
                counter.take,
                outgoing.add,
                None if server is None else server.posting,
                outgoing.close,
            )
        ],
        clock=lambda: now,
        log=log,  # type: ignore[arg-type] # in its place
        incident=lambda _: "I1",
        wake=lambda: woken.append(True),
    )
    return SimpleNamespace(made=made, counter=counter, log=log, woken=woken)


def test_what_was_counted_is_written_down(tmp_path: Path) -> None:
    outgoing = SqliteOutgoing(tmp_path / "reports.db")
    here = reporter(outgoing)
    asyncio.run(here.made.flush())
    assert outgoing.days(FIRST + 1) == [(FIRST, "example.org")]
    assert not here.counter.waiting


def test_what_cannot_be_written_down_is_kept_and_tried_again(tmp_path: Path) -> None:
    outgoing = Failing(tmp_path / "reports.db")
    here = reporter(outgoing)

    async def run() -> None:
        await here.made.flush()
        here.counter.note(replace(SEEN, ip="192.0.2.9"))
        await here.made.flush()
        outgoing.fails = False
        await here.made.flush()
        await here.made.close()

    asyncio.run(run())
    assert here.log.events == ["reports-failing"] * 2
    found = outgoing.counted(FIRST, "example.org")
    assert found is not None
    assert sum(found.rows.values()) == 2


def test_the_last_counts_are_written_down_at_the_end(tmp_path: Path) -> None:
    outgoing = SqliteOutgoing(tmp_path / "reports.db")
    asyncio.run(reporter(outgoing).made.close())
    assert SqliteOutgoing(tmp_path / "reports.db").days(FIRST + 1)


def test_what_is_due_goes_out_and_the_delivery_is_woken(tmp_path: Path) -> None:
    outgoing = SqliteOutgoing(tmp_path / "reports.db")
    here = reporter(outgoing, Server(outgoing), TOMORROW + 1)

    async def run() -> int:
        await here.made.flush()
        assert await here.made.post() == 0, "not before its time"
        count: int = await here.made.post(at_once=True)
        return count

    assert asyncio.run(run()) == 1
    assert here.woken == [True]


@pytest.mark.parametrize(
    ("text", "sends"),
    [
        ('hostname = "mx.example.org"', True),
        ('hostname = "localhost"', False),
        ('hostname = "mail.localdomain"', False),
        ('hostname = "mail.home.arpa"', False),
        ('hostname = "mail.mylocal.example"', True),
        ('hostname = "localhost"\n[reports]\naggregate = "on"', True),
        ('hostname = "mx.example.org"\n[reports]\naggregate = "off"', False),
    ],
)
def test_a_server_with_a_name_of_its_own_reports(tmp_path: Path, text: str, *, sends: bool) -> None:
    file = tmp_path / "ulak.toml"
    file.write_text(text)
    assert reporting(config.load(file)) is sends


def test_the_embedded_default_reports_to_nobody() -> None:
    assert not reporting(config.load(None))


def test_a_report_is_by_the_name_of_the_server_or_as_said(tmp_path: Path) -> None:
    file = tmp_path / "ulak.toml"
    file.write_text('hostname = "mx.example.org"')
    author = author_of(config.load(file))
    own = "postmaster@mx.example.org"
    assert (author.organization, author.email, author.sender) == ("mx.example.org", own, own)
    file.write_text(
        'hostname = "mx.example.org"\n[reports]\norganization = "Example"\n'
        'contact = "https://example.org/"\nfrom = "dmarc@example.org"\n'
    )
    author = author_of(config.load(file))
    assert (author.organization, author.email) == ("Example", "https://example.org/")
    assert (author.hostname, author.sender) == ("mx.example.org", "dmarc@example.org")
