"""A question and its answers, as they lie in the database between members. Pure.

An answer is a JSON object in parts: what a member of another version or somebody else has put there
is bounded, and read as what a stranger says.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Answer = Mapping[str, Any]

PART = 200_000  # octets of one part
MOST_PARTS = 20  # of the answer of one member
MOST = PART * MOST_PARTS  # octets
MOST_OF_ALL = 64_000_000  # octets of all answers to one question
ERROR = "error"  # in place of an answer
_MOST_ARGUMENTS = 100_000  # octets


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a verb, and more about it."""

    id: str
    verb: str
    arguments: Answer = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the other members said, by their names.

    `silent` are those who did not answer in time, or nothing that can be read. `away`: there was
    no asking anybody, the database is not there.
    """

    answers: Mapping[str, Answer] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    away: bool = False

    @property
    def alone(self) -> bool:
        """Whether there is no other member."""
        return not (self.answers or self.silent or self.away)


NOBODY = Heard()


def parts(answer: Answer) -> list[str]:
    """Write an answer in parts that are not too long; one that is too large as an error."""
    text = packed(answer)
    if len(text) > MOST:
        text = packed({ERROR: "too-large"})
    return [text[start : start + PART] for start in range(0, len(text), PART)]


def whole(read: Sequence[tuple[int, bool, str]]) -> Answer | None:
    """Put parts together (number, whether it is the last, text); None where that is no answer."""
    numbers = [number for number, _, _ in read]
    if not read or numbers != list(range(len(read))) or not read[-1][1]:
        return None
    answer = unpacked("".join(text for _, _, text in read))
    return None if answer is None or ERROR in answer else answer


def arguments(text: str) -> Answer | None:
    """Read the arguments of a question; None where they are none."""
    return unpacked(text) if len(text) <= _MOST_ARGUMENTS else None


def packed(value: Answer) -> str:
    """Write an object in ASCII: a letter is an octet, and none is one that no database takes."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def unpacked(text: str) -> Answer | None:
    """Read an object; None for anything else."""
    try:
        read = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def _no_number(name: str) -> float:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
