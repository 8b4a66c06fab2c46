"""What the API needs from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request

from ulak.accounts.access import AccessToken
from ulak.web.console.ports import Operation as Server


class Tokens(Protocol):
    """Who may ask for what is not public."""

    async def find(self, token: str) -> AccessToken | None:
        """Give what is known of a token; None for one that there is not."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What the operations are made of.

    `clock` gives seconds since the epoch. `count` counts a request, with a weight, and raises
    HTTPException 429 where it was too many. Without a `server` there is only the reference, and
    without `tokens` nothing but what is public.
    """

    clock: Callable[[], float]
    count: Callable[[Request, float], None]
    tokens: Tokens | None = None
    server: Server | None = None
