"""One list for all servers of a cluster: each has all of it, tells its changes and hears others'.

Mail never waits for the others: a look is into the copy that is here, and a change is made there
first. While the others cannot be reached, the list stays as it was heard last, and what changes
here is told when they are back.

    step:    tell the changes made here; the cluster numbers them in one order
             take over what has a higher number than the last one heard, but for what is untold here
    join:    who has heard nothing yet tells all that it has; so does everybody when the cluster's
             numbers have gone back, since then its database is an older one
    forget:  what was taken off is forgotten after a while; who comes back later than that takes
             the cluster's list for its own, and tells only what was changed here meanwhile

When two servers change the same entry, the one that is told last stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ulak.suppression.suppressed import Suppressed, SuppressionError

PAGE = 1000  # changes that are told or heard at a time
_OFTEN = 5.0  # seconds between two steps


class ApartError(Exception):
    """The others cannot be reached; `problem` says why, in a few words."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Change:
    """What stands there of an address for the senders of a domain now; `now` None: nothing."""

    address: str
    whose: str
    now: Suppressed | None = None


@dataclass(frozen=True, slots=True)
class Untold:
    """A change of ours, and its number here."""

    number: int
    change: Change


@dataclass(frozen=True, slots=True)
class Heard:
    """How far the list of a cluster was heard: up to a number of the list of that name."""

    seq: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """Changes after those that were heard, in their order, and how far that is.

    `forgotten`: some of what was asked for may be forgotten, so that nothing was given.
    `other`: this is another list, or an older one, than was heard.
    """

    changes: Sequence[Change] = ()
    heard: Heard = Heard()
    forgotten: bool = False
    other: bool = False


class Copy(Protocol):
    """The copy that is here. Each verb may block on a disk, and raises SuppressionError."""

    def heard(self) -> Heard | None:
        """Give how far the list was heard; None for who has not joined yet."""

    def join(self) -> None:
        """Note that nothing was heard, and that all that stands here is untold."""

    def leave(self) -> None:
        """Note that there are no others any more."""

    def untold(self, limit: int) -> list[Untold]:
        """Give changes made here that were not told yet, the oldest first."""

    def told(self, untold: Sequence[Untold]) -> None:
        """Note that they were told, but for what has been changed again since."""

    def take(self, news: News) -> None:
        """Take over what was heard; what is untold here stays as it is."""

    def begin_again(self) -> None:
        """Forget what stands here and is not untold: all of it will be heard."""


class Cluster(Protocol):
    """The list that all have together. Each verb raises ApartError."""

    async def tell(self, changes: Sequence[Change]) -> None:
        """Make changes, durably."""

    async def news(self, heard: Heard, limit: int) -> News:
        """Give what is new to who has heard so much."""

    async def close(self) -> None:
        """Let go of it."""


class Copying:
    """Keeps the copy that is here in step.

    `apart` is told when the others cannot be reached, with the problem, and `together` when they
    can be again; `incident` of what is wrong with our own file, each once.
    """

    def __init__(
        self,
        copy: Copy,
        cluster: Cluster,
        *,
        apart: Callable[[str], None],
        together: Callable[[], None],
        incident: Callable[[BaseException], str],
    ) -> None:
        self._copy = copy
        self._cluster = cluster
        self._apart = apart
        self._together = together
        self._incident = incident
        self._is_apart = self._is_broken = False

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self.step()
            await asyncio.sleep(_OFTEN)

    async def step(self) -> None:
        """Tell all that is untold, and hear all that is new."""
        try:
            while await self._tell() or await self._hear():
                pass
        except ApartError as error:
            if not self._is_apart:
                self._apart(error.problem)
            self._is_apart = True
            return
        except SuppressionError as error:
            if not self._is_broken:
                self._incident(error)
            self._is_broken = True
            return
        if self._is_apart:
            self._together()
        self._is_apart = self._is_broken = False

    async def _tell(self) -> bool:
        untold = await asyncio.to_thread(self._copy.untold, PAGE)
        if untold:
            await self._cluster.tell([each.change for each in untold])
            await asyncio.to_thread(self._copy.told, untold)
        return len(untold) == PAGE

    async def _hear(self) -> bool:
        heard = await asyncio.to_thread(self._copy.heard)
        if heard is None:
            await asyncio.to_thread(self._copy.join)
            return True
        news = await self._cluster.news(heard, PAGE)
        if news.forgotten or news.other:
            again = self._copy.begin_again if news.forgotten else self._copy.join
            await asyncio.to_thread(again)
            return True
        if news.heard != heard:
            await asyncio.to_thread(self._copy.take, news)
        return len(news.changes) == PAGE
