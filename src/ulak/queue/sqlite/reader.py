"""Looking into a queue without changing it, also while a server writes to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import apsw

from ulak.queue.depth import Depth, Share
from ulak.queue.item import Counts, Message, Row, Selection, State
from ulak.queue.sqlite.database import cannot_open, open_for_reading, storage_error
from ulak.queue.sqlite.rows import (
    HELD_BIT,
    JOINED,
    LISTED,
    MESSAGE,
    STATES,
    WITH_BODY,
    Raw,
    condition,
    message_of,
    row_of,
)
from ulak.queue.store import StorageError

_PAGE = 5_000  # rows

Page: TypeAlias = list[Raw]


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
