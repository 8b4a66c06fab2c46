"""Every store behind one plain face, so that the tests of their verbs read as sentences."""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Collection, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from ulak.mail.envelope import Envelope, domain_of
from ulak.queue.item import (
    Body,
    Counts,
    Done,
    Lease,
    Message,
    Pending,
    Row,
    Selection,
    Settlement,
)
from ulak.queue.memory import MemoryStore
from ulak.queue.postgres import PostgresStore, open_store
from ulak.queue.postgres.bucket import Bucket
from ulak.queue.postgres.objects import Objects
from ulak.queue.sqlite import SqliteStore
from ulak.queue.store import QueueStore

T = TypeVar("T")

ALL = Selection(everything=True)


class Driver:
    """A store, and the loop that it is used in."""

    objects: Objects | None = None  # where every body goes that has an octet

    def __init__(
        self, kind: str, folder: Path, database: str = "", objects: Objects | None = None
    ) -> None:
        self.kind = kind
        self.folder = folder
        self.database = database  # the URL, where the store lies in one
        self.objects = objects
        self.schema = f"test_{uuid.uuid4().hex}"
        self.runner = asyncio.Runner()
        self.store: QueueStore
        self.open()

    def open(self) -> None:
        """Open the store; after a close, again."""
        match self.kind:
            case "memory":
                self.store = MemoryStore()
            case "sqlite":
                self.store = SqliteStore(self.folder / "queue")
            case _:
                self.store = self.run(self.node("node"))

    async def node(self, name: str) -> PostgresStore:
        """Open one more node of a queue in a database."""
        bucket = None if self.objects is None else Bucket(self.objects, 0)
        return await open_store(self.database, self.folder / name, name, self.schema, bucket=bucket)

    def run(self, verb: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(verb)

    def put(
        self,
        message: Message,
        pending: Sequence[Pending] | None = None,
        *,
        lease: bool = False,
        settle: tuple[Lease, Sequence[Settlement]] | None = None,
    ) -> Lease | None:
        if pending is None:
            pending = waiting(message)
        return self.run(self.store.put(message, pending, lease=lease, settle=settle))

    def lease(self, now: float, limit: int = 100, avoid: Collection[str] = ()) -> list[Lease]:
        return self.run(self.store.lease(now, limit, avoid))

    def take(
        self, which: Selection = ALL, limit: int = 100, *, bodiless: bool = False
    ) -> list[Lease]:
        return self.run(self.store.take(which, limit, bodiless=bodiless))

    def settle(self, lease: Lease, *outcomes: Settlement) -> None:
        self.run(self.store.settle(lease, outcomes))

    def read(self, identifier: str) -> Message | None:
        return self.run(self.store.read(identifier))

    def next_due(self, avoid: Collection[str] = (), after: float = -math.inf) -> float | None:
        return self.run(self.store.next_due(avoid, after))

    def next_deadline(self, after: float = 0.0) -> float | None:
        return self.run(self.store.next_deadline(after))

    def retry(self, which: Selection, now: float) -> int:
        return self.run(self.store.retry(which, now))

    def hold(self, which: Selection) -> int:
        return self.run(self.store.hold(which))

    def release(self, which: Selection, now: float) -> int:
        return self.run(self.store.release(which, now))

    def drop(self, which: Selection) -> int:
        return self.run(self.store.drop(which))

    def count(self) -> Counts:
        return self.run(self.store.count())

    def list(self, which: Selection = ALL) -> list[Row]:
        return list(self.run(self.store.list(which)))

    def ids(self, which: Selection = ALL) -> Sequence[str]:
        return list(dict.fromkeys(row.id for row in self.list(which)))

    def reopen(self) -> None:
        """Close the store and open it again; only for stores that keep."""
        self.run(self.store.close())
        self.open()

    def close(self) -> None:
        self.run(self.store.close())
        self.runner.close()
        if self.database:
            with psycopg.connect(self.database) as connection:
                connection.execute(f"DROP SCHEMA {self.schema} CASCADE")


def message(
    identifier: str,
    *recipients: str,
    octets: bytes = b"Subject: hello\r\n\r\nHello.\r\n",
    received: float = 1000.0,
    **more: Any,
) -> Message:
    names = recipients or ("grace@example.net",)
    body = Body(len(octets), octets)
    return Message(identifier, Envelope("ada@example.org", names), body, received, **more)


def waiting(message: Message, due: float | None = None) -> Sequence[Pending]:
    when = message.received if due is None else due
    return [Pending(each, domain_of(each), due=when) for each in message.envelope.recipients]


def done(lease: Lease) -> Sequence[Settlement]:
    return [Done(each.recipient) for each in lease.pending]
