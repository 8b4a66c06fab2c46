"""A backup of the queue's database is restored, and leaves when somebody has looked at it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.postgresql import PostgresServer

from ulak.lab.mx import Behaviour

from .senders import counted
from .test_cluster import queued, send, settings, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PAUSED = "[delivery]\npaused = true\n"


def program(server: PostgresServer, name: str, *words: str | Path) -> bytes:
    done = subprocess.run(
        [server.programs / name, *words], check=True, capture_output=True, cwd=server.folder
    )
    return done.stdout


def names(messages: Any) -> set[str]:
    return set(counted([m.body for m in messages]))


def test_a_restored_dump_is_held_looked_at_and_released(
    served: Callable[..., Any], sink: Callable[..., Any], database: PostgresServer
) -> None:
    refusing = sink(Behaviour(at={"RCPT": "451 4.2.0 not now"}))
    target = sink()
    url = database.fresh()
    server = served(settings(url, refusing.port))
    server.start()
    send(server, "m1", "m2")
    until(lambda: sum(row["attempts"] > 0 for row in queued(server)) == 2, "the first attempts")
    dump = program(database, "pg_dump", "--dbname", url)  # while it runs
    server.more = settings(url, target.port)
    server.write()
    assert server.stop() == 0
    server.start()
    until(lambda: names(target.messages) == {"m1", "m2"}, "both")
    send(server, "m3")
    until(lambda: len(target.messages) == 3, "all three")
    assert server.stop() == 0

    restored = database.fresh()
    subprocess.run(
        [database.programs / "psql", "--quiet", "--set", "ON_ERROR_STOP=1", restored],
        input=dump,
        check=True,
        capture_output=True,
    )
    server.more = settings(restored, target.port) + PAUSED
    server.write()
    tried = server.ulak("queue", "move", "--to", "sqlite", "--dry-run", "--json")
    assert '"messages": 2' in tried.stdout, tried.stderr
    server.start()
    until(lambda: {row["state"] for row in queued(server)} == {"ready"}, "all given back", 100)
    held = server.ulak("queue", "hold", "--all")
    assert held.returncode == 0, held.stderr
    first, second = (row["id"] for row in queued(server))
    why = server.ulak("why", first, "--lang", "en")  # the journal knows better than the backup
    assert "was delivered to b@example.com" in " ".join(why.stdout.split())
    assert server.ulak("queue", "drop", first).returncode == 0
    server.more = settings(restored, target.port)
    server.write()
    assert server.stop() == 0
    server.start()
    assert [(row["id"], row["state"]) for row in queued(server)] == [(second, "held")]
    assert len(target.messages) == 3
    assert server.ulak("queue", "release", second).returncode == 0
    until(lambda: len(target.messages) == 4, "the one that was released")
    until(lambda: queued(server) == [], "an empty queue")
    assert server.stop() == 0


def test_a_base_backup_of_a_running_server_has_what_was_acknowledged_before_it(
    served: Callable[..., Any], sink: Callable[..., Any]
) -> None:
    target = sink()
    primary, other = PostgresServer(), PostgresServer()
    try:
        server = served(settings(primary.url, target.port) + PAUSED)
        server.start()
        send(server, "m1", "m2", "m3")
        backup = primary.folder / "backup"
        program(
            primary,
            "pg_basebackup",
            *("--pgdata", backup, "--dbname", primary.url, "--checkpoint", "fast"),
        )
        send(server, "m4")
        assert server.stop() == 0
        primary.crash()
        other.crash()
        shutil.rmtree(other.data)
        shutil.copytree(backup, other.data)
        if os.geteuid() == 0:
            owner = other.folder.stat()
            for path in (other.data, *other.data.rglob("*")):
                os.chown(path, owner.st_uid, owner.st_gid)
        other.start()
        with psycopg.connect(other.url) as connection:
            assert connection.execute("SELECT count(*) FROM ulak.message").fetchone() == (3,)
        server.more = settings(other.url, target.port)
        server.write()
        server.start()
        until(lambda: names(target.messages) == {"m1", "m2", "m3"}, "what was backed up", 100)
        until(lambda: queued(server) == [], "an empty queue")
        assert server.stop() == 0
    finally:
        primary.stop()
        other.stop()
