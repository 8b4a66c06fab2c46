"""Puts messages under keys, and says which are on the disk; until it is killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Message, Pending, Receipt
from ulak.queue.sqlite import SqliteStore


async def main(folder: Path, run: str) -> None:
    store = SqliteStore(folder)

    async def put(number: int) -> None:
        name = f"{run}-{number}"
        message = Message(
            name,
            Envelope("ada@example.org", ("b@example.net",)),
            Body(4, b"a: b"),
            1000.0,
            receipt=Receipt(f"key {name}", "digest", name),
        )
        await store.put(message, [Pending("b@example.net", "example.net")])
        print(name, flush=True)

    for start in range(0, 100_000, 10):
        await asyncio.gather(*map(put, range(start, start + 10)))


asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
