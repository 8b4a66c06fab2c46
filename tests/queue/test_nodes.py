"""Several nodes on one queue: who has what, who takes over, and what a sleeper may still do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from tests.postgresql import PostgresServer

from ulak.queue.item import Body, Done, Message, Selection
from ulak.queue.postgres import PostgresStore, keeping

from .driver import ALL, Driver, done, message, waiting


@pytest.fixture
def queue(database: PostgresServer, tmp_path: Path) -> Iterator[Driver]:
    driver = Driver("postgres", tmp_path, database.url)
    yield driver
    driver.close()


def _first(queue: Driver) -> PostgresStore:
    assert isinstance(queue.store, PostgresStore)
    return queue.store


def _second(queue: Driver, name: str = "second") -> PostgresStore:
    return queue.run(queue.node(name))


def _sql(queue: Driver, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(queue.database, autocommit=True) as connection:
        connection.execute(f"SET search_path = {queue.schema}")
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def _overdue(queue: Driver, name: str) -> None:
    """Let a node have been silent for longer than its lease."""
    _sql(queue, f"UPDATE node SET until = now() - interval '1s' WHERE name = '{name}'")


def _bury(queue: Driver, undertaker: PostgresStore) -> None:
    undertaker._node._back_since = float("-inf")
    queue.run(undertaker._node._keep_house())


def test_nodes_that_lease_at_once_get_different_messages(queue: Driver) -> None:
    first, second = _first(queue), _second(queue)
    for n in range(100):
        queue.put(message(f"m{n}", f"a{n}@x.example", f"b{n}@y.example"))

    async def both() -> list[str]:
        taken: list[str] = []
        while True:
            leases = await asyncio.gather(first.lease(1000.0, 7), second.lease(1000.0, 7))
            if not any(leases):
                return taken
            for each in (*leases[0], *leases[1]):
                taken += [one.recipient for one in each.pending]

    taken = queue.run(both())
    assert sorted(taken) == sorted(row.pending.recipient for row in queue.list())
    assert len(taken) == 200
    queue.run(second.close())


def test_what_one_node_has_another_can_finish_only_after_it_was_given_back(queue: Driver) -> None:
    first, second = _first(queue), _second(queue)
    lease = queue.put(message("m1"), lease=True)
    assert lease is not None
    queue.run(second.settle(lease, done(lease)))
    assert queue.ids() == ["m1"], "a token means something to who was given it alone"
    queue.run(first.settle(lease, ()))
    (other,) = queue.run(second.lease(1000.0, 10))
    queue.run(second.settle(other, done(other)))
    assert queue.ids() == []
    queue.run(second.close())


def test_a_dead_nodes_leases_are_taken_over(queue: Driver) -> None:
    second = _second(queue)
    queue.put(message("m1"), lease=True)
    assert queue.run(second.lease(1000.0, 10)) == []
    _overdue(queue, "node")
    _bury(queue, second)
    assert [lease.message.id for lease in queue.run(second.lease(1000.0, 10))] == ["m1"]
    queue.run(second.close())


def test_a_sleeper_that_wakes_settles_nothing(queue: Driver) -> None:
    sleeper, second = _first(queue), _second(queue)
    old = queue.put(message("m1", "a@x.example", "b@x.example"), lease=True)
    assert old is not None
    _overdue(queue, "node")
    _bury(queue, second)
    (new,) = queue.run(second.lease(1000.0, 10))

    queue.run(sleeper.settle(old, done(old)))
    assert [row.pending.recipient for row in queue.list()] == ["a@x.example", "b@x.example"]
    assert queue.put(message("report"), lease=True, settle=(old, done(old))) is None
    assert queue.ids() == ["m1"], "somebody else reports"
    queue.run(second.settle(new, done(new)))
    assert queue.ids() == []

    # It works again, under another epoch.
    fresh = queue.put(message("m2"), lease=True)
    assert fresh is not None
    assert fresh.token != old.token
    queue.settle(fresh, *done(fresh))
    assert queue.ids() == []
    queue.run(second.close())


def test_a_sleeper_that_wakes_with_a_lease_begins_a_new_epoch(queue: Driver) -> None:
    second = _second(queue)
    queue.put(message("m1"))
    _overdue(queue, "node")
    _bury(queue, second)
    (lease,) = queue.lease(1000.0)
    assert _sql(queue, "SELECT count(*) FROM node") == [(2,)]
    queue.settle(lease, *done(lease))
    assert queue.ids() == []
    queue.run(second.close())


def test_nobody_is_buried_before_he_could_come_back(queue: Driver) -> None:
    second = _second(queue)
    lease = queue.put(message("m1"), lease=True)
    assert lease is not None
    _overdue(queue, "node")
    queue.run(second._node._keep_house())  # it has just come itself
    assert queue.run(second.lease(1000.0, 10)) == []
    queue.settle(lease, *done(lease))
    assert queue.ids() == []
    queue.run(second.close())


def test_who_comes_under_the_name_of_a_dead_one_takes_over_at_once(queue: Driver) -> None:
    queue.put(message("m1"), lease=True)
    again = queue.run(queue.node("node"))
    assert [lease.message.id for lease in queue.run(again.lease(1000.0, 10))] == ["m1"]
    queue.run(again.close())


def test_who_finish_the_last_two_at_once_leave_no_message(queue: Driver) -> None:
    first, second = _first(queue), _second(queue)

    async def once(n: int) -> None:
        mail = message(f"m{n}", "a@x.example", "b@y.example")
        await first.put(mail, waiting(mail))
        (one,) = await first.lease(1000.0, 1, ["y.example"])
        (other,) = await second.lease(1000.0, 1)
        drop = Selection(domains=("y.example",))
        await asyncio.gather(
            first.settle(one, done(one)),
            second.settle(other, done(other)) if n % 2 else first.drop(drop),
        )

    for n in range(30):
        queue.run(once(n))
        assert queue.count().messages == 0
    queue.run(second.close())


def test_other_nodes_hear_when_something_is_due(queue: Driver) -> None:
    second = _second(queue)

    async def released() -> None:
        heard = asyncio.Event()
        second.on_news = heard.set
        mail = message("m1")
        await queue.store.put(mail, waiting(mail))
        await queue.store.hold(ALL)
        assert not heard.is_set()
        for _ in range(100):  # it may not listen yet
            await queue.store.hold(ALL)
            await queue.store.release(ALL, 1000.0)
            try:
                await asyncio.wait_for(heard.wait(), 0.1)
            except TimeoutError:
                continue
            return
        pytest.fail("nothing was heard")

    queue.run(released())
    queue.run(second.close())


def test_a_closed_node_gives_back_what_it_had(queue: Driver) -> None:
    second = _second(queue)
    queue.put(message("m1"), lease=True)
    queue.run(queue.store.close())
    (lease,) = queue.run(second.lease(1000.0, 10))
    queue.run(second.settle(lease, done(lease)))
    assert _sql(queue, "SELECT name FROM node") == [("second",)]
    queue.run(second.close())


def test_who_is_cancelled_while_he_waits_leaves_no_lease_behind(queue: Driver) -> None:
    async def cancelled() -> None:
        mail = message("m1")
        tasks = [
            asyncio.create_task(queue.store.put(mail, waiting(mail), lease=True)),
            asyncio.create_task(queue.store.lease(1000.0, 10)),
        ]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(200):
            leases = await queue.store.lease(1000.0, 10)
            if leases:
                return
            await asyncio.sleep(0.01)
        pytest.fail("the lease was lost")

    queue.run(cancelled())


@pytest.mark.parametrize("before", range(8))
def test_what_is_refused_spoils_nothing_for_what_comes_after_it(queue: Driver, before: int) -> None:
    """However often a statement was there before: it is prepared after a few times."""

    async def together(names: list[str]) -> list[object]:
        puts = [queue.store.put(mail, waiting(mail)) for mail in map(message, names)]
        return await asyncio.gather(*puts, return_exceptions=True)

    for n in range(before):
        queue.put(message(f"m{n}"))
    queue.put(message("twice"))
    names = [f"n{n}" for n in range(20)]
    names[7 + before] = "twice"
    refused = [
        name
        for name, answer in zip(names, queue.run(together(names)), strict=True)
        if answer is not None
    ]
    assert refused == ["twice"]
    assert queue.run(together([f"o{n}" for n in range(20)])) == [None] * 20


def test_a_text_with_nul_is_kept_readable(queue: Driver) -> None:
    mail = message("m1")
    (one,) = waiting(mail)
    queue.put(mail, [replace(one, reply="450 a\0b")])
    assert queue.list()[0].pending.reply == "450 a\N{SYMBOL FOR NULL}b"


# -- bodies -------------------------------------------------------------------------------------


def _large(queue: Driver, octets: bytes) -> Message:
    path = _first(queue).incoming / "spooled"
    path.write_bytes(octets)
    return replace(message("m1"), body=Body(len(octets), path=path))


def test_a_large_body_is_the_same_on_another_node(queue: Driver) -> None:
    octets = bytes(range(256)) * 10_000
    second = _second(queue)
    queue.put(_large(queue, octets))
    assert not list((queue.folder / "node" / "incoming").iterdir())
    (lease,) = queue.run(second.lease(1000.0, 10))
    path = lease.message.body.path
    assert path is not None
    assert path.is_relative_to(queue.folder / "second")
    assert path.read_bytes() == octets
    first = queue.read("m1")
    assert first is not None
    assert first.body.path is not None
    assert first.body.path.read_bytes() == octets
    queue.run(second.settle(lease, done(lease)))
    assert not path.exists()
    queue.run(_first(queue)._bodies.look())
    assert not first.body.path.exists()
    queue.run(second.close())


def _turn(queue: Driver, store: PostgresStore) -> None:
    _sql(
        queue,
        "UPDATE store SET young_since = now() - interval '1 day', "
        "old_since = now() - interval '2 days'",
    )
    queue.run(store._node._keep_house())
    queue.run(store._node.beat())


def _filled(queue: Driver) -> list[int]:
    return [n for n in range(6) if _sql(queue, f"SELECT 1 FROM body_{n} LIMIT 1")]


def test_bodies_move_on_and_what_they_leave_is_emptied(queue: Driver) -> None:
    store = _first(queue)
    mail = message("m1")
    queue.put(mail)
    gone = queue.put(message("m2"), lease=True)
    assert gone is not None
    queue.settle(gone, *done(gone))
    assert _filled(queue) == [0]
    _turn(queue, store)
    assert _filled(queue) == [0], "the part that was written to last is left alone"
    queue.put(message("m3"))
    assert _filled(queue) == [0, 1]
    seen = []
    for _ in range(8):
        _turn(queue, store)
        assert queue.read("m1") == mail
        seen.append(_filled(queue))
    assert seen[0] == [1, 5] or seen[0] == [1, 4]
    assert all(len(parts) <= 2 for parts in seen)
    assert {part for parts in seen[2:] for part in parts} == {4, 5}
    assert [lease.message.id for lease in queue.lease(1000.0)] == ["m1", "m3"]


def test_a_part_that_is_still_written_to_is_not_emptied(queue: Driver) -> None:
    store = _first(queue)
    queue.put(message("m1"))
    _sql(queue, "UPDATE store SET young = 2")

    async def race() -> None:
        async with await psycopg.AsyncConnection.connect(queue.database) as connection:
            await connection.execute(f"SET search_path = {queue.schema}")
            await connection.execute("INSERT INTO body VALUES (0, 99, 0, 'x')")
            assert await store._links["looks"].do(keeping.empty) == 0
            await connection.rollback()
        assert await store._links["looks"].do(keeping.empty) == 0, "m1 is there still"
        await store.drop(ALL)
        assert await store._links["looks"].do(keeping.empty) == 1

    queue.run(race())


def test_many_who_come_at_once_make_the_tables_once(
    database: PostgresServer, tmp_path: Path
) -> None:
    driver = Driver("memory", tmp_path)
    driver.database = database.url

    async def come() -> None:
        stores = await asyncio.gather(*(driver.node(f"n{n}") for n in range(5)))
        await stores[0].put(message("m1"), waiting(message("m1")))
        (lease,) = await stores[4].lease(1000.0, 1)
        await stores[4].settle(lease, [Done(lease.pending[0].recipient)])
        for store in stores:
            await store.close()

    driver.run(come())
    driver.close()


def test_who_was_silent_for_longer_than_its_lease_asks_what_it_has_still(queue: Driver) -> None:
    sleeper, second = _first(queue), _second(queue)
    lease = queue.put(message("m1"), lease=True)
    assert lease is not None
    assert queue.run(sleeper.sure(lease))
    sleeper._node._sure_until = 0.0, 0.0
    _overdue(queue, "node")
    assert queue.run(sleeper.sure(lease)), "nobody has taken over"
    assert _sql(queue, "SELECT count(*) FROM node WHERE until > now() + interval '50s'") == [(2,)]
    sleeper._node._sure_until = 0.0, 0.0
    _overdue(queue, "node")
    _bury(queue, second)
    assert not queue.run(sleeper.sure(lease))
    (new,) = queue.run(second.lease(1000.0, 10))
    queue.run(second.settle(new, done(new)))
    queue.run(second.close())


def test_how_long_a_lease_lasts_is_said_in_the_database_to_all(queue: Driver) -> None:
    _sql(queue, "UPDATE store SET lease = 6")
    second = _second(queue)
    queue.run(_first(queue)._node.beat())
    assert _sql(queue, "SELECT count(*) FROM node WHERE until <= now() + interval '6s'") == [(2,)]
    assert _first(queue)._node._beat == second._node._beat == 1.0
    queue.run(second.close())
