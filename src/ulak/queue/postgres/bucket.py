"""Large bodies in a bucket: an object is there, whole, before a row says so.

An object's key has a number of the node that put it there, mostly that of its message, and some
chance: no key is ever used twice, whatever is repeated, and whatever old copy of the database is
restored. What no row says is there is removed by `ulak.queue.postgres.sweeping`.

Who meets a bucket that does not take bodies waits for `_PATIENCE` at most, and for what the octets
take; all others are told at once until something could be put there again. While one cannot be
read from, that is tried again after `_AGAIN`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import mmap
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ulak.database.connecting import Connection
from ulak.queue.item import Body
from ulak.queue.postgres.link import Link
from ulak.queue.postgres.objects import BucketError, MissingError, Objects
from ulak.queue.postgres.rows import EPOCH_SHIFT
from ulak.queue.store import StorageError

IN_BUCKET = -1  # the slot of a message whose octets are in the bucket

_PATIENCE = 5.0  # seconds, beside those that the octets may take
_LEAST_RATE = 2_000_000.0  # octets a second
_PROBED = b"Ulak was here.\n"
_PROBE = (1.0, 30.0)  # seconds until it is tried again to write: first, and at most
_AGAIN = 10.0  # seconds until it is tried again to read
_INLINE = 300_000  # octets that are hashed without another thread

_NAME = re.compile(r"([0-9a-f]{16})-[0-9a-f]{16}")
_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Kept:
    """An object, and the SHA-256 of its octets."""

    key: str
    digest: bytes

    @property
    def epoch(self) -> int:
        """The epoch of the node that put it there."""
        return epoch_of(self.key) or 0


def epoch_of(key: str) -> int | None:
    """Give the epoch of a key; None where the object is not one of a queue's."""
    found = _NAME.fullmatch(key.rpartition("/")[2])
    return None if found is None else int(found[1], 16) >> EPOCH_SHIFT


@dataclass(frozen=True, slots=True)
class Word:
    """What an operator is to hear of the bucket: it does not do (`problem`), or it does again."""

    verb: str  # write, read
    problem: str = ""  # "": it works again


