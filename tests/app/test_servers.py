"""The servers that share a queue, in the hands of the console: with the database, and without."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.cli.test_cluster import Cluster
from tests.postgresql import PostgresServer

from ulak import config as settings
from ulak.app import servers
from ulak.app.clustering import Clustering
from ulak.app.servers import ServersInHand
from ulak.cluster.member import Order
from ulak.journal.deed import By
from ulak.queue.depth import Depth
from ulak.web.console.ports import OperationError, Trouble
from ulak.web.console.sharing import Servers

T = TypeVar("T")

ADA = By("ada@example.org", "console", "127.0.0.1")


@pytest.fixture
def cluster(database: PostgresServer, tmp_path: Path) -> Cluster:
    return Cluster(database.fresh(), tmp_path)


async def _depth() -> Depth:
    return Depth(due=7)


async def _no_depth() -> Depth:
    raise OperationError(Trouble.STORAGE)


def made(file: Path, depth: Any = _depth) -> ServersInHand:
    return ServersInHand(settings.load(file), time.time, depth)


def ask(question: Coroutine[Any, Any, T]) -> T:
    async def soon() -> T:
        return await asyncio.wait_for(question, 30)

    return asyncio.run(soon())


def test_all_are_told_with_the_queue_the_database_and_what_is_wrong(cluster: Cluster) -> None:
    found = ask(made(cluster.file).look())
    assert (found.here, [one.name for one in found.members]) == ("mx3", ["mx1", "mx2"])
    assert not found.away
    assert found.database is not None
    assert found.depth == Depth(due=7)
    assert [one.key for one in found.problems] == ["none-confirms"]


def test_an_order_is_left_with_who_gave_it_as_the_command_leaves_it(cluster: Cluster) -> None:
    ask(made(cluster.file).order("mx2", Order.RESUME, ADA))
    assert cluster.wanted() == {"mx1": None, "mx2": Order.RESUME}
    by = cluster.rows("SELECT wanted_by FROM member WHERE name = 'mx2'")
    assert by == [('{"who": "ada@example.org", "from": "console", "ip": "127.0.0.1"}',)]


def test_after_an_order_it_is_looked_at_anew(cluster: Cluster) -> None:
    async def story() -> Servers:
        one = made(cluster.file)
        await one.look()
        await one.order("mx1", Order.DRAIN, ADA)
        return await one.look()

    assert ask(story()).members[0].wanted is Order.DRAIN


def test_a_name_that_nobody_has_is_told(cluster: Cluster) -> None:
    with pytest.raises(OperationError) as told:
        ask(made(cluster.file).order("mx9", Order.DRAIN, ADA))
    assert (told.value.name, told.value.facts) == ("no-such-server", {"server": "mx9"})


def away(folder: Path, port: int) -> Path:
    file = folder / "away.toml"
    store = f"postgresql://ulak@127.0.0.1:{port}/x"
    file.write_text(f'data = "data"\n[queue]\nstore = "{store}"\n[cluster]\nname = "mx3"\n')
    return file


def test_where_the_database_refuses_it_is_away_and_nothing_can_be_ordered(tmp_path: Path) -> None:
    one = made(away(tmp_path, 1))
    found = ask(one.look())
    assert found.away
    assert (found.here, found.members, found.problems, found.depth) == ("mx3", (), (), None)
    with pytest.raises(OperationError) as told:
        ask(one.order("mx1", Order.DRAIN, ADA))
    assert told.value.name == Trouble.DATABASE


def test_where_the_queue_does_not_answer_it_is_away(cluster: Cluster) -> None:
    assert ask(made(cluster.file, _no_depth).look()).away


def test_a_database_that_takes_connections_and_says_nothing_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks is told at once, and the look itself goes on, one for all."""
    monkeypatch.setattr(servers, "_PATIENCE", 0.2)
    looks = []
    seen = Clustering.seen

    def counted(clustering: Any) -> Any:
        looks.append(clustering)
        return seen(clustering)

    monkeypatch.setattr(Clustering, "seen", counted)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        one = made(away(tmp_path, silent.getsockname()[1]))

        async def story() -> list[Servers]:
            found = await asyncio.gather(*(one.look() for _ in range(5)))
            return [*found, await one.look()]

        assert all(found.away for found in ask(story()))
    assert len(looks) == 1
