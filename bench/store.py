"""How fast the SQLite queue is: `python bench/store.py [--folder DIR] [--seconds S]`.

One process, messages of 10 KB, each durable before the next of the same client. `loop` is the
CPU time that the event loop's thread spends on one message, `all` that of the whole process:
what is between them is the writer's, beside the loop where there is a second core.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Done, Message, Pending
from ulak.queue.sqlite import SqliteStore

_SIZE = 10_240
_CLIENTS = (1, 5, 20, 100, 500)


async def _measure(
    folder: Path, clients: int, seconds: float, step: Callable[[SqliteStore, int], Awaitable[None]]
) -> tuple[float, float, float]:
    """Messages a second, and microseconds of CPU for each: the loop's and all."""
    store = SqliteStore(folder)
    numbers = itertools.count()
    done = 0
    end = time.perf_counter() + seconds

    async def client() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await step(store, next(numbers))
            done += 1

    began, loop, everything = time.perf_counter(), time.thread_time(), time.process_time()
    await asyncio.gather(*(client() for _ in range(clients)))
    took = time.perf_counter() - began
    loop, everything = time.thread_time() - loop, time.process_time() - everything
    await store.close()
    return done / took, 1e6 * loop / done, 1e6 * everything / done


_BODY = os.urandom(_SIZE)


def _message(number: int) -> tuple[Message, list[Pending]]:
    recipient = f"user{number}@example.net"
    now = time.time()
    message = Message(
        f"bench{number:012}",
        Envelope("ada@example.org", (recipient,)),
        Body(_SIZE, _BODY),
        now,
        session="session",
    )
    return message, [Pending(recipient, "example.net", due=now)]


async def _put(store: SqliteStore, number: int) -> None:
    await store.put(*_message(number))


async def _put_and_settle(store: SqliteStore, number: int) -> None:
    lease = await store.put(*_message(number), lease=True)
    if lease is not None:
        await store.settle(lease, [Done(lease.pending[0].recipient)])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="How fast the SQLite queue is")
    parser.add_argument("--folder", type=Path, help="where to measure (default: the temporary one)")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each line")
    options = parser.parse_args()
    print("what            clients   messages/s   loop µs   all µs")
    for name, step in (("put", _put), ("put and settle", _put_and_settle)):
        for clients in _CLIENTS:
            folder = Path(tempfile.mkdtemp(dir=options.folder))
            try:
                rate, loop, everything = uvloop.run(
                    _measure(folder / "queue", clients, options.seconds, step)
                )
            finally:
                shutil.rmtree(folder)
            print(f"{name:15} {clients:7} {rate:12,.0f} {loop:9.0f} {everything:8.0f}")


if __name__ == "__main__":
    main()
