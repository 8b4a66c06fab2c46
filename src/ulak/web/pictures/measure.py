"""How wide words are, about: no font is at hand where a page is made.

The widths are those of a wide font (DejaVu), so that what fits here fits with nearly every other.
Lines are for a telephone: 300 pixels, what is left of 360 beside the margins of a page and a card.
"""

from __future__ import annotations

import unicodedata

WIDTH = 300  # pixels that every picture has at least
SIZE = 14  # of a letter
SMALL = 12  # of what is written in fixed width, and beside charts

_FIXED = 0.61  # of the size
_NARROW = dict.fromkeys("iljI.,:;'|!()[] ", 0.36) | dict.fromkeys('ftr-"/', 0.45)
_WIDE = dict.fromkeys("mwMW@%—…→", 0.98)
_CAPITAL, _OTHER = 0.72, 0.63
_NOTHING = frozenset({"Mn", "Me", "Cf"})
_BREAKS = " .:/-@_,;=+"


def width(text: str, size: float = SIZE, *, fixed: bool = False) -> float:
    """Give the width of a line in pixels, rather too much than too little."""
    return sum(_fixed(c) if fixed else _running(c) for c in text) * size


def cut(text: str, longest: int) -> str:
    """Cut to a number of characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def fitted(text: str, pixels: float, size: float = SIZE, *, fixed: bool = False) -> str:
    """Cut to a width."""
    return wrapped(text, pixels, size, lines=1, fixed=fixed)[0]


def wrapped(
    text: str, pixels: float, size: float = SIZE, *, lines: int = 2, fixed: bool = False
) -> list[str]:
    """Break into lines of a width, and cut what is more than so many; one line at least.

    A line is broken behind a space or a sign if there is one in its last two thirds.
    """
    rest = " ".join(text[: 400 * lines].split())
    found: list[str] = []
    while len(found) < lines:
        end = _end(rest, pixels, size, fixed=fixed)
        if end == len(rest):
            return [*found, rest]
        if len(found) == lines - 1:
            end = _end(rest, pixels - width("…", size, fixed=fixed), size, fixed=fixed)
            found.append(f"{rest[:end].rstrip()}…")
            break
        at = max(rest.rfind(sign, end // 3, end) for sign in _BREAKS)
        end = end if at < 0 or rest[end] == " " else at + 1
        found.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return found


def _end(text: str, pixels: float, size: float, *, fixed: bool) -> int:
    """Find how many characters fit: one at least, and no more marks upon one than three."""
    room, marks = pixels / size, 0
    for at, character in enumerate(text):
        each = _fixed(character) if fixed else _running(character)
        marks = marks + 1 if not each else 0
        room -= each
        if (room < 0 and at) or marks > _MOST_MARKS:
            return at
    return len(text)


_MOST_MARKS = 3


def _fixed(character: str) -> float:
    if character.isascii():
        return _FIXED
    return _FIXED * _cells(character)


def _running(character: str) -> float:
    if (known := _NARROW.get(character) or _WIDE.get(character)) is not None:
        return known
    if character.isascii():
        return _CAPITAL if character.isupper() else _OTHER
    cells = _cells(character)
    return cells * (_CAPITAL if character.isupper() else _OTHER)


def _cells(character: str) -> float:
    if unicodedata.category(character) in _NOTHING:
        return 0
    # A wide letter of East Asia is as wide as it is high.
    return 1.65 if unicodedata.east_asian_width(character) in "WF" else 1
