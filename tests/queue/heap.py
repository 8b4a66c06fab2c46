"""A bucket in memory, for tests in which thousands of messages go through one."""

from __future__ import annotations

import hashlib
import mmap
import time
from collections.abc import AsyncIterator, Callable, Sequence

from ulak.queue.postgres.objects import BucketError, Listed, MissingError


class Heap:
    """Objects in memory. While `trouble` says something, no verb does anything else."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, float]] = {}
        self.trouble = ""
        self.before_delete: Callable[[Sequence[str]], None] = lambda _keys: None
        self.asked = 0

    def _meet(self) -> None:
        self.asked += 1
        if self.trouble:
            raise BucketError(self.trouble)

    async def put(self, key: str, octets: bytes | mmap.mmap, patience: float) -> str:
        del patience
        self._meet()
        self.kept[key] = bytes(octets), time.time()
        return hashlib.md5(octets, usedforsecurity=False).hexdigest()

    async def get(self, key: str, patience: float) -> AsyncIterator[bytes]:
        del patience
        octets = self.read(key)
        for start in range(0, len(octets), 10):
            yield octets[start : start + 10]

    def read(self, key: str) -> bytes:
        self._meet()
        if key not in self.kept:
            raise MissingError
        return self.kept[key][0]

    async def delete(self, keys: Sequence[str]) -> None:
        self._meet()
        self.before_delete(keys)
        for key in keys:
            self.kept.pop(key, None)

    @property
    def bodies(self) -> list[str]:
        """Give the keys of all that is a body."""
        return [key for key in self.kept if not key.endswith("probe")]

    async def list(self, prefix: str, after: str) -> Sequence[Listed]:
        self._meet()
        keys = sorted(key for key in self.kept if key.startswith(prefix) and key > after)
        return [Listed(key, self.kept[key][1]) for key in keys[:3]]
