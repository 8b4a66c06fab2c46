"""What is seen of a primary and a standby, each for itself, and when the standby goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from tests.postgresql import PostgresServer

from ulak.cluster.database import Database
from ulak.cluster.postgres import opened
from ulak.cluster.problems import problems
from ulak.queue.postgres import open_store

pytestmark = pytest.mark.timeout(120)


class Pair:
    """A primary with the tables of a queue, and a standby that its commits wait for."""

    def __init__(self, folder: Path) -> None:
        self.primary = PostgresServer()
        asyncio.run(_made(self.primary.url, folder))
        self.standby = PostgresServer(copy_of=self.primary)
        with psycopg.connect(self.primary.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby_0'")
            connection.execute("SELECT pg_reload_conf()")

    def stop(self) -> None:
        self.standby.stop()
        self.primary.stop()


async def _made(url: str, folder: Path) -> None:
    store = await open_store(url, folder / "made", "made")
    await store.close()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    yield made
    made.stop()


def _look(url: str) -> Database:
    with opened(url) as table:
        return table.database(1)


def _until(url: str, true: Callable[[Database], bool]) -> Database:
    end = time.monotonic() + 60
    while not true(found := _look(url)):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


def _wrong(database: Database) -> list[str]:
    return [one.key for one in problems([], database) if one.key != "nobody"]


def test_a_standby_that_confirms_is_seen_and_missed_when_it_is_gone(pair: Pair) -> None:
    found = _until(pair.primary.url, lambda d: any(one.confirms for one in d.standbys))
    (one,) = found.standbys
    assert (one.name, one.state, one.sync) == ("standby_0", "streaming", "sync")
    assert one.behind < 64_000_000
    assert found.wanted == "standby_0"
    assert _wrong(found) == []
    alone = _look(pair.standby.url)
    assert alone.standby
    assert _wrong(alone) == ["only-standby"]
    pair.standby.crash()
    gone = _until(pair.primary.url, lambda d: not d.standbys)
    assert _wrong(gone) == ["confirming-away"]
    (slot,) = gone.slots
    assert slot.name.startswith("standby_")
