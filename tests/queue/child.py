"""A process that fills a queue until it is killed, and tells what was acknowledged to it.

    python child.py FOLDER [--clients N] [--messages N] [--run NAME]

It writes a line to its standard output, with one system call, for each thing that it knows:

    pid N       first of all
    put ID      the message is the queue's: `put` has returned
    try ID      it is about to settle the message as done
    done ID     it is settled
    full ID     `put` or `settle` said that the disk is full
    fail ID     `put` or `settle` said that the store failed
    end         it did as many messages as it was told and closed the store

Each message's body follows from its id (`octets`), so that who finds it can tell that it is
whole. Every seventh is in a file. Every third is settled.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import time
from pathlib import Path

from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Done, Message, Pending
from ulak.queue.sqlite import SqliteStore
from ulak.queue.store import StorageError, StorageFullError

SIZE = 3_000


def octets(identifier: str) -> bytes:
    """Give the body of the message with this id."""
    return hashlib.shake_256(identifier.encode()).digest(SIZE)


def say(what: str, identifier: object = "") -> None:
    """Tell the parent, so that it is told even when we are killed right after."""
    os.write(1, f"{what} {identifier}".rstrip().encode() + b"\n")


class Client:
    """Puts one message after the other, and waits for each."""

    def __init__(self, store: SqliteStore, run: str) -> None:
        self.store = store
        self.run = run

    def message(self, number: int, identifier: str) -> Message:
        data = octets(identifier)
        body = Body(SIZE, data)
        if number % 7 == 0:
            path = self.store.incoming / identifier
            path.write_bytes(data)
            body = Body(SIZE, path=path)
        envelope = Envelope("ada@example.org", ("grace@example.net",))
        return Message(identifier, envelope, body, time.time())

    async def one(self, number: int) -> None:
        identifier = f"{self.run}.{number:06}"
        try:
            message = self.message(number, identifier)
            pending = [Pending("grace@example.net", "example.net", due=message.received)]
            lease = await self.store.put(message, pending, lease=number % 3 == 0)
            say("put", identifier)
            if lease is not None:
                say("try", identifier)
                await self.store.settle(lease, [Done("grace@example.net")])
                say("done", identifier)
        except (StorageFullError, OSError):
            say("full", identifier)
        except StorageError:
            say("fail", identifier)


async def main() -> None:
    """Do as told by the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--run", default="m")
    options = parser.parse_args()
    say("pid", os.getpid())
    store = SqliteStore(options.folder)
    client, numbers = Client(store, options.run), iter(range(1, options.messages + 1))

    async def work() -> None:
        for number in numbers:
            await client.one(number)

    await asyncio.gather(*(work() for _ in range(options.clients)))
    await store.close()
    say("end")


if __name__ == "__main__":
    asyncio.run(main())
