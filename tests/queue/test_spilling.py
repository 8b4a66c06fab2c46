"""While the queue elsewhere is away mail is kept here, and goes there once when that is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ulak.app.buckets import hear
from ulak.app.parts import Parts
from ulak.app.storing import Fenced, shared_by_all, wake_by_news
from ulak.queue.item import Body, Lease, Message, Receipt, Selection
from ulak.queue.spilling import SpillingStore, Turn
from ulak.queue.sqlite import SqliteStore
from ulak.queue.store import StorageAwayError, StorageError

from .driver import ALL, done, message, waiting

DUE = 1e12


class _Elsewhere(SqliteStore):
    """A queue that can be away: it fails as one in a database does."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.on_news: Callable[[], None] = lambda: None
        self.error: StorageError | None = None
        self.end = _End(self.end, self)  # type: ignore[assignment]  # it stands before the other

    async def put(self, message: Message, *values: Any, **more: Any) -> Lease | None:
        self.present()
        return await super().put(message, *values, **more)

    async def receipt(self, key: str) -> Receipt | None:
        self.present()
        return await super().receipt(key)

    async def sure(self, lease: Lease) -> bool:
        del lease
        return True

    async def tell(self) -> None:
        self.on_news()

    def present(self) -> None:
        if self.error is not None:
            raise self.error


class _End:
    def __init__(self, end: Any, store: _Elsewhere) -> None:
        self._end = end
        self._store = store

    def __getattr__(self, name: str) -> Any:
        self._store.present()
        return getattr(self._end, name)


