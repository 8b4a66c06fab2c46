"""A journal in memory, for tests and for what needs no yesterday."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence

from ulak.journal.entry import Entry, Kind
from ulak.journal.refusal import Refused, refused_in
from ulak.journal.trace import Found, Trace, ids_of, trace


class MemoryJournal:
    """Journal and Reader in one; keeps the last `most` entries."""

    def __init__(self, most: int = 100_000) -> None:
        self._entries: deque[tuple[int, Entry]] = deque(maxlen=most)
        self._count = 0

    @property
    def entries(self) -> list[Entry]:
        """All entries, in the order they were written."""
        return [entry for _, entry in self._entries]

    def write(self, entry: Entry) -> None:
        """Note an entry."""
        self._count += 1
        self._entries.append((self._count, entry))

    def about(self, identifier: str) -> Sequence[Entry]:
        """Give the entries of a message, a session or an incident, oldest first."""
        found = self.trace(identifier)
        return found.entries if found else ()

    def trace(self, identifier: str) -> Trace | None:
        """Find what an id names, with its entries."""
        return trace(self, identifier)

    def recent(
        self, limit: int, kinds: Collection[Kind] = (), causes: Collection[str] = ()
    ) -> Sequence[Entry]:
        """Give the last entries of these kinds and causes, newest first."""
        wanted = [
            entry
            for _, entry in sorted(self._entries, key=lambda p: (p[1].time, p[0]), reverse=True)
            if (not kinds or entry.kind in kinds) and (not causes or entry.cause in causes)
        ]
        return wanted[:limit]

    def refused(self, identifier: str) -> Refused | None:
        """Find a refusal by the whole id that it carries."""
        placed = [entry for _, entry in self._entries]
        return refused_in(placed, identifier)

    def holding(self, text: str, *, whole: bool) -> Iterable[Found]:
        """Give the entries with an id that is `text` or, not `whole`, begins with it."""
        for place, entry in self._entries:
            if any(i == text or (not whole and i.startswith(text)) for i in ids_of(entry)):
                yield Found((place,), entry)

    def close(self) -> None:
        """Do nothing: memory needs no end."""
