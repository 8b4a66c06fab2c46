"""Reading the journals of all workers, while they are written."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import apsw

from ulak.journal import files
from ulak.journal.chunks import entries_of, needle
from ulak.journal.entry import Entry, Kind
from ulak.journal.refusal import Refused, refused_in
from ulak.journal.trace import Found, JournalError, Trace, trace

# The checks of a message stand just before its refusal: in the same chunk, or in the one before.
_ABOUT_REFUSAL = """
    SELECT chunk.id, entries FROM refusal JOIN chunk
    ON chunk.id BETWEEN refusal.chunk - 1 AND refusal.chunk
    WHERE refusal.id = ? ORDER BY chunk.id"""
# The condition of chunks with entries of some kinds: by the table, and in files without it.
_OF_KINDS = "id IN (SELECT chunk FROM kind WHERE kind IN (SELECT value FROM json_each(?)))"
_OF_KINDS_BEFORE = """
    CASE WHEN json_valid(entries) THEN EXISTS (
        SELECT 1 FROM json_each(entries) AS each
        WHERE each.value ->> 1 IN (SELECT value FROM json_each(?))
    ) ELSE true END"""


def journals(folder: Path) -> list[Path]:
    """Give the folders of the journals of all workers, and of the web, in the one with them."""
    try:
        found = [entry for entry in folder.iterdir() if entry.is_dir()]
    except OSError:
        found = []
    numbered = [path for path in found if path.name.isascii() and path.name.isdigit()]
    web = [path for path in found if path.name == "web"]
    return [*sorted(numbered, key=lambda path: int(path.name)), *web] or [folder]


class JournalReader:
    """The Reader over the folders of all workers.

    A file that cannot be read is left out, and `troubles` says so. Raises
    JournalError where there is no journal at all.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        self.troubles: list[JournalError] = []

    def about(self, identifier: str) -> Sequence[Entry]:
        """Give the entries of a message, a session or an incident, oldest first."""
        found = self.trace(identifier)
        return found.entries if found else ()

    def trace(self, identifier: str) -> Trace | None:
        """Find what an id, whole or shortened, names, with its entries."""
        self.troubles.clear()
        return trace(self, identifier)

    def recent(
        self, limit: int, kinds: Collection[Kind] = (), causes: Collection[str] = ()
    ) -> Sequence[Entry]:
        """Give the last entries of these kinds and causes, newest first."""
        self.troubles.clear()
        found: list[Found] = []
        for number, folder in self._there():
            one = self._backwards(number, folder, kinds, causes)
            found.extend(hit for hit, _ in zip(one, range(limit), strict=False))
        found.sort(key=lambda hit: (hit.entry.time, hit.place), reverse=True)
        return [hit.entry for hit in found[:limit]]

    def holding(self, text: str, *, whole: bool) -> Iterable[Found]:
        """Give entries with an id that is `text` or, not `whole`, begins with it, and others."""
        wanted = needle(text, whole=whole)
        for folder_number, folder in self._there():
            for file_number, path in files.listed(folder):
                query = "SELECT id, entries FROM chunk WHERE instr(ids, ?) ORDER BY id"
                for chunk, entries in self._ask(path, query, (wanted,)):
                    for index, entry in enumerate(self._entries(path, entries)):
                        yield Found((file_number, chunk, index, folder_number), entry)

    def refused(self, identifier: str) -> Refused | None:
        """Find a refusal by the whole id that it carries, without a search."""
        self.troubles.clear()
        for _, folder in self._there():
            for _, path in reversed(files.listed(folder)):
                rows = list(self._ask(path, _ABOUT_REFUSAL, (identifier,), table="refusal"))
                entries = [e for _, text in rows for e in self._entries(path, text)]
                if (found := refused_in(entries, identifier)) is not None:
                    return found
        return None

    def _there(self) -> list[tuple[int, Path]]:
        there = [(n, folder) for n, folder in enumerate(self._folders) if folder.is_dir()]
        if not there:
            name, where = "none", ", ".join(str(folder) for folder in self._folders)
            raise JournalError(name, folder=where)
        return there

    def _backwards(
        self, folder_number: int, folder: Path, kinds: Collection[Kind], causes: Collection[str]
    ) -> Iterator[Found]:
        # Most chunks hold nothing of a rare cause: that is seen before they are unpacked.
        said = " OR ".join(["instr(entries, ?)"] * len(causes)) or "true"
        query, before = (
            f"SELECT id, entries FROM chunk WHERE {of} AND ({said}) ORDER BY id DESC"  # noqa: S608 -- made of the words above and nothing else
            for of in ((_OF_KINDS, _OF_KINDS_BEFORE) if kinds else ("true", "true"))
        )
        words = (*([json.dumps([*kinds])] if kinds else ()), *(f'"{cause}"' for cause in causes))
        for file_number, path in reversed(files.listed(folder)):
            for chunk, text in self._ask(path, query, words, before=before):
                entries = list(enumerate(self._entries(path, text)))
                for index, entry in reversed(entries):
                    fits = not kinds or entry.kind in kinds
                    if fits and (not causes or entry.cause in causes):
                        yield Found((file_number, chunk, index, folder_number), entry)

    def _ask(
        self,
        path: Path,
        query: str,
        values: tuple[str, ...],
        table: str = "chunk",
        before: str = "",
    ) -> Iterator[tuple[int, str]]:
        """Ask a file; `before` is what files are asked that know no kinds."""
        try:
            with contextlib.closing(files.for_reading(path)) as db:
                if not files.has(db, table):  # its writer is just beginning it, or was an older one
                    return
                if before and not files.has(db, "kind"):
                    query = before
                for chunk, text in db.execute(query, values):
                    yield int(chunk), str(text)
        except apsw.Error as error:
            if path.exists():  # else its time had come while we looked
                self._trouble(path, error)

    def _entries(self, path: Path, text: str) -> list[Entry]:
        try:
            return entries_of(text)
        except ValueError as error:
            self._trouble(path, error)
            return []

    def _trouble(self, path: Path, error: Exception) -> None:
        trouble = JournalError("unreadable", file=str(path), problem=str(error))
        if trouble.facts not in [known.facts for known in self.troubles]:
            self.troubles.append(trouble)
