"""Asking all workers of this server at once, over their control sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from ulak.app.control import ControlError, Request, ask
from ulak.app.places import Places

_TELLING = 5.0  # seconds that a worker has to tell something


async def tell(
    places: Places, request: Request, patience: float = _TELLING
) -> list[Mapping[str, object]]:
    """Give the answers of those that answer."""

    async def one(path: Path) -> Mapping[str, object] | None:
        try:
            return await asyncio.to_thread(ask, path, request, patience)
        except ControlError:
            return None

    answers = await asyncio.gather(*map(one, places.controls()))
    return [answer for answer in answers if answer is not None]
