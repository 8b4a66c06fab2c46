"""Looking into a queue in PostgreSQL without being one of its nodes."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeAlias

import psycopg
from psycopg import conninfo

from ulak.database.connecting import where_is
from ulak.queue.depth import Depth, Share
from ulak.queue.item import Body, Counts, Message, Order, Receipt, Row, Selection, State
from ulak.queue.postgres.bucket import IN_BUCKET, Bucket, Kept
from ulak.queue.postgres.rows import (
    IN_STATE,
    JOINED,
    LISTED,
    MESSAGE,
    Raw,
    condition,
    message_of,
    row_of,
)
from ulak.queue.postgres.trouble import AWAY, storage_error
from ulak.queue.sql import postgres as sql
from ulak.queue.store import StorageError, StoreVersionError

_PAGE = 5_000  # rows
_SLOT = 13  # the place of `slot` in MESSAGE
_PATIENCE = 5.0  # seconds
_LOOK = 60_000  # milliseconds

_KEYS = {Order.AGE: "m.received", Order.DUE: "p.due", Order.DOMAIN: "p.domain"}
_READY, _LEASED, _HELD = (IN_STATE[state] for state in (State.READY, State.LEASED, State.HELD))

Values: TypeAlias = Sequence[object] | Mapping[str, object]
Place: TypeAlias = tuple[Any, ...]  # what the order goes by, and the key of the row


class Reader:
    """Reads the queue of all nodes. Every method may raise StorageError."""

    def __init__(
        self,
        url: str,
        schema: str = "ulak",
        bucket: Callable[[], Bucket | None] = lambda: None,
    ) -> None:
        self._schema = schema
        self._bucket = bucket
        self._connection = _connected(url)
        try:
            self._all(
                "SELECT set_config('search_path', %s, FALSE), "
                "set_config('statement_timeout', %s, FALSE), "
                "set_config('default_transaction_read_only', 'on', FALSE)",
                (schema, str(_LOOK)),
            )
            self._refuse_newer()
        except BaseException:
            self.close()
            raise

    def _refuse_newer(self) -> None:
        if not self.made:
            return
        ((ended,),) = self._all("SELECT ended FROM store")
        if ended > sql.VERSION:
            message = (
                f"The queue was written by a newer Ulak (version {ended} of its tables, this one "
                f"knows {sql.VERSION}); use that one, or a newer one."
            )
            raise StoreVersionError(message)

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
        """Let go of the database."""
        with suppress(psycopg.Error):
            self._connection.close()

    @property
    def made(self) -> bool:
        """Whether there is anything to read: before the first node comes there are no tables."""
        return bool(self._all("SELECT to_regclass('store') IS NOT NULL")[0][0])

    def list(self, which: Selection, page: int = _PAGE) -> Iterator[Row]:
        """List the selected recipients, oldest message first, each page when it is asked for."""
        wanted, values = condition(which)
        statement = (
            f"SELECT {LISTED} FROM {JOINED} "
            "WHERE (m.received, p.seq, p.n) > (%(received)s, %(seq)s, %(n)s) "
            f"AND {wanted} ORDER BY m.received, p.seq, p.n LIMIT %(page)s"
        )
        after: Raw = (float("-inf"), -1, -1)
        while True:
            key = {"received": after[0], "seq": after[1], "n": after[2], "page": page}
            rows = self._all(statement, {**values, **key})
            yield from map(row_of, rows)
            if len(rows) < page:
                return
            after = rows[-1][:3]

    def places(
        self, which: Selection, order: Order, most: int, skip: int = 0, *, backwards: bool = False
    ) -> builtins.list[Place]:
        """Give where the selected recipients stand in an order: at most so many, after some."""
        wanted, values = condition(which)
        way = "DESC" if backwards else "ASC"
        key = _KEYS[order]
        return self._all(
            f"SELECT {key}, p.seq, p.n FROM {JOINED} WHERE {wanted} "
            f"ORDER BY {key} {way}, m.received {way}, p.seq {way}, p.n {way} "
            "LIMIT %(most)s OFFSET %(skip)s",
            {**values, "most": most, "skip": skip},
        )

    def at(self, places: Sequence[Place]) -> builtins.list[Row]:
        """Give the recipients at these places that are still there."""
        rows = self._all(
            f"SELECT {LISTED} FROM unnest(%s::BIGINT[], %s::INTEGER[]) WITH ORDINALITY "
            f"AS o(seq, n, place), {JOINED} WHERE p.seq = o.seq AND p.n = o.n ORDER BY o.place",
            ([place[1] for place in places], [place[2] for place in places]),
        )
        return [row_of(row) for row in rows]

    def total(self, which: Selection) -> int:
        """Count the selected recipients."""
        wanted, values = condition(which)
        return int(self._all(f"SELECT count(*) FROM {JOINED} WHERE {wanted}", values)[0][0])

    def depth(self, now: float, domains: int) -> Depth:
        """Tell what the queue is made of; of so many domains, those with most first."""
        ((ready, leased, held, due),) = self._all(
            f"SELECT count(*) FILTER (WHERE {_READY}), count(*) FILTER (WHERE {_LEASED}), "
            f"count(*) FILTER (WHERE {_HELD}), "
            f"count(*) FILTER (WHERE {_READY} AND p.due <= %s) FROM pending p",
            (now,),
        )
        ((messages, oldest),) = self._all("SELECT count(*), min(received) FROM message")
        causes = self._all("SELECT cause, count(*) FROM pending WHERE cause <> '' GROUP BY cause")
        split = self._all(
            f"SELECT p.domain, count(*), count(*) FILTER (WHERE {_HELD}), "
            f"min(p.due) FILTER (WHERE {_READY}) FROM pending p GROUP BY p.domain "
            "ORDER BY 2 DESC, 1 LIMIT %s",
            (domains,),
        )
        by_state = {State.READY: ready, State.LEASED: leased, State.HELD: held}
        return Depth(
            Counts(messages, by_state),
            due,
            oldest,
            dict(causes),
            {row[0]: Share(*row[1:]) for row in split},
        )

    def receipt(self, key: str) -> Receipt | None:
        """Give the receipt of a key."""
        found = self._all("SELECT key, digest, answer FROM receipt WHERE key = %s", (key,))
        return Receipt(*found[0]) if found else None

    def read(self, message_id: str) -> Message | None:
        """Give a message with its body, whole."""
        found = self._all(
            "SELECT (SELECT p.recipient FROM pending p WHERE p.seq = m.seq ORDER BY p.n LIMIT 1), "
            "(SELECT string_agg(b.octets, '' ORDER BY b.part) FROM body b "
            f"WHERE b.slot = m.slot AND b.seq = m.seq), {MESSAGE} FROM message m WHERE m.id = %s",
            (message_id,),
        )
        if not found or found[0][0] is None:
            return None
        recipient, octets, *row = found[0]
        if row[_SLOT] == IN_BUCKET:
            octets = self._from_bucket(row[0])
        return message_of(tuple(row), recipient, Body(row[3], octets or b""))

    def _from_bucket(self, seq: int) -> bytes:
        bucket = self._bucket()
        if bucket is None:
            message = "The body lies in a bucket, and none is configured here."
            raise StorageError(message)
        found = self._all("SELECT key, digest FROM object WHERE seq = %s", (seq,))
        if not found:
            message = "The body lies in a bucket, and nothing says where."
            raise StorageError(message)
        return bucket.read(Kept(*found[0]))

    def _all(self, statement: str, values: Values = ()) -> builtins.list[Raw]:
        try:
            return self._connection.execute(statement, values, binary=True).fetchall()
        except psycopg.Error as error:
            raise storage_error(error) from error


def _connected(url: str) -> psycopg.Connection[Raw]:
    """Connect to who takes writes; where nobody does, a standby is as good for looking."""
    with suppress(psycopg.Error):
        return psycopg.connect(where_is(url, "look", _PATIENCE), autocommit=True)
    anybody = conninfo.make_conninfo(url, target_session_attrs="any")
    try:
        return psycopg.connect(where_is(anybody, "look", _PATIENCE), autocommit=True)
    except psycopg.Error as error:
        raise StorageError(AWAY) from error


def open_reader(
    url: str, schema: str = "ulak", *, bucket: Callable[[], Bucket | None] = lambda: None
) -> Reader:
    """Look into the queue in a database; StorageError says why that is not possible.

    `bucket` gives where large bodies are, when one is asked for.
    """
    return Reader(url, schema, bucket)
