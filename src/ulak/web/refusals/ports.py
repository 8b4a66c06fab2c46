"""What the page has to be given: who finds refusals, who checks, how often each may be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ulak.diagnose.reply import Confirmation
from ulak.journal.refusal import Seen
from ulak.web.rate import Rate


class Find(Protocol):
    """Finds a refusal."""

    async def __call__(self, identifier: str, /) -> Seen | None:
        """Give what may be seen of the refusal with this whole id, unless it is too old."""


class Check(Protocol):
    """Makes the checks that confirm or refute a refusal, now."""

    async def __call__(self, seen: Seen, /) -> Confirmation | None:
        """Give what came of them, or None where DNS keeps everybody waiting."""


@dataclass(frozen=True, slots=True)
class Why:
    """The parts. `requests` and `checks` count by the address of the client.

    `unsure`: whether a server that may know a refusal did not answer when it was last asked.
    """

    find: Find
    check: Check
    requests: Rate
    checks: Rate
    unsure: Callable[[], bool] = lambda: False
