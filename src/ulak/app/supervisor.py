"""The supervisor: makes the sockets, starts the processes, watches and replaces them.

It opens no database and serves nothing itself. What is started is a row, a `Role`: workers, and the
web. Each process is given its settings and its sockets; it says when it is ready. One that ends
unasked is started again, after a wait that grows while it keeps failing. SIGTERM closes the
sockets, so that who comes is refused and goes elsewhere at once, drains and stops, whatever else is
under way; SIGHUP reads the configuration again and, if it is right and another, replaces the
processes one after the other; if it is the same, they look at their certificates.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ulak.app.child import Job
from ulak.app.sockets import ListenError, Place, listen, remove
from ulak.log import Event

_START = 30.0  # seconds for a process to become ready
_LONGEST_WAIT = 30.0
_STEADY = 60.0  # seconds after which a process's earlier failures are forgotten


class DataInUseError(Exception):
    """Another server works on the same data directory; the text says which."""


@dataclass(frozen=True, slots=True)
class Role:
    """One kind of process: `count` of them share `places`, and `python -m module` runs each.

    One that is not `needed` may fail: the server begins without it, and goes on trying. `started`,
    `ended` and `stalled` are what is noted of a process, with its number under `name`.
    """

    name: str
    module: str
    count: int
    places: tuple[Place, ...]
    started: Event
    ended: Event
    stalled: Event
    needed: bool = True


@dataclass(slots=True)
class _Child:
    """One process, the pipe that tells it that we live, its failures in a row.

    `tried` is set while no start is under way. Who wants another process sets `leaving`, so that
    the end of this one is no failure, and `wake`, so that nobody waits after one.
    """

    role: Role
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
    """Runs the processes of all roles.

    `settings` is handed to every process, pickled; `reload` gives new settings or None when the
    new configuration is wrong (and has said so); `say` tells a person where each role listens,
    `note` tells the log. In the roles that are `shut` nobody is let in at first.
    """

    def __init__(
        self,
        *,
        roles: Sequence[Role],
        settings: object,
        reload: Callable[[], object | None],
        say: Callable[[Mapping[str, Sequence[str]]], None],
        note: Callable[[Event, Mapping[str, object]], None],
        grace: float,
        shut: Collection[str] = (),
    ) -> None:
        self._roles = roles
        self._settings = settings
        self._reload = reload
        self._say = say
        self._note = note
        self._grace = grace
        self._shut = shut
        self._children = [_Child(role, index) for role in roles for index in range(role.count)]
        # Of each role: by place, then by process.
        self._sockets: dict[str, list[list[socket.socket]]] = {role.name: [] for role in roles}
        self._stop = asyncio.Event()
        self._hup = asyncio.Event()
        self._keepers: list[asyncio.Task[None]] = []

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT; give the exit code. Raises ListenError."""
        loop = asyncio.get_running_loop()
        for role in self._roles:
            for place in role.places:
                try:
                    self._sockets[role.name].append(
                        listen(place, role.count, shut=role.name in self._shut)
                    )
                except ListenError:
                    self._close_sockets()
                    raise
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._hup.set)
        try:
            self._keepers = [loop.create_task(self._keep(child)) for child in self._children]
            needed = [child for child in self._children if child.role.needed]
            await self._unless_stopped(self._all_tried(needed))
            if self._stop.is_set():
                return 0
            if not all(child.ready for child in needed):
                return 1
            self._say(
                {
                    name: [self._where(shared[0]) for shared in places]
                    for name, places in self._sockets.items()
                }
            )
            await self._serve()
        finally:
            self._stop.set()
            # A connection that waits here for a worker would wait until the last one has ended.
            self._close_sockets()
            await self._end()
        return 0

    async def _all_tried(self, children: Iterable[_Child]) -> None:
        for child in children:
            await child.tried.wait()

    async def _unless_stopped(self, work: Coroutine[object, object, None]) -> None:
        """Wait for something; where the server is to stop, give it up."""
        task, stop = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not task.done():
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _serve(self) -> None:
        while not self._stop.is_set():
            await self._unless_stopped(self._heed())

    async def _heed(self) -> None:
        await self._hup.wait()
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
            self._note(Event.RELOADED, {"replaced": 0})
            return
        self._settings = settings
        for child in self._children:
            await child.tried.wait()
            child.tried.clear()
            child.leaving = True
            child.wake.set()
            await self._finish(child)
            await child.tried.wait()
        self._note(Event.RELOADED, {"replaced": len(self._children)})

    @staticmethod
    def _where(sock: socket.socket) -> str:
        name = sock.getsockname()
        if sock.family == socket.AF_UNIX:
            return str(Place("", 0, name))
        return str(Place(*name[:2]))

    async def _keep(self, child: _Child) -> None:
        """Keep one process running: the only one who starts it."""
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
                facts = {child.role.name: child.index, "code": code, "again_in": wait}
                self._note(child.role.ended, facts)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(child.wake.wait(), wait)
        finally:
            child.tried.set()

    async def _start(self, child: _Child) -> asyncio.subprocess.Process:
        """Start a process, and wait until it is ready, has ended, or took too long."""
        child.tried.clear()
        role = child.role
        given, ours = os.pipe()
        told, tells = os.pipe()
        sockets = tuple(place[child.index].fileno() for place in self._sockets[role.name])
        job = Job(child.index, role.count, sockets, self._settings, tells)
        try:
            process = child.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                role.module,
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
            await loop.run_in_executor(None, _write_all, ours, job.pickled())
        self._note(role.started, {role.name: child.index, "pid": process.pid})
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
            self._note(child.role.stalled, {child.role.name: child.index})
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _end(self) -> None:
        for child in self._children:
            child.wake.set()
        await asyncio.gather(*(self._finish(child) for child in self._children))
        await asyncio.gather(*self._keepers)

    def _close_sockets(self) -> None:
        for places in self._sockets.values():
            for shared in places:
                remove(shared[0])
                for sock in shared:
                    sock.close()
            places.clear()


def _write_all(pipe: int, data: bytes) -> None:
    while data:
        data = data[os.write(pipe, data) :]
