"""A resolver that gives up on DNS as a whole when it says nothing at all.

A person waits for a diagnosis. Where the first questions find nobody at home, the others are not
asked, and the answer is the same: nothing is known.
"""

from __future__ import annotations

from ulak.dns.records import Answer, Resolver, Status

_SILENT = 4  # questions without an answer before anybody has answered
MOST = 500  # questions of one diagnosis


class Patience:
    """Asks `resolver` for as long as that makes sense, and never more than `most` questions."""

    def __init__(self, resolver: Resolver, *, most: int = MOST) -> None:
        self._resolver = resolver
        self._most = most
        self._heard = False
        self._silences = 0
        self.asked = 0

    async def resolve(self, name: str, kind: str) -> Answer:
        """Ask, or say at once that nobody answers."""
        if self.asked >= self._most or (not self._heard and self._silences >= _SILENT):
            detail = "not asked any more" if self._heard else "no name server answers"
            return Answer(name, kind, Status.TIMEOUT, canonical=name, detail=detail)
        self.asked += 1
        answer = await self._resolver.resolve(name, kind)
        if answer.status is Status.TIMEOUT:
            self._silences += 1
        else:
            self._heard = True
        return answer
