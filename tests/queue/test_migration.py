"""A queue that an older Ulak left behind is taken over with all that is in it.

The files of older versions are made from the statements that made them then: a migration is never
changed once it has been released.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from ulak.mail.envelope import Envelope
from ulak.queue.item import Again, Body, Message, Pending, State
from ulak.queue.sql import sqlite as sql
from ulak.queue.sqlite import open_reader

from .driver import ALL, Driver, done

VERSION_2 = """
INSERT INTO message VALUES (1, 'm1', 'ada@example.org', 4, 1000.25, 0, '7BIT', '', 's1', NULL,
    NULL, NULL);
INSERT INTO body VALUES (1, X'613A0D0A');
INSERT INTO pending VALUES (1, 0, 'a@example.net', 'example.net', 0, 1300.0, 3, 'greylisted',
    '451 4.7.1 later', 'mx.example.net', 1, -2);
"""

# What has been released stays as it is: there are files made by it.
RELEASED = {
    1: "c9917cc8d29ad8eaf5c629b1337fdf42107271cab6f384d56137415b81a2bd70",
    2: "dda8af0234d47144cdfe1dbdbe85d6379dc346ab8730f575b8eb4ecf12883bc9",
    3: "2ec8a902d5fbd3ad281ff73610090565cdf46e88a79f0b59c8eda04af1068948",
    4: "dd1d0c0d631fa3928129111690d2a01eda84080c9a866da8da1b90ff42f04237",
    5: "9f3ffeabbbb4e5f00795214f7d8d2618a7078e56d5883f16f69949f47a209dbd",
    6: "305e87852c94d9ba719f27052ce3d4a8e7ed14024ca414edde546a3131ca72cc",
    7: "cf4ee483e9151bda01c15e4a206238c5a765748cd98d0491752f34695d18f3f0",
}

VERSION_4 = """
INSERT INTO message VALUES (1, 'm1', 'ada@example.org', 4, 1000.0, 0, '7BIT', '', 's1', NULL,
    '{"priority":-2}', NULL, NULL);
INSERT INTO pending VALUES (1, 0, 'a@example.net', 'example.net', 0, 1300.0, 3, 'greylisted',
    '451 4.7.1 later', 'mx.example.net', 1, -2, '');
INSERT INTO message VALUES (2, 'm2', 'ada@example.org', 4, 1000.0, 0, '7BIT', '', 's1', NULL,
    '{"priority":4}', NULL, NULL);
INSERT INTO pending VALUES (2, 0, 'b@example.net', 'example.net', 0, 1400.0, 0, '', '', '', 0, 4,
    '');
"""

VERSION_1 = """
INSERT INTO message VALUES (1, 'm1', 'ada@example.org', 4, 1000.25, 1, '8BITMIME', 'tr', 's1',
    '["a@example.net","b@örnek.example","gone@example.net"]');
INSERT INTO body VALUES (1, X'00FF0D0A');
INSERT INTO pending VALUES (1, 0, 'a@example.net', 'example.net', 0, 1300.0, 3, 'greylisted',
    '451 4.7.1 later', 'mx.example.net', 1);
