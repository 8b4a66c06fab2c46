"""Looking into a queue without changing it, also while a server writes to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import apsw

from ulak.queue.item import Counts, Message, Row, Selection, State
from ulak.queue.sqlite.database import cannot_open, open_for_reading, storage_error
from ulak.queue.sqlite.rows import (
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

    def list(self, which: Selection) -> Iterator[Row]:
        """List the selected recipients, oldest message first, each page when it is asked for."""
        for page in self.pages(which):
            yield from map(row_of, page)

    def pages(self, which: Selection) -> Iterator[Page]:
        """Give the same by the page, as rows of LISTED."""
        wanted, values = condition(which)
        statement = (
            f"SELECT {LISTED} FROM {JOINED} WHERE (p.message, p.n) > (?, ?) AND {wanted} "
            f"ORDER BY p.message, p.n LIMIT {_PAGE}"
        )
        after = (-1, -1)
        while True:
            page = self._all(statement, (*after, *values))
            if page:
                yield page
            if len(page) < _PAGE:
                return
            after = page[-1][:2]

    def count(self) -> Counts:
        """Count what there is."""
        by_state = dict.fromkeys(State, 0)
        for bits, count in self._all("SELECT state, count(*) FROM pending GROUP BY state"):
            by_state[STATES[bits]] += count
        (messages,) = self._all("SELECT count(*) FROM message")[0]
        return Counts(messages, by_state)

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
