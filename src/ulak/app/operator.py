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
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice

from ulak import config as settings
from ulak.app.asking import workers
from ulak.app.asking.others import with_others
from ulak.app.control import Answer, Request, ask
from ulak.app.places import Places
from ulak.app.record import journal_of
from ulak.app.ruling import rules_of, ruling
from ulak.app.storing import Reader, in_database, member_of, opened, readers, spilled
from ulak.app.supervisor import running
from ulak.journal.deed import NOBODY, By, operated
from ulak.journal.entry import Journal
from ulak.questions.question import Heard
from ulak.queue.depth import Depth, together
from ulak.queue.item import Message, Order, Pending, Row, Selection, State
from ulak.queue.store import QueueStore, StorageError

VERBS = ("retry", "hold", "release", "drop", "bounce")


class NotRunningError(Exception):
    """This can only be done by a running server."""


class PartlyDoneError(StorageError):
    """The database could not be asked; it was done to `count` recipients that wait here for it."""

    def __init__(self, why: str, count: int) -> None:
        super().__init__(f"{why} It was done to recipients that wait here until then: {count}.")
        self.why = why
        self.count = count


@dataclass(frozen=True, slots=True)
class Sites:
    """On which terms workers send to sites; who has not told it, and whether others were there.

    `member` in a row names the server, where there are several. `away`: none could be asked.
    """

    rows: list[Answer]
    silent: tuple[str, ...] = ()
    away: bool = False
    others: bool = False


