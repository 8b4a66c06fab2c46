"""Answers that the servers of a cluster have together: what one has asked, the others need not.

It is for questions that cost, those of blocklists: their servers count them, and answer from
afar. Who has no answer of its own looks at what the others have, where a look costs less than such
a question has cost lately; and what it was answered it leaves for the others afterwards, in the
background. While the shelf is away, names are asked as if there were no others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ulak.dns.names import to_ascii
from ulak.dns.records import Answer, Resolver

_PATIENCE = 0.25  # seconds for a look: mail waits for it
_REST = 5.0  # seconds without one, after one that failed
_MOST = 500  # questions in one look, and answers that are left in one go
_WAITING = 10_000  # answers that wait to be left; more are not
_RECENT = 0.1  # what the last one counts in what something costs
_AGAIN = 50  # looks that were too dear until one is tried again

Question = tuple[str, str]  # a name in lower case, and a kind


class ShelfError(Exception):
    """What the others have cannot be looked at, or nothing left for them."""


class Shelf(Protocol):
    """What they have together. Both verbs raise ShelfError."""

    async def find(self, questions: Sequence[Question]) -> Mapping[Question, Answer]:
        """Give the answers that there are, with what is left of their lives."""

    async def leave(self, answers: Sequence[Answer]) -> None:
        """Leave answers for the others, for as long as they may be kept."""


class Own(Resolver, Protocol):
    """Who asks, and what it knows by itself."""

    def known(self, name: str, kind: str) -> Answer | None:
        """Give what is known without asking."""

    def keep(self, answer: Answer) -> None:
        """Know an answer from now on, for as long as it may be kept."""


class ShelvingResolver:
    """Follows `Resolver`. `clock` gives seconds that only go forward."""

    def __init__(self, own: Own, shelf: Shelf, clock: Callable[[], float]) -> None:
        self._own = own
        self._shelf = shelf
        self._clock = clock
        self._looking: dict[Question, asyncio.Future[Answer | None]] = {}
        self._look: asyncio.Task[None] | None = None
        self._left: list[Answer] = []
        self._leaving: asyncio.Task[None] | None = None
        self._rests = 0.0  # until when nobody looks
        self._costs = {"look": 0.0, "ask": 0.0}  # seconds
        self._skipped = 0

    async def resolve(self, name: str, kind: str) -> Answer:
        """Give what is known, here or by the others, or ask."""
        asked = to_ascii(name)
        known = self._own.known(name, kind)
        if known is not None:
            return known
        if asked is not None and self._worth():
            found = await self._find((asked, kind))
            if found is not None:
                self._own.keep(found)
                return found
        begun = self._clock()
        answer = await self._own.resolve(name, kind)
        self._note("ask", self._clock() - begun)
        if not answer.failed and answer.ttl > 0 and len(self._left) < _WAITING:
            self._left.append(answer)
            if self._leaving is None:
                self._leaving = asyncio.get_running_loop().create_task(self._leave())
        return answer

    async def close(self) -> None:
        """Leave what was not left yet."""
        for task in (self._look, self._leaving):
            if task is not None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(task), _PATIENCE)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def _worth(self) -> bool:
        """Whether a look costs less than a question, as far as is known."""
        if self._clock() < self._rests:
            return False
        look, ask = self._costs["look"], self._costs["ask"]
        if not look or not ask or look < ask:
            return True
        self._skipped = (self._skipped + 1) % _AGAIN
        return not self._skipped

    def _note(self, what: str, took: float) -> None:
        known = self._costs[what]
        self._costs[what] = known + (took - known) * _RECENT if known else took

    # -- looking ----------------------------------------------------------------------------

    async def _find(self, question: Question) -> Answer | None:
        looking = self._looking.get(question)
        if looking is None:
            looking = asyncio.get_running_loop().create_future()
            self._looking[question] = looking
            if self._look is None:
                self._look = asyncio.get_running_loop().create_task(self._look_all())
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.shield(looking), _PATIENCE)
        self._rests = self._clock() + _REST
        return None

    async def _look_all(self) -> None:
        """Look for all that is wanted, together; what comes meanwhile is next."""
        try:
            while self._looking:
                await asyncio.sleep(0)  # who comes in the same moment comes along
                batch = dict(list(self._looking.items())[:_MOST])
                found: Mapping[Question, Answer] = {}
                begun = self._clock()
                if begun >= self._rests:
                    try:
                        found = await self._shelf.find(list(batch))
                        self._note("look", self._clock() - begun)
                    except ShelfError:
                        self._rests = self._clock() + _REST
                for question, future in batch.items():
                    del self._looking[question]
                    if not future.done():
                        future.set_result(found.get(question))
        finally:
            self._look = None

    # -- leaving ----------------------------------------------------------------------------

    async def _leave(self) -> None:
        try:
            await asyncio.sleep(_PATIENCE)
            while self._left:
                batch, self._left = self._left[:_MOST], self._left[_MOST:]
                if self._clock() >= self._rests:
                    try:
                        await self._shelf.leave(batch)
                    except ShelfError:
                        self._rests = self._clock() + _REST
        finally:
            self._leaving = None
