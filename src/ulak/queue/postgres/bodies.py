"""The octets of messages: in parts of a table that are emptied whole, and large ones in files here.

    young parts 0 … 3   where bodies come; the next one every ten minutes
    old parts 4, 5      where the bodies go of what still waits then; the other one every day

A part is emptied when no message points to it. Nothing is deleted in one, so there is nothing to
tidy, and a body is written once, or twice when its message waits, and then once a day.

A large body comes in a file and is worked on in one: a node keeps the file while it works on the
message, and until it notices that the message is gone.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from ulak.database.connecting import Connection
from ulak.queue.postgres.link import Link
from ulak.queue.postgres.trouble import LostError
from ulak.queue.store import StorageError

YOUNG, OLD = range(4), range(4, 6)

_PART = 1_000_000  # octets of a large body in one row
_NAME = re.compile(r"[0-9a-f]{16}")

OCTETS = (
    "INSERT INTO body (slot, seq, part, octets) SELECT %s::SMALLINT, seq, 0, octets "
    "FROM unnest(%s::BIGINT[], %b::BYTEA[]) AS o(seq, octets)"
)
_ONE_PART = "INSERT INTO body (slot, seq, part, octets) VALUES (%s, %s, %s, %b)"
_THERE = "SELECT seq FROM message WHERE seq = ANY(%s)"


async def insert_octets(connection: Connection, slot: int, octets: Mapping[int, bytes]) -> None:
    """Write bodies that are in memory."""
    await connection.execute(OCTETS, (slot, list(octets), list(octets.values())))


async def insert_file(connection: Connection, slot: int, seq: int, origin: Path) -> None:
    """Write the body that lies in a file, never whole in memory."""
    with origin.open("rb") as file:
        part = 0
        while octets := await asyncio.to_thread(file.read, _PART):
            await connection.execute(_ONE_PART, (slot, seq, part, octets))
            part += 1


class Bodies:
    """The files of this node. `in_hand` tells the messages that it works on."""

    def __init__(self, folder: Path, link: Link, in_hand: Callable[[], set[int]]) -> None:
        self.incoming = folder / "incoming"
        self._folder = folder / "bodies"
        self._link = link
        self._in_hand = in_hand
        for each in (self.incoming, self._folder):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)

    def sweep(self) -> None:
        """Remove what a crash left: all of it is in the database, or was never ours."""
        for folder in (self.incoming, self._folder):
            for entry in os.scandir(folder):
                if entry.is_file(follow_symlinks=False):
                    Path(entry.path).unlink(missing_ok=True)

    def keep(self, seq: int, origin: Path) -> Path:
        """Make a spooled file the one that is worked on."""
        path = self.path(seq)
        with suppress(FileNotFoundError):  # a put that was repeated has moved it already
            origin.rename(path)
        return path

    def discard(self, origin: Path | None) -> None:
        """Remove a spooled file whose octets are in the database, or not wanted."""
        if origin is not None:
            with suppress(OSError):
                origin.unlink()

    async def file(self, connection: Connection, slot: int, seq: int) -> Path:
        """Give the file of a large body, written from the database where it is not here."""
        path = self.path(seq)
        if path.is_file():
            return path
        coming = self.incoming / f"{seq:016x}.coming"
        part = 0
        with coming.open("wb") as file:
            while True:
                found = await connection.execute(
                    "SELECT octets FROM body WHERE slot = %s AND seq = %s AND part = %s",
                    (slot, seq, part),
                    binary=True,
                )
                row = await found.fetchone()
                if row is None:
                    break
                await asyncio.to_thread(file.write, row[0])
                part += 1
        return coming.rename(path)

    async def forget(self, seqs: Iterable[int]) -> None:
        """Remove the files of those of these messages that are gone and in nobody's hands."""
        here = [seq for seq in seqs if self.path(seq).is_file()]
        if not here:
            return

        async def step(connection: Connection) -> set[int]:
            return {row[0] for row in await (await connection.execute(_THERE, (here,))).fetchall()}

        with suppress(StorageError, LostError):  # then a later look finds them
            needed = await self._link.do(step) | self._in_hand()
            for seq in here:
                if seq not in needed:
                    self.path(seq).unlink(missing_ok=True)

    async def look(self) -> None:
        """Remove the files of all messages that are gone: other nodes finish them, too."""
        names = [entry.name for entry in os.scandir(self._folder)]
        await self.forget(int(name, 16) for name in names if _NAME.fullmatch(name))

    def path(self, seq: int) -> Path:
        """Say where the file of a large body lies while it is worked on here."""
        return self._folder / f"{seq:016x}"
