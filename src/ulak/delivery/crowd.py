"""How many connections there are to each site from each source, with those that are being opened.

What limits a site is how many connections it sees, and it sees those that wait for the next
message, too: a provider with a name for each mail host would have one waiting under every name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from ulak.delivery.connection import Connection

Home = tuple[str, str]  # the names of a site and of a source


class Crowds:
    """The connections of a pool by their home, without those that have said QUIT."""

    def __init__(self) -> None:
        self._homes: dict[Connection, Home] = {}
        self._crowds: dict[Home, set[Connection]] = {}
        self._coming: Counter[Home] = Counter()

    @contextmanager
    def coming(self, home: Home) -> Iterator[None]:
        """Count one that is being opened; `enter` comes right after it."""
        self._coming[home] += 1
        try:
            yield
        finally:
            self._coming[home] -= 1
            if not self._coming[home]:
                del self._coming[home]

    def enter(self, connection: Connection, home: Home) -> None:
        """Count one in that is open."""
        self._homes[connection] = home
        self._crowds.setdefault(home, set()).add(connection)

    def leave(self, connection: Connection) -> None:
        """Count one out, if it is counted in."""
        home = self._homes.pop(connection, None)
        if home is None:
            return
        crowd = self._crowds[home]
        crowd.discard(connection)
        if not crowd:
            del self._crowds[home]

    def of(self, home: Home) -> set[Connection]:
        """Give those of a home."""
        return self._crowds.get(home, set())

    def over(self, home: Home, most: float) -> int:
        """Say how many there are too many."""
        return int(max(len(self._crowds.get(home, ())) + self._coming[home] - most, 0))

    def crowded(self, connection: Connection, most: float) -> bool:
        """Whether there are too many where a connection is at home."""
        home = self._homes.get(connection)
        return home is not None and self.over(home, most) > 0
