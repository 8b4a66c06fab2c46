"""A whole server as people run it: `ulak serve` in processes of its own, and a sink beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from ulak.lab.mx import Behaviour, ScriptedServer, Taken

from .buckets import BucketServer
from .postgresql import PostgresServer

# How long an example takes says how busy the machine is. What CI chooses beside that stays.
settings.register_profile("ulak", settings(), deadline=None)
settings.load_profile("ulak")


_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")  # of connections that are made
_CHANCE = random.SystemRandom()  # another one in each process


def free_port() -> int:
    """Give a port for a server that comes later, which no connection is given meanwhile."""
    first = int(_PORTS.read_text().split()[0]) if _PORTS.exists() else 0
    while True:
        port = _CHANCE.randrange(10_000, first) if first > 20_000 else 0
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)) as sock:
            return int(sock.getsockname()[1])


class Served:
    """`ulak serve` on a configuration; `more` is TOML to add to it."""

    def __init__(
        self,
        folder: Path,
        more: str = "",
        *,
        workers: int = 1,
        data: str = "",
        tls: str = "",
        hostname: str = "mx.example.org",
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.folder = folder
        self.hostname = hostname
        self.host = host
        self.port = port or free_port()
        self.data = Path(data) if data else folder / "data"
        self.config = folder / "ulak.toml"
        self.more = more
        self.tls = tls
        self.workers = workers
        self.process: subprocess.Popen[bytes] | None = None
        self.wrapper: list[str] = []
        self.environment: dict[str, str] = {}  # beside that of the tests

    def write(self) -> None:
        self.config.write_text(
            f'hostname = "{self.hostname}"\ndata = "{self.data}"\nworkers = {self.workers}\n'
            f'[[listener]]\naddress = "{self.host}:{self.port}"\nkind = "mx"\n'
            f"{self.tls}\n{self.more}\n"
        )

    def start(self) -> float:
        """Start and wait for the greeting; give the seconds that took."""
        begun = time.monotonic()
        self.begin()
        self.greets(begun + 30)
        return time.monotonic() - begun

    def begin(self) -> None:
        """Start without waiting."""
        self.write()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, sys.executable, "-m", "ulak", "serve", "--config", self.config],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, **self.environment},
            )

    def greets(self, end: float) -> None:
        """Wait for the greeting until `end`, a time of the monotonic clock."""
        assert self.process is not None
        while time.monotonic() < end:
            if self.process.poll() is not None:
                pytest.fail(f"the server ended at once:\n{self.log()[-4000:]}")
            with contextlib.suppress(OSError), self.connect() as sock:
                if sock.recv(100)[:3] in (b"220", b"421"):
                    sock.sendall(b"QUIT\r\n")
                    return
            time.sleep(0.02)
        pytest.fail(f"nobody greets on port {self.port}:\n{self.log()[-4000:]}")

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), 5)

    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")

    def kill(self) -> None:
        """SIGKILL everything at once."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM the supervisor; give its exit code."""
        if self.process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def workers_of(self) -> list[int]:
        """Give the processes of the workers."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def ulak(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run another command on the same configuration; it reads what is `given`."""
        return subprocess.run(
            [sys.executable, "-m", "ulak", *words, "--config", str(self.config)],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, **self.environment},
        )


class Sink:
    """A scripted server in a thread."""

    def __init__(self, *behaviours: Behaviour, host: str = "127.0.0.1", port: int = 0) -> None:
        self.server = ScriptedServer(*behaviours, host=host, port=port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result(10)

    @property
    def messages(self) -> list[Taken]:
        return self.server.messages

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


_SERVERS = pytest.StashKey[list[Served]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the logs of the servers of a test that fails: it may not fail again."""
    report = yield
    if report.failed:
        for server in item.stash.get(_SERVERS, []):
            with contextlib.suppress(OSError):
                report.sections.append((f"Log of {server.folder.name}", server.log()[-6000:]))
    return report


@pytest.fixture
def served(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Served]]:
    """Make servers that end with the test."""
    made: list[Served] = []
    request.node.stash[_SERVERS] = made

    def make(more: str = "", **how: object) -> Served:
        folder = tmp_path / f"server-{len(made)}"
        folder.mkdir()
        server = Served(folder, more, **how)  # type: ignore[arg-type]  # fields by their names
        made.append(server)
        return server

    yield make
    for server in made:
        if server.process is not None and server.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()


@pytest.fixture
def sink() -> Iterator[Callable[..., Sink]]:
    """Make sinks that end with the test."""
    made: list[Sink] = []

    def make(*behaviours: Behaviour, **how: object) -> Sink:
        made.append(Sink(*behaviours, **how))  # type: ignore[arg-type]  # fields by their names
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[BucketServer]:
    """Give a server with a bucket for all tests."""
    server = BucketServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def database() -> Iterator[PostgresServer]:
    """Give the PostgreSQL server of this process; nobody may stop it."""
    server = PostgresServer()
    yield server
    server.stop()
