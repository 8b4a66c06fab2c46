"""What was acknowledged is there, whatever happens: kills, power cuts, bad and full disks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import apsw
import pytest

from ulak.queue.item import Message
from ulak.queue.sqlite import SqliteStore, open_reader
from ulak.queue.store import StorageFullError

from . import child, disks
from .driver import ALL, Driver, done, message

pytestmark = pytest.mark.slow

_CHILD = Path(child.__file__)


@dataclass
class Told:
    """What children told: what must be there, what must not, and what may."""

    put: set[str] = field(default_factory=set)
    tried: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    ended: bool = False

    def hear(self, log: Path) -> None:
        # The last line may be cut short only if the write was: it is one call, so it is not.
        for line in log.read_text().split("\n"):
            match line.split():
                case ["put", identifier]:
                    self.put.add(identifier)
                case ["try", identifier]:
                    self.tried.add(identifier)
                case ["done", identifier]:
                    self.done.add(identifier)
                case [("fail" | "full"), identifier]:
                    self.failed.add(identifier)
                case ["end"]:
                    self.ended = True


class Writer:
    """One child and what it says."""

    def __init__(
        self, folder: Path, log: Path, *options: str, under: Sequence[str | Path] = ()
    ) -> None:
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [*under, sys.executable, _CHILD, folder, *options], stdout=output
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.kill()

    def _lines(self, word: bytes) -> int:
        return self._log.read_bytes().count(b"\n" + word + b" ")

    def wait_for(self, puts: int) -> None:
        """Let it put so many messages."""
        while self._lines(b"put") < puts:
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            time.sleep(0.005)

    @property
    def pid(self) -> int:
        """The child's own, also under another program."""
        return int(self._log.read_text().split()[1])

    def _states(self) -> set[str]:
        """In which states its threads are, as one letter each."""
        states = set()
        for status in Path(f"/proc/{self.pid}/task").glob("*/stat"):
            with suppress(OSError):  # that thread is gone
                states.add(status.read_text().rpartition(") ")[2][0])
        return states

    def stop(self) -> None:
        """Freeze it, all threads, before returning."""
        # Who is traced stops at its next system call when its tracer does not answer.
        os.kill(self._process.pid, signal.SIGSTOP)
        still = {"T"} if self._process.pid == self.pid else {"T", "t", "S"}
        while not self._states() <= still:
            time.sleep(0.001)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        while not self._states() <= {"Z", "X"}:
            time.sleep(0.001)

    def join(self) -> None:
        assert self._process.wait(60) == 0


