"""A disk that forgets what it failed to sync: what was answered is true all the same."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ulak.queue.item import Body, Lease
from ulak.queue.store import StorageError

from .driver import Driver, done, message
from .forgetful import Disk, forgetful


def _found(folder: Path) -> set[str]:
    """What the next server finds, on a disk that works."""
    queue = Driver("sqlite", folder)
    try:
        return _whole(queue)
    finally:
        queue.close()


def _whole(queue: Driver) -> set[str]:
    """What there is, each with its body."""
    found = set(queue.ids())
    for identifier in found:
        mail = queue.read(identifier)
        assert mail is not None
        assert mail.body.path is None or mail.body.path.read_bytes() == b"x"
    return found


def _copy(bodies: Path, later: Path) -> None:
    """Copy files, of which the store may just be deleting some that nobody asks for any more."""
    later.mkdir()
    for path in bodies.iterdir():
        with suppress(FileNotFoundError):
            shutil.copyfile(path, later / path.name)


def test_a_failed_sync_is_answered_and_come_back_from(tmp_path: Path) -> None:
    with forgetful(tmp_path / "on-disk") as disk:
        queue = Driver("sqlite", tmp_path)
        queue.put(message("m1"))
        fails = iter([True])
        disk.failing = lambda: next(fails, False)
        with pytest.raises(StorageError):
            queue.put(message("m2"))
        queue.put(message("m3"))
        assert queue.ids() == ["m1", "m3"]
        disk.after_power_cut(tmp_path / "later" / "queue")
        queue.close()
    assert _found(tmp_path / "later") == {"m1", "m3"}


def test_as_long_as_syncs_fail_every_verb_fails(tmp_path: Path) -> None:
    with forgetful(tmp_path / "on-disk") as disk:
        queue = Driver("sqlite", tmp_path)
        lease = queue.put(message("m1"), lease=True)
        assert lease is not None
        disk.failing = lambda: True
        for _ in range(3):
            with pytest.raises(StorageError):
                queue.put(message("m2"))
            with pytest.raises(StorageError):
                queue.settle(lease, *done(lease))
            with pytest.raises(StorageError):
                queue.lease(1000.0)
            with pytest.raises(StorageError):
                queue.list()
            with pytest.raises(StorageError):
                queue.count()
        disk.failing = lambda: False
        assert queue.ids() == ["m1"]  # the first to ask brings it back, also who only looks
        assert queue.lease(1000.0, avoid=["x.example"]) == []
        assert queue.next_due(["x.example"]) is None
        queue.settle(lease, *done(lease))
        assert queue.ids() == []
        queue.close()


steps = st.lists(
    st.one_of(
        st.sampled_from(["put", "put", "put", "settle", "lease", "restart"]),
        st.integers(1, 6).map(lambda number: f"fail {number}"),
        st.integers(1, 6).map(lambda number: f"fail in {number}"),
    ),
    max_size=25,
)


class _History:
    """A store on a forgetful disk, and what it has said."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self.plan: list[bool] = []  # whether each of the next syncs fails
        disk.failing = lambda: self.plan.pop(0) if self.plan else False
        self.folder = folder
        self.queue = Driver("sqlite", folder)
        self.leases: list[Lease] = []
        self.kept: set[str] = set()  # what the store said it has
        self.unclear: set[str] = set()  # what a power cut may decide either way
        self.number = 0

    def step(self, name: str) -> None:
        self.number += 1
        match name.split():
            case ["put"]:
                self.put(f"m{self.number}")
            case ["settle"] if self.leases:
                self.settle(self.leases.pop())
            case ["lease"]:
                with suppress(StorageError):
                    self.leases += self.queue.lease(1000.0, 1)
            case ["restart"]:
                self.restart()
            case ["fail", number]:
                self.plan[:0] = [True] * int(number)
            case ["fail", "in", number]:
                self.plan[:0] = [False] * int(number) + [True]

    def put(self, identifier: str) -> None:
        mail = message(identifier)
        if self.number % 3 == 0:
            path = self.folder / "queue" / "incoming" / identifier
            path.write_bytes(b"x")
            mail = replace(mail, body=Body(1, path=path))
        try:
            lease = self.queue.put(mail, lease=self.number % 2 == 0)
        except StorageError:
            self.unclear.add(identifier)
        else:
            self.kept.add(identifier)
            self.leases += [lease] if lease else []

    def settle(self, lease: Lease) -> None:
        try:
            self.queue.settle(lease, *done(lease))
        except StorageError:
            self.unclear.add(lease.message.id)
        else:
            self.kept.remove(lease.message.id)

    def restart(self) -> None:
        """End the process and start it again; the page cache stays."""
        self.leases.clear()
        self.queue.run(self.queue.store.close())
        try:
            self.queue.open()
        except StorageError:
            self.plan.clear()
            self.queue.open()
        there = _whole(self.queue)
        self.is_true_of(there)
        self.kept, self.unclear = there, set()

    def is_true_of(self, there: set[str]) -> None:
        assert self.kept - self.unclear <= there <= self.kept | self.unclear


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(steps=steps)
def test_whenever_syncs_fail_and_the_power_goes_what_was_answered_is_true(
    steps: list[str],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with forgetful(folder / "on-disk") as disk:
            history = _History(folder, disk)
            for step in steps:
                history.step(step)
            disk.after_power_cut(folder / "later" / "queue")
            _copy(folder / "queue" / "bodies", folder / "later" / "queue" / "bodies")
            history.plan.clear()
            # A store that came back knows: nothing of what it refused has happened.
            assert set(history.queue.ids()) == history.kept
            history.queue.close()
        history.is_true_of(_found(folder / "later"))
