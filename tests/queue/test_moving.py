"""A queue that is moved into another store and back is the same; whoever is killed goes on."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ulak.mail.envelope import DeliverBy, Envelope, RecipientWishes, Wishes
from ulak.queue import moving
from ulak.queue.item import Body, Message, Pending, Receipt, Selection, State
from ulak.queue.moving import Moved, Mover
from ulak.queue.postgres import open_store
from ulak.queue.sqlite import SqliteStore
from ulak.queue.sqlite.folder import Folder
from ulak.queue.store import StorageError, StorageFullError

from .driver import ALL, message, waiting
from .test_machine import recipients

# What a store says of its messages, in the same words for both.
_SQLITE = (
    "SELECT m.id, sender, size, received, smtputf8 <> 0, kind, language, session, recipients, "
    "wishes, asked, account, b.octets, b.octets IS NULL, recipient, domain, state, due, attempts, "
    "cause, reply, host, warned <> 0, lane, source, m.seq FROM pending p "
    "JOIN message m ON m.seq = p.message LEFT JOIN body b ON b.seq = m.seq ORDER BY m.id, p.n"
)
_POSTGRES = (
    "SELECT m.id, sender, size, received, smtputf8, kind, language, session, recipients, wishes, "
    "asked, account, (SELECT coalesce(string_agg(b.octets, '' ORDER BY b.part), '') FROM body b "
    "WHERE b.slot = m.slot AND b.seq = m.seq), filed, recipient, domain, "
    "CASE WHEN held THEN 2 ELSE 0 END + CASE WHEN token <> 0 THEN 4 ELSE 0 END, "
    "due, attempts, cause, reply, host, warned, lane, source FROM pending p "
    "JOIN message m USING (seq) ORDER BY m.id, p.n"
)


class Ends:
    """A store of each kind."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url

    @asynccontextmanager
    async def open(self) -> AsyncIterator[dict[str, Any]]:
        sqlite = SqliteStore(self.folder / "sqlite")
        postgres = await open_store(self.url, self.folder / "postgres", "node")
        try:
            yield {"sqlite": sqlite, "postgres": postgres}
        finally:
            await sqlite.close()
            await postgres.close()

    def told(self, kind: str) -> list[tuple[Any, ...]]:
        """Give all that a closed store has."""
        if kind == "postgres":
            with psycopg.connect(self.url, options="-c search_path=ulak") as connection:
                return connection.execute(_POSTGRES).fetchall()
        with closing(sqlite3.connect(self.folder / "sqlite" / "queue.sqlite")) as database:
            rows = database.execute(_SQLITE).fetchall()
        bodies = self.folder / "sqlite" / "bodies"
        return [
            (
                *row[:4],
                bool(row[4]),
                *row[5:12],
                (bodies / f"{row[25]:012x}").read_bytes() if row[13] else row[12],
                bool(row[13]),
                *row[14:22],
                bool(row[22]),
                *row[23:25],
            )
            for row in rows
        ]

    def noted(self, kind: str) -> list[int]:
        """Count what a move has noted in a closed store: what arrives, and what has departed."""
        statement = "SELECT (SELECT count(*) FROM arriving), (SELECT count(*) FROM departed)"
        if kind == "postgres":
            with psycopg.connect(self.url, options="-c search_path=ulak") as connection:
                return list(connection.execute(statement).fetchall()[0])
        with closing(sqlite3.connect(self.folder / "sqlite" / "queue.sqlite")) as database:
            return list(database.execute(statement).fetchone())


@pytest.fixture
def ends(tmp_path: Path, database: Any) -> Ends:
    return Ends(tmp_path, database.fresh())


def nothing(_: Collection[str]) -> None:
    """Note nothing."""


async def move(
    source: Any, target: Any, noted: Callable[[Collection[str]], None] = nothing
) -> Moved:
    mover = Mover(source.end, [target.end], noted)
    await mover.begin()
    while await mover.go_on():
        pass
    return mover.moved


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)


@st.composite
def queues(draw: st.DrawFn) -> list[tuple[Message, list[Pending]]]:
    """Make a queue: some with files, wishes, receipts, and recipients who have had theirs."""
    queue = []
    for n in range(draw(st.integers(0, 6))):
        waits = [
            replace(one, state=draw(states), reply=draw(texts), host=draw(texts))
            for one in draw(recipients())
        ]
        others = draw(st.lists(st.sampled_from(["gone@a.example", "went@b.example"]), unique=True))
        octets = draw(st.binary(max_size=200))
        asked = {waits[0].recipient: RecipientWishes(frozenset({"FAILURE"}), "rfc822;x@y.example")}
        envelope = Envelope(
            draw(st.sampled_from(["", "ada@example.org", "örnek@çay.example"])),
            tuple(one.recipient for one in waits) + tuple(others),
            smtputf8=draw(st.booleans()),
            body=draw(st.sampled_from(["7BIT", "8BITMIME", "BINARYMIME"])),
            wishes=draw(st.sampled_from(WISHES)),
            asked=asked if draw(st.booleans()) else {},
        )
        made = Message(
            f"m{n}",
            envelope,
            Body(len(octets), octets),
            draw(st.sampled_from([4e9, 4e9 + 1000.125])),
            draw(st.sampled_from(["", "tr"])),
            draw(texts),
            draw(st.sampled_from(["", "ada"])),
            draw(st.none() | st.just(Receipt(f"k{n}", "digest", "{}"))),
        )
        queue.append((made, waits))
    return queue


