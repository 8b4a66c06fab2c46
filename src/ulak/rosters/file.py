"""A roster that is a file, read anew when it has changed; millions of lines are fine.

The octets of the file are kept as they are, with a hash table of where lines begin: for a million
lines of 25 octets about 45 MB in each process, and some seconds of reading in a thread, during
which the old ones answer. It is not mapped into memory: who shortens a mapped file ends who reads.

A file that is written while it is read is read again; best is to write another and rename it. While
it cannot be read, what was read before holds.
"""

from __future__ import annotations

import asyncio
import os
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ulak.mail.address import Address, ascii_lower, fold
from ulak.rosters.lines import Line, LineError, key_of, read
from ulak.rosters.roster import UNSURE, Answer, Known, RosterError, Unsure
from ulak.smtp.grammar import GrammarError, parse_mailbox

_LOOK = 1.0  # seconds between two looks at the file
_LARGEST = 4 << 30  # octets
_MOST_BAD = 10  # lines that are told one by one


@dataclass(frozen=True, slots=True)
class Told:
    """What was found when the file was read: how many lines say something, and which do not."""

    lines: int
    bad: int
    first_bad: str = ""


class _Index:
    """The lines of a file by their keys. Of two with one key the later one counts."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        starts = array("Q", _starts(octets))
        size = 8
        while size < 2 * len(starts):
            size *= 2
        self._mask = size - 1
        self._slots = array("Q", bytes(8 * size))
        self.bad = 0
        self.lines = 0
        problems: list[str] = []
        for number, start in enumerate(starts, 1):
            try:
                line = self._line(start)
            except LineError as error:
                self.bad += 1
                if len(problems) < _MOST_BAD:
                    problems.append(f"line {number}: {error}")
                continue
            if line is not None:
                self._put(line.key, start)
        self.problems = "; ".join(problems)

    def _line(self, start: int) -> Line | None:
        end = self._octets.find(b"\n", start)
        return read(self._octets[start : end if end >= 0 else len(self._octets)])

    def _put(self, key: str, start: int) -> None:
        slot = hash(key) & self._mask
        while (there := self._slots[slot]) != 0:
            known = self._line(there - 1)
            if known is not None and known.key == key:
                break
            slot = (slot + 1) & self._mask
        else:
            self.lines += 1
        self._slots[slot] = start + 1

    def find(self, key: str) -> Line | None:
        slot = hash(key) & self._mask
        while (there := self._slots[slot]) != 0:
            line = self._line(there - 1)
            if line is not None and line.key == key:
                return line
            slot = (slot + 1) & self._mask
        return None


def _starts(octets: bytes) -> list[int]:
    starts, at = [], 0
    while at < len(octets):
        starts.append(at)
        end = octets.find(b"\n", at)
        if end < 0:
            break
        at = end + 1
    return starts


_Stat = tuple[int, int, int]


class FileRoster:
    """Answers from a file. `clock` counts seconds; `told` hears of every reading."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float],
        told: Callable[[Told], None] = lambda _told: None,
    ) -> None:
        self._path = path
        self._clock = clock
        self._told = told
        self._index: _Index | None = None
        self._stat: _Stat | None = None
        self._looked = -_LOOK
        self._reading: asyncio.Task[None] | None = None

    def glance(self, address: str) -> Answer | Unsure:
        """Answer from memory where the file was looked at just now."""
        if self._index is None or self._clock() - self._looked >= _LOOK:
            return UNSURE
        return _answer(self._index, address)

    async def ask(self, address: str) -> Answer:
        """Look whether the file has changed, and answer; while it is read, from the old one."""
        due = self._index is None or self._clock() - self._looked >= _LOOK
        if due and self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._look())
            self._reading.add_done_callback(self._done)
        reading = self._reading
        if reading is not None:
            if self._index is None:
                await asyncio.shield(reading)
            else:
                await asyncio.wait([reading], timeout=_LOOK / 4)
        assert self._index is not None  # noqa: S101 -- else reading has raised
        return _answer(self._index, address)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._reading = None
        if not task.cancelled() and (error := task.exception()) is not None:
            # What was read before holds. Without it whoever waits has heard the error.
            self._told(Told(0, 0, _words(error)))

    async def _look(self) -> None:
        try:
            index, stat = await asyncio.to_thread(_load, self._path, self._stat)
        finally:
            self._looked = self._clock()
        if index is not None:
            self._index, self._stat = index, stat
            self._told(Told(index.lines, index.bad, index.problems))

    async def close(self) -> None:
        """Wait for the reading under way."""
        if self._reading is not None:
            await asyncio.wait([self._reading])


def _load(path: Path, known: _Stat | None) -> tuple[_Index | None, _Stat]:
    """Read the file where it is another than the known one. Raises OSError, RosterError."""
    with path.open("rb") as file:
        before = _stat(os.fstat(file.fileno()))
        if before == known:
            return None, before
        if before[1] > _LARGEST:
            message = f"{path} has more than {_LARGEST} octets"
            raise RosterError(message)
        octets = file.read()
        after = _stat(os.fstat(file.fileno()))
    if after != before or len(octets) != before[1]:
        message = f"{path} was written while it was read"
        raise RosterError(message)
    return _Index(octets), before


def _stat(found: os.stat_result) -> _Stat:
    return found.st_mtime_ns, found.st_size, found.st_ino


def _answer(index: _Index, address: str) -> Answer:
    """Look for the whole address, then for its local-part alone."""
    try:
        parsed = parse_mailbox(address)
    except GrammarError:
        return None
    line = index.find(key_of(parsed)) or index.find(str(Address(fold(parsed.local), "")))
    if line is None:
        return None
    domain = ascii_lower(parsed.domain)
    return Known(
        tuple(one if "@" in one.rpartition('"')[2] else f"{one}@{domain}" for one in line.members)
    )


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