def _check(folder: Path, told: Told) -> None:
    """Open the queue as the next server would, and look for all that was acknowledged."""
    queue = Driver("sqlite", folder.parent)
    try:
        there = set(queue.ids())
        bodies = {each: queue.read(each) for each in there}
        assert {lease.message.id for lease in queue.lease(time.time() + 1, 1_000_000)} == there
    finally:
        queue.close()
    assert told.put - told.tried - there == set(), "acknowledged and lost"
    assert told.done & there == set(), "settled and back"
    for identifier, found in bodies.items():
        assert found is not None
        assert _octets(found) == child.octets(identifier)
    files = {path.name for path in (folder / "bodies").iterdir()}
    assert files == {m.body.path.name for m in bodies.values() if m and m.body.path}
    assert list((folder / "incoming").iterdir()) == []
    database = apsw.Connection(str(folder / "queue.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    assert database.pragma("integrity_check") == "ok"
    database.close()


def _octets(message: Message) -> bytes:
    body = message.body
    return body.path.read_bytes() if body.path is not None else body.data or b""


def test_a_killed_writer_loses_nothing(tmp_path: Path) -> None:
    told = Told()
    for run in range(12):
        log = tmp_path / f"log.{run}"
        with Writer(tmp_path / "queue", log, "--run", f"r{run}") as writer:
            writer.wait_for(20 + 37 * run)
            writer.kill()
        told.hear(log)
        _check(tmp_path / "queue", told)
    assert len(told.put) > 2_000


@pytest.fixture
def disk() -> Iterator[disks.Disk]:
    missing = disks.lacks("mount", "umount", "mkfs.ext4", "cp", root=True)
    if missing:
        pytest.skip(missing)
    with disks.breakable() as disk:
        yield disk


def test_a_power_cut_loses_nothing(disk: disks.Disk, tmp_path: Path) -> None:
    told, folder = Told(), disk.mount / "queue"
    for run in range(8):
        log = tmp_path / f"log.{run}"
        with Writer(folder, log, "--run", f"r{run}") as writer:
            writer.wait_for(20 + 101 * run)
            writer.stop()
            disk.cut()
            writer.kill()
        disk.restore()
        told.hear(log)
        _check(folder, told)
    assert len(told.put) > 1_000


def _strace(faults: str) -> list[str]:
    """Run a program so that some of its syncs fail."""
    return [
        *("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"),
        *("-e", f"inject=fsync,fdatasync:error=EIO:{faults}"),
    ]


@pytest.fixture
def may_trace() -> None:
    missing = disks.lacks("strace")
    if not missing and subprocess.run([*_strace("when=1"), "true"], check=False).returncode:
        missing = "this machine lets nobody trace a process"
    if missing:
        pytest.skip(missing)


@pytest.mark.usefixtures("may_trace")
def test_what_was_answered_after_failing_syncs_is_true(tmp_path: Path) -> None:
    told, log = Told(), tmp_path / "log"
    # From the 40th on every 7th fails, so that some fail while it comes back from one, too.
    with Writer(
        tmp_path / "queue", log, "--messages", "1500", under=_strace("when=40+7")
    ) as writer:
        writer.join()
    told.hear(log)
    assert told.ended
    assert len(told.failed) > 50
    assert len(told.put) > 100
    _check(tmp_path / "queue", told)
    with open_reader(tmp_path / "queue") as reader:
        there = {row.id for row in reader.list(ALL)}
    # Who is refused last may be there: nothing has succeeded since, so the store may not know.
    lines = log.read_text().split("\n")
    last = max(n for n, line in enumerate(lines) if line.startswith(("put ", "done ")))
    refused = {line.split()[1] for line in lines[:last] if line.startswith("fail ")}
    assert (refused - told.tried) & there == set(), "refused, and kept all the same"


@pytest.mark.usefixtures("may_trace")
def test_failing_syncs_and_then_a_power_cut_lose_nothing(disk: disks.Disk, tmp_path: Path) -> None:
    """A disk that forgets what it failed to write is in `test_forgetful`: this kernel does not."""
    told, folder = Told(), disk.mount / "queue"
    for run in range(4):
        log = tmp_path / f"log.{run}"
        faults = _strace(f"when={30 + run}+{7 + 2 * run}")
        with Writer(folder, log, "--run", f"r{run}", under=faults) as writer:
            writer.wait_for(60 + 71 * run)
            writer.stop()
            disk.cut()
            writer.kill()
        disk.restore()
        told.hear(log)
        _check(folder, told)
    assert len(told.failed) > 50


@pytest.fixture
def small_disk() -> Iterator[Path]:
    missing = disks.lacks("mount", "umount", root=True)
    if missing:
        pytest.skip(missing)
    with disks.small(32_000_000) as disk:
        yield disk


def test_a_queue_that_fills_its_disk_refuses_and_goes_on_with_what_it_has(
    small_disk: Path, tmp_path: Path
) -> None:
    told, log = Told(), tmp_path / "log"
    folder = small_disk / "queue"
    with Writer(folder, log, "--messages", "12000") as writer:
        writer.join()
    told.hear(log)
    assert told.ended
    assert len(told.put) > 2_000
    assert len(told.failed) > 2_000
    assert told.tried == told.done  # what makes room is never refused
    _check(folder, told)
    queue = Driver("sqlite", small_disk)
    for lease in queue.lease(time.time() + 1, 100_000):
        queue.settle(lease, *done(lease))
    end = time.monotonic() + 20
    while True:  # room is given back when nobody waits for anything else
        with suppress(StorageFullError):
            queue.put(message("m1"))
            break
        assert time.monotonic() < end
        time.sleep(0.05)
    queue.close()
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 16_000_000


def test_a_disk_that_others_fill_refuses_and_loses_nothing(small_disk: Path) -> None:
    queue = Driver("sqlite", small_disk)
    lease = queue.put(message("m1"), lease=True)
    assert lease is not None
    queue.put(message("m2"))
    filler = small_disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1_000))
    for number in range(20):
        with pytest.raises(StorageFullError):
            queue.put(message(f"n{number}"))
    # A report is tried at least, and for so long as there is room in what the queue has.
    with pytest.raises(StorageFullError):
        queue.put(message("m3", octets=bytes(100_000)), settle=(lease, done(lease)))
    assert queue.ids() == ["m1", "m2"]
    filler.unlink()
    queue.put(message("m3"), settle=(lease, done(lease)))
    queue.reopen()
    assert queue.ids() == ["m2", "m3"]
    queue.close()


def test_a_queue_on_a_full_disk_says_so_when_it_is_opened(small_disk: Path) -> None:
    queue = Driver("sqlite", small_disk)
    queue.put(message("m1"))
    queue.close()
    filler = small_disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1_000))
    with pytest.raises(StorageFullError, match="disk is full"):
        SqliteStore(small_disk / "queue")
    filler.unlink()
    queue = Driver("sqlite", small_disk)
    assert queue.ids() == ["m1"]
    queue.close()
