"""The servers that share a queue, as the console has them in hand.

The database is asked for all who look together, and nobody waits for it longer than a moment: where
it is away, this server tells of itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ulak import config as settings
from ulak.app.clustering import Clustering, NoSuchMemberError
from ulak.app.control import ControlError
from ulak.app.seldom import Seldom
from ulak.cluster.member import Order
from ulak.cluster.problems import problems
from ulak.journal.deed import By
from ulak.queue.depth import Depth
from ulak.queue.store import StorageError
from ulak.web.console.ports import OperationError, Trouble
from ulak.web.console.sharing import Servers

_PATIENCE = 3.0  # seconds that the database has
_LEAST = 1.0  # seconds for which what it has told is good enough


class ServersInHand:
    """Looks at them and orders one out of service and back. `depth` tells of the queue."""

    def __init__(
        self,
        chosen: settings.Config,
        clock: Callable[[], float],
        depth: Callable[[], Awaitable[Depth]],
    ) -> None:
        self._chosen = chosen
        self._clock = clock
        self._depth = depth
        self._seldom = Seldom(self._look, least=_LEAST)

    async def look(self) -> Servers:
        """Tell of all, or of this one alone where the database is away or takes its time."""
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._seldom()
        except (StorageError, OperationError, TimeoutError):
            return await asyncio.to_thread(self._alone)

    async def order(self, name: str, order: Order, by: By) -> None:
        """Have one drained, or serve again. Raises OperationError."""
        try:
            await asyncio.to_thread(self._clustering.order, name, order, by)
        except NoSuchMemberError as error:
            raise OperationError(Trouble.NO_SERVER, server=name) from error
        except ControlError as error:
            raise OperationError(Trouble.NOT_DONE, problem=str(error)) from error
        except StorageError as error:
            raise OperationError(Trouble.DATABASE) from error
        self._seldom.forget()

    async def _look(self) -> Servers:
        clustering = self._clustering
        seen, depth = await asyncio.gather(asyncio.to_thread(clustering.seen), self._depth())
        members, database, found = seen
        return Servers(clustering.here, tuple(members), tuple(found), database, depth)

    def _alone(self) -> Servers:
        clustering = self._clustering
        try:
            members = [clustering.itself()] if clustering.running else []
        except ControlError:  # a worker is just being started, say
            members = []
        found = problems(members, None) if members else []
        return Servers(clustering.here, tuple(members), tuple(found))

    @property
    def _clustering(self) -> Clustering:
        return Clustering(self._chosen, self._clock())
