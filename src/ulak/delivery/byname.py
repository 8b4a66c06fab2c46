"""What the operator says of destinations by their names, and which of it holds for one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class ByName(Generic[T]):
    """Values by the names of domains and hosts, in lower case, and by `*.` and their ends.

    A domain stands over a host, and a name over its end; of two ends the longer one is taken.
    """

    def __init__(self, table: Mapping[str, T]) -> None:
        self._table = {name.lower(): value for name, value in table.items()}
        self._ends = any(name.startswith("*.") for name in self._table)

    def __bool__(self) -> bool:
        """Whether anything is said at all."""
        return bool(self._table)

    def of(self, domain: str, host: str = "") -> tuple[str, T] | None:
        """Give what holds for mail to a domain at a host, with the name under which it is said."""
        return self._one(domain) or (self._one(host) if host else None)

    def _one(self, name: str) -> tuple[str, T] | None:
        name = name.lower().rstrip(".")
        if name in self._table:
            return name, self._table[name]
        rest = name
        while self._ends and "." in rest:
            rest = rest.partition(".")[2]
            end = f"*.{rest}"
            if end in self._table:
                return end, self._table[end]
        return None
