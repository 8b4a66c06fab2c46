"""What a command tells of a client from what the server itself has counted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest
from tests.postgresql import PostgresServer

from ulak import config as settings
from ulak.app.greylisting import reputation_of
from ulak.clients.postgres import PostgresStore
from ulak.clients.reputation import Counts
from ulak.clients.sqlite import SqliteStore
from ulak.clients.store import Store
from ulak.config.greylist import Reputation
from ulak.config.queue import Queue
from ulak.diagnose.diagnosis import Check
from ulak.queue.sql import postgres as sql

NOW = 1_000_000_000.0
WEEK = 604_800.0
NET = "192.0.2.0/24"


def chosen(data: Path, store: str = "sqlite") -> settings.Config:
    policy = settings.Policy(reputation=Reputation(on=True))
    return settings.Config(data=data, policy=policy, queue=Queue(store=store))


def told(config: settings.Config, ip: str = "192.0.2.9", now: float = NOW) -> Check:
    check = asyncio.run(reputation_of(config, ip, now))
    assert check is not None
    return check


async def bring(store: Store, counts: Counts) -> None:
    await store.write({}, {NET: counts}, WEEK)
    await store.close()


@pytest.mark.parametrize(
    ("counts", "result", "good"),
    [
        (Counts(40, 1, 0, NOW), "good", True),
        (Counts(40, 1, 60, NOW), "poor", None),
        (Counts(10, 1, 0, NOW), "open", None),
        (Counts(0.1, 0, 0, NOW), "nothing", None),
    ],
)
def test_what_a_network_has_brought_is_told(
    tmp_path: Path, counts: Counts, result: str, *, good: bool | None
) -> None:
    asyncio.run(bring(SqliteStore(tmp_path / "clients.db"), counts))
    check = told(chosen(tmp_path))
    assert (check.check, check.subject) == ("reputation", NET)
    assert (check.result, check.good) == (result, good)
    assert {
        language: NET in check.reasons[0].text(language) for language in ("en", "tr", "ar")
    } == {
        "en": True,
        "tr": True,
        "ar": True,
    }


def test_it_is_told_as_it_is_today(tmp_path: Path) -> None:
    asyncio.run(bring(SqliteStore(tmp_path / "clients.db"), Counts(40, 2, 4, NOW)))
    check = told(chosen(tmp_path), now=NOW + WEEK)
    assert check.result == "open"
    assert check.reasons[0].facts == {
        "network": NET,
        "accepted": "20",
        "unwanted": "1",
        "unknown": "2",
    }


def test_it_is_told_from_the_database(tmp_path: Path, database: PostgresServer) -> None:
    url = database.fresh()
    script = sql.migration("pre", 1)
    assert script is not None
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA ulak")
        connection.execute("SET search_path TO ulak")
        connection.execute(script)
    asyncio.run(bring(PostgresStore(url), Counts(40, 1, 0, NOW)))
    assert told(chosen(tmp_path, url)).result == "good"
    away = told(chosen(tmp_path, "postgresql://ulak@/postgres?host=/nowhere"))
    assert away.result == "could-not-ask"
    assert "cannot be reached" in away.reasons[0].text()


def test_nothing_is_told_where_nothing_is_counted(tmp_path: Path) -> None:
    config = settings.Config(data=tmp_path)
    assert asyncio.run(reputation_of(config, "192.0.2.9", NOW)) is None
    assert not list(tmp_path.iterdir())


def test_who_has_brought_nothing_is_no_stranger_to_the_command(tmp_path: Path) -> None:
    assert told(chosen(tmp_path)).result == "nothing"
    assert not list(tmp_path.iterdir()), "looking makes no file"
