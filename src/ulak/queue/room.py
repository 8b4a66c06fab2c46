"""Whether the disk of the queue takes some more mail."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

_LOOK = 1.0  # seconds that one look is good for
_LEAST_FILES = 100  # inodes to keep free


class Room:
    """Says whether a folder's file system has room for a message, keeping `reserve` octets free.

    The reserve is what the queue needs to go on when nothing is accepted any more: a delivery is
    noted by writing, too. `clock` may be any that goes forward, in seconds. A file system that
    cannot be asked has no room.
    """

    def __init__(self, folder: Path, reserve: int, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._reserve = reserve
        self._clock = clock
        self._looked = float("-inf")
        self._free = 0

    def __call__(self, size: int) -> bool:
        """Whether a message of so many octets may come."""
        now = self._clock()
        if not 0 <= now - self._looked < _LOOK:
            self._looked = now
            self._free = self._look()
        if size > self._free:
            return False
        self._free -= size  # what was promised since the last look is not on the disk yet
        return True

    def _look(self) -> int:
        """Octets that may be used; below zero when the reserve is touched."""
        try:
            disk = os.statvfs(self._folder)
        except OSError:
            return -1
        # A file system that makes its inodes as it needs them says that it has none at all.
        if disk.f_files and disk.f_favail < _LEAST_FILES:
            return -1
        return disk.f_bavail * disk.f_frsize - self._reserve
