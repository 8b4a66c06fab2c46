"""What is asked of a bucket, through whatever it is asked: the port of the module `bucket`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from mmap import mmap
from typing import Protocol


class BucketError(Exception):
    """The bucket has not done what it was asked; `problem` says why in a few words of ours."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


class MissingError(Exception):
    """The bucket answers, and there is no such object in it, or it is not what was put there."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a listing: an object, and since when it is there, in seconds since the epoch."""

    key: str
    since: float


class Objects(Protocol):
    """Objects by their keys. Every verb may raise BucketError, and ends in bounded time."""

    async def put(self, key: str, octets: bytes | mmap, patience: float) -> str:
        """Keep octets under a key; give the ETag that the bucket answers, without quotes."""

    def get(self, key: str, patience: float) -> AsyncIterator[bytes]:
        """Give the octets in pieces. Raises MissingError."""

    def read(self, key: str) -> bytes:
        """Give the octets to who can wait for them without a loop. Raises MissingError."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are not there are removed already."""

    async def list(self, prefix: str, after: str) -> Sequence[Listed]:
        """Give some objects under a prefix, in the order of their keys; none: there are no more."""
