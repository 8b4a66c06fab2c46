"""A cluster in an operator's hands, from any of its servers, whether that one runs or not.

Of a server with a queue in SQLite there is one member: itself. What is asked of this server goes
over its control sockets; of another one, it is left in the table that it reads.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ulak import __version__
from ulak import config as settings
from ulak.app.buckets import problem_of
from ulak.app.control import Request, ask
from ulak.app.draining import mark
from ulak.app.membership import stand_of
from ulak.app.operator import Operator
from ulak.app.places import Places
from ulak.app.storing import in_database, installed, member_of, spilled
from ulak.app.supervisor import running
from ulak.cluster.database import Database
from ulak.cluster.member import Member, Order, Spilled, found, together
from ulak.cluster.problems import Problem, of_spilled, problems
from ulak.journal.deed import By
from ulak.queue.depth import Depth
from ulak.queue.item import Selection
from ulak.queue.sql.postgres import VERSION
from ulak.queue.store import StorageError

if TYPE_CHECKING:  # not everybody has it
    from ulak.cluster.postgres import Members

_AWAY = "The database of the queue cannot be reached at present."
_ASKING = 5.0  # seconds that a worker has to answer


class NoSuchMemberError(Exception):
    """No server, or more than one, is meant by a name; `names` are those there are."""

    def __init__(self, name: str, names: list[str]) -> None:
        super().__init__(name)
        self.name = name
        self.names = names


@dataclass(frozen=True, slots=True)
class Look:
    """How a cluster is. `here` is how this server is called; `database` None for SQLite."""

    here: str
    members: list[Member]
    depth: Depth
    database: Database | None
    problems: list[Problem]


class Clustering:
    """What a configuration's cluster is; `now` in seconds since the epoch."""

    def __init__(self, chosen: settings.Config, now: float) -> None:
        self._chosen = chosen
        self._places = Places(chosen.data)
        self._now = now
        self.here = member_of(chosen)

    @property
    def running(self) -> bool:
        """Whether this server runs."""
        return running(self._places.data)

    def look(self) -> Look:
        """Tell how everything is. Raises StorageError, ControlError."""
        members, database, found = self.seen()
        depth = Operator(self._chosen, self._now).depth(0)
        return Look(self.here, members, depth, database, found)

    def seen(self) -> tuple[list[Member], Database | None, list[Problem]]:
        """Tell of servers and database, and what is wrong. Raises StorageError, ControlError."""
        database: Database | None = None
        stopped = "" if self.running else self.here
        kept = self.spilled() if stopped and in_database(self._chosen) else Spilled()
        if in_database(self._chosen):
            with self._table() as table:
                members = [
                    replace(one, stand=replace(one.stand, spilled=kept))
                    if one.name == stopped  # what lies here, and not what it said last
                    else one
                    for one in table.all()
                ]
                database = table.database(VERSION)
        else:
            members = [self.itself()] if self.running else []
        found = problems(members, database, problem_of(self._chosen), stopped)
        if kept and all(member.name != self.here for member in members):
            place = socket.gethostname(), str(self._chosen.data.absolute())
            found.insert(0, of_spilled(self.here, *place, kept, gone=True))
        return members, database, found

    def spilled(self) -> Spilled:
        """Tell what lies on this machine for the database. Raises StorageError."""
        with spilled(self._places) as found:
            rows = [row for reader in found for row in reader.list(Selection(everything=True))]
        sizes = {row.id: row.size for row in rows}
        return Spilled(len(sizes), sum(sizes.values()))

    def order(self, name: str, order: Order, by: By) -> Member | None:
        """Have a server drained, or serve again; without a name this one.

        Gives how it stands where it is known, and None for this one where it does not run: it
        will keep to it when it is started. Raises NoSuchMemberError, StorageError, ControlError,
        OSError.
        """
        if not name or name == self.here:
            return self._order_here(order, by)
        if not in_database(self._chosen):
            raise NoSuchMemberError(name, [self.here])
        with self._table() as table:
            members = table.all()
            meant = found(members, name)
            if len(meant) != 1:
                raise NoSuchMemberError(name, [one.name for one in meant or members])
            if meant[0].name == self.here:
                return self._order_here(order, by)
            table.order(meant[0].name, order, by.facts())
            return meant[0]

    def _order_here(self, order: Order, by: By) -> Member | None:
        if not self.running:
            if order is Order.DRAIN:
                mark(self._places, by, self._now)
            else:
                self._places.drained.unlink(missing_ok=True)
            return None
        return self.itself(Request(f"{order.value}-server", by=by))

    def member(self, name: str) -> Member | None:
        """Tell how one server is; None where it is not there. Raises as `look`."""
        if name == self.here and self.running:
            return self.itself()
        if not in_database(self._chosen):
            return None
        with self._table() as table:
            return next((one for one in table.all() if one.name == name), None)

    def itself(self, request: Request | None = None) -> Member:
        """Tell of this server what its workers tell, and have them do something before."""
        told = [
            stand_of(ask(path, request or Request("stand"), _ASKING))
            for path in self._places.controls()
        ]
        draining = self._places.drained.exists()
        stand = together(told, draining=draining, now=self._now)
        return Member(
            name=self.here,
            host=socket.gethostname(),
            data=str(self._chosen.data.absolute()),
            version=__version__,
            tables=VERSION,
            started=(self._places.data / "lock").stat().st_mtime,
            workers=len(told),
            stand=stand,
            epochs=(),
            seen=self._now,
            age=0.0,
            lag=0.0,
        )

    @contextmanager
    def _table(self) -> Iterator[Members]:
        with installed():
            from ulak.cluster.postgres import ClusterError, opened  # noqa: PLC0415 -- as above
        try:
            with opened(self._chosen.queue.store) as table:
                yield table
        except ClusterError as error:
            raise StorageError(_AWAY) from error
