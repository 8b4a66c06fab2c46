"""All scanners of one server: they are asked at the same time, and give one verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from ulak.checks.reason import Reason
from ulak.checks.scanner import Asked
from ulak.policy import content
from ulak.queue.item import Body
from ulak.server.scanners.scanner import Scanner


@dataclass(frozen=True, slots=True)
class Engaged:
    """A scanner, what follows from what it finds, and whose mail it is shown.

    `whose` holds `strangers`, `networks` (that may relay), `accounts` or `lmtp`.
    """

    scanner: Scanner
    rules: content.Rules
    whose: frozenset[str]


class Scanners:
    """Asks those that are to see a message."""

    def __init__(self, engaged: Sequence[Engaged]) -> None:
        self._engaged = tuple(engaged)

    def look_at(self, whose: str) -> bool:
        """Whether any of them is shown mail of this kind."""
        return any(whose in one.whose for one in self._engaged)

    async def health(self) -> list[tuple[str, str | Reason]]:
        """Ask every scanner whether it is there: its name, and its word or why it gives none."""
        asked = [one.scanner.health() for one in self._engaged]
        answers = await asyncio.gather(*asked)
        return [(one.scanner.name, said) for one, said in zip(self._engaged, answers, strict=True)]

    async def scan(self, whose: str, body: Body, asked: Asked) -> content.Verdict:
        """Have a message scanned. OSError where it cannot be read."""
        chosen = [one for one in self._engaged if whose in one.whose]
        scans = [one.scanner.scan(body, asked) for one in chosen]
        # All of them end before an error of one is told: nobody goes on alone.
        found = []
        for answer in await asyncio.gather(*scans, return_exceptions=True):
            if isinstance(answer, BaseException):
                raise answer
            found.append(answer)
        judged = [(finding, one.rules) for finding, one in zip(found, chosen, strict=True)]
        return content.judge(judged, size=body.size)
