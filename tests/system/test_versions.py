"""Servers of two versions on one queue under load: renewed, taken back, and renewed again.

The next version is a copy of this one that calls a column by another name, as a release may do:
`pre_2.sql` adds the new one and keeps both in step, `post_2.sql` takes the old one away.
"""

from __future__ import annotations

import json
import shutil
import smtplib
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.house.repository import SOURCE
from tests.kills.cluster import prepare
from tests.postgresql import PostgresServer

from ulak import __version__
from ulak.lab.mx import Act, Behaviour

from .senders import counted
from .test_cluster import queued, settings, until
from .test_rolling import Failover, has_started, more, ready, refused

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NEXT = "99.0"
PRE = """
ALTER TABLE message ADD COLUMN visit TEXT;
ALTER TABLE message ALTER COLUMN session SET DEFAULT '';
CREATE FUNCTION in_step() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.visit IS NULL THEN NEW.visit := NEW.session; ELSE NEW.session := NEW.visit; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER in_step BEFORE INSERT ON message FOR EACH ROW EXECUTE FUNCTION in_step();
UPDATE message SET visit = session;
CREATE TABLE visitor (name TEXT COLLATE "C" PRIMARY KEY, since TIMESTAMPTZ NOT NULL DEFAULT now());
"""
POST = """
DROP TRIGGER in_step ON message;
DROP FUNCTION in_step();
ALTER TABLE message DROP COLUMN session;
"""


def next_version(folder: Path) -> dict[str, str]:
    """Make the next version; give the environment in which it is the one that runs."""
    package = folder / "next" / "ulak"
    shutil.copytree(SOURCE, package)

    def change(module: str, *pairs: tuple[str, str]) -> None:
        text = (package / module).read_text("utf-8")
        for old, new in pairs:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (package / module).write_text(text, "utf-8")

    change("__init__.py", (f'__version__ = "{__version__}"', f'__version__ = "{NEXT}"'))
    change("queue/sql/postgres/__init__.py", ("\nVERSION = 1\n", "\nVERSION = 2\n"))
    change(
        "queue/postgres/rows.py",
        ("m.session", "m.visit"),
        ("session TEXT", "visit TEXT"),
        ('"session": message', '"visit": message'),
    )
    for step, statements in (("pre", PRE), ("post", POST)):
        (package / f"queue/sql/postgres/{step}_2.sql").write_text(statements)
    return {"PYTHONPATH": str(package.parent)}


class Fleet:
    """Servers on one queue, each of this version at first."""

    def __init__(self, servers: list[Any], url: str) -> None:
        self.servers = servers
        self.url = url

    def renew(self, number: int, environment: dict[str, str]) -> None:
        """Do with one of them what the documentation says, to another version or back."""
        server = self.servers[number]
        ready(server, "drain", "--wait", "--timeout", "60s")
        assert server.stop() == 0
        server.environment = environment
        starts = server.log().count('"event": "ready"')
        server.begin()
        until(lambda: has_started(server, starts), "its start")
        refused(server)
        ready(server, "resume", "--wait")

    def status(self, asked: int) -> dict[str, Any]:
        """Tell how it is, as one of them sees it."""
        shown = self.servers[asked].ulak("cluster", "status", "--json")
        told: dict[str, Any] = json.loads(shown.stdout)
        told["versions"] = [one["version"] for one in told["members"]]
        told["schema"] = told["database"]["schema"]
        told["named"] = [one["problem"] for one in told["problems"]]
        return told

    def words(self, asked: int) -> str:
        shown = self.servers[asked].ulak("cluster", "status", "--lang", "en")
        return " ".join(shown.stdout.split())

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET search_path = ulak")
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


def put_off(server: Any, name: str) -> None:
    """Send a message that waits: where it goes, nobody takes it yet."""
    with smtplib.SMTP("127.0.0.1", server.port, "client.example", timeout=30) as smtp:
        text = f"From: a@example.net\r\nX-Id: {name}\r\n\r\ntext\r\n"
        smtp.sendmail("a@example.net", ["b@later.example"], text)


def test_two_versions_share_a_queue_under_load_and_there_is_a_way_back(
    served: Callable[..., Any], sink: Callable[..., Any], database: PostgresServer, tmp_path: Path
) -> None:
    new, old = next_version(tmp_path), dict[str, str]()
    at: dict[str, Act | str] = {"RCPT": "451 4.2.0 not now"}
    target, later, url = sink(), sink(Behaviour(at=at)), database.fresh()
    prepare(url)
    ways = settings(url, target.port).replace(
        "[route]\n", f'[route]\n"later.example" = "smtp:127.0.0.1:{later.port}"\n'
    )
    mx0, mx1, late = (served(f'{ways}[cluster]\nname = "mx{n}"\n') for n in range(3))
    fleet = Fleet([mx0, mx1], url)
    mx0.start()
    mx1.start()
    put_off(mx0, "w1")
    senders = Failover([mx0.port, mx1.port], 2)
    until(lambda: len(senders.acknowledged) > 20, "the first messages")

    fleet.renew(0, new)
    put_off(mx0, "w2")
    put_off(mx1, "w3")
    more(senders)
    both_are_told_of(fleet)
    fleet.renew(1, new)
    more(senders)
    the_way_back_is_told_of(fleet)
    fleet.renew(0, old)
    put_off(mx0, "w4")
    more(senders)
    fleet.renew(0, new)
    assert fleet.sql("SELECT begun, ended FROM store") == [(2, 1)]
    rows = fleet.sql("SELECT session, visit FROM message ORDER BY received LIMIT 4")
    assert all(session and session == visit for session, visit in rows)

    fleet.sql("UPDATE store SET keep_for = '1 second'")
    until(lambda: fleet.sql("SELECT ended FROM store") == [(2,)], "the end of what was kept")
    more(senders)
    late.begin()
    assert late.process.wait(60) != 0
    assert "written by a newer Ulak (version 2 of its tables, this one knows 1)" in late.log()

    senders.stop()
    at.clear()
    until(lambda: len(later.messages) >= 4, "what had waited")
    until(lambda: len(target.messages) >= len(senders.acknowledged), "the last message")
    until(lambda: queued(mx0) == [], "an empty queue")
    assert counted([one.body for one in later.messages]) == Counter(["w1", "w2", "w3", "w4"])
    copies = counted([message.body for message in target.messages])
    assert (senders.refused, senders.unknown) == (Counter(), [])
    assert set(copies) == senders.acknowledged
    assert set(copies.values()) == {1}
    assert mx0.stop() == mx1.stop() == 0


def both_are_told_of(fleet: Fleet) -> None:
    """Have the new one and the old one each say what stands side by side, and for whom."""
    for asked in range(2):
        told = fleet.status(asked)
        assert told["versions"] == [NEXT, __version__]
        assert "mixed" in told["named"]
        assert ("newer-tables" in told["named"]) == (asked == 1)
        assert (told["schema"]["begun"], told["schema"]["ended"]) == (2, 1)
        assert told["schema"]["older"] == ["mx1"]
    words = "kept for mx1, and taken away when none of them has been there for 1d"
    assert words in fleet.words(1)


def the_way_back_is_told_of(fleet: Fleet) -> None:
    """Have one say until when what nobody needs any more is kept."""
    told = fleet.status(1)
    assert told["versions"] == [NEXT, NEXT]
    assert "mixed" not in told["named"]
    assert (told["schema"]["ended"], told["schema"]["older"]) == (1, [])
    assert told["schema"]["kept_until"] > time.time() + 80_000
    assert "you can still go back to the version before" in fleet.words(0)