INSERT INTO pending VALUES (1, 1, 'b@örnek.example', 'örnek.example', 2, 1000.25, 0, '', '', '', 0);
INSERT INTO message VALUES (2, 'm2', '', 9, 1001.0, 0, '7BIT', '', '', NULL);
INSERT INTO pending VALUES (2, 0, 'c@example.com', 'example.com', 1, 1001.0, 0, '', '', '', 0);
UPDATE store SET epoch = 7;
"""


def version_1(folder: Path) -> None:
    """Leave behind what Ulak 0.1 does at a power cut: two messages, one of them leased."""
    (folder / "bodies").mkdir(parents=True)
    (folder / "bodies" / f"{2:012x}").write_bytes(b"a: b\r\n\r\n\n")
    connection = apsw.Connection(str(folder / "queue.sqlite"))
    for statement in (
        "PRAGMA auto_vacuum = INCREMENTAL",
        "PRAGMA journal_mode = WAL",
        sql.migration(1),
        VERSION_1,
        "PRAGMA user_version = 1",
    ):
        connection.execute(statement).fetchall()
    connection.close()


def version_2(folder: Path) -> None:
    """Leave behind a queue as it was before it knew accounts and sources."""
    folder.mkdir()
    connection = apsw.Connection(str(folder / "queue.sqlite"))
    for statement in (
        "PRAGMA auto_vacuum = INCREMENTAL",
        "PRAGMA journal_mode = WAL",
        sql.migration(1),
        sql.migration(2),
        VERSION_2,
        "PRAGMA user_version = 2",
    ):
        connection.execute(statement).fetchall()
    connection.close()


def version_4(folder: Path) -> None:
    """Leave behind a queue as it was before it knew lanes."""
    folder.mkdir()
    connection = apsw.Connection(str(folder / "queue.sqlite"))
    for statement in (
        "PRAGMA auto_vacuum = INCREMENTAL",
        "PRAGMA journal_mode = WAL",
        *(sql.migration(version) for version in range(1, 5)),
        VERSION_4,
        "PRAGMA user_version = 4",
    ):
        connection.execute(statement).fetchall()
    connection.close()


@pytest.mark.parametrize("version", RELEASED)
def test_what_was_released_is_not_changed(version: int) -> None:
    digest = hashlib.sha256(sql.migration(version).encode()).hexdigest()
    assert digest == RELEASED[version]


def test_mail_of_version_1_is_taken_over(tmp_path: Path) -> None:
    version_1(tmp_path / "queue")
    queue = Driver("sqlite", tmp_path)
    envelope = Envelope(
        "ada@example.org",
        ("a@example.net", "b@örnek.example", "gone@example.net"),
        smtputf8=True,
        body="8BITMIME",
    )
    first = Message("m1", envelope, Body(4, b"\x00\xff\r\n"), 1000.25, "tr", "s1")
    tried = Pending(
        "a@example.net",
        "example.net",
        due=1300.0,
        attempts=3,
        cause="greylisted",
        reply="451 4.7.1 later",
        host="mx.example.net",
        warned=True,
    )
    held = Pending("b@örnek.example", "örnek.example", State.HELD, 1000.25)
    fresh = Pending("c@example.com", "example.com", due=1001.0)
    assert [row.pending for row in queue.list()] == [tried, held, fresh]
    assert queue.read("m1") == first
    assert queue.next_due() == 1001.0
    second, again = queue.lease(2000.0)
    assert again.message == first
    assert again.pending == (tried,)
    assert second.message.envelope == Envelope("", ("c@example.com",))
    assert second.message.body.path is not None
    assert second.message.body.path.read_bytes() == b"a: b\r\n\r\n\n"
    queue.settle(second, *done(second))
    queue.reopen()
    assert queue.ids() == ["m1"]
    queue.close()


def test_mail_of_version_2_is_taken_over(tmp_path: Path) -> None:
    version_2(tmp_path / "queue")
    queue = Driver("sqlite", tmp_path)
    (lease,) = queue.lease(2000.0)
    assert (lease.message.account, lease.message.session) == ("", "s1")
    (waits,) = lease.pending
    assert (waits.source, waits.attempts, waits.warned) == ("", 3, True)
    queue.settle(lease, Again(replace(waits, source="south")))
    queue.reopen()
    (row,) = queue.list()
    assert row.pending.source == "south"
    queue.close()


def test_mail_of_version_4_goes_by_its_priority_and_counts_for_its_sender(tmp_path: Path) -> None:
    version_4(tmp_path / "queue")
    (tmp_path / "queue" / "bodies").mkdir()
    queue = Driver("sqlite", tmp_path)
    later = Message("m3", Envelope("x@example.net", ("c@x.example",)), Body(2, b"\r\n"), 2000.0)
    queue.put(later, [Pending("c@x.example", "x.example", due=2000.0)])
    many = Envelope("ada@example.org", tuple(f"r{n}@x.example" for n in range(30)))
    flood = Message("m4", many, Body(2, b"\r\n"), 10.0)
    queue.put(flood, [Pending(each, "x.example", due=10.0) for each in many.recipients])
    last = replace(later, id="m5", envelope=replace(many, recipients=("c@x.example",)))
    queue.put(last, [Pending("c@x.example", "x.example", due=10.0)])
    leases = [lease.message.id for lease in queue.lease(3000.0)]
    assert leases == ["m2", "m5", "m4", "m3", "m1"], "the 33rd of its sender is not of the first"
    queue.close()


def test_whoever_only_looks_can_read_version_1(tmp_path: Path) -> None:
    version_1(tmp_path / "queue")
    before = (tmp_path / "queue" / "queue.sqlite").read_bytes()
    with open_reader(tmp_path / "queue") as reader:
        rows = list(reader.list(ALL))
        assert [row.id for row in rows] == ["m1", "m1", "m2"]
        assert reader.count().messages == 2
        message = reader.read("m1")
        assert message is not None
        assert message.envelope.asked == {}
    assert (tmp_path / "queue" / "queue.sqlite").read_bytes() == before


def test_whoever_only_looks_can_read_version_2(tmp_path: Path) -> None:
    version_2(tmp_path / "queue")
    with open_reader(tmp_path / "queue") as reader:
        (row,) = reader.list(ALL)
        assert (row.id, row.pending.attempts, row.pending.source) == ("m1", 3, "")
        message = reader.read("m1")
        assert message is not None
        assert message.account == ""
