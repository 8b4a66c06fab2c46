"""A server that plays behaviours, one for each connection."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import Counter
from types import TracebackType
from typing import Self

from ulak.lab.mx.behaviour import Behaviour, Heard, Taken
from ulak.lab.mx.session import ClosedError, Session

_TURNS = 5  # of the loop, until a connection that was let in is served


class ScriptedServer:
    """A server that plays a behaviour: the first connection the first one, the last one for ever.

    It listens on a free loopback port, or on the unix socket `path`.
    """

    def __init__(
        self, *behaviours: Behaviour, path: str = "", host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.behaviours = list(behaviours) or [Behaviour()]
        self.host, self.port, self.path = host, port, path
        self.sessions: list[Heard] = []
        self.done: Counter[str] = Counter()  # how often each act with `times` was due
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listen; give the port."""
        if self.path:
            self._server = await asyncio.start_unix_server(self._serve, self.path)
            return 0
        first = self.behaviours[0]
        context = first.tls if first.implicit else None
        self._server = await asyncio.start_server(self._serve, self.host, self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def stop(self) -> None:
        """Listen no more and close what is open."""
        if self._server is not None:
            self._server.close()
        # Who was let in a moment ago has no task yet, and what was aborted is closed later.
        for _ in range(_TURNS):
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def messages(self) -> list[Taken]:
        """What was taken, over all sessions."""
        return [taken for session in self.sessions for taken in session.taken]

    @property
    def commands(self) -> list[str]:
        """What was commanded, over all sessions."""
        return [command for session in self.sessions for command in session.commands]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- a coroutine runs in a task
        self._tasks.add(task)
        turn = min(len(self.sessions), len(self.behaviours) - 1)
        session = Session(self.done, self.behaviours[turn], reader, writer)
        self.sessions.append(session.heard)
        try:
            with contextlib.suppress(OSError, ssl.SSLError, ClosedError):
                await session.run()
        except asyncio.CancelledError:
            session.rude = True  # whoever stops does not wait until a peer has closed its TLS too
        finally:
            self._tasks.discard(task)
            writer.transport.abort() if session.rude else writer.close()
