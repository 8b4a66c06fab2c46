"""The supervisor: makes the sockets, starts the workers, watches and replaces them.

It opens no database and serves nothing itself. A worker is a process of its own that is given its
settings and its sockets; it says when it is ready. A worker that ends unasked is started again,
after a wait that grows while it keeps failing. SIGTERM drains and stops; SIGHUP reads the
configuration again and, if it is right and another, replaces the workers one after the other; if
it is the same, they look at their certificates.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pickle
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ulak.app.sockets import ListenError, Place, listen, remove

_START = 30.0  # seconds for a worker to become ready
_LONGEST_WAIT = 30.0
_STEADY = 60.0  # seconds after which a worker's earlier failures are forgotten


class DataInUseError(Exception):
    """Another server works on the same data directory; the text says which."""


@dataclass(slots=True)
class _Child:
    """One worker: its process, the pipe that tells it that we live, its failures in a row.

    `tried` is set while no start is under way. Who wants another process sets `leaving`, so that
    the end of this one is no failure, and `wake`, so that nobody waits after one.
    """

    index: int
    process: asyncio.subprocess.Process | None = None
    alive: int = -1
    failures: int = 0
    ready: bool = False
    leaving: bool = False
    tried: asyncio.Event = field(default_factory=asyncio.Event)
    wake: asyncio.Event = field(default_factory=asyncio.Event)


def lock(data: Path) -> int:
    """Take the data directory for this server; give the file that holds the lock."""
    data.mkdir(parents=True, exist_ok=True)
    held = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        who = os.read(held, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(held)
        message = (
            f"Another server (process {who}) works on {data}; "
            "stop it, or give this one another directory with --data."
        )
        raise DataInUseError(message) from None
    os.ftruncate(held, 0)
    os.write(held, f"{os.getpid()}\n".encode())
    return held


def running(data: Path) -> bool:
    """Whether a server works on the data directory."""
    try:
        seen = os.open(data / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(seen, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(seen)
    return False


class Supervisor:
    """Runs `count` workers on `places`.

    `settings` is handed to every worker, pickled; `reload` gives new settings or None when the
    new configuration is wrong (and has said so); `say` tells a person, `note` the log.
    """

    def __init__(
        self,
        *,
        places: Sequence[Place],
        count: int,
        settings: object,
        reload: Callable[[], object | None],
        say: Callable[[Sequence[str]], None],
        note: Callable[[str, dict[str, object]], None],
        grace: float,
    ) -> None:
        self._places = places
        self._settings = settings
        self._reload = reload
        self._say = say
        self._note = note
        self._grace = grace
        self._children = [_Child(index) for index in range(count)]
        self._sockets: list[list[socket.socket]] = []  # by place, then by worker
        self._stop = asyncio.Event()
        self._hup = asyncio.Event()
        self._keepers: list[asyncio.Task[None]] = []

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT; give the exit code. Raises ListenError."""
        loop = asyncio.get_running_loop()
        for place in self._places:
            try:
                self._sockets.append(listen(place, len(self._children)))
            except ListenError:
                self._close_sockets()
                raise
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._hup.set)
        try:
            self._keepers = [loop.create_task(self._keep(child)) for child in self._children]
            await asyncio.gather(*(child.tried.wait() for child in self._children))
            if not all(child.ready for child in self._children):
                return 1
            self._say([self._where(sockets[0]) for sockets in self._sockets])
            await self._serve()
        finally:
            await self._end()
            self._close_sockets()
        return 0

    async def _serve(self) -> None:
        while not self._stop.is_set():
            waits = [
                asyncio.create_task(self._stop.wait()),
                asyncio.create_task(self._hup.wait()),
            ]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            if self._hup.is_set() and not self._stop.is_set():
                self._hup.clear()
                await self._replace()

    async def _replace(self) -> None:
        settings = self._reload()
        if settings is None:
            return
        if settings == self._settings:  # but a certificate may be new
            for child in self._children:
                if child.ready and child.process is not None:
                    with contextlib.suppress(ProcessLookupError):
                        child.process.send_signal(signal.SIGHUP)
                child.wake.set()
            self._note("reloaded", {"workers": 0})
            return
        self._settings = settings
        for child in self._children:
            await child.tried.wait()
            child.tried.clear()
            child.leaving = True
            child.wake.set()
            await self._finish(child)
            await child.tried.wait()
        self._note("reloaded", {"workers": len(self._children)})

    @staticmethod
    def _where(sock: socket.socket) -> str:
        name = sock.getsockname()
        if sock.family == socket.AF_UNIX:
            return str(Place("", 0, name))
        return str(Place(*name[:2]))

    async def _keep(self, child: _Child) -> None:
        """Keep one worker running: the only one who starts it."""
        loop = asyncio.get_running_loop()
        try:
            while not self._stop.is_set():
                child.leaving = False
                child.wake.clear()
                begun = loop.time()
                code: object
                try:
                    process = await self._start(child)
                except OSError as error:  # no more processes or descriptors: that can pass
                    code = error.strerror
                    child.tried.set()
                else:
                    if self._stop.is_set():
                        await self._finish(child)
                    code = await process.wait()
                    os.close(child.alive)
                child.ready = False
                if child.leaving or self._stop.is_set():
                    continue
                if loop.time() - begun > _STEADY:
                    child.failures = 0
                wait = min(0.1 * 2**child.failures, _LONGEST_WAIT)
                child.failures += 1
                self._note("worker-ended", {"worker": child.index, "code": code, "again_in": wait})
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(child.wake.wait(), wait)
        finally:
            child.tried.set()

    async def _start(self, child: _Child) -> asyncio.subprocess.Process:
        """Start a worker, and wait until it is ready, has ended, or took too long."""
        child.tried.clear()
        given, ours = os.pipe()
        told, tells = os.pipe()
        sockets = [place[child.index].fileno() for place in self._sockets]
        job = {
            "index": child.index,
            "count": len(self._children),
            "sockets": sockets,
            "tells": tells,
            "settings": self._settings,
        }
        try:
            process = child.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "ulak.app.worker",
                str(given),
                pass_fds=[given, tells, *sockets],
                start_new_session=False,
            )
        except OSError:
            os.close(ours)
            os.close(told)
            raise
        finally:
            os.close(given)
            os.close(tells)
        child.alive = ours
        loop = asyncio.get_running_loop()
        with contextlib.suppress(BrokenPipeError):  # it has ended already, as will be seen
            await loop.run_in_executor(None, _write_all, ours, pickle.dumps(job))
        self._note("worker-started", {"worker": child.index, "pid": process.pid})
        reader = asyncio.StreamReader()
        pipe, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(told, "rb")
        )
        ended = False
        with contextlib.suppress(TimeoutError):
            child.ready = bool(await asyncio.wait_for(reader.readline(), _START))
            ended = not child.ready
        pipe.close()
        # One that ended by itself has said why, and would say it again; one that was killed
        # would not.
        if not (ended and await process.wait() < 0):
            child.tried.set()
        return process

    async def _finish(self, child: _Child) -> None:
        process = child.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self._grace)
        except TimeoutError:
            self._note("worker-stalled", {"worker": child.index})
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _end(self) -> None:
        self._stop.set()
        for child in self._children:
            child.wake.set()
        await asyncio.gather(*(self._finish(child) for child in self._children))
        await asyncio.gather(*self._keepers)

    def _close_sockets(self) -> None:
        for sockets in self._sockets:
            remove(sockets[0])
            for sock in sockets:
                sock.close()
        self._sockets.clear()


def _write_all(pipe: int, data: bytes) -> None:
    while data:
        data = data[os.write(pipe, data) :]
