"""Which pairs are worth a link, and a place in a list of pages.

There is a page of any two; eighty thousand of them, and most are of two that nobody confuses.
"""

from __future__ import annotations

from functools import cache

from ulak.replies.catalog import CATALOG
from ulak.replies.sides import Side, side
from ulak.web.reference import keys

_MOST = 6
Pair = tuple[str, str]


def beside(half: Side) -> tuple[Pair, ...]:
    """Name what one is worth comparing with: what is written about first, then what is near."""
    near = [(r.key, half.key) for r in half.related if _alike(r.key, half)]
    written = [pair for pair in keys.written_pairs() if half.key in pair]
    every = (*written, *(keys.in_order(*pair) for pair in near))
    return tuple(dict.fromkeys(every))[:_MOST]


def _alike(key: str, half: Side) -> bool:
    kind = "cause" if key in CATALOG else "enhanced" if "." in key else "code"
    return kind == half.kind and keys.known(key)


@cache
def listed() -> frozenset[Pair]:
    """Name the pairs that are worth a place in a list of pages.

    All basic codes with each other, an enhanced code with itself in another class, those with
    sentences of their own, and those to which the page of one leads.
    """
    codes, details = keys.basic(), keys.enhanced()
    found = {(a, b) for at, a in enumerate(codes) for b in codes[at + 1 :]}
    found |= {keys.in_order(a, b) for a in details for b in details if a[2:] == b[2:] and a != b}
    found |= {pair for key in keys.every() for pair in beside(side(key))}
    return frozenset((*found, *keys.written_pairs()))
