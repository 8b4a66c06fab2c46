"""Whether there is room is asked of the file system itself."""

from __future__ import annotations

import os
from pathlib import Path

from ulak.queue.room import Room


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def _free(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def test_a_message_has_room_as_long_as_the_reserve_is_kept(tmp_path: Path) -> None:
    free, slack = _free(tmp_path), 500_000_000  # others write to this disk, too
    room = Room(tmp_path, free // 2, Clock())
    assert room(0)
    assert room(free // 2 - slack)
    assert not room(free // 2 + slack)


def test_nothing_has_room_where_the_reserve_is_touched(tmp_path: Path) -> None:
    assert not Room(tmp_path, 2 * _free(tmp_path), Clock())(0)


def test_a_look_at_the_disk_is_good_for_a_second(tmp_path: Path) -> None:
    clock, folder = Clock(), tmp_path / "queue"
    room = Room(folder, 0, clock)
    assert not room(1)  # there is no such folder, so no room in it
    folder.mkdir()
    clock.now += 0.5
    assert not room(1)
    clock.now += 0.5
    assert room(1)
    folder.rmdir()
    assert room(1)
    clock.now -= 50.0  # a clock that was set back does not keep an old look alive
    assert not room(1)
