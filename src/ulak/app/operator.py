"""The queue in an operator's hands, whether a server runs or not.

Looking needs no server: every store can be read while its worker writes. Changing is the
worker's own doing, since only one process may write to a store; without a server the stores are
opened for the moment.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator
from contextlib import ExitStack, closing

from ulak import config as settings
from ulak.app.control import ask
from ulak.app.places import Places
from ulak.app.record import journal_of
from ulak.app.supervisor import running
from ulak.journal.entry import Entry, Journal, Kind
from ulak.queue.item import Counts, Message, Row, Selection, State
from ulak.queue.sqlite import SqliteStore, open_reader
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
        with ExitStack() as stack:
            readers = [
                stack.enter_context(open_reader(self._places.queue(index)))
                for index in self._places.queues()
            ]
            yield from heapq.merge(*(r.list(which) for r in readers), key=lambda r: r.received)

    def message(self, identifier: str) -> Message | None:
        """Give a queued message with its body."""
        for index in self._places.queues():
            with open_reader(self._places.queue(index)) as reader:
                message = reader.read(identifier)
            if message is not None:
                return message
        return None

    def counts(self) -> Counts:
        """Count what there is in all stores."""
        messages, by_state = 0, dict.fromkeys(State, 0)
        for index in self._places.queues():
            with open_reader(self._places.queue(index)) as reader:
                counts = reader.count()
            messages += counts.messages
            for state, number in counts.by_state.items():
                by_state[state] += number
        return Counts(messages, by_state)

    def act(self, verb: str, which: Selection) -> int:
        """Do one of VERBS; give how many recipients it was done to.

        Raises ControlError, StorageError, JournalError, and NotRunningError for what needs a
        server.
        """
        if self.running:
            total = 0
            for path in self._places.controls():
                count = ask(path, verb, which).get("count")
                total += count if isinstance(count, int) else 0
            return total
        if verb == "bounce":
            raise NotRunningError
        return asyncio.run(self._alone(verb, which))

    async def _alone(self, verb: str, which: Selection) -> int:
        total = 0
        for index in self._places.queues():
            store = SqliteStore(self._places.queue(index))
            try:
                with closing(journal_of(self._chosen, index)) as journal:
                    total += await act(store, journal, verb, which, self._now)
            finally:
                await store.close()
        return total


_MEANT = {
    "retry": (State.READY,),
    "hold": (State.READY,),
    "release": (State.HELD,),
    "drop": tuple(State),
}
_TURN = 500  # entries between two turns of everybody else


async def act(store: QueueStore, journal: Journal, verb: str, which: Selection, now: float) -> int:
    """Do one of VERBS but `bounce` to one store, and note it. Raises ValueError for any other."""
    if verb not in _MEANT:
        message = f"{verb} is no verb of the queue"
        raise ValueError(message)
    rows = await store.list(which)
    match verb:
        case "retry":
            count = await store.retry(which, now)
        case "hold":
            count = await store.hold(which)
        case "release":
            count = await store.release(which, now)
        case _:
            count = await store.drop(which)
    for number, row in enumerate(rows):
        if row.pending.state in _MEANT[verb]:
            facts = {"verb": verb, "recipient": row.pending.recipient}
            journal.write(Entry(now, Kind.OPERATED, message=row.id, facts=facts))
        if number % _TURN == 0:
            await asyncio.sleep(0)
    return count


__all__ = ["VERBS", "NotRunningError", "Operator", "StorageError", "act"]