class Both:
    """A queue elsewhere with a place here, and what was told of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[tuple[Turn, int]] = []

    @asynccontextmanager
    async def open(
        self, *, away: bool = False, accepting: bool = True, most: int = 10_000
    ) -> AsyncIterator[tuple[SpillingStore, _Elsewhere, SqliteStore]]:
        elsewhere = _Elsewhere(self.folder / "elsewhere")
        if away:
            elsewhere.error = StorageAwayError("away")
        here = SqliteStore(self.folder / "here")
        store = SpillingStore(
            elsewhere,
            [here],
            accepting=accepting,
            most=most,
            told=lambda turn, count: self.told.append((turn, count)),
        )
        await store.open()
        try:
            yield store, elsewhere, here
        finally:
            elsewhere.error = None
            await store.close()


@pytest.fixture
def both(tmp_path: Path) -> Both:
    return Both(tmp_path)


async def put(store: SpillingStore, *names: str) -> None:
    for name in names:
        made = message(name)
        assert await store.put(made, waiting(made), lease=True) is None


async def ids(store: SqliteStore) -> Sequence[str]:
    return [row.id for row in await store.list(ALL)]


async def until(true: Callable[[], Any]) -> None:
    for _ in range(3_000):
        if await true():
            return
        await asyncio.sleep(0.02)
    pytest.fail("waited in vain")


def test_mail_is_kept_here_while_the_queue_is_away_and_goes_there_when_it_is_back(
    both: Both,
) -> None:
    async def story() -> None:
        async with both.open() as (store, elsewhere, here):
            woken: list[None] = []
            assert shared_by_all(store)  # as the queue elsewhere is
            assert isinstance(store, Fenced)
            wake_by_news(store, lambda: woken.append(None))
            first = message("m0")
            lease = await store.put(first, waiting(first), lease=True)
            assert lease is not None
            elsewhere.error = StorageAwayError("away")
            await put(store, "m1", "m2")
            assert await ids(here) == ["m1", "m2"]
            assert await store.read("m1") is not None
            assert [each.message.id for each in await store.lease(DUE, 9)] == []
            assert both.told == [(Turn.BEGUN, 1)]
            elsewhere.error = None

            async def there() -> bool:
                return len(await ids(elsewhere)) == 3 and not await ids(here)

            await until(there)

            async def told() -> bool:
                return len(both.told) == 3

            await until(told)
            assert both.told[1:] == [(Turn.ENDED, 2), (Turn.REPLAYED, 2)]
            assert woken == [None]  # whoever delivers from there may be asleep
            leases = await store.lease(DUE, 9)
            assert [each.message.id for each in leases] == ["m1", "m2"]
            for each in leases:
                await store.settle(each, done(each))

    asyncio.run(story())


def test_what_may_be_there_already_is_refused_and_not_kept_here(both: Both) -> None:
    """A connection that was lost in a commit: others may be delivering it."""

    async def story() -> None:
        async with both.open() as (store, elsewhere, here):
            elsewhere.error = StorageError("nobody knows")
            with pytest.raises(StorageError):
                await put(store, "m1")
            assert await ids(here) == []

    asyncio.run(story())


def test_a_report_is_not_kept_here_since_what_it_reports_is_settled_elsewhere(both: Both) -> None:
    async def story() -> None:
        async with both.open() as (store, elsewhere, here):
            first, report = message("m0"), message("r0")
            lease = await store.put(first, waiting(first), lease=True)
            assert lease is not None
            elsewhere.error = StorageAwayError("away")
            with pytest.raises(StorageAwayError):
                await store.put(report, waiting(report), settle=(lease, done(lease)))
            assert await ids(here) == []

    asyncio.run(story())


def test_there_is_no_more_kept_here_than_is_allowed(both: Both) -> None:
    async def story() -> None:
        size = message("m").body.size
        async with both.open(away=True, most=2 * size) as (store, elsewhere, here):
            await put(store, "m1", "m2")
            with pytest.raises(StorageAwayError):
                await put(store, "m3")
            assert await ids(here) == ["m1", "m2"]
            elsewhere.error = None

            async def gone() -> bool:
                return (Turn.REPLAYED, 2) in both.told

            await until(gone)
            elsewhere.error = StorageAwayError("away")
            await put(store, "m3", "m4")
            with pytest.raises(StorageAwayError):
                await put(store, "m5")

    asyncio.run(story())


def test_who_does_not_want_it_keeps_nothing_here_but_takes_away_what_is(both: Both) -> None:
    async def story() -> None:
        async with both.open(away=True) as (store, _, _):
            await put(store, "m1")
        async with both.open(away=True, accepting=False) as (store, elsewhere, here):
            with pytest.raises(StorageAwayError):
                await put(store, "m2")
            elsewhere.error = None

            async def told() -> bool:
                return both.told[-1] == (Turn.REPLAYED, 1)

            await until(told)
            assert await ids(elsewhere) == ["m1"]
            assert await ids(here) == []

    asyncio.run(story())


def test_a_large_message_held_by_an_operator_arrives_held_and_whole(both: Both) -> None:
    async def story() -> None:
        async with both.open(away=True, most=10_000_000) as (store, elsewhere, here):
            octets = bytes(range(256)) * 8_000
            spooled = store.incoming / "large"
            spooled.write_bytes(octets)
            made = replace(message("m1"), body=Body(len(octets), path=spooled))
            await store.put(made, waiting(made))
            assert await here.hold(ALL) == 1
            elsewhere.error = None

            async def there() -> bool:
                return await ids(elsewhere) == ["m1"] and not await ids(here)

            await until(there)
            assert await elsewhere.lease(DUE, 9) == []
            assert await elsewhere.release(ALL, 0.0) == 1
            (lease,) = await elsewhere.lease(DUE, 9)
            assert lease.message.body.path is not None
            assert lease.message.body.path.read_bytes() == octets

    asyncio.run(story())


def test_a_key_that_was_used_here_is_known(both: Both) -> None:
    async def story() -> None:
        async with both.open(away=True) as (store, elsewhere, _):
            made = replace(message("m1"), receipt=Receipt("k", "d", "{}"))
            await store.put(made, waiting(made))
            assert await store.receipt("k") == made.receipt
            with pytest.raises(StorageAwayError):  # it may have been used there
                await store.receipt("other")
            elsewhere.error = None

            async def there() -> bool:
                return await elsewhere.receipt("k") == made.receipt

            await until(there)

    asyncio.run(story())


def test_who_fetches_bodies_for_the_queue_elsewhere_is_heard(both: Both) -> None:
    async def story() -> None:
        async with both.open() as (store, elsewhere, _):
            fetching = SimpleNamespace(on_unread=None)
            elsewhere.__dict__.update(bucket=None, fetching=fetching)
            hear(cast("Parts", None), store)
            assert fetching.on_unread is not None

    asyncio.run(story())


def test_it_is_told_how_much_is_here_until_it_is_there(both: Both) -> None:
    async def story() -> None:
        size = message("m").body.size
        async with both.open(away=True) as (store, elsewhere, here):
            assert store.spilled == (0, 0)
            await put(store, "m1", "m2")
            assert store.spilled == (2, 2 * size)
        async with both.open(away=True) as (store, elsewhere, here):
            assert store.spilled == (2, 2 * size)  # from before
            elsewhere.error = None

            async def nothing() -> bool:
                return store.spilled == (0, 0)

            await until(nothing)
            assert await ids(here) == []

    asyncio.run(story())


def test_what_an_operator_drops_here_and_what_was_cut_off_on_its_way_counts_no_more(
    both: Both,
) -> None:
    """A message that has left, and is not confirmed there, is moved by the next try unseen."""

    async def story() -> None:
        size = message("m").body.size
        async with both.open(away=True, most=3 * size) as (store, elsewhere, here):
            await put(store, "m1", "m2", "m3")
            await here.drop(Selection(ids=("m2",)))
            confirm = elsewhere.end.__dict__["_end"].confirm
            cut: list[Collection[str]] = []

            async def confirmed(origin: str, ids: Collection[str]) -> None:
                elsewhere.present()
                if ids and not cut:
                    cut.append(ids)
                    raise StorageError
                await confirm(origin, ids)

            elsewhere.end.__dict__["confirm"] = confirmed
            elsewhere.error = None

            async def nothing() -> bool:
                return store.spilled == (0, 0)

            await until(nothing)
            assert cut
            assert await ids(elsewhere) == ["m1", "m3"]
            elsewhere.error = StorageAwayError("away")
            await put(store, "m4", "m5", "m6")  # there is room for as much as before

    asyncio.run(story())
