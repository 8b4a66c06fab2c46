"""Looks at the listeners' certificates once a minute, and when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ulak.log import Event, Log

if TYPE_CHECKING:  # as in `server.wire`
    from ulak.server.tls import TlsContext

_LOOK = 60.0  # seconds


async def watch(
    contexts: Sequence[TlsContext], log: Log, look: asyncio.Event, *, every: float = _LOOK
) -> None:
    """Renew what has changed, until cancelled. `look` is set by who does not want to wait."""
    from ulak.server.watch import Watch  # noqa: PLC0415 -- as in `parts`

    eye = Watch(contexts, time.monotonic)
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(look.wait(), every)
        look.clear()
        for renewal in eye.look():
            if renewal.problem:
                log.emit(Event.CERTIFICATE_REFUSED, problem=renewal.problem)
            else:
                log.emit(Event.CERTIFICATE_RENEWED, certificate=str(renewal.certificate))
