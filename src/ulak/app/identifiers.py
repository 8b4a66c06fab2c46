"""Ids of messages, sessions, incidents and refusals: short, and not to be guessed."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from ulak.replies import refusal

_DIGITS = refusal.ALPHABET
_TIME_DIGITS = 9  # milliseconds up to the year 3084
_CHANCE_DIGITS = 8  # 40 bits


def identifier(milliseconds: int, chance: int) -> str:
    """Make an id of 17 digits, in order of time: the time, then 40 bits of chance."""
    number = (milliseconds << (5 * _CHANCE_DIGITS)) | chance
    digits = []
    for _ in range(_TIME_DIGITS + _CHANCE_DIGITS):
        digits.append(_DIGITS[number & 31])
        number >>= 5
    return "".join(reversed(digits))


class Identifiers:
    """A maker of ids. Chance is drawn a block at a time: a system call an id would cost more."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._chance = b""
        self._at = 0

    def __call__(self) -> str:
        """Make the next id."""
        if self._at >= len(self._chance):
            self._chance, self._at = secrets.token_bytes(5 * 256), 0
        chance = int.from_bytes(self._chance[self._at : self._at + 5])
        self._at += 5
        return identifier(int(self._clock() * 1000), chance)


def refusal_id(chance: int) -> str:
    """Make the id of a refusal: nothing but chance, for anybody may ask about it."""
    return "".join(_DIGITS[chance >> (5 * place) & 31] for place in range(refusal.LENGTH))


def draw_refusal_id() -> str:
    """Draw the id of a refusal."""
    return refusal_id(secrets.randbits(5 * refusal.LENGTH))