class Operator:
    """What a configuration has, as the command line sees it; `now` in seconds since the epoch."""

    def __init__(self, chosen: settings.Config, now: float) -> None:
        self._chosen = chosen
        self._places = Places(chosen.data)
        self._now = now
        self._rules = rules_of(chosen.delivery.rules)

    @property
    def running(self) -> bool:
        """Whether a server works here."""
        return running(self._places.data)

    def rows(self, which: Selection, *, here: bool = False) -> Iterator[Row]:
        """List the selected recipients of all stores, oldest message first.

        `here`: of those on this machine alone, whether the database is there or not.
        """
        with self._readers(here=here) as readers:
            yield from _merged(reader.list(which) for reader in readers)

    def page(
        self,
        which: Selection,
        offset: int,
        limit: int,
        order: Order = Order.AGE,
        *,
        backwards: bool = False,
    ) -> tuple[list[Row], int]:
        """Give so many of them, from `offset` on in an order, and how many there are in all."""
        with self._readers() as readers:
            total = sum(reader.total(which) for reader in readers)
            if len(readers) == 1:
                (reader,) = readers
                places = reader.places(which, order, limit, offset, backwards=backwards)
                return reader.at(places), total
            # Only where they stand is merged up to the page: that is little for each.
            end = offset + limit
            lists = [
                [(place, reader) for place in reader.places(which, order, end, backwards=backwards)]
                for reader in readers
            ]
            merged = heapq.merge(*lists, key=lambda pair: pair[0][0], reverse=backwards)
            page = list(islice(merged, offset, end))
            rows = [
                row
                for reader in readers
                for row in reader.at([place for place, whose in page if whose is reader])
            ]
            return sorted(rows, key=order.of, reverse=backwards), total

    def depth(self, domains: int) -> Depth:
        """Tell what all stores hold; of so many domains, those with most."""
        with self._readers() as readers:
            return together(reader.depth(self._now, domains) for reader in readers)

    @contextlib.contextmanager
    def _readers(self, *, here: bool = False) -> Iterator[list[Reader]]:
        with readers(self._chosen, self._places, database=False if here else None) as found:
            yield found

    def spilled(self) -> frozenset[str]:
        """Give the ids of the messages that wait on this machine for the database."""
        with spilled(self._places) as found:
            rows = (row for reader in found for row in reader.list(Selection(everything=True)))
            return frozenset(row.id for row in rows)

    def message(self, identifier: str, *, here: bool = False) -> Message | None:
        """Give a queued message with its body; `here`: one that is on this machine."""
        with self._readers(here=here) as readers:
            found = (reader.read(identifier) for reader in readers)
            return next((message for message in found if message is not None), None)

    def sites(self, *, here: bool = False) -> Sites:
        """Tell on which terms workers send to sites, each of them for itself.

        Those of this server, as far as it runs, and of all that share its queue, unless `here`.
        Raises ControlError.
        """
        told: list[Answer] = []
        for path in self._places.controls() if self.running else ():
            sites = ask(path, Request("sites")).get("sites")
            if isinstance(sites, list):
                told += sites
        heard = self._heard("sites", {}, here=here)
        answers = workers.together(
            "sites", [{"sites": told}], heard, member_of(self._chosen)
        ).answers
        rows: list[Answer] = []
        for answer in answers:
            rows += [
                {**row, "member": answer["member"]} if "member" in answer else row
                for row in answer["sites"]
            ]
        return Sites(rows, heard.silent, heard.away, others=bool(heard.answers))

    def _heard(self, verb: str, given: Mapping[str, object], *, here: bool = False) -> Heard:
        """Ask the servers that share the queue."""
        if here or not in_database(self._chosen):
            return Heard()
        return with_others(self._chosen, lambda others: others.ask(verb, given))

    def suspended(self) -> dict[str, Answer]:
        """Give the suspensions of sites by the domains whose mail waits for them."""
        found: dict[str, Answer] = {}
        for site in self.sites().rows:
            about, domains = site.get("suspended"), site.get("domains")
            if isinstance(about, dict) and isinstance(domains, list):
                for domain in domains:
                    found[str(domain)] = {"site": site["site"], **about}
        return found

    def ruling(self, pending: Pending) -> Answer:
        """Name the rule by which a recipient waits, and where it was read."""
        return {**ruling(self._rules, pending)}

    def resume(self, site: str, by: By = NOBODY) -> int:
        """Have a site sent to again, by all servers; how many workers had not done so.

        Raises ControlError, and NotRunningError where no server runs.
        """
        heard = self._heard("resume-site", {"site": site, "by": asdict(by)})
        if not self.running and not heard.answers:
            raise NotRunningError
        request = Request("resume-site", by=by, site=site)
        paths = self._places.controls() if self.running else ()
        counts = [ask(path, request).get("count") for path in paths]
        counts += [answer.get("count") for answer in heard.answers.values()]
        return sum(count for count in counts if isinstance(count, int))

    def act(self, verb: str, which: Selection, by: By = NOBODY) -> int:
        """Do one of VERBS for somebody; give how many recipients it was done to.

        Raises ControlError, StorageError, JournalError, and NotRunningError for what needs a
        server. PartlyDoneError: the database is away, and what waits here for it was changed.
        """
        if self.running:
            total, away = 0, ""
            for path in self._places.controls():
                answer = ask(path, Request(verb, which, by))
                count = answer.get("count")
                total += count if isinstance(count, int) else 0
                away = str(answer.get("away", "")) or away
            return _done(total, away)
        if verb == "bounce":
            raise NotRunningError
        return asyncio.run(self._alone(verb, which, by))

    async def _alone(self, verb: str, which: Selection, by: By) -> int:
        try:
            return await self._in_stores(verb, which, by)
        except StorageError as error:
            if not self._places.spills():
                raise
            return _done(await self._in_stores(verb, which, by, here=True), str(error))

    async def _in_stores(self, verb: str, which: Selection, by: By, *, here: bool = False) -> int:
        total = 0
        async with opened(self._chosen, self._places, here=here) as stores:
            for index, store in stores:
                with closing(journal_of(self._chosen, index)) as journal:
                    total += await act(store, journal, Request(verb, which, by), self._now)
        return total


def _done(count: int, away: str) -> int:
    """Give to how many it was done; an error where the database could not be asked."""
    if not away:
        return count
    raise PartlyDoneError(away, count) if count else StorageError(away)


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
    # Of a million rows no more is kept than is written down of them.
    rows = [(r.id, r.pending.recipient, r.pending.state) for r in await store.list(which)]
    match verb:
        case "retry":
            count = await store.retry(which, now)
        case "hold":
            count = await store.hold(which)
        case "release":
            count = await store.release(which, now)
        case _:
            count = await store.drop(which)
    states = _MEANT[verb]
    meant = [row for row in rows if row[2] in states]
    if State.LEASED not in states and count > len(meant):
        # An attempt that was under way has just ended: it was done to that recipient, too.
        leased = [row for row in rows if row[2] is State.LEASED]
        meant += leased[: count - len(meant)]
    for number, (identifier, recipient, _) in enumerate(meant):
        journal.write(operated(now, verb, request.by, identifier, recipient=recipient))
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


__all__ = [
    "VERBS",
    "NotRunningError",
    "Operator",
    "PartlyDoneError",
    "StorageError",
    "act",
    "caller",
]