states = st.sampled_from([State.READY, State.HELD])
WISHES = (
    Wishes(),
    Wishes("FULL", "QQ1 ç", True, -3, DeliverBy(2000.5, "R", True), 1500.25, "for;5", "<>", "x"),  # noqa: FBT003 -- all fields, in their order
)


@pytest.mark.slow
@settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(queue=queues(), filed=st.sets(st.integers(0, 5)), most=st.sampled_from([1, 2, 200]))
def test_a_queue_that_goes_there_and_back_is_the_same(
    queue: list[tuple[Message, list[Pending]]],
    filed: set[int],
    most: int,
    database: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    ends = Ends(tmp_path_factory.mktemp("ends"), database.fresh())
    before, moving.MOST = moving.MOST, most

    async def there() -> None:
        async with ends.open() as stores:
            sqlite = stores["sqlite"]
            for n, (made, waits) in enumerate(queue):
                if n in filed:
                    spooled = sqlite.incoming / f"f{n}"
                    spooled.write_bytes(made.body.data or b"")
                    body = Body(made.body.size, path=spooled)
                    await sqlite.put(replace(made, body=body), waits)
                else:
                    await sqlite.put(made, waits)

    async def moved(source: str, target: str) -> None:
        async with ends.open() as stores:
            told = await move(stores[source], stores[target])
            assert told.messages == len(queue)
            assert told.recipients == sum(len(waits) for _, waits in queue)
            assert not told.known
            for made, _ in queue:
                if made.receipt is not None:
                    kept = await stores[target].receipt(made.receipt.key)
                    assert kept == made.receipt

    try:
        asyncio.run(there())
        was = ends.told("sqlite")
        asyncio.run(moved("sqlite", "postgres"))
        assert ends.told("postgres") == was
        assert ends.told("sqlite") == []
        assert not list((ends.folder / "sqlite" / "bodies").iterdir())
        asyncio.run(moved("postgres", "sqlite"))
        assert ends.told("sqlite") == was
        assert ends.told("postgres") == []
        assert [ends.noted(kind) for kind in ("sqlite", "postgres")] == [[0, 0], [0, 0]]
    finally:
        moving.MOST = before


class _Killed(BaseException):
    """Nothing more is done."""


class _Cut:
    """An end whose process is killed before or after so many verbs of both ends."""

    def __init__(self, end: Any, left: list[int]) -> None:
        self._end = end
        self._left = left

    def __getattr__(self, name: str) -> Any:
        async def verb(*values: Any) -> Any:
            if self._left[0] <= 0:
                raise _Killed
            self._left[0] -= 2
            if not self._left[0]:
                raise _Killed
            result = await getattr(self._end, name)(*values)
            if self._left[0] < 0:
                raise _Killed
            return result

        return verb


async def _leasable(stores: dict[str, Any]) -> list[str]:
    """Give what those would get who deliver from either store; it stays there."""
    ids = []
    for store in stores.values():
        leases = await store.lease(1e12, 100)
        ids += [lease.message.id for lease in leases]
        for lease in leases:
            await store.settle(lease, ())
    return sorted(ids)


@pytest.mark.slow
@pytest.mark.parametrize(("source", "target"), [("sqlite", "postgres"), ("postgres", "sqlite")])
def test_whoever_is_interrupted_anywhere_goes_on_and_all_is_there_once(
    source: str, target: str, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "MOST", 2)
    names = [f"m{n}" for n in range(4)]

    async def put(stores: dict[str, Any]) -> None:
        for n, name in enumerate(names):
            made = message(name, *[f"r{k}@example.net" for k in range(n + 1)])
            if n % 2:
                spooled = stores[source].incoming / name
                spooled.write_bytes(made.body.data or b"")
                made = replace(made, body=Body(made.body.size, path=spooled))
            await stores[source].put(made, waiting(made))

    async def interrupted(after: int) -> bool:
        async with ends.open() as stores:
            if not after:
                await put(stores)
            left = [after]
            mover = Mover(_Cut(stores[source].end, left), [_Cut(stores[target].end, left)], nothing)
            try:
                await mover.begin()
                while await mover.go_on():
                    pass
            except _Killed:
                pass
            else:
                return False
        # What has come and is not confirmed is nobody's, whoever opens the stores.
        async with ends.open() as stores:
            found = await _leasable(stores)
            assert len(found) == len(set(found))
            assert await stores[target].take(Selection(tuple(set(names) - set(found))), 9) == []
        return True

    after = 0
    while asyncio.run(interrupted(after)):
        after += 1
        assert after < 200

    async def end() -> None:
        async with ends.open() as stores:
            await move(stores[source], stores[target])
            assert await _leasable(stores) == names
            for store, there in ((stores[source], []), (stores[target], names)):
                rows = list(await store.list(ALL))
                assert [row.id for row in rows] == [n for n in there for _ in range(int(n[1]) + 1)]

    asyncio.run(end())
    assert [ends.noted(kind) for kind in ("sqlite", "postgres")] == [[0, 0], [0, 0]]


class _Refusing:
    """An end that fails when a message of some id arrives."""

    def __init__(self, end: Any, identifier: str, error: Exception) -> None:
        self._end = end
        self._identifier = identifier
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._end, name)

    async def arrive(self, origin: str, departures: Any) -> Any:
        if any(each.id == self._identifier for each in departures):
            raise self._error
        return await self._end.arrive(origin, departures)


