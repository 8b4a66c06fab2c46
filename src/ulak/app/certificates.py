"""Looks at the listeners' certificates once a minute, and when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Sequence

from ulak.log import Event, Log
from ulak.server.watch import Live, Watch

_LOOK = 60.0  # seconds
_DAY = 86_400.0
_SOON = 10 * _DAY  # by then whoever renews by itself has done so


async def watch(
    contexts: Sequence[Live], log: Log, look: asyncio.Event, *, every: float = _LOOK
) -> None:
    """Renew what has changed, until cancelled. `look` is set by who does not want to wait.

    Once a day it warns of certificates that end soon.
    """
    eye = Watch(contexts, time.monotonic)
    warned = -_DAY
    while True:
        if time.monotonic() - warned >= _DAY:
            warned = time.monotonic()
            _warn(contexts, log)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(look.wait(), every)
        look.clear()
        for renewal in eye.look():
            if renewal.problem:
                log.emit(Event.CERTIFICATE_REFUSED, problem=renewal.problem)
            else:
                log.emit(Event.CERTIFICATE_RENEWED, certificate=str(renewal.certificate))


def _warn(contexts: Sequence[Live], log: Log) -> None:
    ends = {live.certificate: live.ends for live in contexts}
    for certificate, end in ends.items():
        left = end - time.time()
        if left < _SOON:
            days = max(math.floor(left / _DAY), 0)
            log.emit(Event.CERTIFICATE_ENDS, certificate=str(certificate), days_left=days)
