"""This server as a member of a cluster: its first worker writes how all of them stand.

The first worker does it, and not the supervisor, which opens no database: whatever hangs or ends
there, the processes are still watched. Where that worker is started again, it goes on.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ulak import __version__
from ulak.app.control import Answer, ControlError, Request, ask
from ulak.app.storing import in_database, member_of
from ulak.cluster.member import Card, Duty, InHand, Order, Spilled, Stand, node_of, together
from ulak.journal.deed import By
from ulak.log import Event
from ulak.queue.sql.postgres import VERSION

if TYPE_CHECKING:  # what speaks to PostgreSQL is not everywhere
    from ulak.app.draining import Draining
    from ulak.app.parts import Parts
    from ulak.cluster.postgres import Row

_BEAT = 2.0  # seconds
_ASKING = 1.0  # seconds that a worker has to answer


class Membership:
    """Writes the row of this server; `draining` is of this worker, the first of `count`."""

    def __init__(self, parts: Parts, row: Row, count: int, draining: Draining) -> None:
        self._parts = parts
        self._row = row
        self._count = count
        self._draining = draining
        self._rival = False
        parts.closing.append(row.leave)

    async def run(self) -> None:
        """Write it every few seconds."""
        while True:
            if not await self.beat():
                await asyncio.sleep(_BEAT)

    async def beat(self) -> bool:
        """Write it once, where the database is there; whether it stands otherwise by now."""
        from ulak.cluster.postgres import ClusterError, RivalError  # noqa: PLC0415 -- as above

        stand = await self._all()
        try:
            wanted = await self._row.beat(stand)
        except ClusterError:
            return False  # the queue has said that it is away
        except RivalError:
            if not self._rival:
                self._parts.log.emit(Event.RIVAL, name=member_of(self._parts.config))
            self._rival = True
        else:
            self._rival = False
            if wanted is not None:
                await self._obey(*wanted)
                return True
        return False

    async def _all(self) -> Stand:
        now = self._parts.clock()
        stands = await self._ask(Request("stand"))
        # Of one that does not answer, as it is just being started, nothing is known.
        stands += [Stand(Duty.DRAINING, now)] * (self._count - len(stands))
        return together(stands, draining=self._draining.wanted, now=now)

    async def _obey(self, order: Order, by: Mapping[str, str]) -> None:
        """Have all workers do what an operator has asked on another server."""
        who = By(str(by.get("who", "")), str(by.get("from", "")), str(by.get("ip", "")))
        await self._ask(Request(f"{order.value}-server", by=who))

    async def _ask(self, request: Request) -> list[Stand]:
        """Ask all workers, this one among them; those that are there answer."""
        control = self._parts.places.control
        asked = [asyncio.to_thread(_asked, control(index), request) for index in range(self._count)]
        return [stand for stand in await asyncio.gather(*asked) if stand is not None]


def membership(
    parts: Parts, index: int, count: int, draining: Draining
) -> Iterator[Callable[[], Coroutine[None, None, None]]]:
    """Give what the first worker has to run, where several servers share a queue."""
    if index or not in_database(parts.config):
        return
    from ulak.cluster.postgres import Row  # noqa: PLC0415 -- not everybody has it

    name = member_of(parts.config)
    card = Card(
        name,
        instance=secrets.token_hex(8),
        host=socket.gethostname(),
        data=str(parts.config.data),
        version=__version__,
        tables=VERSION,
        started=(parts.config.data / "lock").stat().st_mtime,  # its supervisor has written it
        nodes=tuple(node_of(name, number) for number in range(count)),
    )
    yield Membership(parts, Row(parts.config.queue.store, card), count, draining).run


def stand_told(stand: Stand) -> Answer:
    """Tell how a worker stands, as JSON."""
    in_hand = stand.in_hand
    return {
        "duty": stand.duty.value,
        "since": stand.since,
        "sessions": in_hand.sessions,
        "messages": in_hand.messages,
        "attempts": in_hand.attempts,
        "spilled": stand.spilled.messages,
        "spilled_octets": stand.spilled.octets,
    }


def stand_of(told: Mapping[str, Any]) -> Stand:
    """Read what a worker has told. Raises ValueError, KeyError and TypeError."""
    in_hand = InHand(int(told["sessions"]), int(told["messages"]), int(told["attempts"]))
    spilled = Spilled(int(told["spilled"]), int(told["spilled_octets"]))
    return Stand(Duty(told["duty"]), float(told["since"]), in_hand, spilled)


def _asked(path: Path, request: Request) -> Stand | None:
    """Ask a worker; None where it is not there just now."""
    try:
        return stand_of(ask(path, request, _ASKING))
    except (ControlError, OSError, ValueError, KeyError, TypeError):
        return None
