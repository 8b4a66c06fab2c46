"""`ulak queue move` moves a queue whole, and is run again where it stopped."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from tests.postgresql import PostgresServer

from ulak.app.supervisor import lock
from ulak.cli import main
from ulak.cli.frame import FAILED, USAGE
from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Message, Pending, Selection
from ulak.queue.sqlite import SqliteStore, open_reader

ALL = Selection(everything=True)

# By few messages at a time, so that there is something to be killed in.
_MOVER = """
import sys
from ulak.cli import main
from ulak.queue import moving
moving.MOST = 3
main.main(sys.argv[1:])
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "ulak.toml"
    file.write_text('hostname = "mx.example.org"\ndata = "data"\nworkers = 2\n')
    return file


@pytest.fixture
def url(database: PostgresServer) -> str:
    return database.fresh()


def fill(config: Path, *ids: str) -> None:
    async def put() -> None:
        for n in range(2):
            store = SqliteStore(config.parent / "data" / "queue" / str(n))
            for identifier in ids[n::2]:
                envelope = Envelope("ada@example.org", ("a@example.net", "b@example.net"))
                body = Body(8, identifier.encode().ljust(8))
                message = Message(identifier, envelope, body, 1000.0)
                await store.put(
                    message,
                    [Pending(name, "example.net", due=1e12) for name in envelope.recipients],
                )
            await store.close()

    asyncio.run(put())


def run(*words: object) -> int:
    return main.main([str(word) for word in words], standalone_mode=False)


def in_sqlite(config: Path) -> list[str]:
    ids = []
    for n in range(2):
        with open_reader(config.parent / "data" / "queue" / str(n)) as reader:
            ids += [row.id for row in reader.list(ALL)]
    return sorted(ids)


def in_database(url: str) -> list[str]:
    with psycopg.connect(url, options="-c search_path=ulak") as connection:
        rows = connection.execute(
            "SELECT m.id FROM pending JOIN message m USING (seq) WHERE token = 0 ORDER BY 1"
        )
        return [row[0] for row in rows]


def twice(*ids: str) -> list[str]:
    return sorted(ids * 2)


def test_a_queue_is_moved_and_back_with_a_deed_for_each_message(
    config: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(config, "m1", "m2", "m3")
    words = ("queue", "move", "--to", url, "--config", config)
    assert run(*words, "--dry-run", "--json") == 0
    told = {
        "from": "sqlite",
        "to": "postgresql",
        "dry_run": True,
        "messages": 3,
        "recipients": 6,
        "octets": 24,
        "known": 0,
        "refused": [],
        "left": 0,
    }
    assert json.loads(capsys.readouterr().out) == told
    assert in_sqlite(config) == twice("m1", "m2", "m3")
    assert run(*words, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {**told, "dry_run": False}
    assert in_sqlite(config) == []
    assert in_database(url) == twice("m1", "m2", "m3")
    assert run("why", "m2", "--config", config, "--lang", "en") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "An operator moved the message into another store of the queue: PostgreSQL." in said
    assert run("queue", "move", "--from", url, "--config", config, "--lang", "en") == 0
    assert "moved from PostgreSQL to SQLite. Messages: 3" in capsys.readouterr().out
    assert in_sqlite(config) == twice("m1", "m2", "m3")
    assert in_database(url) == []


def test_the_configured_database_is_the_one_that_is_meant(
    config: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(config, "m1")
    config.write_text(f'{config.read_text()}[queue]\nstore = "{url}"\n')
    assert run("queue", "move", "--config", config) == 0
    assert in_database(url) == twice("m1")
    assert run("queue", "move", "--to", "sqlite", "--config", config) == 0
    assert in_sqlite(config) == twice("m1")
    del capsys


def test_nothing_is_moved_while_a_server_runs(
    config: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(config, "m1")
    held = lock(config.parent / "data")
    assert run("queue", "move", "--to", url, "--config", config, "--lang", "en") == FAILED
    assert "A server is running here" in capsys.readouterr().err
    os.close(held)
    assert in_sqlite(config) == twice("m1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--to", "sqlite"), "One end of a move is SQLite and the other PostgreSQL"),
        ((), "One end of a move is SQLite and the other PostgreSQL"),
        (("--to", "mysql://u:secret@h/d"), "mysql://u:***@h/d is no store"),
        (
            ("--to", "postgresql://a/b", "--from", "postgresql://c/d"),
            "One end of a move is SQLite and the other PostgreSQL",
        ),
    ],
)
def test_two_ends_that_cannot_be_are_told(
    config: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert run("queue", "move", *words, "--config", config, "--lang", "en") == USAGE
    assert said in capsys.readouterr().err


def test_a_database_that_is_away_changes_nothing(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(config, "m1")
    away = f"postgresql://ulak@/d?host={tmp_path}"
    assert run("queue", "move", "--to", away, "--config", config, "--lang", "en") == FAILED
    assert "cannot be reached" in capsys.readouterr().err
    assert in_sqlite(config) == twice("m1")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["--to", "--from"])
def test_whoever_is_killed_at_any_moment_goes_on_the_next_time(
    config: Path, url: str, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [f"m{n:03}" for n in range(72)]
    fill(config, *ids)
    if way == "--from":
        assert run("queue", "move", "--to", url, "--config", config) == 0
    chance = random.Random(way)
    words = [sys.executable, "-c", _MOVER, "queue", "move", way, url, "--config", str(config)]
    killed = 0
    while True:
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        before = len(in_database(url)) if way == "--from" else _count(url)
        end = time.monotonic() + 60
        while process.poll() is None and abs(_count(url) - before) < 12:
            assert time.monotonic() < end
            time.sleep(0.005)
        time.sleep(chance.random() * 0.03)
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        if process.wait() == 0:
            break
        killed += 1
        found = in_sqlite(config) if way == "--to" else in_database(url)
        assert set(found) <= set(twice(*ids))
    assert killed >= 5
    target, source = in_database(url), in_sqlite(config)
    if way == "--from":
        target, source = source, target
    assert target == twice(*ids)
    assert source == []
    del capsys


def _count(url: str) -> int:
    """Count the rows that there are, or 0 before there are any tables."""
    try:
        return len(in_database(url))
    except psycopg.errors.UndefinedTable:
        return 0
