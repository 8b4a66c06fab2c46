"""Failed logins are counted for all servers of a cluster, and by each alone while it is cut off.

What is counted together is written down by the server that counted it, too: who is shut out stays
so here while the others cannot be asked, and who has logged in before is known.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from ulak.accounts.attempts import Change, Key, Kind, Record, Records
from ulak.accounts.store import AccountsError

T = TypeVar("T")


class RecordsTogether:
    """Follows `Records`: `shared` where it can be reached, else the server's `own`."""

    def __init__(self, shared: Records, own: Records) -> None:
        self._shared = shared
        self._own = own

    def read(self, keys: Collection[Key]) -> dict[Key, Record]:
        """Give those of the records that there are."""
        return self._either(lambda records: records.read(keys))

    def update(self, keys: Collection[Key], change: Change) -> None:
        """Change records in one transaction."""
        noted: Mapping[Key, Record | None] = {}

        def noting(found: dict[Key, Record]) -> Mapping[Key, Record | None]:
            nonlocal noted
            noted = change(found)
            return noted

        try:
            self._shared.update(keys, noting)
        except AccountsError:
            self._own.update(keys, change)
        else:
            self._own.update(keys, lambda _found: noted)

    def banned(self, now: float) -> dict[Key, Record]:
        """Give the records of all who are shut out now."""
        return self._either(lambda records: records.banned(now))

    def trim(self, now: float, keep: Mapping[Kind, float], most: int) -> None:
        """Forget records that are too old or too many."""
        self._either(lambda records: records.trim(now, keep, most))
        self._own.trim(now, keep, most)

    def close(self) -> None:
        """Let go of both."""
        self._shared.close()
        self._own.close()

    def _either(self, ask: Callable[[Records], T]) -> T:
        try:
            return ask(self._shared)
        except AccountsError:
            return ask(self._own)
