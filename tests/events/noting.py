"""Notes events, and says which are on the disk; until it is killed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from ulak.events.event import Event, Wanted, What
from ulak.events.outbox import Outbox
from ulak.events.sqlite import SqliteOutbox


async def main(path: Path, run: str) -> None:
    outbox = Outbox(
        SqliteOutbox(path), [("https://a.example/", Wanted())], most=100_000, incident=str
    )

    async def note(number: int) -> None:
        outbox.note(Event(What.DELIVERED, 1000.0, f"{run}-{number}"))
        await outbox.flush()
        print(f"{run}-{number}", flush=True)

    for start in range(0, 100_000, 7):
        await asyncio.gather(*map(note, range(start, start + 7)))


asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
