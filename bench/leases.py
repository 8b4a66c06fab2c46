"""What much mail that waits costs a lease: `python -m bench leases --waiting 1000000`.

Two queues in one PostgreSQL, one with so many recipients that are not due and one without, in
turns: each is given the same mail, which is leased and settled then. So both have the same hour
of the same machine, and the ratios are of neighbours.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import uvloop

from bench.database import Database
from bench.figures import Row
from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Done, Message, Pending
from ulak.queue.postgres import PostgresStore, open_store

_BATCH = 200  # messages in one lease
_EACH = 4_000  # messages in a round of one queue
_ROUNDS = 9
_BODY = os.urandom(10_240)
_DEFERRED = """
INSERT INTO ulak.message SELECT -n, 'deferred' || n, 'a@example.org', 3000, 0, FALSE, '8BITMIME',
    '', 's', NULL, NULL, NULL, NULL, 0, FALSE FROM generate_series(1, {n}) AS n;
INSERT INTO ulak.pending SELECT -n, 0, 'u' || n || '@d' || n % 5000 || '.example',
    'd' || n % 5000 || '.example', FALSE, 0, extract(epoch FROM now()) + 86400 + n % 86400, 3,
    'greylisted', '451 later', 'mx', FALSE, 0, '' FROM generate_series(1, {n}) AS n;
"""


@dataclass(frozen=True, slots=True)
class _Round:
    """Seconds for a message: to lease it, to settle it, and of CPU of the database for both."""

    lease: float
    settle: float
    cpu: float

    @property
    def both(self) -> float:
        return self.lease + self.settle


class _Queue:
    """One of the two."""

    def __init__(self, store: PostgresStore, database: Database) -> None:
        self._store = store
        self._database = database
        self._numbers = itertools.count()

    async def round(self, count: int) -> _Round:
        """Put so many messages, lease all and settle them."""
        numbers = iter(range(count))

        async def client() -> None:
            for _ in numbers:
                now, number = time.time(), next(self._numbers)
                recipient = f"user{number}@example.net"
                body = Body(len(_BODY), _BODY)
                envelope = Envelope("ada@example.org", (recipient,))
                message = Message(f"lease{number}", envelope, body, now, session="session")
                await self._store.put(message, [Pending(recipient, "example.net", due=now)])

        await asyncio.gather(*(client() for _ in range(100)))
        lease = settle = 0.0
        cpu = self._database.used().cpu
        done = 0
        while done < count:
            began = time.perf_counter()
            leases = await self._store.lease(time.time(), _BATCH)
            lease += time.perf_counter() - began
            began = time.perf_counter()
            await asyncio.gather(
                *(
                    self._store.settle(each, [Done(one.recipient) for one in each.pending])
                    for each in leases
                )
            )
            settle += time.perf_counter() - began
            done += len(leases)
        cpu = self._database.used().cpu - cpu
        return _Round(lease / count, settle / count, cpu / count)


def leases(folder: Path, asked: argparse.Namespace) -> list[Row]:
    """Measure leases with and without much that waits."""
    del folder
    database = Database(asked.postgres)
    try:
        urls = {"beside none": database.fresh(), "beside those that wait": database.fresh()}
        runs = uvloop.run(_turns(database, urls, asked.waiting))
    finally:
        database.stop()
    alone, beside = runs.values()
    rows = [("database", database.told())]
    for name, some in runs.items():
        told = ", ".join(
            f"{what} {1e6 * statistics.median(getattr(one, what) for one in some):.0f} µs"
            for what in ("lease", "settle", "cpu")
        )
        rate = statistics.median(1 / one.both for one in some)
        rows.append((f"{_BATCH} at a time, {name}", f"{rate:,.0f}/s; a message: {told}"))
    for what in ("both", "lease", "cpu"):
        ratios = _ratios(beside, alone, what)
        rows.append((f"{asked.waiting:,} that wait : none, {what}", ratios))
    return rows


def _ratios(some: Sequence[_Round], others: Sequence[_Round], what: str) -> str:
    ratios = [
        getattr(one, what) / getattr(other, what) for one, other in zip(some, others, strict=True)
    ]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return f"{middle:.2f} ({low:.2f} to {high:.2f} in half of the rounds)"


async def _turns(database: Database, urls: dict[str, str], waiting: int) -> dict[str, list[_Round]]:
    runs: dict[str, list[_Round]] = {name: [] for name in urls}
    async with AsyncExitStack() as stack:
        queues = {}
        for name, url in urls.items():
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            store = await open_store(url, Path(folder), name)
            stack.push_async_callback(store.close)
            queues[name] = _Queue(store, database)
        with psycopg.connect(urls["beside those that wait"], autocommit=True) as connection:
            for statement in _DEFERRED.format(n=waiting).split(";")[:2]:
                connection.execute(statement.encode())
            connection.execute("VACUUM ANALYZE")
        database.tidy()
        for number in range(-1, _ROUNDS):  # the first one is for nothing
            for name in sorted(queues, reverse=bool(number % 2)):
                one = await queues[name].round(_EACH)
                if number >= 0:
                    runs[name].append(one)
    return runs
