"""A disk that does what is worst about disks: when a sync fails, it forgets what it was to write.

A kernel that could not write a page may drop it, show it no more as dirty, and say of the next
sync that all is well ("fsyncgate"). Here the files that SQLite sees are the page cache, and a
second set of them is the disk: writes get there by a sync that succeeds, and are lost for it by
one that fails, while they can be read all the same. `after_power_cut` gives the second set.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

_BASE = "unix"
_NAME = "forgetful"


class Disk:
    """What is on the disk, below `place`; `failing` is asked at each sync whether it fails."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.failing: Callable[[], bool] = lambda: False
        self.syncs = 0
        self._waiting: dict[str, list[tuple[int, bytes | None]]] = {}
        place.mkdir()

    def write(self, name: str, offset: int, data: bytes | None) -> None:
        """Note a write; None for data cuts the file to `offset` octets."""
        self._waiting.setdefault(name, []).append((offset, data))

    def sync(self, name: str) -> None:
        self.syncs += 1
        waiting = self._waiting.pop(name, [])
        if self.failing():
            message = "the disk could not be written"
            raise apsw.IOError(message)
        path = self.place / name
        path.touch()
        with path.open("r+b") as file:
            for offset, data in waiting:
                if data is None:
                    file.truncate(offset)
                else:
                    file.seek(offset)
                    file.write(data)

    def delete(self, name: str) -> None:
        self._waiting.pop(name, None)
        (self.place / name).unlink(missing_ok=True)

    def after_power_cut(self, folder: Path) -> None:
        """Put what is on the disk into a new folder."""
        folder.parent.mkdir(exist_ok=True)
        shutil.copytree(self.place, folder)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: apsw.URIFilename | str | None, flags: list[int]) -> None:
        super().__init__(_BASE, name, flags)
        self._disk = disk
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._name = Path(path or "").name

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 -- SQLite's name
        super().xWrite(data, offset)
        self._disk.write(self._name, offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 -- SQLite's name
        super().xTruncate(newsize)
        self._disk.write(self._name, newsize, None)

    def xSync(self, flags: int) -> None:  # noqa: N802 -- SQLite's name
        super().xSync(flags)
        self._disk.sync(self._name)


class _Files(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self._disk = disk  # at once: the default may be asked as soon as it is one
        super().__init__(_NAME, _BASE, makedefault=True)

    def xOpen(  # noqa: N802 -- SQLite's name
        self, name: apsw.URIFilename | str | None, flags: list[int]
    ) -> apsw.VFSFile:
        return _File(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: FBT001, N802 -- SQLite's way
        super().xDelete(filename, syncdir)
        self._disk.delete(Path(filename).name)


# A connection that was given up (`distrust`) is closed by SQLite when its last statement is gone,
# which may be long after: what it opened its files by has to be there until then.
_KEPT: list[_Files] = []


@contextmanager
def forgetful(place: Path) -> Iterator[Disk]:
    """Have SQLite use such a disk for everything that is opened meanwhile."""
    disk = Disk(place)
    files = _Files(disk)
    _KEPT.append(files)
    try:
        yield disk
    finally:
        files.unregister()
