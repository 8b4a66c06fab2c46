"""Looking into a queue without changing it, also while a server writes to it."""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

import apsw

from ulak.queue.depth import Depth, Share
from ulak.queue.item import Counts, Message, Order, Receipt, Row, Selection, State
from ulak.queue.sqlite.database import cannot_open, open_for_reading, storage_error
from ulak.queue.sqlite.rows import (
    DEADLINE,
    HELD_BIT,
    JOINED,
    LISTED,
    MESSAGE,
    STATES,
    WITH_BODY,
    WITH_DEADLINE,
    Raw,
    condition,
    message_of,
    row_of,
)
from ulak.queue.store import StorageError

_PAGE = 5_000  # rows

_KEYS = {
    Order.AGE: "(SELECT received FROM message WHERE seq = message)",
    Order.DUE: "due",
    Order.DOMAIN: "domain",
}

Page: TypeAlias = list[Raw]
Place: TypeAlias = tuple[Any, ...]  # what the order goes by, and the key of the row


class Reader:
    """Reads one store. Every method may raise StorageError.

    No look lasts longer than one page of a listing: a reader that stood still in the middle of
    one would keep the writer's log from ever being emptied. A long listing therefore shows each
    page as it is when it is reached.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "queue.sqlite"
        if not path.is_file():
            message = f"There is no queue in {folder}."
            raise StorageError(message)
        self._bodies = folder / "bodies"
        try:
            self._connection = open_for_reading(path)
        except apsw.Error as error:
            raise cannot_open(folder, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store."""
        self._connection.close()

    @property
    def made(self) -> bool:
        """Whether there is anything to read: a store that is just being made has no tables yet."""
        return bool(self._all("SELECT 1 FROM sqlite_schema WHERE name = 'pending'"))

    def list(self, which: Selection, page: int = _PAGE) -> Iterator[Row]:
        """List the selected recipients, oldest message first, each page when it is asked for."""
        for rows in self.pages(which, page):
            yield from map(row_of, rows)

    def pages(self, which: Selection, size: int = _PAGE) -> Iterator[Page]:
        """Give the same by the page, as rows of LISTED."""
        wanted, values = condition(which)
        statement = (
            f"SELECT {LISTED} FROM {JOINED} WHERE (p.message, p.n) > (?, ?) AND {wanted} "
            f"ORDER BY p.message, p.n LIMIT {size}"
        )
        after = (-1, -1)
        while True:
            page = self._all(statement, (*after, *values))
            if page:
                yield page
            if len(page) < size:
                return
            after = page[-1][:2]

    def places(
        self, which: Selection, order: Order, most: int, skip: int = 0, *, backwards: bool = False
    ) -> builtins.list[Place]:
        """Give where the selected recipients stand in an order: at most so many, after some."""
        wanted, values = condition(which)
        way = "DESC" if backwards else "ASC"
        first = "" if order is Order.AGE else f"{order.value} {way}, "
        statement = (
            f"SELECT {_KEYS[order]}, message, n FROM pending WHERE {wanted} "
            f"ORDER BY {first}message {way}, n {way} LIMIT ? OFFSET ?"
        )
        return self._all(statement, (*values, most, skip))

    def at(self, places: Sequence[Place]) -> builtins.list[Row]:
        """Give the recipients at these places that are still there."""
        statement = (
            f"SELECT {LISTED} FROM json_each(?) e CROSS JOIN {JOINED} "
            "WHERE p.message = e.value ->> 0 AND p.n = e.value ->> 1 ORDER BY e.key"
        )
        wanted = json.dumps([place[1:] for place in places])
        return [row_of(raw) for raw in self._all(statement, (wanted,))]

    def count(self) -> Counts:
        """Count what there is."""
        by_state = dict.fromkeys(State, 0)
        for bits, count in self._all("SELECT state, count(*) FROM pending GROUP BY state"):
            by_state[STATES[bits]] += count
        (messages,) = self._all("SELECT count(*) FROM message")[0]
        return Counts(messages, by_state)

    def total(self, which: Selection) -> int:
        """Count the selected recipients."""
        wanted, values = condition(which)
        (found,) = self._all(f"SELECT count(*) FROM pending WHERE {wanted}", values)[0]
        return int(found)

    def depth(self, now: float, domains: int) -> Depth:
        """Tell what the queue is made of; of so many domains, those with most first."""
        by_state, due = dict.fromkeys(State, 0), 0
        states = "SELECT state, count(*), sum(due <= ?) FROM pending GROUP BY state"
        for bits, count, ripe in self._all(states, (now,)):
            by_state[STATES[bits]] += count
            due += ripe if STATES[bits] is State.READY else 0
        (messages,) = self._all("SELECT count(*) FROM message")[0]
        oldest = self._all("SELECT received FROM message ORDER BY seq LIMIT 1")
        causes = self._all("SELECT cause, count(*) FROM pending WHERE cause <> '' GROUP BY cause")
        split = self._all(
            f"SELECT domain, count(*), sum(state = {HELD_BIT}), "
            "min(CASE WHEN state = 0 THEN due END) FROM pending GROUP BY domain "
            "ORDER BY 2 DESC, 1 LIMIT ?",
            (domains,),
        )
        return Depth(
            Counts(messages, by_state),
            due,
            oldest[0][0] if oldest else None,
            dict(causes),
            {row[0]: Share(*row[1:]) for row in split},
        )

    def receipt(self, key: str) -> Receipt | None:
        """Give the receipt of a key; stores of before the fourth version have none."""
        if not self._all("SELECT 1 FROM sqlite_schema WHERE name = 'receipt'"):
            return None
        found = self._all("SELECT key, digest, answer FROM receipt WHERE key = ?", (key,))
        return Receipt(*found[0]) if found else None

    def next_deadline(self, after: float) -> float | None:
        """Give the earliest time later than this by which a sender wants something."""
        statement = f"SELECT min({DEADLINE}) FROM message WHERE {WITH_DEADLINE} > ?"
        ((found,),) = self._all(statement, (after,))
        return None if found is None else float(found)

    def read(self, message_id: str) -> Message | None:
        """Give a message with its body."""
        found = self._all(
            f"SELECT (SELECT recipient FROM pending WHERE message = m.seq LIMIT 1), {MESSAGE} "
            f"FROM {WITH_BODY} WHERE m.id = ?",
            (message_id,),
        )
        return message_of(found[0][1:], found[0][0], self._bodies) if found else None

    def _all(self, statement: str, values: tuple[object, ...] = ()) -> Page:
        try:
            return self._connection.execute(statement, values).fetchall()
        except apsw.Error as error:
            raise storage_error(error) from error


def open_reader(folder: Path) -> Reader:
    """Look into the store in this folder; StorageError says why that is not possible."""
    return Reader(folder)
