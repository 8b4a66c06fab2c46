"""What strangers say, made fit to be kept, shown and reported."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"[0-9]{1,15}")
_LONGEST = 300  # characters
# Control characters, and what turns the direction of writing or is no character by itself.
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+"
)


def one_line(text: str, longest: int = _LONGEST) -> str:
    """Give a text as one line of bounded length that can be shown."""
    shown = " ".join(_UNSAFE.sub(" ", text[: 4 * longest]).split())
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def number(text: str) -> int | None:
    """Read a whole number of at most 15 ASCII digits."""
    text = text.strip()
    return int(text) if _DIGITS.fullmatch(text) else None
