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
from tests.buckets import BucketServer
from tests.postgresql import PostgresServer

from ulak.app.supervisor import lock
from ulak.cli import main
from ulak.cli.frame import FAILED, USAGE
from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Message, Pending, Selection
from ulak.queue.postgres import open_store
from ulak.queue.postgres.bucket import Bucket
from ulak.queue.postgres.s3 import S3
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


def fill(config: Path, *ids: str, size: int = 8) -> None:
    async def put() -> None:
        for n in range(2):
            store = SqliteStore(config.parent / "data" / "queue" / str(n))
            for identifier in ids[n::2]:
                envelope = Envelope("ada@example.org", ("a@example.net", "b@example.net"))
                body = Body(size, body_of(identifier, size))
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
        "lost": 0,
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
@pytest.mark.timeout(600)
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


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_large_bodies_go_into_the_bucket_and_back_whoever_is_killed(
    config: Path, url: str, bucket_server: BucketServer, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [f"m{n:03}" for n in range(15)]
    fill(config, *ids, size=3000)
    with_bucket(config, url, bucket_server, "moved")
    command = [sys.executable, "-c", _MOVER, "queue", "move", "--config", str(config)]
    for turn in range(30):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        before, end = _count(url), time.monotonic() + 60
        while process.poll() is None and _count(url) < before + 12:
            assert time.monotonic() < end
            time.sleep(0.005)
        time.sleep(0.02 * (turn % 9))
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        if process.wait() == 0:
            break
    assert turn, "it was killed at least once"
    assert in_database(url) == twice(*ids)
    assert in_sqlite(config) == []
    needed, there = asyncio.run(objects(url, bucket_server, config.parent / "look"))
    assert len(needed) == len(ids)
    assert there == needed, "what was left by who was killed is swept"
    until_moved("--to", "sqlite", "--config", config)
    assert in_database(url) == []
    for identifier in ids:
        assert body_in_sqlite(config, identifier) == body_of(identifier, 3000)
    assert in_sqlite(config) == twice(*ids)
    del capsys


def test_a_lost_text_stays_and_is_told_with_what_to_do(
    config: Path, url: str, bucket_server: BucketServer, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(config, "m1", "m2", size=3000)
    with_bucket(config, url, bucket_server, "lost")
    until_moved("--config", config)
    with psycopg.connect(url, options="-c search_path=ulak") as connection:
        found = connection.execute(
            "SELECT key FROM object JOIN message USING (seq) WHERE id = 'm1'"
        )
        keys = [key for (key,) in found]
    asyncio.run(S3(bucket_server.place()).delete(keys))
    capsys.readouterr()
    back = ("queue", "move", "--to", "sqlite", "--config", config)
    assert run(*back, "--json") == FAILED
    told = json.loads(capsys.readouterr().out)
    assert (told["messages"], told["left"], told["lost"]) == (1, 0, 1)
    assert in_sqlite(config) == twice("m2")
    assert run(*back, "--lang", "en") == FAILED
    said = " ".join(capsys.readouterr().out.split())
    assert "PostgreSQL: 1" in said
    assert "ulak queue bounce --cause body-lost" in said


def until_moved(*words: object) -> None:
    """Move a queue; a bucket that is slow for once stops that, and it is to be run again."""
    assert any(run("queue", "move", *words) == 0 for _ in range(5))


def with_bucket(config: Path, url: str, server: BucketServer, prefix: str) -> None:
    """Have the queue in a database, and bodies of more than 2000 octets in a bucket."""
    config.write_text(
        f'{config.read_text()}[queue]\nstore = "{url}"\n[queue.bucket]\nname = "mail"\n'
        f'endpoint = "http://127.0.0.1:{server.port}"\nkeys = "{server.keys}"\n'
        f'prefix = "{prefix}"\nlarger_than = "2KB"\nwithout = "refuse"\n'
    )


async def objects(url: str, server: BucketServer, folder: Path) -> tuple[set[str], set[str]]:
    """Give the objects that rows name, and those that are there when a day has passed."""
    bucket = Bucket(S3(server.place()), 0, prefix="moved")
    store = await open_store(url, folder, "look", bucket=bucket)
    sweeping = store._sweeping
    assert sweeping is not None
    sweeping._clock = lambda: time.time() + 90_000
    home = await bucket.home(store._links["looks"])
    with psycopg.connect(url, options="-c search_path=ulak", autocommit=True) as connection:
        await sweeping.delete()
        while True:
            connection.execute("UPDATE sweep SET due = now()")
            await sweeping.look()
            if not connection.execute("SELECT place FROM sweep WHERE place <> ''").fetchall():
                break
        needed = {key for (key,) in connection.execute("SELECT key FROM object").fetchall()}
    there: list[str] = []
    while page := await bucket.objects.list(home, there[-1] if there else ""):
        there += [one.key for one in page]
    await store.close()
    return needed, set(there)


def body_of(identifier: str, size: int) -> bytes:
    return identifier.encode().ljust(size)


def body_in_sqlite(config: Path, identifier: str) -> bytes | None:
    for n in range(2):
        with open_reader(config.parent / "data" / "queue" / str(n)) as reader:
            if (found := reader.read(identifier)) is not None:
                return found.body.data
    return None


def _count(url: str) -> int:
    """Count the rows that there are, or 0 before there are any tables."""
    try:
        return len(in_database(url))
    except psycopg.errors.UndefinedTable:
        return 0
