"""The outbox of webhooks: events wait there, on the disk, until their receivers have taken them.

Whoever notes an event waits for nothing: a thread writes what has come together. `flush` is for
who is about to do what cannot be noted later: it returns when all that was noted is on the disk.
So a dead receiver slows nobody, and an event is told at least once, whatever dies when.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ulak.events.event import Event, Wanted
from ulak.journal.entry import Entry


class EventsError(Exception):
    """The outbox cannot be read or written; `where` is the file, `problem` what is wrong."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"The outbox of webhooks in {where} cannot be used: {problem}.")
        self.where = where
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Waiting:
    """One event that waits for one receiver. `number` names it, and grows with time."""

    number: int
    time: float
    body: str  # JSON


@dataclass(frozen=True, slots=True)
class State:
    """How it stands with one receiver.

    Times are seconds since the epoch, 0.0 for never. `problem` is that of the last attempt, `""`
    where it went well. `off`: since when nothing is sent, as the receiver has said that it is gone.
    """

    waiting: int = 0
    oldest: float = 0.0
    taken: float = 0.0
    tried: float = 0.0
    failures: int = 0
    problem: str = ""
    off: float = 0.0
    dropped: int = 0


class Store(Protocol):
    """The verbs of the outbox. Each may block on a disk, and raises EventsError."""

    def add(self, events: Sequence[tuple[float, str, Sequence[str]]], most: int) -> int:
        """Keep events, durably: their times, bodies, and who is to have each.

        Of what waits for one receiver no more than `most` are kept, the oldest go; how many went.
        """

    def waiting(self, hook: str, limit: int) -> list[Waiting]:
        """Give what waits for a receiver, oldest first."""

    def taken(self, hook: str, numbers: Sequence[int], now: float) -> None:
        """Note that a receiver has taken these."""

    def failed(self, hook: str, now: float, problem: str, before: float) -> int:
        """Note that an attempt came to nothing. Drop what is older than `before`; how many."""

    def switch(self, hook: str, off: float) -> None:
        """Switch a receiver off (since when), or on again (0.0)."""

    def state(self, hook: str) -> State:
        """Tell how it stands with a receiver."""


class Outbox:
    """Notes events for those who want them. `hooks` are their names, and what each wants."""

    def __init__(
        self,
        store: Store,
        hooks: Sequence[tuple[str, Wanted]],
        *,
        most: int,
        incident: Callable[[BaseException], str],
        dropped: Callable[[int], None] = lambda _count: None,
    ) -> None:
        self._store = store
        self._hooks = tuple(hooks)
        self._most = most
        self._incident = incident
        self._dropped = dropped
        self._noted: list[tuple[float, str, Sequence[str]]] = []
        self._writing: asyncio.Task[None] | None = None

    def note(self, event: Event) -> None:
        """Note an event. In the event loop; waits for nothing."""
        hooks = [name for name, wanted in self._hooks if wanted(event)]
        if not hooks:
            return
        self._noted.append((event.time, _body(event), hooks))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def flush(self) -> None:
        """Wait until all that has been noted is on the disk, or cannot be brought there."""
        while self._writing is not None and not self._writing.done():
            await asyncio.shield(self._writing)

    async def _write(self) -> None:
        await asyncio.sleep(0)  # what comes with it goes with it
        while self._noted:
            noted, self._noted = self._noted, []
            try:
                dropped = await asyncio.to_thread(self._store.add, noted, self._most)
            except EventsError as error:
                self._incident(error)
                continue
            if dropped:
                self._dropped(dropped)


def _body(event: Event) -> str:
    return json.dumps(event.as_json(), ensure_ascii=False, separators=(",", ":"))


Told = Callable[[Entry, str], None]
"""Is told of an entry of the journal, and of the sender of its message."""
