"""The table of members in a real PostgreSQL: who writes it, who reads it, and two of one name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from tests.postgresql import PostgresServer

from ulak.cluster.member import Card, Duty, InHand, Member, Order, Spilled, Stand
from ulak.cluster.postgres import ClusterError, Members, RivalError, Row, Wanted, opened
from ulak.queue.postgres import open_store

SERVING = Stand(Duty.SERVING, 1000.0, InHand(1, 2, 3), Spilled(4, 5_000_000_000))


def card(name: str = "a", instance: str = "i1") -> Card:
    nodes = (f"{name} worker 0", f"{name} worker 1")
    return Card(name, instance, "mx1", "/srv", "0.1", 1, 900.0, nodes)


class Cluster:
    """A database with the tables of a queue, and the loop that its members write in."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self.url = server.fresh()
        self.folder = folder
        self.runner = asyncio.Runner()
        self.rows: list[Row] = []
        self.runner.run(self._made())

    async def _made(self) -> None:
        store = await open_store(self.url, self.folder / "made", "made")
        await store.close()

    def row(self, given: Card) -> Row:
        self.rows.append(Row(self.url, given))
        return self.rows[-1]

    def beat(self, row: Row, stand: Stand = SERVING) -> Wanted | None:
        return self.runner.run(row.beat(stand))

    def members(self) -> list[Member]:
        with opened(self.url) as table:
            return table.all()

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET search_path = ulak")
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        for row in self.rows:
            self.runner.run(row.leave())
        self.runner.close()


@pytest.fixture
def cluster(database: PostgresServer, tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(database, tmp_path)
    yield made
    made.close()


def test_a_beat_writes_how_a_server_stands_and_the_next_one_how_it_stands_then(
    cluster: Cluster,
) -> None:
    row = cluster.row(card())
    assert cluster.beat(row) is None
    (first,) = cluster.members()
    assert (first.name, first.host, first.data, first.version) == ("a", "mx1", "/srv", "0.1")
    assert (first.tables, first.started, first.workers) == (1, 900.0, 2)
    assert first.stand == SERVING
    assert 0 <= first.age < 15
    assert not first.silent
    drained = Stand(Duty.DRAINED, 2000.0)
    cluster.beat(row, drained)
    (second,) = cluster.members()
    assert second.stand == drained
    assert second.seen > first.seen
    assert second.lag > 0


def test_a_member_has_the_epochs_of_its_workers_and_of_no_other(cluster: Cluster) -> None:
    async def with_nodes() -> None:
        names = ("a worker 0", "a worker 1", "b worker 0")
        stores = [await open_store(cluster.url, cluster.folder / name, name) for name in names]
        await cluster.row(card()).beat(SERVING)
        for store in stores:
            await store.close()

    cluster.runner.run(with_nodes())
    (member,) = cluster.members()
    assert len(member.epochs) == 2
    assert member.epochs[0] < member.epochs[1]


def test_who_leaves_is_no_member_any_more(cluster: Cluster) -> None:
    row = cluster.row(card())
    cluster.beat(row)
    cluster.beat(cluster.row(card("b")))
    assert [one.name for one in cluster.members()] == ["a", "b"]
    cluster.runner.run(row.leave())
    assert [one.name for one in cluster.members()] == ["b"]


def test_a_server_that_is_started_again_takes_over_its_row_at_once(cluster: Cluster) -> None:
    cluster.beat(cluster.row(card()))
    again = replace(card(instance="i2"), version="0.2")
    cluster.beat(cluster.row(again))
    (member,) = cluster.members()
    assert member.version == "0.2"
    assert member.rival is None


def test_of_two_servers_with_one_name_the_older_one_is_told(cluster: Cluster) -> None:
    first, second = cluster.row(card(instance="i1")), cluster.row(card(instance="i2"))
    cluster.beat(first)
    cluster.beat(second)
    with pytest.raises(RivalError):
        cluster.beat(first)
    cluster.beat(second)
    (member,) = cluster.members()
    assert member.rival is not None
    # And it leaves the other's row alone when it ends.
    cluster.runner.run(first.leave())
    assert len(cluster.members()) == 1


def test_who_had_to_yield_takes_the_name_when_the_other_has_gone(cluster: Cluster) -> None:
    first, second = cluster.row(card(instance="i1")), cluster.row(card(instance="i2"))
    cluster.beat(first)
    cluster.beat(second)
    cluster.sql("UPDATE member SET seen = now() - interval '16s'")
    cluster.beat(first)
    assert cluster.sql("SELECT instance FROM member") == [("i1",)]


def test_an_order_is_heard_at_the_next_beat_and_taken_out_when_it_was_obeyed(
    cluster: Cluster,
) -> None:
    row = cluster.row(card())
    cluster.beat(row)
    with opened(cluster.url) as table:
        assert table.order("a", Order.DRAIN, {"who": "ada"})
        assert not table.order("nobody", Order.DRAIN, {})
    assert cluster.beat(row) == (Order.DRAIN, {"who": "ada"})
    (member,) = cluster.members()
    assert member.wanted is Order.DRAIN
    assert cluster.beat(row) is None
    (member,) = cluster.members()
    assert member.wanted is None


def test_an_order_that_comes_while_another_is_obeyed_is_not_lost(cluster: Cluster) -> None:
    row = cluster.row(card())
    cluster.beat(row)
    with opened(cluster.url) as table:
        table.order("a", Order.DRAIN, {})
        cluster.beat(row)
        table.order("a", Order.RESUME, {"who": "can"})
    assert cluster.beat(row) == (Order.RESUME, {"who": "can"})


def test_who_has_not_been_there_for_a_day_is_forgotten(cluster: Cluster) -> None:
    cluster.beat(cluster.row(card("old")))
    cluster.sql("UPDATE member SET seen = now() - interval '25h'")
    cluster.beat(cluster.row(card("new")))
    assert [one.name for one in cluster.members()] == ["new"]


def test_a_database_without_tables_has_no_members_and_takes_none(
    database: PostgresServer,
) -> None:
    url = database.fresh()
    with opened(url) as table:
        assert table.all() == []

    async def beat() -> None:
        row = Row(url, card())
        with pytest.raises(ClusterError):
            await row.beat(SERVING)
        await row.leave()

    asyncio.run(beat())


def test_a_database_that_is_away_is_told_and_served_again_when_it_is_back(
    cluster: Cluster,
) -> None:
    row = cluster.row(card())
    cluster.beat(row)
    cluster.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'ulak a member'"
    )
    with pytest.raises(ClusterError):
        cluster.beat(row)
    assert cluster.beat(row) is None
    with pytest.raises(ClusterError), opened("postgresql://ulak@127.0.0.1:1/ulak"):
        pass


def test_an_order_says_who_gave_it_as_it_was_written(cluster: Cluster) -> None:
    cluster.beat(cluster.row(card()))
    with opened(cluster.url) as table:
        assert isinstance(table, Members)
        table.order("a", Order.DRAIN, {"who": 'a "quoted" name'})
    ((by,),) = cluster.sql("SELECT wanted_by FROM member")
    assert json.loads(str(by)) == {"who": 'a "quoted" name'}