class Bucket:
    """The bucket of a node.

    Bodies of more than `larger_than` octets go there. `or_database`: while it does not take them,
    the database does; else they are not accepted. `on_word` hears when that changes.
    """

    def __init__(
        self, objects: Objects, larger_than: int, *, prefix: str = "", or_database: bool = True
    ) -> None:
        self.objects = objects
        self.larger_than = larger_than
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._home = ""
        self.under_way: set[str] = set()  # put, or about to be, while no row says so yet
        self.on_word: Callable[[Word], None] = lambda _word: None
        self._or_database = or_database
        self._probing: asyncio.Task[None] | None = None
        self._unreadable = ""
        self._unreadable_until = 0.0
        self._tags_are_sums = True
        self._discarding: set[asyncio.Task[None]] = set()

    # -- writing ----------------------------------------------------------------------------

    async def home(self, link: Link) -> str:
        """Give the prefix of all objects of this queue, whoever else keeps mail in the bucket.

        Raises as `link.do` does.
        """

        async def step(connection: Connection) -> str:
            row = await (await connection.execute("SELECT identity FROM store")).fetchone()
            assert row is not None  # noqa: S101 -- it came with the table
            return str(row[0])

        if not self._home:
            self._home = f"{self._prefix}{await link.do(step, twice=True)}/"
        return self._home

    async def put(self, number: int, body: Body, home: str) -> Kept | None:
        """Put a body there; None: the database is to take it. Raises StorageError.

        What it gives is `under_way` until `ended`.
        """
        if self._probing is not None:
            self._refuse_unless_database()
            return None
        key = f"{home}{number:016x}-{secrets.token_hex(8)}"
        self.under_way.add(key)
        try:
            octets = _octets(body)
            digest, md5 = await _sums(octets)
            patience = _PATIENCE + body.size / _LEAST_RATE
            tag = await self.objects.put(key, octets, patience)
            kept = Kept(key, digest)
            if _MD5.fullmatch(tag) and tag != md5 and self._tags_are_sums:
                await self._look_at(kept, body.size)
        except BucketError as error:
            self.ended(key, wanted=False)
            self._away(error.problem)
            self._refuse_unless_database()
            return None
        except BaseException:
            self.ended(key, wanted=False)
            raise
        return kept

    async def _look_at(self, kept: Kept, size: int) -> None:
        """Read back what has come with another ETag: with encryption, it is no sum of the octets.

        If it is what was put there, the ETags of this bucket say nothing; requests are signed with
        the hash of their octets all the same, and whoever reads a body looks at that.
        """
        try:
            await self.fetch(kept, size)
        except MissingError as error:
            message = "wrong checksum"
            raise BucketError(message) from error
        self._tags_are_sums = False

    def ended(self, key: str, *, wanted: bool) -> None:
        """Note that a put is over: a row says that the object is there, or it is not wanted."""
        self.under_way.discard(key)
        if not wanted:
            task = asyncio.get_running_loop().create_task(self._discard(key))
            self._discarding.add(task)
            task.add_done_callback(self._discarding.discard)

    async def _discard(self, key: str) -> None:
        with contextlib.suppress(BucketError):  # then it is swept
            await self.objects.delete([key])

    def _refuse_unless_database(self) -> None:
        if not self._or_database:
            message = "The bucket of large bodies cannot be written to at present."
            raise StorageError(message)

    @property
    def writable(self) -> bool:
        """Whether bodies are put there, as far as is known."""
        return self._probing is None

    def _away(self, problem: str) -> None:
        if self._probing is None:
            self.on_word(Word("write", problem))
            self._probing = asyncio.get_running_loop().create_task(self._until_back())

    async def _until_back(self) -> None:
        pause, longest = _PROBE
        while True:
            await asyncio.sleep(pause)
            pause = min(pause * 2, longest)
            with contextlib.suppress(BucketError):
                await self.objects.put(f"{self._prefix}probe", _PROBED, _PATIENCE)
                break
        self._probing = None
        self.on_word(Word("write"))

    async def problem(self) -> str:
        """Say why bodies cannot be put there, read and listed; "" if they can."""
        key = f"{self._prefix}probe"
        try:
            await self.objects.put(key, _PROBED, _PATIENCE)
            async for _ in self.objects.get(key, _PATIENCE):
                pass
            await self.objects.list(self._prefix, "")
        except BucketError as error:
            return error.problem
        except MissingError:
            return "what was put there is not there"
        return ""

    # -- reading ----------------------------------------------------------------------------

    async def fetch(self, kept: Kept, size: int, to: Path | None = None) -> bytes | None:
        """Give a body, or write it to a file. Raises BucketError, MissingError.

        A file is there when it is whole.
        """
        loop = asyncio.get_running_loop()
        if self._unreadable and loop.time() < self._unreadable_until:
            raise BucketError(self._unreadable)
        try:
            found = await self._fetch(kept, size, to)
        except BucketError as error:
            if not self._unreadable:
                self.on_word(Word("read", error.problem))
            self._unreadable = error.problem
            self._unreadable_until = loop.time() + _AGAIN
            raise
        except MissingError:
            self._readable()
            raise
        self._readable()
        return found

    def _readable(self) -> None:
        if self._unreadable:
            self._unreadable = ""
            self.on_word(Word("read"))

    async def _fetch(self, kept: Kept, size: int, to: Path | None) -> bytes | None:
        patience = _PATIENCE + size / _LEAST_RATE
        digest = hashlib.sha256()
        pieces = self.objects.get(kept.key, patience)
        if to is None:
            octets = bytearray()
            async for piece in pieces:
                digest.update(piece)
                octets += piece
            _refuse_other(digest.digest(), kept)
            return bytes(octets)
        coming = to.with_name(f"{to.name}.{secrets.token_hex(4)}.coming")
        try:
            with coming.open("wb") as file:
                async for piece in pieces:
                    digest.update(piece)
                    await asyncio.to_thread(file.write, piece)
            _refuse_other(digest.digest(), kept)
            coming.rename(to)
        finally:
            coming.unlink(missing_ok=True)
        return None

    def read(self, kept: Kept) -> bytes:
        """Give a body to who has no loop. Raises StorageError."""
        try:
            octets = self.objects.read(kept.key)
            _refuse_other(hashlib.sha256(octets).digest(), kept)
        except BucketError as error:
            message = f"The bucket of large bodies cannot be read: {error.problem}."
            raise StorageError(message) from error
        except MissingError as error:
            message = f"The body is not in the bucket any more, or was changed: {kept.key}."
            raise StorageError(message) from error
        return octets

    async def close(self) -> None:
        """Let go of what is under way."""
        tasks = [*self._discarding, *([self._probing] if self._probing else ())]
        if self._probing is not None:
            self._probing.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _octets(body: Body) -> bytes | mmap.mmap:
    """Give the octets, which are not read before they are sent where they lie in a file."""
    if body.path is None:
        return body.data or b""
    with body.path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


async def _sums(octets: bytes | mmap.mmap) -> tuple[bytes, str]:
    """Give the SHA-256, and the MD5 as an ETag has it."""

    def look() -> tuple[bytes, str]:
        return (
            hashlib.sha256(octets).digest(),
            hashlib.md5(octets, usedforsecurity=False).hexdigest(),
        )

    return look() if len(octets) <= _INLINE else await asyncio.to_thread(look)


def _refuse_other(digest: bytes, kept: Kept) -> None:
    if digest != kept.digest:
        raise MissingError
