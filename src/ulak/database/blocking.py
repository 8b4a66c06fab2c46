"""A connection to PostgreSQL for threads that may wait, which never wait for long.

The first who meets a database that is away waits some seconds; from then on all are told at once,
until it is found to be back, which is looked for beside them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ulak.database.connecting import Connection
from ulak.database.line import AwayError, Line

T = TypeVar("T")

_PROBE = 1.0  # seconds between two looks whether it is back


def _nothing(_problem: str | None) -> None:
    """Tell nobody."""


class Blocking:
    """Does steps on a line, in an event loop of its own that has a thread of its own.

    `told` hears what is wrong when the database is away, and None when it is back, in that thread.
    """

    def __init__(self, url: str, name: str, told: Callable[[str | None], None] = _nothing) -> None:
        self._line = Line(url, name)
        self._told = told
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._away = ""
        self._probing: asyncio.Task[None] | None = None

    def do(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        """Do a step. Raises AwayError: it may have been done all the same."""
        if self._away:
            raise AwayError(self._away)
        return asyncio.run_coroutine_threadsafe(self._do(step), self._running()).result()

    def close(self) -> None:
        """Let go of the connection, once nobody uses it."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._end(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="database", daemon=True
                )
                self._thread.start()
            return self._loop

    async def _do(self, step: Callable[[Connection], Awaitable[T]]) -> T:
        if self._away:  # somebody who was before us has found that out
            raise AwayError(self._away)
        try:
            return await self._line.do(step)
        except AwayError as error:
            if not self._away:
                self._away = error.problem or "it is away"
                self._told(self._away)
                self._probing = asyncio.get_running_loop().create_task(self._until_back())
            raise

    async def _until_back(self) -> None:
        while True:
            await asyncio.sleep(_PROBE)
            try:
                await self._line.do(lambda connection: connection.execute("SELECT 1 FROM store"))
            except AwayError:
                continue
            self._away = ""
            self._told(None)
            return

    async def _end(self) -> None:
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.gather(self._probing, return_exceptions=True)
        await self._line.close()
