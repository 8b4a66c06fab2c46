"""In which order the sources of a pool are asked for a message.

Weighted rendezvous hashing: each source draws a number from the message's id, and the order is that
of the numbers. It is the same at each attempt of a message and in each worker, and when a source is
added or taken away only those messages change theirs that come to it, or have lost it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

_BITS = 53  # that a float holds exactly


def order(weights: Mapping[str, int], message: str, last: str = "") -> tuple[str, ...]:
    """Give the names of sources, best first: `last`, from which it was tried before, leads.

    Two are chosen by their numbers, and the others follow as the pool has them, so that messages
    with many different orders do not have to be kept apart.
    """
    names = [name for name, weight in weights.items() if weight > 0]
    if len(names) > 1:
        numbers = {name: _number(name, weights[name], message) for name in names}
        first, second = sorted(names, key=numbers.__getitem__)[:2]
        names = [first, second, *(name for name in names if name not in (first, second))]
    if last and last in names and names[0] != last:
        names = [last, *(name for name in names if name != last)]
    return tuple(names)


def _number(name: str, weight: int, message: str) -> float:
    """Draw the number of a source for a message; the least one wins, as often as it has weight."""
    digest = hashlib.blake2b(f"{name}\0{message}".encode("utf-8", "surrogatepass"), digest_size=8)
    part = (int.from_bytes(digest.digest()) >> (64 - _BITS)) + 0.5
    return -math.log(part / (1 << _BITS)) / weight
