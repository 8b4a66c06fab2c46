"""Mail that is kept on this machine while the database of the queue is away."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ulak import config as settings
from ulak.app.places import Places
from ulak.app.storing import Store, in_database, in_folder
from ulak.delivery.site.share import Member
from ulak.log import Event, Log
from ulak.queue.moving import Mover
from ulak.queue.spilling import Elsewhere, SpillingStore, Turn
from ulak.queue.sqlite import SqliteStore

_EVENTS = {
    Turn.BEGUN: Event.SPILL_BEGUN,
    Turn.ENDED: Event.SPILL_ENDED,
    Turn.REPLAYED: Event.SPILL_REPLAYED,
}


async def spilling(
    chosen: settings.Config,
    places: Places,
    of: tuple[int, int],
    stores: Sequence[tuple[Member, Store]],
    log: Log,
) -> list[tuple[Member, Store]]:
    """Give a worker's stores, the first with a place beside it where that is wanted or needed.

    `of` says which worker of how many. Raises StorageError.
    """
    index, count = of
    accepting = in_database(chosen) and chosen.queue.spill
    left = {n for n in places.spills() if n == index or (n >= count and n % count == index)}
    numbers = sorted(left | ({index} if accepting else set()))  # its own is the first
    if not numbers:
        return list(stores)
    (member, own), *others = stores
    here = [await in_folder(places.spill(number)) for number in numbers]
    if not isinstance(own, Elsewhere):
        await _moved(here, own)
        return list(stores)

    def told(turn: Turn, messages: int) -> None:
        log.emit(_EVENTS[turn], messages=messages)

    most = chosen.queue.spill_size // count
    store = SpillingStore(own, here, accepting=accepting, most=most, told=told)
    await store.open()
    return [(member, store), *others]


async def _moved(here: Sequence[SqliteStore], own: Store) -> None:
    """Take what was kept for a database that is no longer the queue into the store of a worker."""
    for store in here:
        if isinstance(own, SqliteStore):
            mover = Mover(store.end, [own.end], _nothing)
            await mover.begin()
            while await mover.go_on():
                pass
        await store.close()


def _nothing(_: Collection[str]) -> None:
    """Note nothing: nobody has done anything."""
