"""Following the journals of all workers from a place on: for who wants to hear all, in order.

A place names, for each folder, a file, a chunk in it, and how many of its entries were heard. It
can be written down and followed from later, as long as its entries are kept.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import apsw

from ulak.journal import files
from ulak.journal.chunks import entries_of
from ulak.journal.entry import Entry

_CHUNKS = 20  # that are read of a folder at once
_PLACE = re.compile(r"([a-z0-9]{1,20})-([0-9]{1,12})-([0-9]{1,15})-([0-9]{1,6})")
_LONGEST = 4000  # characters of a place

At = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """How far all journals were heard: by folder the file, the chunk, and entries of that."""

    folders: Mapping[str, At]

    def __str__(self) -> str:
        """Write it as `read` takes it."""
        return ".".join(f"{name}-{a}-{b}-{c}" for name, (a, b, c) in sorted(self.folders.items()))

    def at(self, folder: str, at: At) -> Place:
        """Give the place after another entry."""
        return Place({**self.folders, folder: at})


def read(text: str) -> Place | None:
    """Read a place that was written down; None for what is none."""
    if not 0 < len(text) <= _LONGEST or not text.isascii():
        return None
    found: dict[str, At] = {}
    for part in text.split("."):
        match = _PLACE.fullmatch(part)
        if match is None:
            return None
        found[match[1]] = int(match[2]), int(match[3]), int(match[4])
    return Place(found)


class Tail:
    """The journals in these folders."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)

    def end(self) -> Place:
        """Give the place behind all that is there."""
        found: dict[str, At] = {}
        for folder in self._there():
            listed = files.listed(folder)
            if listed:
                number, path = listed[-1]
                rows = _rows(path, "SELECT max(id), '' FROM chunk", ())
                last = rows[0][0] if rows and rows[0][0] is not None else 0
                found[folder.name] = number, int(last) + 1, 0
        return Place(found)

    def after(self, place: Place) -> list[tuple[Place, Entry]]:
        """Give the next entries behind a place, each with the place behind it; few at a time.

        A folder that the place does not know is heard from its beginning: it is new.
        """
        heard: list[tuple[float, str, At, Entry]] = []
        for folder in self._there():
            start = place.folders.get(folder.name, (0, 0, 0))
            heard += [(e.time, folder.name, at, e) for at, e in _after(folder, start)]
        # Of each folder in its own order; between them by time, as far as that goes.
        heard.sort(key=lambda one: one[0])
        given = []
        for name, at, entry in _in_order(heard):
            place = place.at(name, at)
            given.append((place, entry))
        return given

    def lost(self, place: Place) -> bool:
        """Whether entries behind a place are kept no more."""
        for folder in self._there():
            at = place.folders.get(folder.name)
            listed = files.listed(folder)
            if at is not None and listed and at[0] < listed[0][0]:
                return True
        return False

    def _there(self) -> list[Path]:
        return [folder for folder in self._folders if folder.is_dir()]


def _in_order(heard: list[tuple[float, str, At, Entry]]) -> list[tuple[str, At, Entry]]:
    """Give entries by time, but those of one folder as they lie there: a place counts on it."""
    queues: dict[str, list[tuple[At, Entry]]] = {}
    for _, name, at, entry in sorted(heard, key=lambda one: (one[1], one[2])):
        queues.setdefault(name, []).append((at, entry))
    order = []
    for _, name, _, _ in heard:
        at, entry = queues[name].pop(0)
        order.append((name, at, entry))
    return order


def _after(folder: Path, start: At) -> list[tuple[At, Entry]]:
    file, chunk, index = start
    found: list[tuple[At, Entry]] = []
    for number, path in files.listed(folder):
        if number < file:
            continue
        first, skip = (chunk, index) if number == file else (0, 0)
        query = f"SELECT id, entries FROM chunk WHERE id >= ? ORDER BY id LIMIT {_CHUNKS}"  # noqa: S608 -- a number of ours
        for identifier, text in _rows(path, query, (first,)):
            try:
                entries = entries_of(text)
            except ValueError:  # damaged: the reader tells of it
                entries = []
            begin = skip if identifier == first else 0
            for at, entry in enumerate(entries[begin:], begin + 1):
                place = (number, identifier, at)
                found.append((place if at < len(entries) else (number, identifier + 1, 0), entry))
        if len(found) > 0:
            break
    return found


def _rows(path: Path, query: str, values: tuple[int, ...]) -> list[tuple[int, str]]:
    try:
        with contextlib.closing(files.for_reading(path)) as db:
            if not files.has(db, "chunk"):
                return []
            return [(row[0], str(row[1])) for row in db.execute(query, values)]
    except apsw.Error:
        return []
