"""Mail that its sender wants delivered by a time (RFC 2852) and that waits when that has passed.

An attempt looks at it by itself. But where none is made, since the site is shut or has a long line,
it would be looked at with the next probe, or when its turn comes, which may be hours after.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine

from ulak.delivery.line import Round
from ulak.delivery.parts import Parts
from ulak.delivery.ready import Ready
from ulak.delivery.site.sites import Sites
from ulak.delivery.site.suspension import Suspension
from ulak.delivery.waiting import Waiting
from ulak.queue.item import Lease, Selection, State

_PAUSE = 0.5  # seconds between two looks at what is next
_BATCH = 200  # messages leased at a time


class Deadlines:
    """Has `waiting` tell senders; `spawn` has something done beside."""

    def __init__(
        self,
        parts: Parts,
        ready: Ready,
        sites: Sites,
        waiting: Waiting,
        spawn: Callable[[Coroutine[None, None, None]], None],
    ) -> None:
        self._store = parts.store
        self._clock = parts.clock
        self._ready = ready
        self._sites = sites
        self._waiting = waiting
        self._spawn = spawn
        self._since = -math.inf  # what was wanted by then has been looked at
        self._looked = -math.inf
        self._next = -math.inf

    async def look(self) -> float:
        """Look at what was wanted by now; when to look again. Raises StorageError."""
        now = self._clock()
        if now < min(self._next, self._looked + _PAUSE) and now >= self._looked:
            return self._next
        if now >= self._next:
            await self._pass(now)
        self._looked = now
        following = await self._store.next_deadline(now)
        self._next = math.inf if following is None else following
        return self._next

    async def _pass(self, now: float) -> None:
        """Have those looked at who wait though their time has just passed."""
        rows = await self._store.list(Selection(deadline=(self._since, now)))
        ids = list(dict.fromkeys(row.id for row in rows if row.pending.state is State.READY))
        self._since = now
        if not ids:
            return
        shut = {
            domain: name
            for name, domains in self._ready.shut.domains().items()
            for domain in domains
        }
        for start in range(0, len(ids), _BATCH):
            some = Selection(ids=tuple(ids[start : start + _BATCH]), state=State.READY)
            for lease in await self._store.take(some, _BATCH):
                self._spawn(self._tell(lease, shut))

    async def _tell(self, lease: Lease, shut: dict[str, str]) -> None:
        around = Round(lease)
        self._ready.memory.hold(around)
        by_site: dict[str, list[str]] = {}
        for each in lease.pending:
            by_site.setdefault(shut.get(each.domain, ""), []).append(each.recipient)
        around.share(len(by_site))
        for name, recipients in by_site.items():
            pending = tuple(each for each in lease.pending if each.recipient in recipients)
            suspension: Suspension | None = self._sites.suspension(name) if name else None
            await self._waiting.unattempted(around, pending, suspension)
