"""A node that puts large messages until an object of its own is acknowledged, and is killed then.

    python bucketchild.py DATABASE SCHEMA FOLDER PORT KEYS RUN COUNT

It writes the id of each message that was acknowledged to it. When the bucket has acknowledged its
COUNT-th object it kills itself, before the row of that is written.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
from mmap import mmap
from pathlib import Path

from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Message, Pending
from ulak.queue.postgres import PostgresStore, open_store
from ulak.queue.postgres.bucket import Bucket
from ulak.queue.postgres.s3 import S3, Place

SIZE = 20_000


def octets(identifier: str) -> bytes:
    """Give the body of the message with this id."""
    return hashlib.shake_256(identifier.encode()).digest(SIZE)


class Deadly(S3):
    """A bucket whose client dies when so many objects are there."""

    left = 0

    async def put(self, key: str, octets: bytes | mmap, patience: float) -> str:
        tag = await super().put(key, octets, patience)
        self.left -= 1
        if self.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return tag


async def _client(store: PostgresStore, run: str, number: int) -> None:
    for count in range(1000):
        identifier = f"{run}-{number}-{count}"
        data = octets(identifier)
        body = Body(SIZE, data)
        if count % 2:
            path = store.incoming / identifier
            path.write_bytes(data)
            body = Body(SIZE, path=path)
        mail = Message(identifier, Envelope("a@x.example", ("b@y.example",)), body, 1000.0)
        await store.put(mail, [Pending("b@y.example", "y.example", due=1000.0)])
        os.write(1, f"{identifier}\n".encode())


async def main(database: str, schema: str, folder: Path, place: Place, run: str) -> None:
    """Put, with two clients at a time."""
    objects = Deadly(place)
    objects.left = int(sys.argv[7])
    store = await open_store(database, folder, "child", schema, bucket=Bucket(objects, 1000))
    await asyncio.gather(*(_client(store, run, number) for number in range(2)))


if __name__ == "__main__":
    url, schema, folder, port, keys, run = sys.argv[1:7]
    place = Place("mail", f"http://127.0.0.1:{port}", keys=Path(keys))
    asyncio.run(main(url, schema, Path(folder), place, run))
