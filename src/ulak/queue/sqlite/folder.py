"""The folder of a store: who holds it, and the files of large bodies.

queue.sqlite   the queue, with its -wal and -shm while it is open
lock           locked by the process that writes; its pid is inside
bodies/        one file for each large body, named by its number
incoming/      what the server is spooling; nothing in here is ours yet
"""

from __future__ import annotations

import fcntl
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ulak.queue.store import StoreBusyError

_NAME = re.compile(r"[0-9a-f]{12,}")
_LONGEST_PID = 20  # digits


class Folder:
    """Where one store lies. Making one creates what is missing and locks it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / "queue.sqlite"
        self.bodies = path / "bodies"
        self.incoming = path / "incoming"
        for each in (self.bodies, self.incoming):
            _make(each)
        self._lock = _lock(path)

    def close(self) -> None:
        """Let another process have it."""
        os.close(self._lock)

    def free(self) -> int:
        """Octets that are free on its disk; as good as endless where that cannot be told."""
        try:
            disk = os.statvfs(self.path)
        except OSError:
            return sys.maxsize
        return disk.f_bavail * disk.f_frsize

    def body(self, seq: int) -> Path:
        """Where the body with this number lies when it lies in a file."""
        return body_path(self.bodies, seq)

    def take_over(self, seq: int, origin: Path) -> None:
        """Make a spooled file ours, durably, under its number; OSError leaves it where it was."""
        target = self.body(seq)
        _sync(origin)
        origin.rename(target)
        try:
            _sync(self.bodies)
        except OSError:
            self.give_back(seq, origin)
            raise

    def give_back(self, seq: int, origin: Path) -> None:
        """Undo a `take_over` whose message could not be kept."""
        with suppress(OSError):
            self.body(seq).rename(origin)

    def remove(self, seq: int) -> None:
        """Remove a body that nobody needs. What cannot be removed is swept at the next open."""
        with suppress(OSError):
            self.body(seq).unlink()

    def sweep(self, wanted: Callable[[int], bool]) -> None:
        """Remove what a crash left: spooled files, and bodies without a message."""
        for entry in os.scandir(self.incoming):
            if entry.is_file(follow_symlinks=False):
                Path(entry.path).unlink(missing_ok=True)
        for entry in os.scandir(self.bodies):
            if _NAME.fullmatch(entry.name) and not wanted(int(entry.name, 16)):
                Path(entry.path).unlink(missing_ok=True)


def body_path(bodies: Path, seq: int) -> Path:
    """Where among the bodies the one with this number lies."""
    return bodies / f"{seq:012x}"


def _make(path: Path) -> None:
    """Make a folder for our eyes only, durably, with what is above it."""
    if path.is_dir():
        return
    if not path.parent.is_dir():
        _make(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    _sync(path.parent)


def _sync(path: Path) -> None:
    """Bring a file or a folder's names to the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _lock(path: Path) -> int:
    # flock and not lockf: closing some other handle of the file must not let go of it.
    handle = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        digits = os.pread(handle, _LONGEST_PID, 0).strip()
        os.close(handle)
        pid = int(digits) if digits.isdigit() else None
        raise StoreBusyError(str(path), pid) from None
    except BaseException:
        os.close(handle)
        raise
    os.truncate(handle, 0)
    os.pwrite(handle, b"%d\n" % os.getpid(), 0)
    return handle
