"""Which pages there are, by their keys, and where each is.

A key is a basic code (`252`), an enhanced code with its class (`5.7.1`) or the name of a cause.
A pair of keys has one order and so one page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache

from ulak.replies import reuse, texts
from ulak.replies.catalog import CATALOG
from ulak.replies.codes import CODES
from ulak.replies.enhanced import ENHANCED

_ENHANCED = re.compile(r"([245Xx])\.([0-9]{1,3}\.[0-9]{1,3})")
_RANGE = re.compile(r"([245])\.([0-9]+)\.([0-9]+)(?:-([0-9]+))?")
_BETWEEN = "-vs-"
_MOST = 8


@cache
def basic() -> tuple[str, ...]:
    """Name every basic code that has a page."""
    return tuple(map(str, CODES))


@cache
def enhanced() -> tuple[str, ...]:
    """Name every enhanced code that has a page: the registered ones, then those of providers."""
    registered = tuple(
        f"{digit}.{known.detail}"
        for known in ENHANCED.values()
        for digit in sorted({*known.classes, *known.seen})
    )
    return tuple(dict.fromkeys((*registered, *dict.fromkeys(_ranges().values()))))


@cache
def causes() -> tuple[str, ...]:
    """Name every cause."""
    return tuple(CATALOG)


@cache
def every() -> tuple[str, ...]:
    """Name every page of one code or cause."""
    return (*basic(), *enhanced(), *causes())


@cache
def _places() -> dict[str, str]:
    return {
        **{key: f"/codes/{key}" for key in (*basic(), *enhanced())},
        **{key: f"/causes/{key}" for key in causes()},
    }


@cache
def _ranges() -> dict[str, str]:
    """Give the page of each enhanced code that only providers have: a range shares one."""
    found: dict[str, str] = {}
    for row in reuse.REUSE.values():
        for reply in row.replies:
            code = _RANGE.search(reply)
            if code is None or f"{code[2]}.{code[3]}" in ENHANCED:
                continue
            start = f"{code[1]}.{code[2]}."
            for number in range(int(code[3]), int(code[4] or code[3]) + 1):
                found[f"{start}{number}"] = f"{start}{code[3]}"
    return found


def shared() -> tuple[tuple[str, str], ...]:
    """Name the enhanced codes whose page is another's, each with it: those of a range."""
    return tuple((one, page) for one, page in _ranges().items() if one != page)


def place(key: str) -> str:
    """Give the path of a page. No such key is a KeyError."""
    return _places()[key]


def known(key: str) -> bool:
    """Whether there is a page of this key."""
    return key in _places()


def meant(written: str) -> str:
    """Give the key of what is written (`X.7.1`, `5.7.617`), or "" where there is none."""
    if known(written):
        return written
    code = _ENHANCED.fullmatch(written)
    if code is None:
        return ""
    if code[1] in "Xx" and code[2] in ENHANCED:
        return f"{ENHANCED[code[2]].usual}.{code[2]}"
    digits = "542" if code[1] in "Xx" else code[1]
    return next((p for d in digits if (p := _ranges().get(f"{d}.{code[2]}"))), "")


def nearest(written: str) -> tuple[str, ...]:
    """Give the keys that may be meant where there is no page of what is written."""
    return tuple(dict.fromkeys(_nearest(written)))[:_MOST]


def _nearest(written: str) -> Iterator[str]:
    code = _ENHANCED.fullmatch(written)
    if code is not None:
        subject = code[2].partition(".")[0]
        yield from (key for key in enhanced() if key[2:] == code[2])
        yield from get_close_matches(written, enhanced(), n=3)
        yield from (key for key in enhanced() if key[2:] == f"{subject}.0")
    elif re.fullmatch(r"[0-9]{1,4}", written):
        for start in (written[:2], written[:1]):
            yield from (key for key in basic() if start and key.startswith(start))
    else:
        yield from get_close_matches(written, every(), n=_MOST, cutoff=0.5)


# -- pairs ------------------------------------------------------------------------------------


def pair(path: str) -> tuple[str, str] | None:
    """Take `252-vs-554` apart; None where it names no two different pages."""
    one, between, other = path.partition(_BETWEEN)
    a, b = meant(one), meant(other)
    return (a, b) if between and a and b and a != b else None


def in_order(a: str, b: str) -> tuple[str, str]:
    """Give a pair in the order that it has on its page, which is that of `replies.compare`."""
    return (a, b) if _order(a) <= _order(b) else (b, a)


def pair_place(a: str, b: str) -> str:
    """Give the path of the page of a pair, in whatever order it is named."""
    a, b = in_order(a, b)
    return f"/compare/{a}{_BETWEEN}{b}"


def pair_rank(pair: tuple[str, str]) -> tuple[object, ...]:
    """Give by what pairs are sorted: their first, then their second."""
    return _order(pair[0]), _order(pair[1])


def _order(key: str) -> tuple[int, tuple[int, ...], str]:
    numbers = tuple(map(int, re.findall(r"[0-9]+", key))) if key[:1].isdigit() else ()
    kind = (not numbers) * 2 or int("." in key)
    return kind, (*numbers[-2:], *numbers[:-2]) if kind == 1 else numbers, key


@cache
def written_pairs() -> tuple[tuple[str, str], ...]:
    """Name the pairs that have sentences of their own, in their order."""
    return tuple(
        in_order(a, b)
        for name in texts.pair_names()
        for a, b in [_halves(name)]
        if known(a) and known(b)
    )


def _halves(name: str) -> tuple[str, str]:
    """Take `252-554` or `dkim-fail-spf-fail` apart."""
    parts = name.split("-")
    for at in range(1, len(parts)):
        a, b = "-".join(parts[:at]), "-".join(parts[at:])
        if known(a) and known(b):
            return a, b
    return "", ""
