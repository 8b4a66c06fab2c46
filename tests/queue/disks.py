"""Disks that fail when they are told to: a small one, and one whose power can be cut.

Both need root; `lacks` says in words what this machine lacks.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# linux/fs/ext4/ext4.h: _IOR('X', 125, __u32); the file system goes away as it is on the disk,
# without writing its journal out.
_SHUTDOWN = 0x8004587D
_NOLOGFLUSH = 2


def lacks(*programs: str, root: bool = False) -> str:
    """Say what is missing here; empty where nothing is."""
    if root and os.geteuid() != 0:
        return "only root may mount file systems"
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    if "mkfs.ext4" in programs and not Path("/dev/loop-control").exists():
        return "this machine has no loop devices"
    return ""


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def _place() -> Iterator[Path]:
    """Give a folder to mount in: not below pytest's own, which others sweep while we use it."""
    with tempfile.TemporaryDirectory(prefix="ulak-disk-") as folder:
        place = Path(folder)
        mount = place / "mount"
        mount.mkdir()
        try:
            yield place
        finally:
            while mount.is_mount():
                _run("umount", "--lazy", mount)


@contextmanager
def small(octets: int) -> Iterator[Path]:
    """Give a folder on a disk of its own that has only so much room."""
    with _place() as place:
        _run("mount", "-t", "tmpfs", "-o", f"size={octets}", "tmpfs", place / "mount")
        yield place / "mount"


@contextmanager
def breakable(octets: int = 256_000_000) -> Iterator[Disk]:
    """Give an ext4 file system of its own whose power can be cut."""
    with _place() as place:
        yield Disk(place, octets)


class Disk:
    """An ext4 file system in a file, on a loop device."""

    def __init__(self, place: Path, octets: int) -> None:
        self.mount = place / "mount"
        self._image = place / "disk.img"
        self._cuts = 0
        with self._image.open("wb") as image:
            image.truncate(octets)
        _run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0", self._image)
        self._mount()

    def _mount(self) -> None:
        _run("mount", "-o", "loop", self._image, self.mount)

    def cut(self) -> None:
        """Cut its power: what is not on the disk is gone. Stop (SIGSTOP) who writes before."""
        handle = os.open(self.mount, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, _SHUTDOWN, struct.pack("I", _NOLOGFLUSH))
        finally:
            os.close(handle)

    def restore(self) -> None:
        """Give it power again; its last users have to be gone."""
        _run("umount", self.mount)
        # A copy, for whatever else on this machine may still hold the one that was cut.
        self._cuts += 1
        fresh = self._image.with_suffix(f".{self._cuts}")
        _run("cp", "--sparse=always", self._image, fresh)
        self._image.unlink()
        self._image = fresh
        self._mount()
