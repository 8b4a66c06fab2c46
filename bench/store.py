"""How fast the SQLite queue is: `python bench/store.py [--folder DIR] [--seconds S] [--waiting N]`.

One process, messages of 10 KB, each durable before the next of the same client. `loop` is the
CPU time that the event loop's thread spends on one message, `all` that of the whole process:
what is between them is the writer's, beside the loop where there is a second core.

With `--waiting` instead: what it costs to find whose turn it is among so many that are due in
10,000 domains, of which one sender has 99 %; CPU time, with this share of the domains avoided.
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
_DOMAINS = 10_000
_AT_ONCE = 500
_BATCH = 200


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


async def _wait(store: SqliteStore, count: int) -> None:
    """Put what waits: nearly all by one sender, then some by each of many."""
    numbers = iter(range(count))

    async def client() -> None:
        for number in numbers:
            few = number * 100 >= count * 99
            sender = f"ada@small{number % 1000}.example" if few else "list@huge.example"
            domain = f"d{number % _DOMAINS}.example"
            recipient = f"user{number}@{domain}"
            envelope = Envelope(sender, (recipient,))
            message = Message(f"bench{number:012}", envelope, Body(2, b"\r\n"), float(number))
            await store.put(message, [Pending(recipient, domain, due=float(number))])

    await asyncio.gather(*(client() for _ in range(_AT_ONCE)))


async def _turns(folder: Path, count: int) -> list[tuple[str, float, str]]:
    """Milliseconds of CPU that leases take, and from whom the messages are."""
    store = SqliteStore(folder)
    await _wait(store, count)
    await store.close()
    began = time.perf_counter()
    store = SqliteStore(folder)
    found = [("opening", 1000 * (time.perf_counter() - began), "")]
    for share in (0, 0.5, 0.99, 1):
        avoid = [f"d{number}.example" for number in range(int(_DOMAINS * share))]
        await store.next_due(avoid)  # who is avoided is noted once
        began = time.process_time()
        due = await store.next_due(avoid)
        next_due = 1000 * (time.process_time() - began)
        began = time.process_time()
        leases = await store.lease(2.0 * count, _BATCH, avoid)
        lease = 1000 * (time.process_time() - began)
        small = sum("small" in each.message.envelope.sender for each in leases)
        told = f"{small} of {len(leases)} by small senders"
        found.append((f"lease, {share:.0%} avoided", lease, told))
        found.append((f"next due, {share:.0%} avoided", next_due, f"{due}"))
        for each in leases:
            await store.settle(each, ())
    await store.close()
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="How fast the SQLite queue is")
    parser.add_argument("--folder", type=Path, help="where to measure (default: the temporary one)")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each line")
    parser.add_argument("--waiting", type=int, default=0, help="measure leases among so many")
    options = parser.parse_args()
    if options.waiting:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            for what, took, told in uvloop.run(_turns(Path(folder) / "queue", options.waiting)):
                print(f"{what:24} {took:8.1f} ms  {told}")
        return
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
