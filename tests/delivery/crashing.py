"""A process to be killed: takes messages over, delivers them into Maildirs, says what is its own.

`python crashing.py FOLDER FIRST COUNT` puts COUNT messages, numbered from FIRST, and prints the
number of each one that is on disk; then it delivers until the queue is empty. The sender of every
odd one wants to hear that ada has it.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from ulak.bounce.notice import Office
from ulak.delivery.maildir import MaildirCarrier
from ulak.delivery.parts import Parts
from ulak.delivery.route import Route, Routes
from ulak.delivery.target import Way
from ulak.delivery.worker import Worker
from ulak.dns import Zone
from ulak.journal.memory import MemoryJournal
from ulak.mail.envelope import Envelope, RecipientWishes, domain_of
from ulak.queue.item import Body, Message, Pending
from ulak.queue.retry import Retry
from ulak.queue.sqlite import SqliteStore

BOXES = ("ada@example.org", "bob@example.net")
ASKED = {BOXES[0]: RecipientWishes(frozenset({"SUCCESS"}))}


async def put(store: SqliteStore, worker: Worker, number: int) -> None:
    data = b"Subject: %d\r\n\r\nhi\r\n" % number
    if number % 10 == 0:  # some in files
        path = store.incoming / str(number)
        path.write_bytes(data)
        body = Body(len(data), path=path)
    else:
        body = Body(len(data), data)
    now = time.time()
    envelope = Envelope("grace@example.com", BOXES)
    if number % 2:
        envelope = replace(envelope, asked=ASKED)
    message = Message(f"M{number}", envelope, body, now)
    pending = [Pending(box, domain_of(box), due=now) for box in BOXES]
    lease = await store.put(message, pending, lease=worker.wants(domain_of(box) for box in BOXES))
    print(number, flush=True)
    if lease is not None:
        worker.accepted(lease)


async def main(folder: Path, first: int, count: int) -> None:
    store = SqliteStore(folder / "queue")
    carrier = MaildirCarrier(folder / "mail", "mx.example.org", time.time)
    reports = itertools.count()
    local = {"example.org": "maildir", "example.net": "maildir", "example.com": "maildir"}
    worker = Worker(
        Parts(
            store,
            MemoryJournal(),
            Zone({}),
            Route(Routes.of("mx.example.org", local), lambda: 0.5),
            {Way.MAILDIR: carrier},
            Retry(first=0.1, longest=0.1),
            Office("mx.example.org"),
            time.time,
            lambda: 0.5,
            lambda: f"R{os.getpid()}-{next(reports)}",
            str,
        )
    )
    running = asyncio.create_task(worker.run())
    for start in range(first, first + count, 10):
        await asyncio.gather(*(put(store, worker, n) for n in range(start, start + 10)))
    while (await store.count()).messages:  # noqa: ASYNC110 -- a queue has no event for this
        await asyncio.sleep(0.01)
    await worker.stop(10)
    await running
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
