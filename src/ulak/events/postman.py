"""Brings what waits in the outbox to its receivers, each at its own pace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from ulak.events.hook import AT_ONCE, KEPT, Answered, Hook, Send, pause
from ulak.events.outbox import EventsError, Store, Waiting
from ulak.events.signature import FIELD, sign
from ulak.log import Event, Log

_LOOK = 1.0  # seconds between looks at an outbox in which nothing waits
_OFF = 60.0  # seconds between looks at a receiver that is switched off
_AGAIN = 10.0  # seconds after an outbox that could not be read


class Postman:
    """One task for each receiver: a slow one holds up no other.

    `clock` gives seconds since the epoch, `chance` numbers from 0 to below 1, `incident` notes an
    error.
    """

    def __init__(
        self,
        store: Store,
        hooks: Sequence[Hook],
        send: Send,
        *,
        clock: Callable[[], float],
        chance: Callable[[], float],
        log: Log,
        incident: Callable[[BaseException], str],
    ) -> None:
        self._store = store
        self._hooks = hooks
        self._send = send
        self._clock = clock
        self._chance = chance
        self._log = log
        self._incident = incident

    async def run(self) -> None:
        """Work until cancelled."""
        await asyncio.gather(*map(self._serve, self._hooks))

    async def _serve(self, hook: Hook) -> None:
        failures = 0
        while True:
            try:
                failures, wait = await self._turn(hook, failures)
            except EventsError as error:
                self._incident(error)
                wait = _AGAIN
            if wait:
                await asyncio.sleep(wait)

    async def _turn(self, hook: Hook, failures: int) -> tuple[int, float]:
        """Send once; give how often that failed in a row, and for how long to wait."""
        store = self._store
        waiting = await asyncio.to_thread(store.waiting, hook.url, AT_ONCE)
        if not waiting:
            return failures, _LOOK
        state = await asyncio.to_thread(store.state, hook.url)
        if state.off:
            return 0, _OFF
        now = self._clock()
        answered = await self._send(hook, *letter(hook, waiting, now))
        if answered.taken:
            numbers = [one.number for one in waiting]
            await asyncio.to_thread(store.taken, hook.url, numbers, self._clock())
            if failures:
                self._log.emit(Event.WEBHOOK_RESUMED, url=hook.url)
            return 0, 0.0
        if answered.gone:
            await asyncio.to_thread(store.switch, hook.url, self._clock())
            self._log.emit(Event.WEBHOOK_GONE, url=hook.url)
            return 0, _OFF
        return failures + 1, await self._failed(hook, failures + 1, answered)

    async def _failed(self, hook: Hook, failures: int, answered: Answered) -> float:
        now = self._clock()
        before = now - KEPT
        dropped = await asyncio.to_thread(self._store.failed, hook.url, now, answered.told, before)
        wait = pause(failures, answered, self._chance())
        self._log.emit(
            Event.WEBHOOK_FAILED,
            url=hook.url,
            problem=answered.told,
            failures=failures,
            again=round(wait),
        )
        if dropped:
            self._log.emit(Event.WEBHOOK_DROPPED, url=hook.url, count=dropped)
        return wait


def letter(hook: Hook, waiting: Sequence[Waiting], now: float) -> tuple[bytes, dict[str, str]]:
    """Give the body of a request and its fields."""
    events = ",".join(f'{{"id":"{one.number}",{one.body[1:]}' for one in waiting)
    body = f'{{"events":[{events}]}}'.encode()
    fields = {
        "content-type": "application/json",
        "user-agent": "Ulak",
        FIELD: sign(hook.secret, body, now),
    }
    return body, fields