@pytest.mark.parametrize("error", [StorageError("away"), StorageFullError("full")])
def test_a_target_that_fails_midway_leaves_the_rest_where_it_is_for_the_next_time(
    error: StorageError, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "MOST", 2)

    async def fails() -> None:
        async with ends.open() as stores:
            source, target = stores["sqlite"], stores["postgres"]
            for n in range(5):
                made = message(f"m{n}")
                await source.put(made, waiting(made))
            mover = Mover(source.end, [_Refusing(target.end, "m3", error)], nothing)
            await mover.begin()
            assert await mover.go_on()
            with pytest.raises(type(error)):
                await mover.go_on()
            assert mover.moved.messages == 2
            assert await _leasable(stores) == [f"m{n}" for n in range(5)]
            assert (await source.count()).messages == 3
            assert (await move(source, target)).messages == 3

    asyncio.run(fails())


def test_what_the_target_cannot_keep_stays_and_the_others_go(ends: Ends) -> None:
    async def refused() -> None:
        async with ends.open() as stores:
            source, target = stores["sqlite"], stores["postgres"]
            for n in range(5):
                made = message(f"m{n}")
                await source.put(made, waiting(made))
            mover = Mover(source.end, [_Refusing(target.end, "m3", ValueError("no"))], nothing)
            await mover.begin()
            while await mover.go_on():
                pass
            assert mover.moved.refused == ["m3"]
            assert mover.moved.messages == 4
            (lease,) = await source.lease(1e12, 9)
            assert lease.message.id == "m3"

    asyncio.run(refused())


def test_what_was_at_the_target_already_is_only_taken_out_of_the_source(ends: Ends) -> None:
    """So it is after a source has been restored from before an earlier move."""

    async def known() -> None:
        async with ends.open() as stores:
            source, target = stores["sqlite"], stores["postgres"]
            made = message("m1", "a@example.net", "b@example.net")
            await target.put(made, waiting(made)[:1])
            await source.put(made, waiting(made))
            assert (await move(source, target)).known == 1
            assert [row.pending.recipient for row in await target.list(ALL)] == ["a@example.net"]
            assert await _leasable(stores) == ["m1"]

    asyncio.run(known())


def test_what_another_node_works_on_stays_with_it(ends: Ends) -> None:
    async def shared() -> None:
        async with ends.open() as stores:
            source, target = stores["postgres"], stores["sqlite"]
            for n in range(3):
                made = message(f"m{n}", f"a@{n}.example", f"b@{n}.example")
                await source.put(made, waiting(made))
            other = await open_store(ends.url, ends.folder / "other", "other")
            (lease,) = await other.take(Selection(domains=("1.example",), address="b@1.example"), 9)
            assert (await move(source, target)).messages == 2
            assert (await source.count()).messages == 1
            await other.settle(lease, ())
            assert (await move(source, target)).messages == 1
            await other.close()
            assert await _leasable(stores) == ["m0", "m1", "m2"]

    asyncio.run(shared())


def test_a_disk_without_room_is_told_before_anything_is_written(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full() -> None:
        async with ends.open() as stores:
            source, target = stores["postgres"], stores["sqlite"]
            made = message("m1")
            await source.put(made, waiting(made))
            monkeypatch.setattr(Folder, "free", lambda _: 1_000_000)
            with pytest.raises(StorageFullError):
                await move(source, target)
            assert await _leasable(stores) == ["m1"]

    asyncio.run(full())


@pytest.mark.slow
def test_a_large_body_goes_there_and_back_by_the_piece(ends: Ends) -> None:
    size = 50_000_000

    async def large() -> None:
        async with ends.open() as stores:
            sqlite, postgres = stores["sqlite"], stores["postgres"]
            spooled = sqlite.incoming / "large"
            with spooled.open("wb") as file:
                for n in range(size // 1000):
                    file.write(b"%08d" % n + bytes(992))
            made = replace(message("m1"), body=Body(size, path=spooled))
            await sqlite.put(made, waiting(made))
            await move(sqlite, postgres)
            await move(postgres, sqlite)
            kept = await sqlite.read("m1")
            assert kept.body.size == size
            with kept.body.path.open("rb") as file:
                for n in range(size // 1000):
                    assert file.read(1000) == b"%08d" % n + bytes(992)
                assert not file.read()

    asyncio.run(large())
