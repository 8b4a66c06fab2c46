"""What a fuzzer gives, taken apart: text in front, choices behind.

Choices are taken from the end, so that what a target is about stands at the beginning of its
input, where a person can read it and a dictionary of words fits.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_OCTET_BY_OCTET = 7


class Octets:
    """The octets of one input. Whatever they are, every question has an answer."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def number(self, most: int) -> int:
        """Take a number from 0 to `most`; 0 where nothing is left."""
        size = (most.bit_length() + 7) // 8
        taken, self._data = self._data[-size:], self._data[:-size]
        return int.from_bytes(taken, "big") % (most + 1)

    def choice(self, of: Sequence[T]) -> T:
        """Take one of several."""
        return of[self.number(len(of) - 1)]

    def flag(self) -> bool:
        """Take yes or no."""
        return bool(self.number(1))

    def places(self) -> tuple[int, ...]:
        """Take some places at which octets are to be cut; `pieces` understands them."""
        count = self.number(_OCTET_BY_OCTET)
        if count == _OCTET_BY_OCTET:
            return (-1,)
        return tuple(self.number(0xFFFF) for _ in range(count))

    def rest(self) -> bytes:
        """Take all that is left."""
        rest, self._data = self._data, b""
        return rest

    def text(self) -> str:
        """Take all that is left as text, whatever it is."""
        return self.rest().decode("utf-8", "replace")


def pieces(data: bytes, places: tuple[int, ...]) -> list[bytes]:
    """Cut octets at places; at -1 after every octet."""
    if places == (-1,):
        return [data[i : i + 1] for i in range(len(data))]
    cuts = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(cuts)]


def sound(octets: bytes) -> bool:
    """Whether every CR has its LF and every LF its CR."""
    return octets.count(b"\r\n") == octets.count(b"\r") == octets.count(b"\n")
