"""How fast the queue in PostgreSQL is: `python -m bench.shared [--seconds S]`.

A server of its own on this machine, syncing as it should; nodes in processes of their own; messages
of 10 KB. CPU is told for one message, of the nodes and of the server, since the machine may be busy
with something else: it says what a second core would bring, and the rates do not. What much mail
that waits costs is told by `python -m bench leases`.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from bench.database import Database
from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Done, Message, Pending
from ulak.queue.postgres import PostgresStore, open_store

_BODY = os.urandom(10_240)
_BATCH = 200  # messages in one lease


class Node:
    """One node, and what it does for a while."""

    def __init__(self, store: PostgresStore, name: str, end: float) -> None:
        self._store = store
        self._name = name
        self._end = end
        self._numbers = itertools.count()
        self.done = 0

    def _message(self) -> tuple[Message, list[Pending]]:
        now, number = time.time(), next(self._numbers)
        recipient = f"user{number}@example.net"
        envelope = Envelope("ada@example.org", (recipient,))
        body = Body(len(_BODY), _BODY)
        message = Message(f"{self._name}-{number}", envelope, body, now, session="session")
        return message, [Pending(recipient, "example.net", due=now)]

    async def put(self) -> None:
        """Take messages, one after the other."""
        while time.perf_counter() < self._end:
            await self._store.put(*self._message())
            self.done += 1

    async def relay(self) -> None:
        """Take messages with their leases, and be done with them."""
        while time.perf_counter() < self._end:
            lease = await self._store.put(*self._message(), lease=True)
            if lease is not None:
                await self._store.settle(lease, [Done(lease.pending[0].recipient)])
                self.done += 1

    async def drain(self) -> None:
        """Lease what is due in batches, and be done with it."""
        while time.perf_counter() < self._end:
            leases = await self._store.lease(time.time(), _BATCH)
            if not leases:
                return
            await asyncio.gather(
                *(
                    self._store.settle(lease, [Done(each.recipient) for each in lease.pending])
                    for lease in leases
                )
            )
            self.done += len(leases)


async def _work(url: str, what: str, name: str, clients: int, seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        store = await open_store(url, Path(folder), name)
        try:
            node = Node(store, name, time.perf_counter() + seconds)
            began, cpu = time.perf_counter(), time.process_time()
            await asyncio.gather(*(getattr(node, what)() for _ in range(clients)))
            took = time.perf_counter() - began
            cpu = time.process_time() - cpu
            return {"done": node.done, "took": took, "cpu": cpu}
        finally:
            await store.close()


def _measure(
    database: Database, url: str, what: str, nodes: int, clients: int, seconds: float
) -> None:
    database.tidy()
    before = database.used()
    words = [url, "--node", what, "--clients", str(clients), "--seconds", str(seconds)]
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.shared", *words, "--name", f"{what}{n}-{time.time()}"],
            stdout=subprocess.PIPE,
        )
        for n in range(nodes)
    ]
    told: list[dict[str, Any]] = [json.loads(child.communicate()[0]) for child in children]
    used = database.used() - before
    done = sum(each["done"] for each in told)
    rate = sum(each["done"] / each["took"] for each in told)
    cpu = sum(each["cpu"] for each in told)
    print(
        f"{what:8} {nodes:5} {clients:8} {rate:12,.0f} {1e6 * cpu / done:9.0f} "
        f"{1e6 * used.cpu / done:10.0f} {used.wal / done:12,.0f} {used.syncs / done:8.3f}",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="How fast the queue in PostgreSQL is")
    parser.add_argument("url", nargs="?", default="", help=argparse.SUPPRESS)
    parser.add_argument("--node", help=argparse.SUPPRESS)
    parser.add_argument("--name", default="node", help=argparse.SUPPRESS)
    parser.add_argument("--clients", type=int, default=100, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each line")
    options = parser.parse_args()
    if options.node:
        work = _work(options.url, options.node, options.name, options.clients, options.seconds)
        print(json.dumps(uvloop.run(work)))
        return
    database = Database()
    try:
        print(database.told())
        url = database.fresh()
        print("what     nodes  clients   messages/s   node µs  server µs   log octets    syncs")
        for what, nodes, clients in (
            *(("put", 1, clients) for clients in (1, 20, 100, 500)),
            ("drain", 1, 1),
            *(("relay", nodes, 100) for nodes in (1, 2, 4)),
        ):
            _measure(database, url, what, nodes, clients, options.seconds)
    finally:
        database.stop()


if __name__ == "__main__":
    main()
