"""What the others said lately: asked in the background, so that no page waits for who is slow."""

from __future__ import annotations

import asyncio

from ulak.app.asking.others import Others
from ulak.questions.question import Heard

_FRESH = 1.0  # seconds between two questions
_OLD = 10.0  # seconds after which what was said is worth nothing


class Lately:
    """Asks the others one thing again and again, as long as somebody wants to know it."""

    def __init__(self, others: Others, verb: str) -> None:
        self._others = others
        self._verb = verb
        self._said = Heard()
        self._when = float("-inf")
        self._asking: asyncio.Task[Heard] | None = None

    async def __call__(self) -> Heard:
        """Give what was said last. Who is the first to want it waits."""
        if not self._others.me:
            return self._said
        now = asyncio.get_running_loop().time()
        if self._asking is None and now - self._when >= _FRESH:
            self._asking = asyncio.ensure_future(self._ask())
        if self._asking is not None and now - self._when >= _OLD:
            return await asyncio.shield(self._asking)
        return self._said

    async def _ask(self) -> Heard:
        try:
            self._said = await self._others.ask(self._verb, {})
        finally:
            self._asking = None
            self._when = asyncio.get_running_loop().time()
        return self._said
