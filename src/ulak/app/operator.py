"""The queue in an operator's hands, whether a server runs or not.

Looking needs no server: every store can be read while its worker writes. Changing is the
worker's own doing, since only one process may write to a store; without a server the stores are
opened for the moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import os
import pwd
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from itertools import islice

from ulak import config as settings
from ulak.app.control import Request, ask
from ulak.app.places import Places
from ulak.app.record import journal_of
from ulak.app.supervisor import running
from ulak.journal.deed import NOBODY, By, operated
from ulak.journal.entry import Journal
from ulak.queue.depth import Depth, together
from ulak.queue.item import Message, Row, Selection, State
from ulak.queue.sqlite import Reader, SqliteStore, open_reader
from ulak.queue.store import QueueStore, StorageError

VERBS = ("retry", "hold", "release", "drop", "bounce")


class NotRunningError(Exception):
    """This can only be done by a running server."""


class Operator:
    """What a configuration has, as the command line sees it; `now` in seconds since the epoch."""

    def __init__(self, chosen: settings.Config, now: float) -> None:
        self._chosen = chosen
        self._places = Places(chosen.data)
        self._now = now

    @property
    def running(self) -> bool:
        """Whether a server works here."""
        return running(self._places.data)

    def rows(self, which: Selection) -> Iterator[Row]:
        """List the selected recipients of all stores, oldest message first."""
        with self._readers() as readers:
            yield from _merged(reader.list(which) for reader in readers)

    def page(self, which: Selection, offset: int, limit: int) -> tuple[list[Row], int]:
        """Give so many of them, from `offset` on, and how many there are in all."""
        with self._readers() as readers:
            rows = _merged(reader.list(which, limit) for reader in readers)
            total = sum(reader.total(which) for reader in readers)
            return list(islice(rows, offset, offset + limit)), total

    def depth(self, domains: int) -> Depth:
        """Tell what all stores hold; of so many domains, those with most."""
        with self._readers() as readers:
            return together(reader.depth(self._now, domains) for reader in readers)

    @contextlib.contextmanager
    def _readers(self) -> Iterator[list[Reader]]:
        with ExitStack() as stack:
            folders = map(self._places.queue, self._places.queues())
            readers = [stack.enter_context(open_reader(folder)) for folder in folders]
            yield [reader for reader in readers if reader.made]

    def message(self, identifier: str) -> Message | None:
        """Give a queued message with its body."""
        for index in self._places.queues():
            with open_reader(self._places.queue(index)) as reader:
                message = reader.read(identifier) if reader.made else None
            if message is not None:
                return message
        return None

    def act(self, verb: str, which: Selection, by: By = NOBODY) -> int:
        """Do one of VERBS for somebody; give how many recipients it was done to.

        Raises ControlError, StorageError, JournalError, and NotRunningError for what needs a
        server.
        """
        if self.running:
            total = 0
            for path in self._places.controls():
                count = ask(path, Request(verb, which, by)).get("count")
                total += count if isinstance(count, int) else 0
            return total
        if verb == "bounce":
            raise NotRunningError
        return asyncio.run(self._alone(verb, which, by))

    async def _alone(self, verb: str, which: Selection, by: By) -> int:
        total = 0
        for index in self._places.queues():
            store = SqliteStore(self._places.queue(index))
            try:
                with closing(journal_of(self._chosen, index)) as journal:
                    total += await act(store, journal, Request(verb, which, by), self._now)
            finally:
                await store.close()
        return total


def _merged(lists: Iterable[Iterator[Row]]) -> Iterator[Row]:
    return heapq.merge(*lists, key=lambda row: row.received)


_MEANT = {
    "retry": (State.READY,),
    "hold": (State.READY,),
    "release": (State.HELD,),
    "drop": tuple(State),
}
_TURN = 500  # entries between two turns of everybody else


async def act(store: QueueStore, journal: Journal, request: Request, now: float) -> int:
    """Do one of VERBS but `bounce` to one store, and note it. Raises ValueError for any other."""
    verb, which = request.verb, request.which
    if verb not in _MEANT:
        message = f"{verb} is no verb of the queue"
        raise ValueError(message)
    rows = list(await store.list(which))
    match verb:
        case "retry":
            count = await store.retry(which, now)
        case "hold":
            count = await store.hold(which)
        case "release":
            count = await store.release(which, now)
        case _:
            count = await store.drop(which)
    meant = [row for row in rows if row.pending.state in _MEANT[verb]]
    # An attempt that was under way has just ended: it was done to that recipient, too.
    leased = [row for row in rows if row.pending.state is State.LEASED and row not in meant]
    meant += leased[: max(count - len(meant), 0)]
    for number, row in enumerate(meant):
        deed = operated(now, verb, request.by, row.id, recipient=row.pending.recipient)
        journal.write(deed)
        if number % _TURN == 0:
            await asyncio.sleep(0)
    return count


def caller() -> By:
    """Say who runs this command: who has become root to do it is still called by name."""
    uid = os.getuid()
    name = os.environ.get("SUDO_USER", "") if not uid else ""
    if not name:
        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:  # a container has users without names
            name = str(uid)
    return By(name, "command")


__all__ = ["VERBS", "NotRunningError", "Operator", "StorageError", "act", "caller"]
