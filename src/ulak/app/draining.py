"""One worker on its way out of service, and back.

What has a queue in a database that others work on, too, gives back to them what it has leased, and
leases nothing more. A queue in SQLite is nobody else's: it is delivered from until it is empty.
A server that is drained stays so when it is started again, until somebody has it resume: a mark in
its data directory says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Sequence

from ulak.app.delivering import Post
from ulak.app.parts import Parts
from ulak.app.places import Places
from ulak.app.storing import shared_by_all, tell_others
from ulak.cluster.member import Duty, InHand, Spilled, Stand
from ulak.journal.deed import By
from ulak.log import Event, Log
from ulak.queue.spilling import SpillingStore
from ulak.queue.store import StorageError
from ulak.server.listener import Listener

_STEP = 0.05  # seconds between two looks at what is in hand
_LOOK = 2.0  # seconds between two looks into a store that is nobody else's


class Draining:
    """What a worker is about. `patience` is for how many seconds a transaction may stay open.

    `paused`: nothing is delivered anyway.
    """

    def __init__(
        self,
        places: Places,
        posts: Sequence[Post],
        listener: Listener,
        log: Log,
        clock: Callable[[], float],
        *,
        patience: float,
        paused: bool = False,
    ) -> None:
        self._places = places
        self._posts = posts
        self._listener = listener
        self._log = log
        self._clock = clock
        self._patience = patience
        self._paused = paused
        self._duty = Duty.SERVING
        self._since = clock()
        self._task: asyncio.Task[None] | None = None

    @property
    def wanted(self) -> bool:
        """Whether this server is to be drained, as its data directory has it."""
        return self._places.drained.exists()

    def stand(self) -> Stand:
        """Say how this worker stands: what it is about, and what is in hand."""
        workers = [post.worker for post in self._posts]
        in_hand = InHand(
            len(self._listener.sessions),
            sum(worker.leased for worker in workers),
            sum(worker.attempts for worker in workers),
        )
        spilling = [post.store for post in self._posts if isinstance(post.store, SpillingStore)]
        spilled = sum((Spilled(*store.spilled) for store in spilling), Spilled())
        return Stand(self._duty, self._since, in_hand, spilled)

    def begin(self) -> None:
        """Be what this server was when it ended."""
        if self.wanted:
            self._drain()

    def drain(self, by: By) -> bool:
        """Take nothing more; whether that is new. Raises OSError where it cannot be noted."""
        mark(self._places, by, self._clock())
        if self._duty is not Duty.SERVING:
            return False
        self._drain()
        return True

    def _drain(self) -> None:
        self._be(Duty.DRAINING)
        self._listener.rest()
        for post in self._delivering:
            post.worker.pause(giving_back=True)
        self._task = asyncio.get_running_loop().create_task(self._until_drained())

    async def resume(self) -> bool:
        """Serve again; whether that is new. Raises OSError, and ListenError."""
        self._places.drained.unlink(missing_ok=True)
        if self._duty is Duty.SERVING:
            return False
        await self.close()
        await self._listener.resume()
        for post in self._delivering:
            post.worker.resume()
        self._be(Duty.SERVING)
        return True

    async def close(self) -> None:
        """Look no more at what is in hand."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _be(self, duty: Duty) -> None:
        self._duty = duty
        self._since = self._clock()
        self._log.emit(Event.DUTY, duty=duty.value)

    @property
    def _shared(self) -> list[Post]:
        return [post for post in self._posts if shared_by_all(post.store)]

    @property
    def _delivering(self) -> list[Post]:
        """Give those that stop when this server is drained, and begin again."""
        return [] if self._paused else self._shared

    async def _until_drained(self) -> None:
        """Part with the clients as soon as may be, and see when nothing is left in hand."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        told = False
        while self.stand().in_hand:
            self._listener.part(gently=loop.time() - begun < self._patience)
            # What waited here is given back by now; the attempts may take a while.
            if not told and all(p.worker.leased <= p.worker.attempts for p in self._shared):
                await self._tell()
                told = True
            await asyncio.sleep(_STEP)
        await self._tell()
        while not await self._empty():  # noqa: ASYNC110 -- it may be another process that empties it
            await asyncio.sleep(_LOOK)
        self._be(Duty.DRAINED)

    async def _tell(self) -> None:
        """Say to the others that something may be due: it was given back."""
        for post in self._shared:
            with contextlib.suppress(StorageError):
                await tell_others(post.store)

    async def _empty(self) -> bool:
        """Whether nothing is left in the stores that nobody else delivers from."""
        own = [post.store for post in self._posts if not shared_by_all(post.store)]
        with contextlib.suppress(StorageError):
            return not any([(await store.count()).messages for store in own])
        return False


def mark(places: Places, by: By, now: float) -> None:
    """Note that this server is to be drained, by whom and since when. Raises OSError."""
    if places.drained.exists():
        return
    places.data.mkdir(parents=True, exist_ok=True)
    places.drained.write_text(json.dumps({"since": now, **by.facts()}) + "\n", encoding="utf-8")
    if os.geteuid() == 0:  # what root makes in a server's directory belongs to the server
        owner = places.data.stat()
        os.chown(places.drained, owner.st_uid, owner.st_gid)


def draining_of(parts: Parts, posts: Sequence[Post], listener: Listener) -> Draining:
    """Make the one who takes a worker out of service."""
    patience = parts.config.limits.shutdown
    paused = parts.config.delivery.paused
    made = parts.places, posts, listener, parts.log, parts.clock
    return Draining(*made, patience=patience, paused=paused)
