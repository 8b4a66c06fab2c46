"""What those who deliver have in common: the workers of a machine, or those of all servers.

Where each worker has a queue of its own, a file beside them holds it. Where the queue lies in
PostgreSQL, limits hold for all who work on it, and it lies there, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ulak.app.live import pools_of
from ulak.app.storing import in_database, member_of
from ulak.delivery.seating import Seating
from ulak.delivery.sharing import Sharing
from ulak.delivery.site.seat import Seat
from ulak.delivery.site.share import Member, Place
from ulak.delivery.site.shared import SharedError
from ulak.delivery.sqlite import SqliteShared
from ulak.log import Event

if TYPE_CHECKING:
    from ulak.app.parts import Parts
    from ulak.delivery.site.sites import Sites
    from ulak.delivery.worker import Worker


def sharing_of(
    parts: Parts, sites: Sites, member: Member, seat: Seat | None, worker: Worker, *, own: bool
) -> Sharing:
    """Make who keeps the sites of a worker in step with those of the others.

    `own`: it works on the queue of all. Beside it a process may work on one of before, on this
    machine alone: that one shares limits, too, by another name.
    """
    clock, incident, opened = parts.clock, parts.incident, worker.reopen
    if seat is None:
        shared = SqliteShared(parts.places.sites)
        return Sharing(sites, shared, member, clock, incident, opened)
    from ulak.database.line import Line  # noqa: PLC0415 -- what speaks to PostgreSQL is not everywhere
    from ulak.delivery.postgres import PostgresSeats, PostgresShared  # noqa: PLC0415 -- as above

    name = f"{member_of(parts.config)} {'worker' if own else 'queue'} {member.index}"
    line = Line(parts.config.queue.store, f"{name} limits")
    parts.closing.append(line.close)

    def shed(place: Place, most: float) -> None:
        for pool in pools_of(parts.carriers.values()):
            pool.shed(place, most)

    seating = Seating(sites, PostgresSeats(line, name), seat, clock, opened, shed)

    def apart(trouble: SharedError | None) -> None:
        if trouble is None:
            parts.log.emit(Event.LIMITS_TOGETHER, workers=seating.sharers)
        else:
            parts.log.emit(Event.LIMITS_APART, problem=trouble.problem, part=seating.part)

    known = PostgresShared(line, clock)
    return Sharing(sites, known, member, clock, incident, opened, seating, apart)


def seat_of(parts: Parts) -> Seat | None:
    """Give a worker a seat among those of all servers; None where only this machine's share."""
    return Seat() if in_database(parts.config) else None
